"""A network over a whole strip, in windows, in bounded memory.

Each window is read with `model.context_frames` more on both sides and only its own part of the answer is kept, so for networks
of bounded reach (`key_vivit`, `vivit`) the answer does not depend on the window length. At the ends of the clip a network sees
what it sees there in training: nothing beyond.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from tivit.core.errors import InputError
from tivit.core.heads import HEAD_NAMES
from tivit.core.keyboard import KEY_COUNT
from tivit.core.runtime import RuntimeParams
from tivit.model.inputs import background_of, clip_inputs
from tivit.model.setup import autocast


def predict_strip(
    model: nn.Module,
    frames: np.ndarray,
    runtime: RuntimeParams,
    window_frames: int,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Return raw logits of every frame of a strip: head name -> float32 (T, 88).

    Parameters
    ----------
    model : nn.Module
        From `load_checkpoint`, in `eval()` mode, on the device of `runtime` (call `prepare_torch` before).
    frames : np.ndarray
        uint8 (T, H, W), T >= 1; a memory map is read window by window.
    runtime : RuntimeParams
    window_frames : int
        Frames answered for in one pass; memory grows with it.
    on_progress : callable, optional
        Called with the number of frames just done.

    Raises
    ------
    InputError
        The strip has no frames.
    """
    total = len(frames)
    if total == 0:
        raise InputError("a strip without frames has no logits")
    device = next(model.parameters()).device
    background = background_of(frames)
    result = {name: np.empty((total, KEY_COUNT), np.float32) for name in HEAD_NAMES}
    for first in range(0, total, window_frames):
        end = min(first + window_frames, total)
        seen_first = max(first - model.context_frames, 0)
        seen_end = min(end + model.context_frames, total)
        inputs = clip_inputs(frames, background, seen_first, seen_end - seen_first).to(device)
        with torch.inference_mode(), autocast(runtime, device):
            outputs = model(inputs)
        for name, rows in result.items():
            rows[first:end] = outputs[name][0, first - seen_first : end - seen_first].float().cpu().numpy()
        if on_progress is not None:
            on_progress(end - first)
    return result
