"""What a network that only answers sees in the frames of one strip, by the shortest way.

The input channels (`inputs.make_inputs`) are sums of a frame, of the frame two before it, and of pictures that are the same for
the whole strip. So what the first convolution makes of them is a convolution of the two frames, plus one picture that is made
once. On a CPU this saves a sixth of the whole network, as three channels of floating-point numbers are neither written nor
read. Only rounding differs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tivit.model.background import Background
from tivit.model.inputs import CHANNELS, LOOKBACK_FRAMES, inputs_of
from tivit.model.keyvivit import KeyVivit, coarse_picture

Sight = Callable[[np.ndarray], Tensor]
"""Takes a window, uint8 (n + 2, H, W), from `inputs.window_of`; returns what `Network.see` returns, (1, n, ...)."""


def sight_of(model: nn.Module, background: Background) -> Sight:
    """Return the function by which a network sees the frames of a strip.

    Parameters
    ----------
    model : nn.Module
        A network in which batch norms are folded (`fold.folded`), or any other.
    background : Background
        The keyboard at rest.

    Returns
    -------
    Sight
        To be called in inference mode.
    """
    parameter = next(model.parameters())
    is_plain = not torch.is_autocast_enabled("cpu") and parameter.device.type == "cpu"
    if isinstance(model, KeyVivit) and is_plain and isinstance(model.stem.layers[1], nn.Identity):
        return _KeySight(model, background)
    return lambda window: model.see(inputs_of(window, background).to(parameter.device))


class _KeySight:
    """The sight of `key_vivit`."""

    def __init__(self, model: KeyVivit, background: Background) -> None:
        self._model, self._rest_of_stem = model, model.stem.layers[1:]
        # What the channels are made of is read off `make_inputs` itself, so that the two cannot differ.
        height, width = background.image.shape
        still = inputs_of(np.zeros((LOOKBACK_FRAMES + 1, height, width), np.uint8), background)[0]  # (1, 3, H, W)
        self._shares = _shares(background.contrast)  # (3, 2)
        first = model.stem.layers[0]
        self._weight = torch.einsum("oihw,ij->ojhw", first.weight, self._shares).contiguous(memory_format=torch.channels_last)
        self._options = (first.stride, first.padding)
        self._still = F.conv2d(still, first.weight, first.bias, *self._options)  # (1, C, H / 8, W / 4)
        self._coarse_still = coarse_picture(still.permute(0, 2, 3, 1))  # (1, H / 8, W / 8, 3)

    def __call__(self, window: np.ndarray) -> Tensor:
        pairs = _side_by_side(window[LOOKBACK_FRAMES:], window[:-LOOKBACK_FRAMES]).float()  # (n, H, W, 2)
        first = F.conv2d(pairs.permute(0, 3, 1, 2), self._weight, None, *self._options).add_(self._still)
        coarse = coarse_picture(pairs) @ self._shares.t() + self._coarse_still
        features = self._rest_of_stem(first)
        return self._model.sights(features, self._model.hand_view(coarse.permute(0, 3, 1, 2))).unsqueeze(0)


def _side_by_side(frames: np.ndarray, earlier: np.ndarray) -> Tensor:
    """Return two arrays of uint8 as one with a last axis of 2.

    Both are written as numbers of 16 bits, which is four times as fast as stacking them.
    """
    pairs = earlier.astype("<u2") << 8
    pairs |= frames
    return torch.from_numpy(pairs.view(np.uint8).reshape(*frames.shape, 2))


def _shares(contrast: float) -> Tensor:
    """Return what each input channel takes of a frame and of the frame two before it, (3, 2)."""
    dark = Background(np.zeros((1, 1), np.uint8), 0.0, contrast)
    shares = []
    for frame in (LOOKBACK_FRAMES, 0):
        window = np.zeros((LOOKBACK_FRAMES + 1, 1, 1), np.uint8)
        window[frame] = 1
        shares.append(inputs_of(window, dark).view(CHANNELS))
    return torch.stack(shares, dim=1)
