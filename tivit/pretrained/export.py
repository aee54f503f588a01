"""Makes the weights that come with the project from a trained checkpoint: float32 where that is small enough, else float16.

Float16 is only a way to store them: `load_checkpoint` copies the values into a float32 network.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tivit.core.artifacts import md5_of, write_bytes
from tivit.core.errors import InputError
from tivit.core.outputs import refuse_file, refuse_folder
from tivit.decoding.thresholds import read_thresholds, write_thresholds
from tivit.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tivit.pretrained.card import card_of
from tivit.pretrained.files import Trained
from tivit.pretrained.names import CARD_NAME, RECIPE_NAME, THRESHOLDS_NAME, WEIGHTS_NAME
from tivit.pretrained.provenance import provenance_of
from tivit.pretrained.recipe import recipe_of, write_recipe

MAX_BYTES = 1_500_000
"""Larger files do not belong into git."""


@dataclass(frozen=True)
class Exported:
    """The files that were written.

    Attributes
    ----------
    files : dict[Path, int]
        File -> size in bytes, the weights first.
    dtype : str
        How the weights are stored: float32 or float16.
    """

    files: dict[Path, int]
    dtype: str

    def sentence(self) -> str:
        """Return the closing lines for the user: one per file."""
        lines = [f"{path}: {size:,} bytes" for path, size in self.files.items()]
        return "\n".join([f"{lines[0]}, {self.dtype}", *lines[1:]])


def export_weights(
    source: Trained, params: Mapping[str, Any], folder: Path, max_bytes: int = MAX_BYTES, replacing: bool = False
) -> Exported:
    """Write checkpoint, thresholds, recipe and card, each atomically.

    Parameters
    ----------
    source : Trained
        The trained checkpoint and the thresholds that were chosen for it.
    params : mapping
        The content of the params file that both were made with; the recipe keeps what a transcription needs of it.
    folder : Path
        Where the four files go.
    max_bytes : int
        The weights are stored as float16 when they take more than this as float32.
    replacing : bool
        Whether files that are there may be replaced.

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        A file of `source` or a section of `params` cannot be used, the weights do not fit even as float16, float16 cannot hold
        one of them, or one of the files is there and may not be replaced. Nothing is written then.
    """
    paths = [Path(folder) / name for name in (WEIGHTS_NAME, THRESHOLDS_NAME, RECIPE_NAME, CARD_NAME)]
    refuse_folder(Path(folder), "--out")
    for path in paths:
        refuse_file(path, replacing, "--out", "--replace", (source.checkpoint, source.thresholds), makes_folder=True)
    trained, thresholds, recipe = load_checkpoint(source.checkpoint), read_thresholds(source.thresholds), recipe_of(params)
    content, dtype = _bytes_of(trained), "float32"
    if len(content) > max_bytes:
        content, dtype = _bytes_of(_halved(trained, source.checkpoint)), "float16"
    if len(content) > max_bytes:
        raise InputError(
            f"{source.checkpoint}: its weights take {len(content):,} bytes as float16, and the project ships {max_bytes:,} "
            "at most; train a smaller model (model.dim)"
        )
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    facts = {
        "weights": f"`{WEIGHTS_NAME}`, {dtype}, {len(content):,} bytes, MD5 `{md5}`",
        "trained checkpoint": f"MD5 `{md5_of(source.checkpoint)}`",
        "thresholds": f"MD5 `{md5_of(source.thresholds)}`",
    }
    card = card_of(trained, facts, provenance_of(source))
    write_bytes(paths[0], content)
    write_thresholds(paths[1], thresholds)
    write_recipe(paths[2], recipe)
    write_bytes(paths[3], card.encode())
    return Exported({path: path.stat().st_size for path in paths}, dtype)


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
