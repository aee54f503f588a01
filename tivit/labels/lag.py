"""The lag between the labels and the video of a clip: one constant, estimated from its strip, with a confidence.

A note that is labelled t is seen at t + lag. The mean of what is seen around labelled onsets and releases
(`tivit.labels.activity`), as a function of the shift, peaks where labels and video agree. `tests/benchmarks/lag.py` measures
how well that works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.timegrid import TimeGrid
from tivit.labels.activity import STEP_S, Events, seen_around

BEYOND_S = 0.2
"""Lags are tried so far beyond the largest one: a peak out there is refused, and else a lesser one nearer would be taken."""
APART_S = 0.08
"""A second peak nearer than this (s) to the highest counts as the same one."""
LEAST_NOTES = 8
"""With fewer notes than this the confidence is 0, since a standard error over so few means little."""


@dataclass(frozen=True)
class Lag:
    """A lag that is the same everywhere in a clip.

    Attributes
    ----------
    lag_s : float
        By how much the labels are early (s, to 0.1 ms): positive where the video shows each onset later than its label says.
    confidence : float
        By how many standard errors over notes the highest peak exceeds the next one, from 0 on; 0 with fewer notes than
        `LEAST_NOTES`.
    notes : int
        How many notes it is made from: those whose onset lies inside the clip.
    """

    lag_s: float
    confidence: float
    notes: int


def constant_lag(
    change: np.ndarray,
    grid: TimeGrid,
    kinds: Sequence[Events],
    largest_s: float,
    line_s: Sequence[np.ndarray | float] = (0.0, 0.0),
) -> Lag:
    """Return by how much labels are early.

    Parameters
    ----------
    change : ndarray of float32, shape (T - 1, 88)
        How much each key changes from frame to frame.
    grid : TimeGrid
        The T instants of the strip.
    kinds : sequence of Events
        Onsets and releases. Those nearer than `largest_s` + 0.2 s to an end of the clip are left out.
    largest_s : float
        Lags up to 0.2 s beyond this are looked for (s).
    line_s : sequence of float or ndarray of float, shape (E,)
        What is added to the times of each kind beforehand (s).

    Returns
    -------
    Lag
        The lag; 0 with confidence 0 where no onset can be used, since releases alone are too slow to be believed.
    """
    reach_steps = round((largest_s + BEYOND_S) / STEP_S)
    shifts_s = np.arange(-reach_steps, reach_steps + 1) * STEP_S
    margin_s = shifts_s[-1] + STEP_S
    placed = [Events(events.time_s + by_s, events.key, events.weight) for events, by_s in zip(kinds, line_s, strict=True)]
    placed = [events.inside(grid, margin_s) for events in placed]
    count = len(placed[0])
    if count == 0:
        return Lag(0.0, 0.0, 0)
    parts = [events.weight * seen_around(change, grid, events, shifts_s) for events in placed if len(events)]  # (E, S)
    lag_s, confidence = _highest_peak(parts, shifts_s)
    return Lag(round(lag_s, 4), confidence if count >= LEAST_NOTES else 0.0, count)


def excess(parts: Sequence[np.ndarray]) -> float:
    """Return by how many standard errors the sum of means lies above 0.

    Parameters
    ----------
    parts : sequence of ndarray of float, shape (E,)
        Values of the events of each kind.

    Returns
    -------
    float
        The sum of the means of all parts over its standard error, at least 0; 0 where the values do not vary.
    """
    error = np.sqrt(sum(item.var() / len(item) for item in parts))
    return max(0.0, float(sum(item.mean() for item in parts) / error)) if error > 0 else 0.0


def _highest_peak(parts: list[np.ndarray], shifts_s: np.ndarray) -> tuple[float, float]:
    """Return where the sum of the means of `parts` (each (E, S)) is highest (s), and the confidence in it."""
    seen = sum(part.mean(axis=0) for part in parts)
    best = 1 + int(np.argmax(seen[1:-1]))
    # The apex of a parabola through the peak and its neighbours, at most one step away.
    left, peak, right = seen[best - 1 : best + 2]
    bend = left - 2 * peak + right
    apex_s = shifts_s[best] + (np.clip(0.5 * (left - right) / bend, -1.0, 1.0) * STEP_S if bend < 0 else 0.0)
    # How sure: the height of this peak above the next one, note by note.
    elsewhere = np.flatnonzero(np.abs(shifts_s - shifts_s[best]) > APART_S)
    following = elsewhere[np.argmax(seen[elsewhere])]
    return float(apex_s), excess([part[:, best] - part[:, following] for part in parts])
