"""How far a mean over clips would move with other clips: percentile bootstrap intervals.

Clips are drawn with replacement, as many as there are, 2,000 times; the interval of a metric lies between the 2.5th and the
97.5th percentile of its means (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13). The draws come from a
fixed seed, so equal scores give equal intervals. Clips are taken as independent. With fewer than about ten of them the interval
is too narrow, and with a single one there is none.
"""

from __future__ import annotations

import numpy as np

RESAMPLES = 2000
"""Times that clips are drawn."""
LEVEL = 0.95
"""Share of the means that lie within the interval."""
SEED = 20261122
"""Fixed, so that equal scores give equal intervals."""


def mean_intervals(values: np.ndarray) -> np.ndarray:
    """Return the interval of the mean over clips of each metric.

    Parameters
    ----------
    values : np.ndarray
        The metrics by clip, (C, M); NaN where a clip has no such value.

    Returns
    -------
    np.ndarray
        Lower and upper ends, (2, M), NaN where a metric has fewer than two values. A draw without any value of a metric is left
        out of the interval of that metric.
    """
    clips, metrics = values.shape
    has_value = ~np.isnan(values)
    if clips < 2:
        return np.full((2, metrics), np.nan)
    # How often each clip is drawn in each resample, (RESAMPLES, C): then all means are two matrix products.
    weights = np.random.default_rng(SEED).multinomial(clips, np.full(clips, 1.0 / clips), RESAMPLES).astype(np.float64)
    counts = weights @ has_value
    sums = weights @ np.where(has_value, values, 0.0)
    means = np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)  # (RESAMPLES, M)
    tail = 100.0 * (1.0 - LEVEL) / 2.0
    ends = np.full((2, metrics), np.nan)
    is_known = has_value.sum(axis=0) >= 2
    ends[:, is_known] = np.nanpercentile(means[:, is_known], [tail, 100.0 - tail], axis=0)
    return ends
