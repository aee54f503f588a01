"""Makes the weights that come with the project from a trained checkpoint: float32 where that is small enough, else float16.

Float16 is a way to store them only: `load_checkpoint` copies the values into a float32 network.
"""

from __future__ import annotations

import tempfile
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError
from tivit.decoding.thresholds import read_thresholds, write_thresholds
from tivit.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tivit.pretrained.files import THRESHOLDS_NAME, WEIGHTS_NAME, Trained

MAX_BYTES = 1_500_000
"""Larger files do not belong into git."""


@dataclass(frozen=True)
class Exported:
    """The files that were written, their sizes in bytes, and how the weights are stored: float32 or float16."""

    files: Trained
    checkpoint_bytes: int
    thresholds_bytes: int
    dtype: str

    def sentence(self) -> str:
        """Return the closing lines for the user."""
        return (
            f"{self.files.checkpoint}: {self.checkpoint_bytes:,} bytes, {self.dtype}\n"
            f"{self.files.thresholds}: {self.thresholds_bytes:,} bytes"
        )


def export_weights(source: Trained, folder: Path, max_bytes: int = MAX_BYTES) -> Exported:
    """Write the checkpoint and thresholds of `source` to `folder`, atomically, the weights in `max_bytes` bytes at most.

    Raises
    ------
    InputError
        A file of `source` cannot be used, its weights do not fit even as float16, or float16 cannot hold one of them. Nothing
        is written then.
    """
    trained, thresholds = load_checkpoint(source.checkpoint), read_thresholds(source.thresholds)
    content, dtype = _bytes_of(trained), "float32"
    if len(content) > max_bytes:
        content, dtype = _bytes_of(_halved(trained, source.checkpoint)), "float16"
    if len(content) > max_bytes:
        raise InputError(
            f"{source.checkpoint}: its weights take {len(content):,} bytes as float16, and the project ships {max_bytes:,} "
            "at most; train a smaller model (model.dim)"
        )
    files = Trained(Path(folder) / WEIGHTS_NAME, Path(folder) / THRESHOLDS_NAME)
    write_bytes(files.checkpoint, content)
    write_thresholds(files.thresholds, thresholds)
    return Exported(files, len(content), files.thresholds.stat().st_size, dtype)


def _bytes_of(trained: Checkpoint) -> bytes:
    with tempfile.TemporaryDirectory(prefix="tivit-") as folder:
        path = Path(folder) / WEIGHTS_NAME
        save_checkpoint(path, trained)
        return path.read_bytes()


def _halved(trained: Checkpoint, path: Path) -> Checkpoint:
    model = deepcopy(trained.model).half()
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise InputError(f"{path}: {name} holds a value that is not a number of float16")
    return replace(trained, model=model)
