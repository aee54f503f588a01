"""How far a mean over clips may be off by the choice of clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DRAWS, SEED, SHARE = 2000, 0, 0.95


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `values` (N,), N >= 1: percentiles over 2,000 samples with replacement.

    The percentile bootstrap of Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13; seeded, so that equal
    values have equal intervals. It covers which clips were taken, not how the model was trained.
    """
    values = np.asarray(values, np.float64)
    chosen = np.random.default_rng(SEED).integers(0, len(values), (DRAWS, len(values)))
    low, high = np.percentile(values[chosen].mean(axis=1), [50 * (1 - SHARE), 50 * (1 + SHARE)])
    return float(low), float(high)
