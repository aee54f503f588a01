"""From the `model` section to a network. Every parameter exists when `build_model` returns, so an optimizer sees all of them.

A network maps inputs (B, T, 3, H, W) from `inputs.make_inputs` to head name -> logits (B, T, 88), and says in
`context_frames` how many frames on either side its answer for a frame depends on, and in `head_names` which heads it has. It
answers in two steps: `see` says what each frame shows by itself, (B, T, ...), and `read` makes logits of that, so that frames
shared by two windows are seen once. All parameters of the velocity head, which a network may lack, lie in its module
`velocity`, made last: they move no other's start.
"""

from __future__ import annotations

import torch
from torch import nn

from tivit.core.strip import StripGeometry
from tivit.model.cnn_gru import CnnGru
from tivit.model.keyvivit import KeyVivit
from tivit.model.params import ModelParams
from tivit.model.vivit import PlainVivit

NETWORKS = {"key_vivit": KeyVivit, "vivit": PlainVivit, "cnn_gru": CnnGru}


def build_model(params: ModelParams, geometry: StripGeometry) -> nn.Module:
    """Return the network of `params.backend` for strips of `geometry`, freshly initialised from torch's random state.

    Raises
    ------
    InputError
        The sizes do not fit the strip.
    """
    return NETWORKS[params.backend](params, geometry).to(memory_format=torch.channels_last)


def parameter_count(model: nn.Module) -> int:
    """Return the number of trained values."""
    return sum(parameter.numel() for parameter in model.parameters())
