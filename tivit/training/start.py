"""The weights a training starts from: those of a checkpoint (`train.init`), when they fit the network that is to be trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from tivit.core.artifacts import md5_of
from tivit.core.errors import InputError
from tivit.core.strip import StripGeometry
from tivit.model.checkpoint import load_checkpoint
from tivit.model.params import BACKENDS, ModelParams

FREE = ("dropout",)
"""Values of the model section that weights do not depend on."""


@dataclass(frozen=True)
class Start:
    """Weights by name, and the MD5 of the file they come from (part of the run's fingerprint)."""

    weights: dict[str, Tensor]
    md5: str


def read_start(path: str, params: ModelParams, geometry: StripGeometry, fps: float) -> Start:
    """Return the weights in the checkpoint at `path`, read with `weights_only=True`.

    Raises
    ------
    InputError
        The file is missing or no checkpoint, or was trained with another model, strip raster or frame rate.
    """
    checkpoint = load_checkpoint(path)
    theirs = _facts(checkpoint.params, checkpoint.geometry, checkpoint.fps)
    ours = _facts(params, geometry, fps)
    for name, value in ours.items():
        if theirs.get(name, value) != value:
            raise InputError(
                f"{path}: was trained with {name} {theirs[name]}, params have {value}; they must agree (train.init)"
            )
    return Start(checkpoint.model.state_dict(), md5_of(path))


def _facts(params: ModelParams, geometry: StripGeometry, fps: float) -> dict[str, Any]:
    """Return params key -> value of all that weights depend on, the backend first; other backends' sizes are left out."""
    facts: dict[str, Any] = {"model.backend": params.backend}
    for name, value in asdict(params).items():
        if name == params.backend:
            facts |= {f"model.{name}.{inner}": size for inner, size in value.items()}
        elif name not in (*BACKENDS, *FREE):
            facts[f"model.{name}"] = value
    return facts | {f"strips.{name}": value for name, value in asdict(geometry).items()} | {"data.fps": fps}
