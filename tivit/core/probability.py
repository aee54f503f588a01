"""Probabilities and their logits, in float64."""

from __future__ import annotations

from typing import overload

import numpy as np


def sigmoid(logit: float | np.ndarray) -> np.ndarray:
    """Return the probabilities of logits, 1 / (1 + exp(-logit)).

    It is computed by the hyperbolic tangent, which overflows nowhere.

    Parameters
    ----------
    logit : float or ndarray
        Logits, of any shape; infinities are allowed.

    Returns
    -------
    ndarray of float64
        Probabilities, 0..1, of the same shape.
    """
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logit, np.float64)))


@overload
def logit(probability: np.ndarray) -> np.ndarray: ...
@overload
def logit(probability: float) -> float: ...
def logit(probability: float | np.ndarray) -> float | np.ndarray:
    """Return the logits of probabilities, log(p / (1 - p)).

    Parameters
    ----------
    probability : float or ndarray
        Probabilities, 0..1, of any shape.

    Returns
    -------
    float or ndarray
        Logits of the same shape; -inf for 0 and inf for 1.
    """
    with np.errstate(divide="ignore"):
        return np.log(probability) - np.log1p(-np.asarray(probability))
