"""A network that goes on learning on one clip from what it is sure of there, so that it knows how a press looks in this room.

Every key shares one network, so presses that are plainly seen (at the side of the picture, in a good light) teach how the
faint ones look (straight below the camera). Batch norms keep the statistics they were trained with: a clip shows one room.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tivit.adaptation.labels import ClipLabels
from tivit.core.heads import EVENT_HEADS
from tivit.model.background import Background
from tivit.model.inputs import make_inputs, window_of

STEPS = 40
WINDOWS = 2
WINDOW_FRAMES = 32
LEARNING_RATE = 3e-4
"""A tenth of that of training, over forty steps of two windows: some ten seconds on two cores, whatever the clip's length."""
WARMUP_STEPS = 10
WEIGHT_DECAY = 0.01
GRADIENT_CLIP = 1.0
POSITIVE_WEIGHT = {"onset": 2.0, "offset": 2.0, "pitch": 1.0}
"""Training counts events three times; two keeps the number of notes where it was, so that precision does not fall."""
ONSET_SHARE = 0.9
"""Of the windows that hold a sure onset; the others lie anywhere."""
LEAST_NOTES = 80
"""A clip with fewer sure notes says too little about its room, and the network stays as it is: the development clips have 91 to
292; of seven rendered clips of ten seconds with 26 to 81, four lost up to 0.05 (docs/transfer.md)."""


def adapted(
    model: nn.Module,
    frames: np.ndarray,
    labels: ClipLabels,
    background: Background,
    on_step: Callable[[], object] = lambda: None,
) -> nn.Module:
    """Return a copy of a network, in `eval()` mode, adapted to a clip; the same input gives the same weights on a CPU.

    Parameters
    ----------
    model : nn.Module
        A trained network that can learn (not a folded one), in `eval()` mode.
    frames : np.ndarray
        The clip's strip, uint8 (T, H, W).
    labels : ClipLabels
        What is sure in the clip, from `sure_labels`.
    background : Background
        The keyboard at rest.
    on_step : callable, optional
        Called after each of the `STEPS` steps.
    """
    model = copy.deepcopy(model).eval()
    if len(labels.notes) < LEAST_NOTES or len(frames) < WINDOW_FRAMES:
        return model
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    rng = np.random.default_rng(0)
    for step in range(STEPS):
        warmth = min(1.0, (step + 1) / WARMUP_STEPS)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * warmth * (1.0 - step / STEPS)
        firsts = [_first_frame(rng, labels, len(frames)) for _ in range(WINDOWS)]
        loss = _loss(model, frames, firsts, labels, background, device)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_CLIP, error_if_nonfinite=True)
        optimizer.step()
        on_step()
    return model


def _first_frame(rng: np.random.Generator, labels: ClipLabels, frame_count: int) -> int:
    last = frame_count - WINDOW_FRAMES
    if rng.random() >= ONSET_SHARE:
        return int(rng.integers(0, last + 1))
    onset_frame = rng.choice(labels.grid.frame(labels.notes.onset_s))
    return int(np.clip(onset_frame - rng.integers(0, WINDOW_FRAMES), 0, last))


def _loss(
    model: nn.Module, frames: np.ndarray, firsts: list[int], labels: ClipLabels, background: Background, device: torch.device
) -> Tensor:
    """Return the sum over the event heads of the mean cross-entropy where each is supervised."""
    windows = torch.from_numpy(np.stack([window_of(frames, first, WINDOW_FRAMES) for first in firsts]))  # (B, T + 2, H, W)
    count = len(firsts)
    inputs = make_inputs(
        windows,
        torch.from_numpy(background.image).expand(count, -1, -1),
        torch.tensor([background.mean]).expand(count),
        torch.tensor([background.contrast]).expand(count),
    )
    outputs = model(inputs.to(device))  # head -> (B, T, 88)
    parts = [labels.window(first, WINDOW_FRAMES) for first in firsts]
    total = torch.zeros((), device=device)
    for name in EVENT_HEADS:
        target = torch.from_numpy(np.stack([targets.values[name] for targets, _ in parts])).to(device)
        mask = torch.from_numpy(np.stack([masks[name] for _, masks in parts])).float().to(device)
        weight = torch.tensor(POSITIVE_WEIGHT[name], device=device)
        summed = F.binary_cross_entropy_with_logits(
            outputs[name].float(), target, weight=mask, pos_weight=weight, reduction="sum"
        )
        total = total + summed / mask.sum().clamp(min=1.0)
    return total
