"""What of a clip's logits does not depend on thresholds: peaks, their heights, and the rows of the pitch head.

`collect` finds it once for one or many clips, so a sweep does the costly half of decoding once. A decoder (`peaks`, `states`)
then makes a `Decision` of it at every operating point, and `notes` turns that into times. A threshold is one number, or one
number per key, (88,).

All clips and keys lie on one line: `at = row * row_s + seconds since the clip's start`, where row = clip * 88 + key, and the
rows lie so far apart that nothing reaches across. Events are sorted along the line, so every look-up is a binary search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.disk_rows import DiskRows, Scratch
from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import KEY_COUNT
from tivit.core.logits import ClipLogits
from tivit.core.probability import logit, sigmoid
from tivit.core.timegrid import TimeGrid, frames_of
from tivit.decoding.thresholds import EventRules, HeadThreshold, Thresholds

ROW_GAP_S = 10.0
"""Free time between two rows of the line: the time of every rule is at most 1 s, so that nothing reaches across."""
SILENT = -np.inf


@dataclass(frozen=True)
class Peaks:
    """Local maxima of one head, sorted by `at`.

    Attributes
    ----------
    at : ndarray of float64, shape (N,)
        Position on the line (s).
    row : ndarray of int, shape (N,)
        clip * 88 + key.
    frame : ndarray of int, shape (N,)
        The highest frame, in 0..T - 1 of the clip.
    time_s : ndarray of float64, shape (N,)
        The instant of the apex, between frames (s of the clip's clock).
    logit : ndarray of float64, shape (N,)
        The calibrated logit of the highest frame.
    """

    at: np.ndarray
    row: np.ndarray
    frame: np.ndarray
    time_s: np.ndarray
    logit: np.ndarray


@dataclass(frozen=True)
class Runs:
    """Stretches in which a key is held, sorted.

    Attributes
    ----------
    start_at, end_at : ndarray of float64, shape (N,)
        Begin and end on the line (s).
    end_s : ndarray of float64, shape (N,)
        The end as an instant (s of the clip's clock).
    """

    start_at: np.ndarray
    end_at: np.ndarray
    end_s: np.ndarray


@dataclass(frozen=True)
class Events:
    """The threshold-free events of C clips.

    Attributes
    ----------
    onsets : Peaks
        The N peaks of the onset head.
    support : ndarray of float, shape (N,)
        How far the pitch head answers each onset: its highest calibrated logit within `rules.support_s` after the peak.
    offsets : Peaks
        The peaks of the offset head.
    pitch : tuple of ndarray or DiskRows, shape (88 * (T + 2 * pad),)
        Per clip the calibrated logits of the pitch head, key after key in one row; `[:]` is the array.
    grids : tuple of TimeGrid
        The time grid of each clip.
    pads : tuple of int
        Per clip the number of silent frames before and after each key of `pitch`.
    row_s : float
        Distance of two rows on the line (s).
    rules : EventRules
        The rules under which all this was collected.
    """

    onsets: Peaks
    support: np.ndarray
    offsets: Peaks
    pitch: tuple[np.ndarray | DiskRows, ...]
    grids: tuple[TimeGrid, ...]
    pads: tuple[int, ...]
    row_s: float
    rules: EventRules


@dataclass(frozen=True)
class Decision:
    """Which onset peaks begin notes, and what may end each note.

    Attributes
    ----------
    onset_index : ndarray of int, shape (N,)
        The onset peaks that begin notes, ascending.
    runs : Runs
        The stretches in which keys are held.
    offset_index, run_index : ndarray of int, shape (N,)
        The offset peak and the run that could end each note; -1 where there is none.
    """

    onset_index: np.ndarray
    runs: Runs
    offset_index: np.ndarray
    run_index: np.ndarray


def collect(
    clips: Sequence[ClipLogits], thresholds: Thresholds, lowest_onset: float | None = None, scratch: Scratch | None = None
) -> Events:
    """Return the events of clips: the rows of the pitch head, and the peaks that reach the onset and offset thresholds.

    Parameters
    ----------
    clips : sequence of ClipLogits
        The clips; each has the three event heads, (T, 88).
    thresholds : Thresholds
        Their onset and offset thresholds are the lowest that peaks are kept for. Calibration and rules are applied.
    lowest_onset : float, optional
        Onset peaks down to this probability are kept too, for a decoder that may begin a note at them.
    scratch : Scratch, optional
        What takes the rows of the pitch head; they are kept in memory without it.

    Returns
    -------
    Events
        The events of all clips.

    Raises
    ------
    InputError
        A clip lacks an event head, or a head has another shape than (T, 88).
    """
    rules = thresholds.rules
    lowest = {name: float(np.min(getattr(thresholds, name).of_keys("threshold"))) for name in ("onset", "offset")}
    if lowest_onset is not None:
        lowest["onset"] = min(lowest["onset"], lowest_onset)
    row_s = ROW_GAP_S + max((clip.grid.time_s(clip.grid.length) - clip.grid.start_s for clip in clips), default=0.0)
    onsets: list[Peaks] = []
    offsets: list[Peaks] = []
    supports, pads = [], []
    pitches: list[np.ndarray | DiskRows] = []
    for number, clip in enumerate(clips):
        _check(clip)
        fps = clip.grid.fps
        # The rules in frames. Each key is padded by the farthest that any of them looks, so that keys can lie in one flat row
        # and a shift by a few frames meets silence instead of the next key.
        reach = max(1, frames_of(rules.min_repeat_s, fps))
        answer = frames_of(rules.support_s, fps)
        pad = max(reach, answer, frames_of(rules.bridge_s, fps)) + 1
        rows = {**clip.heads, "pitch": median_filtered(clip.heads["pitch"], frames_of(rules.median_s, fps))}
        flat = {name: _flat(rows[name], getattr(thresholds, name), pad) for name in EVENT_HEADS}
        for name, peaks in (("onset", onsets), ("offset", offsets)):
            index = _peak_indices(flat[name], logit(lowest[name]), reach)
            width = clip.grid.length + 2 * pad  # of one key in the flat row
            row, time_s = index // width + number * KEY_COUNT, clip.grid.time_s(_sub_frames(flat[name], index, pad, clip.grid))
            at = row * row_s + (time_s - clip.grid.start_s)
            peaks.append(Peaks(at, row, index % width - pad, time_s, flat[name][index].astype(np.float64)))
            if name == "onset":
                supports.append(np.max([flat["pitch"][index + step] for step in range(answer + 1)], axis=0))  # (peaks,)
        pitches.append(scratch.keep(flat["pitch"]) if scratch else flat["pitch"])
        pads.append(pad)
    grids = tuple(clip.grid for clip in clips)
    support = np.concatenate(supports) if supports else np.zeros(0)
    return Events(_joined(onsets), support, _joined(offsets), tuple(pitches), grids, tuple(pads), row_s, rules)


def at_keys(value: float | np.ndarray, key: np.ndarray) -> float | np.ndarray:
    """Return a value for each of some keys.

    Parameters
    ----------
    value : float or ndarray of float, shape (88,)
        One value for all keys, or one per key.
    key : ndarray of int, shape (N,)
        Keys, 0..87.

    Returns
    -------
    float or ndarray of float, shape (N,)
        One value for all keys as it is, else those of the keys.
    """
    return value if np.ndim(value) == 0 else np.asarray(value)[key]


def median_filtered(logits: np.ndarray, frames: int) -> np.ndarray:
    """Return the running median of logits over time.

    The median commutes with rising maps, so that of logits is that of probabilities.

    Parameters
    ----------
    logits : ndarray of float, shape (T, 88)
        Logits of a head.
    frames : int
        Width of the filter (frames), made odd; 0 and 1 change nothing.

    Returns
    -------
    ndarray of float, shape (T, 88)
        Filtered logits; at both ends the first and the last frame are repeated.
    """
    reach = frames // 2
    if reach == 0 or not len(logits):
        return logits
    padded = np.pad(logits, ((reach, reach), (0, 0)), mode="edge")
    stack = np.stack([padded[step : step + len(logits)] for step in range(2 * reach + 1)])  # (frames, T, 88)
    return np.partition(stack, reach, axis=0)[reach]


def _check(clip: ClipLogits) -> None:
    for name in EVENT_HEADS:
        if name not in clip.heads:
            raise InputError(f"clip {clip.clip_id!r} has no head {name!r}; notes need {', '.join(EVENT_HEADS)}")
        shape = clip.heads[name].shape
        if shape != (clip.grid.length, KEY_COUNT):
            raise InputError(f"clip {clip.clip_id!r}, head {name!r}: shape {shape}, expected ({clip.grid.length}, {KEY_COUNT})")


def _flat(logits: np.ndarray, head: HeadThreshold, pad: int) -> np.ndarray:
    """Return calibrated logits key after key as one row, `pad` silent frames before and after each key."""
    rows = np.full((KEY_COUNT, len(logits) + 2 * pad), SILENT, np.float32)
    rows[:, pad : pad + len(logits)] = logits.T
    if (head.temperature, head.bias) != (1.0, 0.0):
        rows = rows / np.float32(head.temperature) + np.float32(head.bias)
    return rows.ravel()


def _peak_indices(flat: np.ndarray, lowest: float, reach: int) -> np.ndarray:
    """Return where `flat` is finite, at least `lowest`, and the maximum of +-`reach` frames; the first of equal ones.

    The first frame of a key must also be above the second: a head that is high from the start has no peak there.
    """
    index = np.flatnonzero((flat >= lowest) & (flat > SILENT))
    index = index[(flat[index - 1] > SILENT) | (flat[index] > flat[index + 1])]
    # Above everything before and not below anything after: of equal frames the first one is the peak.
    for step in range(1, reach + 1):
        index = index[(flat[index] > flat[index - step]) & (flat[index] >= flat[index + step])]
    return index


def _sub_frames(flat: np.ndarray, index: np.ndarray, pad: int, grid: TimeGrid) -> np.ndarray:
    """Return fractional frames of peaks, taking each for a sampled symmetric triangle (exact for one, whatever its height).

    With the peak m and its neighbours l and r the apex lies (r - l) / (2 (m - min(l, r))) frames to the right.
    """
    frame = index % (grid.length + 2 * pad) - pad
    peak, left, right = (sigmoid(flat[index + step]) for step in (0, -1, 1))
    # At the ends of a clip one neighbour is missing; the other stands in for it, and the apex lies on the frame.
    left, right = np.where(frame == 0, right, left), np.where(frame == grid.length - 1, left, right)
    fall = 2.0 * (peak - np.minimum(left, right))
    return frame + np.divide(right - left, fall, out=np.zeros(len(frame)), where=fall > 1e-12)


def _joined(parts: list[Peaks]) -> Peaks:
    if not parts:
        return Peaks(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    return Peaks(*(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True)))
