"""The weights a training starts from: those of a checkpoint (`train.init`), when they fit the network that is to be trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from tivit.core.artifacts import md5_of
from tivit.core.errors import InputError
from tivit.core.heads import VELOCITY
from tivit.core.strip import StripGeometry
from tivit.model.checkpoint import load_checkpoint
from tivit.model.params import BACKENDS, ModelParams

FREE = ("dropout", VELOCITY)
"""Values of the model section that weights do not depend on, or only those of the velocity head."""


@dataclass(frozen=True)
class Start:
    """Weights that a training starts from.

    Attributes
    ----------
    weights : dict[str, Tensor]
        By the names of the network's `state_dict`.
    md5 : str
        Of the file they come from; it is part of the run's fingerprint.
    """

    weights: dict[str, Tensor]
    md5: str


def read_start(path: str, params: ModelParams, geometry: StripGeometry, fps: float) -> Start:
    """Return the weights in a checkpoint, which is read with `weights_only=True`.

    Parameters
    ----------
    path : str
        The checkpoint.
    params : ModelParams
        The network that is to be trained.
    geometry : StripGeometry
        The raster of the strips it is trained on.
    fps : float
        Frames per second of these strips.

    Returns
    -------
    Start

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


def begin_with(model: nn.Module, start: Start) -> None:
    """Load the weights into a network, in place.

    Parameters
    ----------
    model : nn.Module
        A velocity head that the weights lack stays as it is.
    start : Start
        From `read_start`; a velocity head that the network lacks is left out.
    """
    model.load_state_dict({name: start.weights.get(name, value) for name, value in model.state_dict().items()})


def _facts(params: ModelParams, geometry: StripGeometry, fps: float) -> dict[str, Any]:
    """Return params key -> value of all that weights depend on, the backend first; other backends' sizes are left out."""
    facts: dict[str, Any] = {"model.backend": params.backend}
    for name, value in asdict(params).items():
        if name == params.backend:
            facts |= {f"model.{name}.{inner}": size for inner, size in value.items()}
        elif name not in (*BACKENDS, *FREE):
            facts[f"model.{name}"] = value
    return facts | {f"strips.{name}": value for name, value in asdict(geometry).items()} | {"data.fps": fps}
