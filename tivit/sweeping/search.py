"""Thresholds chosen on one split by exact scoring of every combination.

A point is a value of each axis: onset and pitch threshold, which decide what begins notes, hold and offset threshold, which
decide where they end. F1 is the mean over clips. Objectives:

- `onset`: the pair (onset, pitch threshold) with the best onset F1 at 50 ms, then for these notes the pair (hold, offset
  threshold) with the best note F1 (onset and offset, mir_eval's default rule). With the decoder `peaks` the first pair alone
  decides which notes there are, so two steps find what all combinations would. With `states` all four do: the first step
  then holds the middle values of the other two axes.
- `note`, `frame`: of all combinations of the four the one with the best note F1, or frame F1.

Ties: points whose score is within `tie_f1` of the best, a difference of a few notes that says nothing of other videos. Of these
the point nearest to a quantile of their thresholds, then the lower thresholds. For what begins notes the quantile is
`tie_place`: on video unlike the validation split notes are invented rather than missed, so a strict point of the plateau is the
safer one. For what ends them it is the middle.
Refining: the search again on the chosen values and those halfway to their neighbours on the grid, `refine_rounds` times.
Key colours (`per_colour`): after the search black keys get the best point beside the chosen one of white keys, then white keys
the best beside that; each key counts for itself, so this needs no more decoding. All under the same rule for ties.
Lag: the median of estimate minus truth. For onsets over the notes matched at the best point at 100 ms, where a lag costs
nothing; for ends, per hold, over the matched notes whose end lies within 100 ms. Removed before anything is scored at 50 ms.
`lag_per_colour`: such a median for the notes of each key colour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated, Any, Literal

import numpy as np

from tivit.core.disk_rows import Scratch
from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import KEY_COUNT
from tivit.core.logits import SILENT_LOGIT, ClipLogits
from tivit.core.notes import Notes
from tivit.core.params import Range, Share
from tivit.core.probability import sigmoid
from tivit.decoding.decoders import DECODERS, collect_events, decide
from tivit.decoding.events import Decision, Events, at_keys
from tivit.decoding.notes import spans
from tivit.decoding.peaks import begins
from tivit.decoding.thresholds import EventRules, HeadThreshold, Thresholds
from tivit.scoring.matching import TOLERANCE_S, Edges, maximum_matching, onset_edges
from tivit.sweeping.calibration import calibrate
from tivit.sweeping.counting import ColourCounts, OnsetCounter, Truth, frame_counts, note_counts, truth_of
from tivit.sweeping.grids import Grid, check_grid, refined, values_of
from tivit.sweeping.points import (
    LAG_TOLERANCE_S,
    Point,
    best_point,
    lags_of,
    mixed,
    of_values,
    point_of,
    set_all,
    values_on,
    with_lags,
)  # fmt: skip

MOST_POINTS = 1_000_000
"""Most combinations of one search; more are taken for a mistake."""
METRICS = {
    "onset": "onset_f1_50 for onset.threshold and pitch.threshold, then note_f1 for pitch.hold and offset.threshold",
    "note": "note_f1 for all thresholds",
    "frame": "frame_f1 for all thresholds",
}
Axes = tuple[tuple[float, ...], ...]
AXES = ("onset", "pitch", "hold", "offset")
MIDDLE = 0.5
"""Place among ties of thresholds that end notes, and of those of the objectives `note` and `frame`."""


@dataclass(frozen=True)
class SweepParams:
    """The section `sweep`: the grids, how the search goes and for what, and the event rules.

    Attributes
    ----------
    onset_thresholds, pitch_thresholds, hold_thresholds, offset_thresholds : see `tivit.sweeping.grids`; offset 1 leaves that
        head out
    objective, refine_rounds, per_colour, remove_lag, lag_per_colour : see the module docstring
    tie_f1 : scores so near to the best are as good
    tie_place : which of these is taken for what begins notes, from the lowest thresholds (0) to the highest (1)
    calibrate : use the fitted temperatures and biases; probabilities of the grids are calibrated ones then
    rules : how notes are made whatever the thresholds are
    """

    onset_thresholds: Annotated[Grid, check_grid]
    pitch_thresholds: Annotated[Grid, check_grid]
    hold_thresholds: Annotated[Grid, check_grid]
    offset_thresholds: Annotated[Grid, check_grid]
    objective: Literal["onset", "note", "frame"]
    refine_rounds: Annotated[int, Range(0, 10)]
    per_colour: bool
    tie_f1: Annotated[float, Range(0.0, 0.1)]
    tie_place: Share
    remove_lag: bool
    lag_per_colour: bool
    calibrate: bool
    rules: EventRules


@dataclass(frozen=True)
class SweepResult:
    """The chosen thresholds, the chosen point (values of white keys), and every point scored, in order of the search."""

    thresholds: Thresholds
    best: Point
    points: tuple[Point, ...]


@dataclass(frozen=True)
class _Scored:
    """Thresholds with what they count, values on the axes that were varied, and the point as it is reported."""

    values: tuple[float, ...]
    thresholds: Thresholds
    counts: dict[str, ColourCounts]
    point: Point


@dataclass(frozen=True)
class _Task:
    """What does not change in a search."""

    events: Events
    truth: Truth
    params: SweepParams

    @property
    def is_joint(self) -> bool:
        return self.params.objective != "onset"

    @property
    def metric(self) -> str:
        return "frame" if self.params.objective == "frame" else "note"


@dataclass(frozen=True)
class _Begun:
    """The notes of an operating point without their ends: the decision, rows, pairs with true notes, counts.

    `lags_s` are those of ends, (white, black) per head, empty where lags are kept.
    """

    decision: Decision
    row: np.ndarray
    edges: Edges
    counts: ColourCounts
    lags_s: dict[str, tuple[float, float]]

    def with_lags(self, thresholds: Thresholds) -> Thresholds:
        heads: dict[str, Any] = {name: with_lags(getattr(thresholds, name), lags_s) for name, lags_s in self.lags_s.items()}
        return replace(thresholds, **heads)


def sweep(
    clips: Sequence[ClipLogits],
    references: Sequence[Notes],
    params: SweepParams,
    split: str,
    scratch: Scratch | None = None,
) -> SweepResult:
    """Return the best thresholds for clips; they do not say what the clips' logits were made under.

    Parameters
    ----------
    clips, references : the clips of `split` and the true notes of each, in the same order
    params : what is tried
    scratch : takes what would grow with the length of the clips; memory does without it

    Raises
    ------
    InputError
        The references hold no note at all, a clip lacks an event head, or there are too many combinations.
    """
    if not sum(len(notes) for notes in references):
        raise InputError(f"split {split!r} has no notes, so no threshold can be chosen on it")
    start = _start(clips, references, params, split)
    axes = _axes(clips, start, params)
    count = np.prod([len(values) for values in (axes if params.objective != "onset" else axes[:2])], dtype=float)
    if count > MOST_POINTS:
        raise InputError(f"sweep: {count:,.0f} combinations of thresholds are more than {MOST_POINTS:,}; give coarser grids")
    # The events at the lowest thresholds hold those of all others, so peaks are looked for only once.
    events = collect_events(clips, of_values(start, *(min(values) for values in axes)), scratch)
    task = _Task(events, truth_of(references, [clip.grid for clip in clips]), params)
    if params.remove_lag:
        start = replace(start, onset=with_lags(start.onset, _onset_lags_s(task, start, axes)))
    points: list[Point] = []
    for _ in range(params.refine_rounds + 1):
        best, scored = _search(task, start, axes)
        points += scored
        values = [values_on(best.thresholds, axis) for axis in AXES]
        axes = tuple(refined(grid, best_values) for grid, best_values in zip(axes, values, strict=True))
    return SweepResult(best.thresholds, best.point, tuple(points))


def _start(clips: Sequence[ClipLogits], references: Sequence[Notes], params: SweepParams, split: str) -> Thresholds:
    """Return thresholds without lags, the heads calibrated if asked for."""
    fitted = calibrate(clips, references) if params.calibrate else {}
    heads = {}
    for name in EVENT_HEADS:
        temperature, bias = (fitted[name].temperature, fitted[name].bias) if name in fitted else (1.0, 0.0)
        heads[name] = HeadThreshold(0.5, 0.5, 0.0, temperature, bias)
    return Thresholds(
        **heads, rules=params.rules, split=split, metric=METRICS[params.objective], chosen_under={}, label_lag_s=0.0
    )


def _axes(clips: Sequence[ClipLogits], start: Thresholds, params: SweepParams) -> Axes:
    """Return the values to try of each axis."""
    axes = []
    for axis in AXES:
        grid = getattr(params, f"{axis}_thresholds")
        name = "pitch" if axis == "hold" else axis
        probabilities = np.zeros(0)
        if isinstance(grid, dict) and "quantile" in grid:
            logits = np.concatenate([clip.heads[name].ravel() for clip in clips]).astype(np.float64)
            head = getattr(start, name)
            logits = logits[logits > SILENT_LOGIT] / head.temperature + head.bias
            probabilities = sigmoid(logits)
        axes.append(values_of(grid, probabilities))
    return tuple(axes)


def _search(task: _Task, start: Thresholds, axes: Axes) -> tuple[_Scored, list[Point]]:
    """Return the best of the combinations of `axes`, and all points scored on the way."""
    middle = _middle(axes)
    pairs = list(product(axes[0], axes[1]))
    if task.is_joint:
        scored = [item for pair in pairs for item in _end_points(task, of_values(start, *pair, *middle[2:]), axes)]
        return _best_of(task, scored, task.metric), [item.point for item in scored]
    onsets = _onset_points(task, start, pairs, middle)
    best = _best_of(task, onsets, "onset")
    ends = _end_points(task, best.thresholds, axes)
    return _best_of(task, ends, task.metric), [item.point for item in (*onsets, *ends)]


def _best_of(task: _Task, scored: Sequence[_Scored], metric: str) -> _Scored:
    """Return the best item, or with `per_colour` the best pair of items for white and black keys, as one item."""
    tie, place = task.params.tie_f1, task.params.tie_place if metric == "onset" else MIDDLE

    def best(beside: Callable[[_Scored], ColourCounts]) -> _Scored:
        return best_point(scored, lambda item: (beside(item).scores()[2], *item.values), tie, place)

    both = best(lambda item: item.counts[metric])
    if not task.params.per_colour:
        return both
    black = best(lambda item: both.counts[metric].mixed(item.counts[metric]))
    white = best(lambda item: item.counts[metric].mixed(black.counts[metric]))
    counts = {name: count.mixed(black.counts[name]) for name, count in white.counts.items()}
    heads = {name: mixed(getattr(white.thresholds, name), getattr(black.thresholds, name)) for name in EVENT_HEADS}
    thresholds = replace(white.thresholds, onset=heads["onset"], pitch=heads["pitch"], offset=heads["offset"])
    return _Scored(white.values, thresholds, counts, point_of(thresholds, counts))


def _onset_points(
    task: _Task, start: Thresholds, pairs: Sequence[tuple[float, float]], middle: tuple[float, ...]
) -> list[_Scored]:
    """Return all pairs of onset and pitch threshold, scored by their onsets alone."""
    events, truth = task.events, task.truth
    onset_s = events.onsets.time_s - at_keys(start.onset.of_keys("lag_s"), events.onsets.row % KEY_COUNT)
    edges = onset_edges(truth.row, truth.onset_s, events.onsets.row, onset_s, TOLERANCE_S)
    counter = OnsetCounter(truth, edges, events.onsets.row)
    scored = []
    for pair in pairs:
        thresholds = of_values(start, *pair, *middle[2:])
        counts = {"onset": counter.counts(_beginnings(events, thresholds))}
        scored.append(_Scored(pair, thresholds, counts, point_of(thresholds, counts)))
    return scored


def _end_points(task: _Task, start: Thresholds, axes: Axes) -> list[_Scored]:
    """Return all combinations of hold and offset threshold at the onset and pitch thresholds of `start`."""
    scored = []
    begun: _Begun | None = None
    for hold in axes[2]:
        for number, offset in enumerate(axes[3]):
            pitch = set_all(start.pitch, hold=hold)
            thresholds = replace(start, pitch=pitch, offset=set_all(start.offset, threshold=offset, hold=offset))
            if begun is None or number == 0 or not DECODERS[task.params.rules.decoder].are_ends_apart:
                begun = _begun(task, thresholds)
            thresholds = begun.with_lags(thresholds)
            onset_s, offset_s = spans(task.events, begun.decision, thresholds)
            counts = {
                "onset": begun.counts,
                "note": note_counts(task.truth, begun.edges, begun.row, offset_s),
                "frame": frame_counts(task.truth, begun.row, onset_s, offset_s),
            }
            values = (start.onset.threshold, start.pitch.threshold) if task.is_joint else ()
            scored.append(_Scored((*values, hold, offset), thresholds, counts, point_of(thresholds, counts)))
    return scored


def _begun(task: _Task, thresholds: Thresholds) -> _Begun:
    """Return the notes of an operating point, all but their ends."""
    events, truth, params = task.events, task.truth, task.params
    decision = decide(events, thresholds)
    row = events.onsets.row[decision.onset_index]
    onset_s = events.onsets.time_s[decision.onset_index] - at_keys(thresholds.onset.of_keys("lag_s"), row % KEY_COUNT)
    edges = onset_edges(truth.row, truth.onset_s, row, onset_s, TOLERANCE_S)
    matched = maximum_matching(edges)
    counts = ColourCounts(truth.count(truth.row[matched.reference]), truth.count(row), truth.count(truth.row))
    lags_s = {}
    ends = (
        ("pitch", decision.run_index, decision.runs.end_s),
        ("offset", decision.offset_index, events.offsets.time_s),
    )
    for name, index, end_s in ends:
        has_end = index[matched.estimate] >= 0
        late_s = end_s[index[matched.estimate][has_end]] - truth.offset_s[matched.reference[has_end]]
        if params.remove_lag:
            lags_s[name] = lags_of(late_s, truth.row[matched.reference[has_end]], params.lag_per_colour)
    return _Begun(decision, row, edges, counts, lags_s)


def _onset_lags_s(task: _Task, start: Thresholds, axes: Axes) -> tuple[float, float]:
    """Return how late the onsets of white and of black keys are (s) at the pair with the best onset F1 at 100 ms."""
    events, truth = task.events, task.truth
    middle = _middle(axes)
    edges = onset_edges(truth.row, truth.onset_s, events.onsets.row, events.onsets.time_s, LAG_TOLERANCE_S)
    counter = OnsetCounter(truth, edges, events.onsets.row)
    points = [of_values(start, *pair, *middle[2:]) for pair in product(*axes[:2])]
    scores = [counter.counts(_beginnings(events, point)).scores()[2] for point in points]
    is_begun = _beginnings(events, points[int(np.argmax(scores))])
    matched = maximum_matching(edges.where(is_begun[edges.estimate]))
    late_s = events.onsets.time_s[matched.estimate] - truth.onset_s[matched.reference]
    return lags_of(late_s, truth.row[matched.reference], task.params.lag_per_colour)


def _beginnings(events: Events, thresholds: Thresholds) -> np.ndarray:
    """Return which onset peaks begin notes, bool (N,); ends are looked for only where they have a say in it."""
    if DECODERS[thresholds.rules.decoder].are_ends_apart:
        return begins(events, thresholds.onset.of_keys("threshold"), thresholds.pitch.of_keys("threshold"))
    is_begun = np.zeros(len(events.support), bool)
    is_begun[decide(events, thresholds).onset_index] = True
    return is_begun


def _middle(axes: Axes) -> tuple[float, ...]:
    return tuple(values[(len(values) - 1) // 2] for values in axes)
