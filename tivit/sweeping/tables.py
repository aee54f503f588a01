"""Tables of a sweep: operating points, the onset curve, and reliability, as rows for its CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tivit.sweeping.calibration import BINS, HeadCalibration
from tivit.sweeping.points import Point

POINT_COLUMNS = (
    "onset_threshold", "pitch_threshold", "hold", "offset_threshold", "onset_p_50", "onset_r_50", "onset_f1_50",
    "note_f1", "frame_f1",
)  # fmt: skip
CURVE_COLUMNS = ("onset_threshold", "precision", "recall", "f1", "chosen")
RELIABILITY_COLUMNS = ("head", "state", "probability", "share", "frames")
STATES = ("as it is", "calibrated")


def point_rows(points: Sequence[Point]) -> list[list[object]]:
    """Return one row per operating point.

    Parameters
    ----------
    points : sequence of Point
        Every point that was scored.

    Returns
    -------
    list of list
        Columns `POINT_COLUMNS`; "" where a point has no such value.
    """
    rows = ([getattr(point, name) for name in POINT_COLUMNS] for point in points)
    return [["" if value is None else value for value in row] for row in rows]


def curve_rows(points: Sequence[Point], best: Point) -> list[list[float]]:
    """Return onset precision, recall and F1 at 50 ms over the onset threshold, at the other values that were chosen.

    Parameters
    ----------
    points : sequence of Point
        Every point that was scored. Those where only onsets were scored are used, if there are any; of equal thresholds the
        first counts.
    best : Point
        The chosen one.

    Returns
    -------
    list of list
        Columns `CURVE_COLUMNS`, ascending; `chosen` is 1 at the threshold that was chosen, else 0.
    """
    only_onsets = [point for point in points if point.note_f1 is None]
    line = [point for point in only_onsets or points if point.pitch_threshold == best.pitch_threshold]
    if not only_onsets:
        line = [point for point in line if (point.hold, point.offset_threshold) == (best.hold, best.offset_threshold)]
    first = {point.onset_threshold: point for point in reversed(line)}
    return [
        [at, first[at].onset_p_50, first[at].onset_r_50, first[at].onset_f1_50, int(at == best.onset_threshold)]
        for at in sorted(first)
    ]


def reliability_rows(calibration: Mapping[str, HeadCalibration]) -> list[list[object]]:
    """Return one row per head, state and bin of probability that has frames: mean probability and share of true labels.

    Parameters
    ----------
    calibration : mapping
        Head name -> its calibration, from `calibrate`.

    Returns
    -------
    list of list
        Columns `RELIABILITY_COLUMNS`; `state` is one of `STATES`. A head that can be believed has shares like its probability.
    """
    return [
        [name, state, float(fit.predicted[number]), float(fit.observed[number]), int(fit.frames[number])]
        for name, head in calibration.items()
        for state, fit in zip(STATES, (head.before, head.after), strict=True)
        for number in range(BINS)
        if fit.frames[number]
    ]
