"""The training loss: binary cross-entropy per head, and the figure by which validation compares checkpoints."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tivit.core.heads import ATTRIBUTE_HEADS, VELOCITY
from tivit.training.data import Batch
from tivit.training.params import TrainParams

TIMED_HEADS = ("onset", "offset")
PEAK = 0.75
"""An onset target at least this high is the frame of the onset; lower, but not zero, are its neighbours."""


def supervised_counts(batch: Batch) -> dict[str, Tensor]:
    """Return how many values of each head are supervised.

    Parameters
    ----------
    batch : Batch

    Returns
    -------
    dict[str, Tensor]
        Head name -> scalar, at least 1: what the loss of the head is divided by.
    """
    return {name: mask.sum().clamp(min=1.0) for name, mask in batch.masks.items()}


def head_losses(
    logits: dict[str, Tensor], batch: Batch, params: TrainParams, counts: dict[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Return the weighted loss of each head; their sum is what is minimised.

    Parameters
    ----------
    logits : dict[str, Tensor]
        Head name -> logits (B, T, 88).
    batch : Batch
        Targets and masks of these windows.
    params : TrainParams
        The weights: `event_pos_weight` multiplies the positives of onset and offset, `attribute_weight` the loss of hand and
        clef, `velocity_weight` that of velocity.
    counts : dict[str, Tensor], optional
        `supervised_counts` of a batch of which this one is a part: then the losses of all parts add up to those of the whole.

    Returns
    -------
    dict[str, Tensor]
        Head name -> scalar, >= 0. Each is a mean over what its mask supervises, so keys out of view count in none; a batch
        without labels for a head gives an exact 0.

    Notes
    -----
    Velocity / 128 is learned near onsets alone, as a sigmoid by cross-entropy [1]_, so that it is a head like the others. A
    squared error, also near onsets, is the alternative [2]_. Both are least at the mean of the labels; the cross-entropy that
    remains there is not an error.

    References
    ----------
    .. [1] Kong et al. 2021, High-resolution piano transcription with pedals by regressing onset and offset times. .. [2]
    Hawthorne et al. 2019, Enabling factorized piano music modeling and generation with the MAESTRO dataset.
    """
    weights = dict.fromkeys(ATTRIBUTE_HEADS, params.attribute_weight) | {VELOCITY: params.velocity_weight}
    counts = supervised_counts(batch) if counts is None else counts
    losses = {}
    for name, rows in logits.items():
        values, target, mask = rows.float(), batch.targets[name], batch.masks[name]
        pos_weight = torch.tensor(params.event_pos_weight if name in TIMED_HEADS else 1.0, device=values.device)
        total = F.binary_cross_entropy_with_logits(values, target, weight=mask, pos_weight=pos_weight, reduction="sum")
        losses[name] = weights.get(name, 1.0) * total / counts[name]
    return losses


def onset_average_precision(logits: np.ndarray, target: np.ndarray) -> float:
    """Return the average precision of onset frames, which depends on no threshold.

    Parameters
    ----------
    logits : np.ndarray
        Any shape; only their order matters.
    target : np.ndarray
        Onset targets 0..1 from `make_targets`, of the same shape.

    Returns
    -------
    float
        0..1; 0 without any onset.

    Notes
    -----
    It is the area under the precision-recall curve as the sum of precision x change in recall, without interpolation. The frame
    nearest an onset is positive; the other frames of its triangle are left out.
    """
    counted = (target >= PEAK) | (target == 0)
    scores, positive = logits[counted], target[counted] >= PEAK
    if not positive.any():
        return 0.0
    order = np.argsort(-scores, kind="stable")
    # Recall changes only at a positive, by 1 / positives each time: so the sum is the mean of the precisions there.
    hits = np.cumsum(positive[order])
    precision = hits / np.arange(1, len(hits) + 1)
    return float(precision[positive[order]].mean())
