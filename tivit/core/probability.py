"""Probabilities and their logits."""

from __future__ import annotations

from typing import overload

import numpy as np


def sigmoid(logit: float | np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-logit)) in float64, by the hyperbolic tangent, which overflows nowhere."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logit, np.float64)))


@overload
def logit(probability: np.ndarray) -> np.ndarray: ...
@overload
def logit(probability: float) -> float: ...
def logit(probability: float | np.ndarray) -> float | np.ndarray:
    """Return log(p / (1 - p)); -inf for 0 and inf for 1."""
    with np.errstate(divide="ignore"):
        return np.log(probability) - np.log1p(-np.asarray(probability))
