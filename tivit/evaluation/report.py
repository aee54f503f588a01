"""Tables of scores: rows for the CSV files of sweep and evaluate, and the few lines a person reads in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import KEY_COUNT, key_of, midi_of, name_of
from tivit.core.notes import Notes
from tivit.evaluation.calibration import BINS, HeadCalibration
from tivit.evaluation.census import CLASSES
from tivit.evaluation.kinds import MS_PER_S
from tivit.evaluation.points import Point
from tivit.evaluation.scores import ClipScore

CLIP_METRICS = (
    "onset_f1_50", "onset_p_50", "onset_r_50", "onset_f1_100", "note_f1", "note_f1_same_tol",
    "frame_f1", "frame_p", "frame_r",
    "hand_acc", "hand_acc_baseline", "clef_acc", "clef_acc_baseline",
    "onset_velocity_f1", "note_velocity_f1", "velocity_corr",
)  # fmt: skip
CLIP_COLUMNS = ("clip_id", "tier", "notes", "found", "missed", "invented", *CLIP_METRICS)
TABLE_METRICS = (
    *CLIP_METRICS, "onset_f1_50_low_95", "onset_f1_50_high_95", "note_f1_low_95", "note_f1_high_95",
    "recall_white", "recall_black", "recall_low", "recall_middle", "recall_high",
    "recall_repeats", "notes_repeats", "recall_chords", "notes_chords",
    "late_ms_white", "late_ms_black", "spread_ms_white", "spread_ms_black",
    *(f"errors_{name}" for name in CLASSES),
)  # fmt: skip
POINT_COLUMNS = (
    "onset_threshold", "pitch_threshold", "hold", "offset_threshold", "onset_p_50", "onset_r_50", "onset_f1_50",
    "note_f1", "frame_f1",
)  # fmt: skip
CURVE_COLUMNS = ("onset_threshold", "precision", "recall", "f1")
SCORE_COLUMNS = ("block", "metric", "value")
KEY_COLUMNS = ("midi", "key", "notes", "found", "invented", "recall")
TIMING_COLUMNS = ("late_ms", "notes")
TIMING_BIN_MS = 5.0
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


def score_rows(blocks: Mapping[str, Mapping[str, float]]) -> list[list[object]]:
    """Return a row per block and metric, columns `SCORE_COLUMNS`."""
    return [[block, name, value] for block, values in blocks.items() for name, value in values.items()]


def key_rows(clips: Sequence[tuple[Notes, Notes, np.ndarray]]) -> list[list[object]]:
    """Return a row per key that occurs, columns `KEY_COLUMNS`, from (reference, estimate, matched pairs) of clips."""
    notes, found, invented = np.zeros((3, KEY_COUNT), np.int64)
    for reference, estimate, pairs in clips:
        np.add.at(notes, key_of(reference.midi.astype(np.int64)), 1)
        np.add.at(found, key_of(reference.midi[pairs[:, 0]].astype(np.int64)), 1)
        np.add.at(invented, key_of(np.delete(estimate.midi, pairs[:, 1]).astype(np.int64)), 1)
    keys = np.flatnonzero(notes + invented)
    columns = (midi_of(keys).tolist(), notes[keys].tolist(), found[keys].tolist(), invented[keys].tolist())
    return [
        [midi, name_of(midi), total, right, wrong, right / total if total else ""]
        for midi, total, right, wrong in zip(*columns, strict=True)
    ]


def timing_rows(clips: Sequence[tuple[Notes, Notes, np.ndarray]]) -> list[list[float]]:
    """Return how many matched notes are how late, in bins of 5 ms named by their middle, columns `TIMING_COLUMNS`."""
    late_s = [estimate.onset_s[pairs[:, 1]] - reference.onset_s[pairs[:, 0]] for reference, estimate, pairs in clips]
    bins = np.rint(np.concatenate([np.zeros(0), *late_s]) * MS_PER_S / TIMING_BIN_MS).astype(int)
    if not len(bins):
        return []
    first = bins.min()
    return [[(first + i) * TIMING_BIN_MS, count] for i, count in enumerate(np.bincount(bins - first).tolist())]


def score_table(blocks: Mapping[str, Mapping[str, float]]) -> str:
    """Return the blocks of `summary_by_tier` as aligned text: one line per metric, one column per tier.

    The lines are `clips` and `TABLE_METRICS`, so of the pooled values none, and counts only of the rarer kinds of notes.
    """
    names = ["clips", *(name for name in TABLE_METRICS if any(name in block for block in blocks.values()))]
    lines = [" " * 20 + "".join(f"{tier:>9}" for tier in blocks)]
    lines += [f"{name:20}" + "".join(_table_cell(name, block.get(name)) for block in blocks.values()) for name in names]
    return "\n".join(lines)


def _table_cell(name: str, value: float | None) -> str:
    if value is None:
        return " " * 9
    if isinstance(value, int):
        return f"{value:9d}"
    return f"{value:9.{MS_DECIMALS if '_ms_' in name else DECIMALS}f}"
