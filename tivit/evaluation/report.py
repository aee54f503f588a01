"""Tables of scores: rows for the CSV files of sweep and evaluate, and the few lines a person reads in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tivit.core.heads import EVENT_HEADS
from tivit.evaluation.calibration import BINS, HeadCalibration
from tivit.evaluation.points import Point
from tivit.evaluation.scores import ClipScore

CLIP_METRICS = (
    "onset_f1_50", "onset_p_50", "onset_r_50", "onset_f1_100", "note_f1", "note_f1_same_tol", "frame_f1",
    "hand_acc", "hand_acc_baseline", "clef_acc", "clef_acc_baseline",
    "onset_velocity_f1", "note_velocity_f1", "velocity_corr",
)  # fmt: skip
CLIP_COLUMNS = ("clip_id", "tier", "notes", "found", "missed", "invented", *CLIP_METRICS)
TABLE_METRICS = (
    *CLIP_METRICS,
    "recall_white", "recall_black", "recall_repeats", "notes_repeats", "recall_chords", "notes_chords",
    "late_ms_white", "late_ms_black",
)  # fmt: skip
POINT_COLUMNS = (
    "onset_threshold", "pitch_threshold", "hold", "offset_threshold", "onset_p_50", "onset_r_50", "onset_f1_50",
    "note_f1", "frame_f1",
)  # fmt: skip
CURVE_COLUMNS = ("onset_threshold", "precision", "recall", "f1")
RELIABILITY_COLUMNS = (
    "probability", *(f"{name}{state}" for name in EVENT_HEADS for state in ("", "_calibrated")),
)  # fmt: skip
DECIMALS = 4
MS_DECIMALS = 1


def clip_rows(scores: Mapping[str, ClipScore], tiers: Mapping[str, str]) -> list[list[object]]:
    """Return one row per clip, columns `CLIP_COLUMNS`; found, missed and invented count onsets at 50 ms, "" is no value."""
    rows = []
    for clip_id, score in scores.items():
        counts, values = score.counts["onset_50"], score.values()
        missed, invented = counts.reference - counts.matched, counts.estimate - counts.matched
        metrics = [values.get(name, "") for name in CLIP_METRICS]
        rows.append([clip_id, tiers[clip_id], counts.reference, counts.matched, missed, invented, *metrics])
    return rows


def point_rows(points: Sequence[Point]) -> list[list[object]]:
    """Return one row per operating point, columns `POINT_COLUMNS`; "" where a point has no such value."""
    rows = ([getattr(point, name) for name in POINT_COLUMNS] for point in points)
    return [["" if value is None else value for value in row] for row in rows]


def curve_rows(points: Sequence[Point], best: Point) -> list[list[float]]:
    """Return onset precision, recall and F1 at 50 ms over the onset threshold at the other chosen values, ascending.

    The points are those where only onsets were scored, if there are any; of equal thresholds the first counts.
    """
    only_onsets = [point for point in points if point.note_f1 is None]
    line = [point for point in only_onsets or points if point.pitch_threshold == best.pitch_threshold]
    if not only_onsets:
        line = [point for point in line if (point.hold, point.offset_threshold) == (best.hold, best.offset_threshold)]
    first = {point.onset_threshold: point for point in reversed(line)}
    return [[value, first[value].onset_p_50, first[value].onset_r_50, first[value].onset_f1_50] for value in sorted(first)]


def reliability_rows(calibration: Mapping[str, HeadCalibration]) -> list[list[object]]:
    """Return one row per bin of probability, columns `RELIABILITY_COLUMNS`: its middle, then the shares of true labels.

    "" where no frame of a head has such a probability; a head that can be believed has shares like the middles.
    """
    rows = []
    for number in range(BINS):
        row: list[object] = [(number + 0.5) / BINS]
        for name in EVENT_HEADS:
            fits = [calibration[name].before, calibration[name].after] if name in calibration else [None, None]
            row += [fit.observed[number] if fit is not None and fit.frames[number] else "" for fit in fits]
        rows.append(row)
    return rows


def score_table(blocks: Mapping[str, Mapping[str, float]]) -> str:
    """Return the blocks of `metrics/evaluate.json` as aligned text: one line per metric, one column per tier.

    The lines are `clips` and `TABLE_METRICS`, so of the pooled values none, and counts only of the rarer kinds of notes.
    """
    names = ["clips", *(name for name in TABLE_METRICS if any(name in block for block in blocks.values()))]
    lines = [" " * 18 + "".join(f"{tier:>9}" for tier in blocks)]
    lines += [f"{name:18}" + "".join(_table_cell(name, block.get(name)) for block in blocks.values()) for name in names]
    return "\n".join(lines)


def _table_cell(name: str, value: float | None) -> str:
    if value is None:
        return " " * 9
    if isinstance(value, int):
        return f"{value:9d}"
    return f"{value:9.{MS_DECIMALS if '_ms_' in name else DECIMALS}f}"
