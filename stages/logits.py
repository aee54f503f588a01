"""Run the trained model over strips and write its raw logits, one file per split; keys out of view are silent."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

from tivit.core.disk_rows import Scratch
from tivit.core.logits import kept, write_logits
from tivit.core.manifest import Clip, read_manifest
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import open_strips
from tivit.inference.load import checkpoint_for
from tivit.inference.params import LogitsParams, recorded
from tivit.inference.predict import network_heads, split_logits, spread_over_tiers
from tivit.inference.spread import is_spread, spread_logits
from tivit.model.setup import prepare_torch

log = logging.getLogger("tivit.logits")
CHECKPOINT, OUT = Path("data/model/best.pt"), Path("data/logits")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write data/logits/<split>.npz for every split of `logits.splits`; a file that lacks clips of its split says which.

    Parameters
    ----------
    params : dict
        The params file; section `logits` is read.
    runtime : RuntimeParams
        Device and precision of the forward pass, and its threads or, on a CPU, its workers.
    """
    started_s = time.monotonic()
    logits = section(params, "logits", LogitsParams)
    device = prepare_torch(runtime)
    strips, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    checkpoint = checkpoint_for(strips, CHECKPOINT)
    for path in OUT.glob("*.npz"):
        if path.stem not in logits.splits:
            path.unlink()  # left by a run by hand with other splits: the stages after this one would take it for today's
    orders = [spread_over_tiers(manifest.of_split(split))[: logits.max_clips] for split in logits.splits]
    clips, total = _until_time_is_up(orders, started_s, logits.timeout_s), sum(map(len, orders))
    if is_spread(runtime) and total > 1:
        found = spread_logits(strips, clips, total, CHECKPOINT, runtime, logits.window_frames)
    else:
        frames = sum(strips.grids[clip.clip_id].length for clip in chain(*orders) if clip.clip_id in strips.grids)
        method = network_heads(checkpoint.model.to(device), checkpoint.geometry, runtime, logits.window_frames)
        found = split_logits(strips, clips, frames, method, "logits")
    scratch = Scratch(OUT)  # what is kept in memory would grow with the video
    with closing(found):  # so that on a full disk the progress bar ends before the sentence that says so
        reached = {answer.clip_id: kept(answer, scratch) for answer in found}
    for split in logits.splits:
        ids = [clip.clip_id for clip in manifest.of_split(split)]
        answers = [reached[clip_id] for clip_id in ids if clip_id in reached]
        missing = [clip_id for clip_id in ids if clip_id not in reached]
        write_logits(OUT / f"{split}.npz", answers, missing, {"logits": recorded(logits)})
        if missing:
            bounds = "logits.max_clips, logits.timeout_s"
            log.warning("logits %s: partial, %d of %d clips (%s)", split, len(answers), len(ids), bounds)
        else:
            log.info("logits %s: %d clips", split, len(answers))


def _until_time_is_up(orders: Sequence[Sequence[Clip]], started_s: float, timeout_s: float | None) -> Iterator[Clip]:
    """Yield the clips of each split while its even share of the time lasts, and its first one in any case."""
    for done, order in enumerate(orders):
        now_s = time.monotonic()
        left_s = math.inf if timeout_s is None else max(started_s + timeout_s - now_s, 0.0)
        until_s = now_s + left_s / (len(orders) - done)
        for place, clip in enumerate(order):
            if place and time.monotonic() >= until_s:
                break
            yield clip


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
