"""The training loss: binary cross-entropy per head, and the figures by which validation compares checkpoints."""

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


def head_losses(logits: dict[str, Tensor], batch: Batch, params: TrainParams) -> dict[str, Tensor]:
    """Return the weighted loss of each head (scalars); their sum is what is minimised.

    Each is a mean over what its mask supervises, so keys out of view count in none. Onset and offset count positives
    `event_pos_weight` times, hand and clef weigh `attribute_weight`; a batch without labels gives an exact 0.

    Velocity / 128 is learned near onsets alone, as a sigmoid by cross-entropy (Kong et al. 2021, High-resolution piano
    transcription with pedals by regressing onset and offset times), so that it is a head like the others; it weighs
    `velocity_weight`. Hawthorne et al. (2019, Enabling factorized piano music modeling and generation with the MAESTRO dataset)
    use a squared error, also near onsets. Both are least at the mean; what is left of the cross-entropy there is no error.
    """
    weights = dict.fromkeys(ATTRIBUTE_HEADS, params.attribute_weight) | {VELOCITY: params.velocity_weight}
    losses = {}
    for name, rows in logits.items():
        values, target, mask = rows.float(), batch.targets[name], batch.masks[name]
        pos_weight = torch.tensor(params.event_pos_weight if name in TIMED_HEADS else 1.0, device=values.device)
        total = F.binary_cross_entropy_with_logits(values, target, weight=mask, pos_weight=pos_weight, reduction="sum")
        losses[name] = weights.get(name, 1.0) * total / mask.sum().clamp(min=1.0)
    return losses


def onset_average_precision(logits: np.ndarray, target: np.ndarray) -> float:
    """Return the average precision of onset frames, 0..1, free of any threshold.

    Area under the precision-recall curve as the sum of precision x change in recall (no interpolation). The frame nearest an
    onset is positive, the other frames of its triangle are left out; without any onset the result is 0.

    Parameters
    ----------
    logits, target : np.ndarray
        Of one shape; `target` from `make_targets`.
    """
    counted = (target >= PEAK) | (target == 0)
    scores, positive = logits[counted], target[counted] >= PEAK
    if not positive.any():
        return 0.0
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    precision = hits / np.arange(1, len(hits) + 1)
    return float(precision[positive[order]].mean())
