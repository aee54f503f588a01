"""From the `model` section to a network.

Every parameter exists when `build_model` returns, so an optimizer that is made then sees all of them. A backend is a module
with a class that keeps the contract of `network.Network`, a line in `NETWORKS`, and sizes of its own in `params`.
"""

from __future__ import annotations

import torch
from torch import nn

from tivit.core.strip import StripGeometry
from tivit.model.cnn_gru import CnnGru
from tivit.model.keyvivit import KeyVivit
from tivit.model.network import Network
from tivit.model.params import ModelParams
from tivit.model.vivit import PlainVivit

NETWORKS: dict[str, type[Network]] = {"key_vivit": KeyVivit, "vivit": PlainVivit, "cnn_gru": CnnGru}


def build_model(params: ModelParams, geometry: StripGeometry) -> nn.Module:
    """Return the network of `params.backend` for strips of `geometry`, freshly initialised from torch's random state.

    Parameters
    ----------
    params : ModelParams
        The `model` section.
    geometry : StripGeometry
        The raster of the strips that the network will read.

    Returns
    -------
    nn.Module
        A network that keeps the contract `network.Network`, on the CPU, its weights in the `channels_last` layout.

    Raises
    ------
    InputError
        The sizes do not fit the strip.
    """
    return NETWORKS[params.backend](params, geometry).to(memory_format=torch.channels_last)


def parameter_count(model: nn.Module) -> int:
    """Return how many trained values a network has."""
    return sum(parameter.numel() for parameter in model.parameters())
