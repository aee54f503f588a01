"""When the notes that were found begin and end, against the truth: bias, spread and a histogram.

All values are over the pairs of the onset score at 50 ms, all notes of a block together; late is positive. `onset_late_ms` and
`offset_late_ms` are medians (the bias), `onset_spread_ms` and `offset_spread_ms` distances between the quartiles (the spread:
half of the notes lie within it). Medians and quartiles are used because a few releases are seconds off, and a mean would be
made of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.notes import Notes

MS_PER_S = 1000.0
BIN_MS = 5
REACH_MS = 100
"""Width of a bin of the histogram, and how far it goes to either side."""
HISTOGRAM_COLUMNS = ("late_ms", "onsets", "offsets")


@dataclass(frozen=True)
class Timing:
    """How late the matched notes of one clip are.

    Attributes
    ----------
    onset_late_s, offset_late_s : np.ndarray
        Estimated minus true time (s) of the onsets and the offsets, (M,) each.
    """

    onset_late_s: np.ndarray
    offset_late_s: np.ndarray


def timing_of(reference: Notes, estimate: Notes, pairs: np.ndarray) -> Timing:
    """Return how late matched notes begin and end.

    Parameters
    ----------
    reference, estimate : Notes
        All notes of both sides.
    pairs : np.ndarray
        Matched indices into reference and estimate, int (M, 2).

    Returns
    -------
    Timing
    """
    truth, answer = reference.take(pairs[:, 0]), estimate.take(pairs[:, 1])
    return Timing(answer.onset_s - truth.onset_s, answer.offset_s - truth.offset_s)


def timing_values(timings: Sequence[Timing]) -> dict[str, float]:
    """Return bias and spread of onsets and offsets of all clips together.

    Parameters
    ----------
    timings : sequence of Timing
        One per clip.

    Returns
    -------
    dict[str, float]
        `onset_late_ms`, `onset_spread_ms`, `offset_late_ms` and `offset_spread_ms`; empty where no note was found.
    """
    result = {}
    for name, late_ms in (("onset", _late_ms(timings, "onset_late_s")), ("offset", _late_ms(timings, "offset_late_s"))):
        if len(late_ms):
            lower, middle, upper = np.percentile(late_ms, [25.0, 50.0, 75.0]).tolist()
            result[f"{name}_late_ms"] = middle
            result[f"{name}_spread_ms"] = upper - lower
    return result


def histogram_rows(timings: Sequence[Timing]) -> list[list[object]]:
    """Return a histogram of how late onsets and offsets are, all clips together.

    Parameters
    ----------
    timings : sequence of Timing
        One per clip.

    Returns
    -------
    list of list
        One row per 5 ms from -100 to 100 ms, columns `HISTOGRAM_COLUMNS`: the middle of the bin and the counts in it. A bin
        holds its lower edge. Onsets never lie outside; offsets farther away are counted in the outermost bins.
    """
    edges = np.arange(-REACH_MS, REACH_MS + BIN_MS, BIN_MS)
    counts = [
        np.histogram(np.clip(_late_ms(timings, name), edges[0], edges[-1]), edges)[0].tolist()
        for name in ("onset_late_s", "offset_late_s")
    ]
    return [[float(low + BIN_MS / 2), *row] for low, *row in zip(edges[:-1].tolist(), *counts, strict=True)]


def _late_ms(timings: Sequence[Timing], name: str) -> np.ndarray:
    return np.concatenate([np.zeros(0), *(getattr(timing, name) for timing in timings)]) * MS_PER_S
