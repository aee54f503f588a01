"""Rescale raw logits by the key of the music: data/logits -> data/decoded, and the key over time as tables and a plot."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
import logging
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from tivit.core import params as params_file
from tivit.core.arrays import Pieces, write_npz
from tivit.core.artifacts import remove_leftovers, write_csv
from tivit.core.disk_rows import DiskRows, Scratch
from tivit.core.errors import InputError
from tivit.core.logits import ClipLogits, kept, read_logits, write_logits
from tivit.core.run.runtime import RuntimeParams
from tivit.theory.key import DecodeParams, clip_posterior, recorded, rescored
from tivit.theory.profiles import KEY_NAMES
from tivit.theory.track import DECIMALS, PLOT_CLIPS, PLOT_COLUMNS, TRACK_COLUMNS, plot_rows, track_rows

SPLITS = ("val", "test")
PLOTTED_SPLIT = "test"
OUT = Path("data/decoded")
log = logging.getLogger("tivit.decode")


def run(params: dict, runtime: RuntimeParams) -> None:
    """Write data/decoded/{val,test}.npz, metrics/plots/key_posterior.csv and, if asked for, the key beside each npz.

    A split without logits (`logits.splits`) is left out. The plot's table has no rows when the key was not asked for or the
    test split is left out, because DVC expects every declared file.

    Parameters
    ----------
    params : dict
        The params file; section `decode` is read.
    runtime : RuntimeParams
        Not used.
    """
    settings = params_file.section(params, "decode", DecodeParams)
    shown = []
    splits = [split for split in SPLITS if Path(f"data/logits/{split}.npz").exists()]
    if not splits:
        raise InputError(f"data/logits: no logits of {' or '.join(SPLITS)}; the stage logits makes them (logits.splits)")
    for path in OUT.glob("*"):
        if not path.name.startswith(".") and path.stem.removesuffix("_key") not in splits:
            path.unlink()  # left by a run by hand: a stage after this one would take it for today's
    remove_leftovers(OUT)
    for split in splits:
        clips = read_logits(f"data/logits/{split}.npz")
        scratch, decoded, posteriors = Scratch(OUT), [], []
        for clip in clips:
            posterior = clip_posterior(clip, settings)
            decoded.append(kept(rescored(clip, posterior, settings), scratch))
            posteriors.append(scratch.keep(posterior))
        write_logits(OUT / f"{split}.npz", decoded, clips.missing, {**clips.settings, "decode": recorded(settings)})
        if settings.save_key_posterior:
            _write_key(OUT / f"{split}_key", clips, posteriors)
            if split == PLOTTED_SPLIT:
                pairs = list(zip(clips, posteriors, strict=True))[:PLOT_CLIPS]
                shown = [(clip.clip_id, clip.grid, posterior[:]) for clip, posterior in pairs]
        log.info("decode %s: %d clips, lambda_key %g", split, len(clips), settings.lambda_key)
        if clips.partial:
            log.warning("decode %s: partial, %d clips of the split have no logits", split, len(clips.missing))
    write_csv("metrics/plots/key_posterior.csv", PLOT_COLUMNS, plot_rows(shown), DECIMALS)


def _write_key(path: Path, clips: Sequence[ClipLogits], posteriors: Sequence[DiskRows]) -> None:
    """Write `path`.npz, the posterior of every frame, and `path`.csv, the best two keys over time."""
    shape = (sum(map(len, posteriors)), len(KEY_NAMES))
    lengths = np.array([len(posterior) for posterior in posteriors], np.int64)
    arrays: dict[str, np.ndarray | Pieces] = {
        "clip_id": np.array([clip.clip_id for clip in clips], dtype=np.str_),
        "start": np.cumsum(lengths) - lengths,
        "length": lengths,
        "key_name": np.array(KEY_NAMES, dtype=np.str_),
        "posterior": Pieces(shape, np.dtype(np.float32), (posterior[:] for posterior in posteriors)),
    }
    write_npz(path.with_suffix(".npz"), arrays)
    pairs = zip(clips, posteriors, strict=True)
    rows = chain.from_iterable(track_rows(clip.clip_id, clip.grid, posterior[:]) for clip, posterior in pairs)
    write_csv(path.with_suffix(".csv"), TRACK_COLUMNS, rows, DECIMALS)


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
