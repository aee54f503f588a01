"""Operating points: the best of many, thresholds made of values, values of white and of black keys, lags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from tivit.core.keyboard import IS_BLACK, KEY_COUNT
from tivit.decoding.thresholds import HeadThreshold, KeyValues, Thresholds
from tivit.sweeping.counting import ColourCounts

Item = TypeVar("Item")
LAG_TOLERANCE_S = 0.1
"""Differences beyond this (s) are errors, not a lag."""
FEWEST_FOR_LAG = 10
"""A median over fewer notes is not believed."""
ROUNDING = 1e-9
"""Scores of equal counts may differ by so much."""


@dataclass(frozen=True)
class Point:
    """One operating point and its scores.

    Scores are means over clips, 0..1. `hold` and the fields after it are None where only onsets were scored.
    """

    onset_threshold: float
    pitch_threshold: float
    onset_p_50: float
    onset_r_50: float
    onset_f1_50: float
    hold: float | None = None
    offset_threshold: float | None = None
    note_f1: float | None = None
    frame_f1: float | None = None


def best_point(points: Sequence[Item], key: Callable[[Item], tuple[float, ...]], tie: float, place: float) -> Item:
    """Return the point with the highest score; ties are broken as `tivit.sweeping.search` says.

    Parameters
    ----------
    points : sequence
        At least one.
    key : callable
        Point -> (score, threshold, ...).
    tie : float
        Scores within this of the best are ties.
    place : float
        Where among the ties, from their lowest thresholds (0) to their highest (1).

    Returns
    -------
    item of `points`
    """
    table = np.array([key(point) for point in points])
    tied = np.flatnonzero(table[:, 0] >= table[:, 0].max() - max(tie, ROUNDING))
    wanted = np.quantile(table[tied, 1:], place, axis=0)
    distance = np.linalg.norm(table[tied, 1:] - wanted, axis=1).round(9)
    order = np.lexsort((*table[tied, :0:-1].T, distance))  # by distance, then the lowest first threshold, second, ...
    return points[tied[order[0]]]


def mixed(white: HeadThreshold, black: HeadThreshold) -> HeadThreshold:
    """Return a head with separate values for the two key colours.

    Parameters
    ----------
    white : HeadThreshold
        Its values for white keys are taken.
    black : HeadThreshold
        Its values for black keys are taken.

    Returns
    -------
    HeadThreshold
    """
    other = black.black or black
    return replace(white, black=KeyValues(other.threshold, other.hold, other.lag_s))


def lags_of(late_s: np.ndarray, row: np.ndarray, per_colour: bool) -> tuple[float, float]:
    """Return the lags of white and of black keys.

    Parameters
    ----------
    late_s : np.ndarray
        Estimated minus true time of each matched note (s), (N,).
    row : np.ndarray
        Row of each, clip * 88 + key, int (N,).
    per_colour : bool
        Whether each colour has a lag of its own.

    Returns
    -------
    (float, float)
        White and black (s). Both are the common one unless `per_colour`, and that of a colour with too few notes always is.
    """
    is_black = IS_BLACK[row % KEY_COUNT]
    common = _median_s(late_s)
    if not per_colour:
        return common, common
    white, black = (late_s[is_colour & (np.abs(late_s) <= LAG_TOLERANCE_S)] for is_colour in (~is_black, is_black))
    white_s, black_s = (_median_s(side) if len(side) >= FEWEST_FOR_LAG else common for side in (white, black))
    return white_s, black_s


def _median_s(late_s: np.ndarray) -> float:
    """Return the median of the differences (s) within 100 ms, to 0.1 ms; 0 when there are fewer than ten."""
    near = late_s[np.abs(late_s) <= LAG_TOLERANCE_S]
    return round(float(np.median(near)), 4) + 0.0 if len(near) >= FEWEST_FOR_LAG else 0.0


def set_all(head: HeadThreshold, **values: float) -> HeadThreshold:
    """Return a head with the same values for all keys.

    Parameters
    ----------
    head : HeadThreshold
        What is not named stays as it is.
    **values : float
        `threshold`, `hold` or `lag_s`.

    Returns
    -------
    HeadThreshold
    """
    black = None if head.black is None else replace(head.black, **values)
    return replace(head, **values, black=black)


def with_lags(head: HeadThreshold, lags_s: tuple[float, float]) -> HeadThreshold:
    """Return a head with other lags.

    Parameters
    ----------
    head : HeadThreshold
        Its thresholds stay as they are.
    lags_s : (float, float)
        The lags (s) of white and of black keys.

    Returns
    -------
    HeadThreshold
    """
    white = replace(head, lag_s=lags_s[0])
    if head.black is None and lags_s[0] == lags_s[1]:
        return white
    black = head.black or KeyValues(head.threshold, head.hold, head.lag_s)
    return replace(white, black=replace(black, lag_s=lags_s[1]))


def of_values(start: Thresholds, onset: float, pitch: float, hold: float, offset: float) -> Thresholds:
    """Return thresholds with these values for all keys.

    Parameters
    ----------
    start : Thresholds
        Lags and calibration stay as they are in these.
    onset, pitch, hold, offset : float
        Probabilities.

    Returns
    -------
    Thresholds
    """
    return replace(
        start,
        onset=set_all(start.onset, threshold=onset, hold=onset),
        pitch=set_all(start.pitch, threshold=pitch, hold=hold),
        offset=set_all(start.offset, threshold=offset, hold=offset),
    )


def values_on(thresholds: Thresholds, axis: str) -> tuple[float, ...]:
    """Return the values that thresholds have on an axis.

    Parameters
    ----------
    thresholds : Thresholds
    axis : str
        onset, pitch, hold or offset.

    Returns
    -------
    tuple of float
        One probability, or where they differ those of white and of black keys, in any order.
    """
    head = thresholds.pitch if axis == "hold" else getattr(thresholds, axis)
    name = "hold" if axis == "hold" else "threshold"
    return tuple({getattr(side, name) for side in (head, head.black or head)})


def point_of(thresholds: Thresholds, counts: dict[str, ColourCounts]) -> Point:
    """Return the scores of counts as a point.

    Parameters
    ----------
    thresholds : Thresholds
        Its values for white keys are those of the point.
    counts : dict[str, ColourCounts]
        "onset", and where ends were scored too "note" and "frame".

    Returns
    -------
    Point
    """
    point = Point(thresholds.onset.threshold, thresholds.pitch.threshold, *counts["onset"].scores())
    if "note" not in counts:
        return point
    scores = {f"{name}_f1": counts[name].scores()[2] for name in ("note", "frame")}
    return replace(point, hold=thresholds.pitch.hold, offset_threshold=thresholds.offset.threshold, **scores)
