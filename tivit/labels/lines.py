"""Straight lines of lag over time: the likeliest one among many, and the best one near it with its uncertainty.

A clock that runs wrong evenly makes the lag of labels a straight line over their time. The search cuts the labels into
stretches in which such a line hardly bends, says once for each stretch how well every lag would fit, and adds that up along
every line (a Hough transform). What it finds is then refined with all events at once; the standard errors are those of an
M-estimator (Huber 1967, The behavior of maximum likelihood estimates under nonstandard conditions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.timegrid import TimeGrid
from tivit.labels.activity import SIGMA_S, STEP_S, Events, seen_around
from tivit.labels.lag import APART_S, BEYOND_S, excess

STRETCH_S = 8.0
"""Length of a stretch (s) in which a line counts as level: at the steepest slope its ends are off by 50 ms."""
SLOPE_STEP_S = 0.03
"""How far the ends of a clip move (s) from one slope that is tried to the next."""
FINE_S = 0.08
"""How far from a line that was found the best one is looked for (s), at the middle and at the ends."""
FIT_STEPS = 3
"""Steps to either side of the highest point through which a paraboloid is laid."""
TAPER_FRAMES = 3
"""Frames to either side over which the search smooths."""


@dataclass(frozen=True)
class Line:
    """The lag as a straight line over the time of the labels.

    Attributes
    ----------
    lag_s : float
        The lag (s) in the middle.
    slope : float
        By how much it grows in a second of the labels' clock.
    middle_s, half_s : float
        The middle of the labels (s of their clock), and how far from it they reach (s).
    """

    lag_s: float
    slope: float
    middle_s: float
    half_s: float

    def at(self, time_s: np.ndarray) -> np.ndarray:
        """Return the lag (s) at instants of the labels (s), of any shape."""
        return self.lag_s + self.slope * (time_s - self.middle_s)

    @property
    def least_s(self) -> float:
        """The least distance from no lag at all (s) between both ends of the labels."""
        return max(0.0, abs(self.lag_s) - abs(self.slope) * self.half_s)


@dataclass(frozen=True)
class Fit:
    """A line with the standard errors of its lag in the middle (s) and of its slope; infinite where nothing decides them."""

    line: Line
    lag_error_s: float
    slope_error: float


def likeliest_lines(
    change: np.ndarray, grid: TimeGrid, kinds: Sequence[Events], reach_s: float | None, steepest: float
) -> tuple[Line, Line | None]:
    """Return the line along which most is seen, and the next one that crosses it nowhere.

    Parameters
    ----------
    change : ndarray of float32, shape (T - 1, 88)
        How much each key changes from frame to frame.
    grid : TimeGrid
        The T instants of the strip.
    kinds : sequence of Events
        Onsets, of which there is at least one, and releases.
    reach_s : float or None
        How far from 0 the lag may be (s) somewhere in the clip; None: anywhere, so that the labels and the clip still overlap.
    steepest : float
        The largest slope.

    Returns
    -------
    (Line, Line or None)
        To about a frame; None where there is no other line.
    """
    first_s, last_s = float(kinds[0].time_s.min()), float(kinds[0].time_s.max())
    middle_s, half_s = (first_s + last_s) / 2.0, (last_s - first_s) / 2.0
    count = int(np.ceil(steepest * half_s / SLOPE_STEP_S)) if steepest > 0.0 else 0
    slopes = np.linspace(-steepest, steepest, 2 * count + 1) if count else np.zeros(1)
    step_s = float(grid.time_s(1)) - grid.start_s
    bend_s = steepest * half_s
    low_s, high_s = (
        (grid.start_s - last_s, grid.end_s - first_s) if reach_s is None else (-reach_s - BEYOND_S, reach_s + BEYOND_S)
    )
    lags = np.arange(int(np.floor((low_s - bend_s) / step_s)), int(np.ceil((high_s + bend_s) / step_s)) + 1)  # in frames
    levels, at_s = _levels(change, grid, kinds, lags)  # (M, L), (M,)
    seen = np.stack([_along(levels, slope * (at_s - middle_s) / step_s) for slope in slopes])  # (slopes, L)
    lags_s = lags * step_s
    if reach_s is not None:
        seen[np.abs(lags_s) - np.abs(slopes[:, None]) * half_s > reach_s + BEYOND_S] = -np.inf
    best = np.unravel_index(np.argmax(seen), seen.shape)
    crosses = np.abs(lags_s - lags_s[best[1]]) <= APART_S + np.abs(slopes - slopes[best[0]])[:, None] * half_s
    other = np.where(crosses, -np.inf, seen)
    rival = np.unravel_index(np.argmax(other), other.shape)
    lines = [Line(float(lags_s[j]), float(slopes[i]), middle_s, half_s) for i, j in (best, rival)]
    return lines[0], lines[1] if np.isfinite(other[rival]) else None


def _levels(change: np.ndarray, grid: TimeGrid, kinds: Sequence[Events], lags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how much is seen of each stretch of labels at each lag, (M, L), and the middles of the stretches (s), (M,).

    Beyond the ends of the clip nothing is seen. What a key does on average counts as nothing, so that a lag at which more
    events lie inside the clip is no better for that alone.
    """
    taper = np.exp(-0.5 * ((np.arange(-TAPER_FRAMES, TAPER_FRAMES + 1) * (grid.time_s(1) - grid.start_s)) / SIGMA_S) ** 2)
    level = change - change.mean(axis=0)
    first_s = min(float(events.time_s.min()) for events in kinds if len(events))
    stretches = 1 + max(int((events.time_s.max() - first_s) // STRETCH_S) for events in kinds if len(events))
    sums = np.zeros((stretches, len(lags)))
    for events in kinds:
        for time_s, key in zip(events.time_s, events.key, strict=True):
            start = grid.frame(time_s) - 0.5 + lags[0]  # a change lies between two frames
            whole = int(np.floor(start))
            share = start - whole
            row = sums[int((time_s - first_s) // STRETCH_S)]
            column, weight = level[:, key], events.weight / len(events)
            for shift, part in ((whole, 1.0 - share), (whole + 1, share)):
                # Lags i..j are those at which this frame lies inside the clip.
                i, j = max(0, -shift), min(len(lags), len(column) - shift)
                if i < j:
                    row[i:j] += weight * part * column[i + shift : j + shift]
    smooth = np.stack([np.convolve(row, taper / taper.sum(), mode="same") for row in sums])
    return smooth, first_s + (np.arange(stretches) + 0.5) * STRETCH_S


def _along(levels: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return the sum of levels (M, L), each read at its own shift (M,) (frames), (L,)."""
    total = np.zeros(levels.shape[1])
    for row, shift in zip(levels, np.rint(shifts).astype(int), strict=True):
        i, j = max(0, -shift), min(len(row), len(row) - shift)
        if i < j:
            total[i:j] += row[i + shift : j + shift]
    return total


def refined(change: np.ndarray, grid: TimeGrid, kinds: Sequence[Events], line: Line) -> Fit:
    """Return the line near another one along which most is seen, with its standard errors.

    Parameters
    ----------
    change, grid, kinds
        As for `likeliest_lines`.
    line : Line
        A line at most 80 ms from the best one, in the middle and at both ends.

    Returns
    -------
    Fit
        `line` itself with infinite errors where no event lies inside the clip or nothing is seen to change with the line.
    """
    for _ in range(2):  # the second time from where the first one led
        fit = _fit(change, grid, kinds, line)
        line = fit.line
    return fit


def _fit(change: np.ndarray, grid: TimeGrid, kinds: Sequence[Events], line: Line) -> Fit:
    reach = round(2.0 * FINE_S / STEP_S) + 3
    fine_s = np.arange(-reach, reach + 1) * STEP_S
    inside = [events.inside(grid, fine_s[-1], line.at(events.time_s)) for events in kinds]
    inside = [events for events in inside if len(events)]
    if not inside or line.half_s <= 0.0:
        return Fit(line, np.inf, np.inf)
    seen = np.concatenate([seen_around(change, grid, events, fine_s, line.at(events.time_s)) for events in inside])  # (E, S)
    weight = np.concatenate([np.full(len(events), events.weight / len(events)) for events in inside])
    place = np.concatenate([(events.time_s - line.middle_s) / line.half_s for events in inside])  # -1..1
    steps = round(FINE_S / STEP_S)
    offsets = np.arange(-steps, steps + 1)  # of the middle and of the end, in steps
    sums = np.stack([weight @ _read(seen, reach + end * place, offsets) for end in offsets])  # (ends, middles)
    top = np.unravel_index(np.argmax(sums), sums.shape)
    end, middle = (int(np.clip(item, FIT_STEPS, 2 * steps - FIT_STEPS)) for item in top)
    near = np.arange(-FIT_STEPS, FIT_STEPS + 1)
    y, x = (part.ravel().astype(float) for part in np.meshgrid(near, near, indexing="ij"))
    patch = sums[end - FIT_STEPS : end + FIT_STEPS + 1, middle - FIT_STEPS : middle + FIT_STEPS + 1].ravel()
    terms = np.stack([np.ones_like(x), x, y, x * x / 2.0, x * y, y * y / 2.0], axis=1)
    _, gx, gy, gxx, gxy, gyy = np.linalg.lstsq(terms, patch, rcond=None)[0]
    bend = np.array([[gxx, gxy], [gxy, gyy]])
    if np.linalg.eigvalsh(bend).max() >= 0.0:
        return Fit(line, np.inf, np.inf)
    best = np.clip(-np.linalg.solve(bend, [gx, gy]), -FIT_STEPS, FIT_STEPS) + [middle - steps, end - steps]  # in steps
    # The scatter of the events' own slopes at the best line, against how sharply their sum bends there.
    at = reach + best[0] + best[1] * place
    pull = (weight * (_read(seen, at, np.array([2])) - _read(seen, at, np.array([-2])))[:, 0] / 4.0)[:, None]
    pull = pull * np.stack([np.ones_like(place), place], axis=1)  # (E, 2)
    inverse = np.linalg.inv(bend)
    error = np.sqrt(np.diag(inverse @ (pull.T @ pull) @ inverse)) * STEP_S
    found = Line(
        line.lag_s + float(best[0]) * STEP_S, line.slope + float(best[1]) * STEP_S / line.half_s, line.middle_s, line.half_s
    )
    return Fit(found, float(error[0]), float(error[1]) / line.half_s)


def _read(seen: np.ndarray, at: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the values of rows (E, S) at fractional columns `at` (E,) moved by whole `offsets` (K,), (E, K)."""
    first = np.floor(at).astype(int)
    share = (at - first)[:, None]
    columns = np.clip(first[:, None] + offsets, 0, seen.shape[1] - 2)
    rows = np.arange(len(seen))[:, None]
    return (1.0 - share) * seen[rows, columns] + share * seen[rows, columns + 1]


def preference(change: np.ndarray, grid: TimeGrid, kinds: Sequence[Events], line: Line, other: Line) -> float:
    """Return by how many standard errors over events more is seen along a line than along another one.

    Parameters
    ----------
    change, grid, kinds
        As for `likeliest_lines`.
    line, other : Line
        Both lines; an event that lies outside the clip by one of them is seen as what its key does on average.

    Returns
    -------
    float
        From 0 on.
    """
    around_s = np.arange(-round(3 * SIGMA_S / STEP_S), round(3 * SIGMA_S / STEP_S) + 1) * STEP_S
    usual = change.mean(axis=0)
    parts = []
    for events in kinds:
        if not len(events):
            continue
        seen = []
        for item in (line, other):
            at_s = events.time_s + item.at(events.time_s)
            is_inside = (at_s > grid.start_s) & (at_s < grid.end_s)
            values = seen_around(change, grid, events, around_s, item.at(events.time_s))[:, len(around_s) // 2]
            seen.append(np.where(is_inside, values - usual[events.key], 0.0))
        touched = (seen[0] != 0.0) | (seen[1] != 0.0)
        if touched.any():
            parts.append(events.weight * (seen[0] - seen[1])[touched])
    return excess(parts) if parts else 0.0
