"""Rescale raw logits by the key of the music: data/logits -> data/decoded."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tivit.core import params as params_file
from tivit.core.artifacts import write_npz
from tivit.core.logits import ClipLogits, read_logits, write_logits
from tivit.core.runtime import RuntimeParams
from tivit.core.stage import run_stage
from tivit.theory.key import DecodeParams, clip_posterior, rescored
from tivit.theory.profiles import KEY_NAMES

SPLITS = ("val", "test")
log = logging.getLogger("tivit.decode")


def run(params: dict, runtime: RuntimeParams) -> None:
    """Write data/decoded/{val,test}.npz and, if asked for, the key posterior beside each."""
    settings = params_file.section(params, "decode", DecodeParams)
    for split in SPLITS:
        clips = read_logits(f"data/logits/{split}.npz")
        posteriors = [clip_posterior(clip, settings) for clip in clips]
        decoded = [rescored(clip, posterior, settings) for clip, posterior in zip(clips, posteriors, strict=True)]
        write_logits(f"data/decoded/{split}.npz", decoded, clips.missing)
        if settings.save_key_posterior:
            _write_posterior(Path(f"data/decoded/{split}_key.npz"), clips, posteriors)
        log.info("decode %s: %d clips, lambda_key %g", split, len(clips), settings.lambda_key)
        if clips.partial:
            log.warning("decode %s: partial, %d clips of the split have no logits", split, len(clips.missing))


def _write_posterior(path: Path, clips: Sequence[ClipLogits], posteriors: list[np.ndarray]) -> None:
    lengths = np.array([len(posterior) for posterior in posteriors], np.int64)
    arrays = {
        "clip_id": np.array([clip.clip_id for clip in clips], dtype=np.str_),
        "start": np.cumsum(lengths) - lengths,
        "length": lengths,
        "key_name": np.array(KEY_NAMES, dtype=np.str_),
        "posterior": np.concatenate(posteriors or [np.zeros((0, len(KEY_NAMES)))]).astype(np.float32),
    }
    write_npz(path, arrays)


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
