"""A checkpoint for the strips it is to read."""

from __future__ import annotations

from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.strip import StripFolder
from tivit.model.checkpoint import Checkpoint, load_checkpoint


def checkpoint_for(strips: StripFolder, path: Path | str) -> Checkpoint:
    """Return a checkpoint that fits strips.

    Parameters
    ----------
    strips : StripFolder
        The strips it is to read.
    path : Path or str
        The checkpoint.

    Returns
    -------
    Checkpoint

    Raises
    ------
    InputError
        The checkpoint cannot be used, or was trained on strips of another raster.
    """
    checkpoint = load_checkpoint(path)
    if checkpoint.geometry != strips.geometry:
        raise InputError(f"{path} was trained on {checkpoint.geometry}, {strips.root} holds {strips.geometry}")
    return checkpoint
