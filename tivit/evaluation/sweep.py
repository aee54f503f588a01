"""Thresholds chosen on one split by exact scoring of every combination.

The onset peaks that begin notes depend on the onset and pitch thresholds alone, the ends on hold and offset threshold. So the
search is exact in two steps: the pair (onset, pitch threshold) with the best onset F1 at 50 ms, then for these notes the
pair (hold, offset threshold) with the best note F1 (onset and offset, mir_eval's default rule). F1 is the mean over clips.

Ties: points whose score is within `tie_f1` of the best, a difference of a few notes that says nothing of other videos. Of these
the point nearest to their mean, so the middle of a plateau instead of its edge; then the lower thresholds.
Lag: the median of estimate minus truth. For onsets over the notes matched at the best point at 100 ms, where a lag costs
nothing; for ends, per hold, over the matched notes whose end lies within 100 ms. Removed before anything is scored at 50 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product

import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.logits import ClipLogits
from tivit.core.notes import Notes
from tivit.core.params import check_range
from tivit.decoding.events import Events, choose, collect, end_sources, find_runs, spans
from tivit.decoding.thresholds import EventRules, HeadThreshold, Thresholds
from tivit.evaluation.matching import Edges, maximum_matching, offset_is_near, onset_edges

ONSET_TOLERANCE_S = 0.05
LAG_TOLERANCE_S = 0.1
FEWEST_FOR_LAG = 10
ROUNDING = 1e-9
"""Scores of equal counts may differ by so much."""
METRIC = "onset_f1_50 for onset.threshold and pitch.threshold, then note_f1 for pitch.hold and offset.threshold"


@dataclass(frozen=True)
class SweepParams:
    """The grids (probabilities), what counts as a tie and the event rules (params section `sweep`).

    An offset threshold of 1 leaves that head out. `tie_f1`: scores so near to the best are as good.
    """

    onset_thresholds: tuple[float, ...]
    pitch_thresholds: tuple[float, ...]
    hold_thresholds: tuple[float, ...]
    offset_thresholds: tuple[float, ...]
    tie_f1: float
    remove_lag: bool
    rules: EventRules

    def __post_init__(self) -> None:
        check_range("sweep.tie_f1", self.tie_f1, 0.0, 0.1)
        for name in (field.name for field in fields(self) if field.name.endswith("_thresholds")):
            values = getattr(self, name)
            if not values:
                raise InputError(f"sweep.{name} is empty: give at least one probability")
            for value in values:
                check_range(f"sweep.{name}", value, 0.0, 1.0)


@dataclass(frozen=True)
class Point:
    """One operating point and its scores, means over clips; `hold` and later fields are None where only onsets were scored."""

    onset_threshold: float
    pitch_threshold: float
    onset_p_50: float
    onset_r_50: float
    onset_f1_50: float
    hold: float | None = None
    offset_threshold: float | None = None
    note_f1: float | None = None


@dataclass(frozen=True)
class SweepResult:
    """The chosen thresholds, the chosen point, and every point scored: onset points first, then note points."""

    thresholds: Thresholds
    best: Point
    points: tuple[Point, ...]


@dataclass(frozen=True)
class _Truth:
    row: np.ndarray
    onset_s: np.ndarray
    offset_s: np.ndarray
    clips: int

    @property
    def per_clip(self) -> np.ndarray:
        return np.bincount(self.row // KEY_COUNT, minlength=self.clips)


def sweep(clips: Sequence[ClipLogits], references: Sequence[Notes], params: SweepParams, split: str) -> SweepResult:
    """Return the best thresholds for clips whose true notes are `references` (same order).

    Raises
    ------
    InputError
        The references hold no note at all, or a clip lacks an event head.
    """
    if not sum(len(notes) for notes in references):
        raise InputError(f"split {split!r} has no notes, so no threshold can be chosen on it")
    rows = [number * KEY_COUNT + key_of(notes.midi.astype(np.int64)) for number, notes in enumerate(references)]
    onset_s, offset_s = (np.concatenate([getattr(notes, name) for notes in references]) for name in ("onset_s", "offset_s"))
    truth = _Truth(np.concatenate(rows), onset_s, offset_s, len(references))
    lowest = Thresholds(
        onset=_head(min(params.onset_thresholds)),
        pitch=_head(min(params.pitch_thresholds)),
        offset=_head(min(params.offset_thresholds)),
        rules=params.rules,
        split=split,
        metric=METRIC,
    )
    events = collect(clips, lowest)
    pairs = list(product(params.onset_thresholds, params.pitch_thresholds))
    lag_s = _onset_lag_s(events, truth, pairs) if params.remove_lag else 0.0
    onset_points = _onset_points(events, truth, pairs, lag_s)
    best = best_point(
        onset_points, lambda point: (point.onset_f1_50, point.onset_threshold, point.pitch_threshold), params.tie_f1
    )
    start = replace(lowest, onset=_head(best.onset_threshold, lag_s), pitch=_head(best.pitch_threshold))
    scored = _note_points(events, truth, start, best, params)
    note_points = [point for point, _ in scored]
    best = best_point(note_points, lambda point: (point.note_f1, point.hold, point.offset_threshold), params.tie_f1)
    thresholds = next(thresholds for point, thresholds in scored if point is best)
    return SweepResult(thresholds, best, (*onset_points, *note_points))


def best_point(points: Sequence[Point], key: Callable[[Point], tuple[float, float, float]], tie: float) -> Point:
    """Return the point with the highest score; `key` gives (score, threshold, threshold), ties as in the module docstring."""
    table = np.array([key(point) for point in points])
    tied = np.flatnonzero(table[:, 0] >= table[:, 0].max() - max(tie, ROUNDING))
    distance = np.linalg.norm(table[tied, 1:] - table[tied, 1:].mean(axis=0), axis=1).round(9)
    order = np.lexsort((table[tied, 2], table[tied, 1], distance))
    return points[tied[order[0]]]


def _head(threshold: float, lag_s: float = 0.0) -> HeadThreshold:
    return HeadThreshold(threshold=threshold, hold=threshold, lag_s=lag_s, temperature=1.0, bias=0.0)


def _mean_scores(matched: np.ndarray, reference: np.ndarray, estimate: np.ndarray) -> tuple[float, float, float]:
    """Return mean precision, recall and F1 over clips from counts per clip; a clip with an empty side counts 0."""
    precision, recall, f1 = (
        np.divide(top, bottom, out=np.zeros(len(top)), where=bottom > 0).mean()
        for top, bottom in ((matched, estimate), (matched, reference), (2.0 * matched, reference + estimate))
    )
    return float(precision), float(recall), float(f1)


def _onset_scores(events: Events, truth: _Truth, edges: Edges, pair: tuple[float, float]) -> tuple[float, float, float]:
    chosen = choose(events, *pair)
    is_chosen = np.zeros(len(events.support), bool)
    is_chosen[chosen] = True
    matched = maximum_matching(edges.where(is_chosen[edges.estimate]))
    return _mean_scores(
        np.bincount(truth.row[matched.reference] // KEY_COUNT, minlength=truth.clips),
        truth.per_clip,
        np.bincount(events.onsets.row[chosen] // KEY_COUNT, minlength=truth.clips),
    )


def _onset_points(events: Events, truth: _Truth, pairs: list[tuple[float, float]], lag_s: float) -> list[Point]:
    edges = onset_edges(truth.row, truth.onset_s, events.onsets.row, events.onsets.time_s - lag_s, ONSET_TOLERANCE_S)
    return [Point(*pair, *_onset_scores(events, truth, edges, pair)) for pair in pairs]


def _onset_lag_s(events: Events, truth: _Truth, pairs: list[tuple[float, float]]) -> float:
    edges = onset_edges(truth.row, truth.onset_s, events.onsets.row, events.onsets.time_s, LAG_TOLERANCE_S)
    scores = [_onset_scores(events, truth, edges, pair)[2] for pair in pairs]
    is_chosen = np.isin(edges.estimate, choose(events, *pairs[int(np.argmax(scores))]))
    matched = maximum_matching(edges.where(is_chosen))
    return _median_lag_s(events.onsets.time_s[matched.estimate] - truth.onset_s[matched.reference])


def _median_lag_s(late_s: np.ndarray) -> float:
    """Return the median of differences (s) within 100 ms, to 0.1 ms; 0 when there are fewer than ten."""
    near = late_s[np.abs(late_s) <= LAG_TOLERANCE_S]
    return round(float(np.median(near)), 4) if len(near) >= FEWEST_FOR_LAG else 0.0


def _note_points(
    events: Events, truth: _Truth, start: Thresholds, onset_point: Point, params: SweepParams
) -> list[tuple[Point, Thresholds]]:
    chosen = choose(events, onset_point.onset_threshold, onset_point.pitch_threshold)
    row = events.onsets.row[chosen]
    found = np.bincount(row // KEY_COUNT, minlength=truth.clips)
    onset_s = events.onsets.time_s[chosen] - start.onset.lag_s
    edges = onset_edges(truth.row, truth.onset_s, row, onset_s, ONSET_TOLERANCE_S)
    matched = maximum_matching(edges)
    points = []
    for hold in params.hold_thresholds:
        runs = find_runs(events, hold)
        sources = end_sources(events, chosen, runs)
        lags_s = [0.0, 0.0]
        if params.remove_lag:
            ends = ((sources[1], runs.end_s), (sources[0], events.offsets.time_s))
            lags_s = [_end_lag_s(index[matched.estimate], end_s, truth.offset_s[matched.reference]) for index, end_s in ends]
        pitch = replace(start.pitch, hold=hold, lag_s=lags_s[0])
        for offset_threshold in params.offset_thresholds:
            thresholds = replace(start, pitch=pitch, offset=_head(offset_threshold, lags_s[1]))
            _, offset_s = spans(events, chosen, runs, sources, thresholds)
            on, off = truth.onset_s[edges.reference], truth.offset_s[edges.reference]
            notes = maximum_matching(edges.where(offset_is_near(on, off, offset_s[edges.estimate])))
            counts = np.bincount(truth.row[notes.reference] // KEY_COUNT, minlength=truth.clips)
            note_f1 = _mean_scores(counts, truth.per_clip, found)[2]
            point = replace(onset_point, hold=hold, offset_threshold=offset_threshold, note_f1=note_f1)
            points.append((point, thresholds))
    return points


def _end_lag_s(index: np.ndarray, end_s: np.ndarray, true_s: np.ndarray) -> float:
    has_end = index >= 0
    return _median_lag_s(end_s[index[has_end]] - true_s[has_end])
