"""Strip frames -> what the networks see: one function for training and inference, so that the two cannot differ.

There are three channels, all in units of the clip's own contrast (standard deviation of its background):
0. the frame, minus the mean of the background;
1. `GAIN` x (frame - background): what moved away from the resting keyboard;
2. `GAIN` x (frame t - frame t-2): what moves now.
The background (`background.py`) is the keyboard at rest, without hands.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tivit.model.background import Background

CHANNELS = 3
"""Input channels of every network: those of the module docstring."""
LOOKBACK_FRAMES = 2
"""Frames before a window that its first frame needs."""
GAIN = 3.0
"""What differences are multiplied by: a press changes a picture by much less than its contrast."""


def window_of(frames: np.ndarray, first_frame: int, length: int, step: float = 1.0) -> np.ndarray:
    """Return the frames of a window, with the `LOOKBACK_FRAMES` before it that its first frames need.

    Beyond the ends of the clip its first or last frame is repeated.

    Parameters
    ----------
    frames : np.ndarray
        A strip, uint8 (T, H, W); a memory map is read at the window only.
    first_frame : int
        First frame of the window itself.
    length : int
        Frames of the window.
    step : float
        Frames of the strip per frame of the window; where that leads to a fraction, the nearest frame is taken.

    Returns
    -------
    np.ndarray
        uint8 (length + 2, H, W): frames `first_frame - 2` .. `first_frame + length - 1` for a `step` of 1.
    """
    index = first_frame + np.rint(np.arange(-LOOKBACK_FRAMES, length) * step).astype(np.int64)
    index = index.clip(0, len(frames) - 1)
    stretch = np.asarray(frames[index[0] : index[-1] + 1])
    return stretch if len(stretch) == len(index) else stretch[index - index[0]]


def make_inputs(windows: Tensor, backgrounds: Tensor, means: Tensor, contrasts: Tensor) -> Tensor:
    """Return the input channels of a batch of windows.

    Parameters
    ----------
    windows : Tensor
        uint8 or float (B, T + 2, H, W), grey levels, from `window_of`.
    backgrounds : Tensor
        uint8 or float (B, H, W), grey levels.
    means, contrasts : Tensor
        float (B,) each, grey levels: mean and contrast of the backgrounds.

    Returns
    -------
    Tensor
        float32 (B, T, 3, H, W), the channels innermost in memory (`channels_last`), which convolutions on a CPU want.
    """
    batch, length, height, width = windows.shape
    frames = length - LOOKBACK_FRAMES
    scale = (1.0 / contrasts.float()).view(-1, 1, 1, 1)
    grey = windows.float() * scale  # (B, T + 2, H, W), in units of the contrast
    moved = grey * GAIN
    still = backgrounds.float().unsqueeze(1) * (GAIN * scale)  # (B, 1, H, W)
    # Each channel is written where it belongs in memory: stacking them and changing the layout would copy everything twice.
    inputs = grey.new_empty(batch, frames, height, width, CHANNELS)
    torch.sub(grey[:, LOOKBACK_FRAMES:], means.float().view(-1, 1, 1, 1) * scale, out=inputs[..., 0])
    torch.sub(moved[:, LOOKBACK_FRAMES:], still, out=inputs[..., 1])
    torch.sub(moved[:, LOOKBACK_FRAMES:], moved[:, :-LOOKBACK_FRAMES], out=inputs[..., 2])
    return inputs.permute(0, 1, 4, 2, 3)


def inputs_of(window: np.ndarray, background: Background) -> Tensor:
    """Return the input channels of one window, as a batch of one.

    Parameters
    ----------
    window : np.ndarray
        uint8 (length + 2, H, W), from `window_of`: the frames with the two before them.
    background : Background
        Of the strip they are from.

    Returns
    -------
    Tensor
        float32 (1, length, 3, H, W).
    """
    return make_inputs(
        torch.from_numpy(window.copy()).unsqueeze(0),
        torch.from_numpy(background.image.copy()).unsqueeze(0),
        torch.tensor([background.mean]),
        torch.tensor([background.contrast]),
    )
