"""The checkpoint file: weights with all that is needed to use them (model section, heads, strip geometry, fps, seed).

It is written atomically and equal content gives equal bytes. It is read with `weights_only=True`, so a file from elsewhere
cannot run code, and it cannot ask for more memory than fits its own size.
"""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError
from tivit.core.heads import head_names
from tivit.core.params import section
from tivit.core.strip import StripGeometry
from tivit.model.build import build_model, parameter_count
from tivit.model.params import BACKENDS, ModelParams

FORMAT = "tivit checkpoint"
VERSION = 4
"""Version of the files that are written."""
READABLE = (3, VERSION)
"""Files of version 3 also hold the sizes of backends that they do not use."""

LEAST_BYTES = 2
"""Of a stored value: float16."""


@dataclass(frozen=True)
class Checkpoint:
    """A network and what it was trained on.

    Attributes
    ----------
    model : nn.Module
        In `eval()` mode.
    params : ModelParams
        The `model` section it was built from.
    geometry : StripGeometry
        The raster of the strips it was trained on.
    fps : float
        Frames per second of those strips.
    seed : int
        The seed of the training.
    step : int
        The training step that the weights come from.
    """

    model: nn.Module
    params: ModelParams
    geometry: StripGeometry
    fps: float
    seed: int
    step: int


def save_checkpoint(path: Path | str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically; equal content gives equal bytes.

    Parameters
    ----------
    path : Path or str
        The file to write.
    checkpoint : Checkpoint
        Its weights are written from the CPU, wherever the network lies.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in checkpoint.model.state_dict().items()}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "heads": list(head_names(checkpoint.params.velocity)),
        "model": {name: value for name, value in asdict(checkpoint.params.of_backend()).items() if value is not None},
        "geometry": asdict(checkpoint.geometry),
        "fps": checkpoint.fps,
        "seed": checkpoint.seed,
        "step": checkpoint.step,
        "weights": weights,
    }
    write_bytes(path, to_bytes(content))


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Return the checkpoint in a file, the network on the CPU and in `eval()` mode.

    Parameters
    ----------
    path : Path or str
        A file that `save_checkpoint` wrote.

    Returns
    -------
    Checkpoint
        Its params hold the sizes of its own backend alone; those of the others are None.

    Raises
    ------
    InputError
        The file is missing, is no checkpoint of this project and version, or its weights do not fit its model section or are
        not all finite.
    """
    content = read_torch(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: not a checkpoint of this project")
    if content.get("version") not in READABLE:
        versions = " and ".join(map(str, READABLE))
        raise InputError(f"{path}: a checkpoint of version {content.get('version')}; this program reads versions {versions}")
    try:
        params = section({"model": dict.fromkeys(BACKENDS) | content["model"]}, "model", ModelParams).of_backend()
        geometry = section(content, "geometry", StripGeometry)
        _check_size(path, params, geometry)
        model = build_model(params, geometry)
        model.load_state_dict(content["weights"])
        fps, seed, step = float(content["fps"]), int(content["seed"]), int(content["step"])
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError, AttributeError) as error:
        raise InputError(f"{path}: a damaged checkpoint ({' '.join(str(error).split())})") from None
    expected = list(head_names(params.velocity))
    if content.get("heads") != expected:
        raise InputError(f"{path}: has heads {content.get('heads')}, expected {expected}")
    bad = next((name for name, value in model.state_dict().items() if not torch.isfinite(value).all()), None)
    if bad is not None:
        raise InputError(f"{path}: {bad} holds a value that is not finite, so its answers would be no numbers; train again")
    return Checkpoint(model.eval(), params, geometry, fps, seed, step)


def _check_size(path: Path | str, params: ModelParams, geometry: StripGeometry) -> None:
    """Raise ValueError where the network of a model section would be larger than the weights that the file can hold."""
    with torch.device("meta"):  # takes no memory
        values = parameter_count(build_model(params, geometry))
    if values * LEAST_BYTES > Path(path).stat().st_size:
        raise ValueError(f"its network has {values:,} values, more than the file can hold")


def to_bytes(content: dict[str, Any]) -> bytes:
    """Return the bytes that `torch.save` makes of something.

    They come from a buffer and not from a file, because torch would write the name of the file into the archive.

    Parameters
    ----------
    content : dict
        Plain data and tensors.

    Returns
    -------
    bytes
        Equal content gives equal bytes.
    """
    buffer = io.BytesIO()
    torch.save(_rebuilt(content), buffer)
    return buffer.getvalue()


def _rebuilt(value: Any) -> Any:
    """Return a copy in which equal texts are one object and nothing else is: pickle writes what occurs again in another way."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()  # the strides stay: fused AdamW needs those of the weights in its averages
    if isinstance(value, Mapping):
        return {_rebuilt(key): _rebuilt(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_rebuilt(item) for item in value)
    return sys.intern(value) if isinstance(value, str) else value


def read_torch(path: Path | str) -> Any:
    """Return what `torch.load(weights_only=True)` reads, its tensors on the CPU.

    Parameters
    ----------
    path : Path or str
        A file that `torch.save` wrote.

    Returns
    -------
    object
        The content, unchecked.

    Raises
    ------
    InputError
        The file is missing, damaged, or holds more than plain data and tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # torch compresses nothing, so a part that is larger than the file can only be meant to fill the memory.
            if sum(part.file_size for part in archive.infolist()) > Path(path).stat().st_size:
                raise ValueError("its parts are larger than the file")
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except pickle.UnpicklingError:
        # What torch says here advises a switch with which the file may run code.
        raise InputError(
            f"{path}: not a readable checkpoint: it holds more than numbers and texts, or is damaged; it could run code, "
            "so it is not read"
        ) from None
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).split("\n")[0]
        raise InputError(f"{path}: not a readable checkpoint ({reason})") from None
