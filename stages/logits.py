"""Run the trained model over strips and write its raw logits, one file per split; keys out of view are silent."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tivit.core.logits import write_logits
from tivit.core.manifest import read_manifest
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.run.stage import run_stage
from tivit.core.strip import open_strips
from tivit.inference.load import checkpoint_for
from tivit.inference.params import LogitsParams, recorded
from tivit.inference.predict import network_heads, split_logits, spread_over_tiers
from tivit.model.setup import prepare_torch

log = logging.getLogger("tivit.logits")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write data/logits/<split>.npz for every split of `logits.splits`; a file that lacks clips of its split says which.

    Parameters
    ----------
    params : dict
        The params file; section `logits` is read.
    runtime : RuntimeParams
        Device, threads and precision of the forward pass.
    """
    started_s = time.monotonic()
    logits = section(params, "logits", LogitsParams)
    device = prepare_torch(runtime)
    strips, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    checkpoint = checkpoint_for(strips, "data/model/best.pt")
    heads_of = network_heads(checkpoint.model.to(device), checkpoint.geometry, runtime, logits.window_frames)
    for path in Path("data/logits").glob("*.npz"):
        if path.stem not in logits.splits:
            path.unlink()  # left by a run by hand with other splits: the stages after this one would take it for today's
    for done, split in enumerate(logits.splits):
        clips = manifest.of_split(split)
        time_is_up = _time_is_up(started_s, len(logits.splits) - done, logits.timeout_s)
        order = spread_over_tiers(clips)[: logits.max_clips]
        reached = {answer.clip_id: answer for answer in split_logits(strips, order, heads_of, f"logits {split}", time_is_up)}
        answers = [reached[clip.clip_id] for clip in clips if clip.clip_id in reached]
        missing = [clip.clip_id for clip in clips if clip.clip_id not in reached]
        write_logits(f"data/logits/{split}.npz", answers, missing, {"logits": recorded(logits)})
        if missing:
            bounds = "logits.max_clips, logits.timeout_s"
            log.warning("logits %s: partial, %d of %d clips (%s)", split, len(answers), len(clips), bounds)


def _time_is_up(started_s: float, splits_left: int, timeout_s: float | None) -> Callable[[], bool]:
    """Return what says whether the next split has used its even share of the time left, on the clock `time.monotonic`."""
    if timeout_s is None:
        return lambda: False
    now_s = time.monotonic()
    until_s = now_s + max(started_s + timeout_s - now_s, 0.0) / splits_left
    return lambda: time.monotonic() >= until_s


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
