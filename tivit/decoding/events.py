"""From logits to notes: onset peaks with sub-frame position, held while the pitch head holds, ended by the offset head.

Two halves, so that a sweep does the costly one once. `collect` finds what does not depend on the thresholds: peaks and their
heights, for one or many clips. `choose`, `find_runs` and `spans` apply thresholds to it. Onsets depend on the onset
and pitch thresholds alone; hold and offset thresholds move only ends. The decoder `states` (`tivit/decoding/states.py`)
decides which peaks begin and end notes in another way, from the same events. A threshold is one number or one a key, (88,).

All clips and keys lie on one line: `at = row * row_s + seconds since the clip's start`, row = clip * 88 + key, the rows so far
apart that nothing reaches across; sorted along it, every look-up is a binary search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS, UNKNOWN, VELOCITY, VELOCITY_SCALE
from tivit.core.keyboard import KEY_COUNT, midi_of
from tivit.core.logits import ClipLogits
from tivit.core.notes import Notes, make_notes
from tivit.core.timegrid import TimeGrid, frames_of
from tivit.decoding.thresholds import EventRules, HeadThreshold, Thresholds

ROW_GAP_S = 10.0
"""Free time between two rows of the line; every rule's time is at most 1 s."""
SILENT = -np.inf
STATES_LOWEST = 0.01
"""Probability below which no onset peak is looked at by the decoder `states`."""
VELOCITY_REACH = 1
"""Frames on either side of the one nearest the onset over which the velocity is averaged."""


@dataclass(frozen=True)
class Peaks:
    """Local maxima of one head, sorted by `at`: place on the line, row, frame, instant (s), calibrated logit; (N,) each."""

    at: np.ndarray
    row: np.ndarray
    frame: np.ndarray
    time_s: np.ndarray
    logit: np.ndarray


@dataclass(frozen=True)
class Runs:
    """Stretches in which a key is held, sorted: begin and end on the line, end as an instant (s); shape (N,) each."""

    start_at: np.ndarray
    end_at: np.ndarray
    end_s: np.ndarray


@dataclass(frozen=True)
class Events:
    """Threshold-free events of clips: onset peaks, how far the pitch head answers each (logit), offset peaks, pitch rows.

    `pitch` holds per clip the padded, flat, key-major logits of the pitch head; `pad` how many silent frames frame every key.
    """

    onsets: Peaks
    support: np.ndarray
    offsets: Peaks
    pitch: tuple[np.ndarray, ...]
    grids: tuple[TimeGrid, ...]
    pads: tuple[int, ...]
    row_s: float
    rules: EventRules


@overload
def logit_of(probability: np.ndarray) -> np.ndarray: ...
@overload
def logit_of(probability: float) -> float: ...
def logit_of(probability: float | np.ndarray) -> float | np.ndarray:
    """Return log(p / (1 - p)); -inf for 0 and inf for 1."""
    with np.errstate(divide="ignore"):
        return np.log(probability) - np.log1p(-np.asarray(probability))


def decode_notes(heads: dict[str, np.ndarray], grid: TimeGrid, thresholds: Thresholds) -> Notes:
    """Return the notes of one clip.

    Parameters
    ----------
    heads : head name -> (T, 88) logits; `pitch`, `onset`, `offset` are needed; `hand`, `clef` and `velocity` name hand, staff
        and velocity if there, which else are unknown.
    grid : the clip's time grid, T = grid.length.
    thresholds : the operating point.

    Raises
    ------
    InputError
        An event head is missing or has another shape than (grid.length, 88).
    """
    clip = ClipLogits("", grid, heads)
    events = collect([clip], thresholds)
    chosen, runs, sources = decide(events, thresholds)
    onset_s, offset_s = spans(events, chosen, runs, sources, thresholds)
    key = events.onsets.row[chosen]
    attributes = [_attribute(heads.get(name), grid, key, onset_s, offset_s) for name in ("hand", "clef")]
    return make_notes(onset_s, offset_s, midi_of(key), _velocity(heads.get(VELOCITY), grid, key, onset_s), *attributes)


def decide(events: Events, thresholds: Thresholds) -> tuple[np.ndarray, Runs, tuple[np.ndarray, np.ndarray]]:
    """Return the indices of the onset peaks that begin notes, the runs, and what ends the notes (see `end_sources`)."""
    if thresholds.rules.decoder == "states":
        from tivit.decoding.states import decide_states

        return decide_states(events, thresholds)
    chosen = choose(events, thresholds.onset.of_keys("threshold"), thresholds.pitch.of_keys("threshold"))
    runs = find_runs(events, thresholds.pitch.of_keys("hold"))
    return chosen, runs, end_sources(events, chosen, runs)


def collect(clips: Sequence[ClipLogits], thresholds: Thresholds) -> Events:
    """Return the events of clips: the pitch rows, and the peaks at least as probable as the onset and offset thresholds.

    The decoder `states` may begin a note at a lower onset peak: for it they go down to a probability of `STATES_LOWEST`.
    """
    rules = thresholds.rules
    lowest = {name: float(np.min(getattr(thresholds, name).of_keys("threshold"))) for name in ("onset", "offset")}
    if rules.decoder == "states":
        lowest["onset"] = min(lowest["onset"], STATES_LOWEST)
    row_s = ROW_GAP_S + max((clip.grid.time_s(clip.grid.length) - clip.grid.start_s for clip in clips), default=0.0)
    onsets: list[Peaks] = []
    offsets: list[Peaks] = []
    supports, pitches, pads = [], [], []
    for number, clip in enumerate(clips):
        _check(clip)
        fps = clip.grid.fps
        reach = max(1, frames_of(rules.min_repeat_s, fps))
        answer = frames_of(rules.support_s, fps)
        pad = max(reach, answer, frames_of(rules.bridge_s, fps)) + 1
        rows = {**clip.heads, "pitch": median_filtered(clip.heads["pitch"], frames_of(rules.median_s, fps))}
        flat = {name: _flat(rows[name], getattr(thresholds, name), pad) for name in EVENT_HEADS}
        for name, found in (("onset", onsets), ("offset", offsets)):
            index = _peak_indices(flat[name], logit_of(lowest[name]), reach)
            width = clip.grid.length + 2 * pad
            row, time_s = index // width + number * KEY_COUNT, clip.grid.time_s(_sub_frames(flat[name], index, pad, clip.grid))
            at = row * row_s + (time_s - clip.grid.start_s)
            found.append(Peaks(at, row, index % width - pad, time_s, flat[name][index].astype(np.float64)))
            if name == "onset":
                supports.append(np.max([flat["pitch"][index + step] for step in range(answer + 1)], axis=0))
        pitches.append(flat["pitch"])
        pads.append(pad)
    grids = tuple(clip.grid for clip in clips)
    support = np.concatenate(supports) if supports else np.zeros(0)
    return Events(_joined(onsets), support, _joined(offsets), tuple(pitches), grids, tuple(pads), row_s, rules)


def choose(events: Events, onset_threshold: float | np.ndarray, pitch_threshold: float | np.ndarray) -> np.ndarray:
    """Return the indices of the onset peaks that begin a note, ascending."""
    return np.flatnonzero(begins(events, onset_threshold, pitch_threshold))


def begins(events: Events, onset_threshold: float | np.ndarray, pitch_threshold: float | np.ndarray) -> np.ndarray:
    """Return which onset peaks begin a note, bool (N,)."""
    onset, pitch = logit_of(onset_threshold), logit_of(pitch_threshold)
    if np.ndim(onset) or np.ndim(pitch):
        key = events.onsets.row % KEY_COUNT
        onset, pitch = at_keys(onset, key), at_keys(pitch, key)
    return (events.onsets.logit >= onset) & (events.support >= pitch)


def find_runs(events: Events, hold: float | np.ndarray) -> Runs:
    """Return where the pitch head stays at or above `hold`, dips up to `bridge_s` bridged, ends between two frames.

    An end is where the straight line through the probabilities of the last held frame and the next one crosses `hold`.
    """
    start_at, end_at, end_s = [], [], []
    for number, (flat, grid, pad) in enumerate(zip(events.pitch, events.grids, events.pads, strict=True)):
        width = grid.length + 2 * pad
        held = flat >= (logit_of(hold) if np.ndim(hold) == 0 else np.repeat(logit_of(hold), width))
        if np.min(hold) <= 0.0:
            held &= flat > SILENT
        edges = np.flatnonzero(held[1:] != held[:-1]) + 1
        starts, ends = edges[::2], edges[1::2]
        is_gap = starts[1:] - ends[:-1] > frames_of(events.rules.bridge_s, grid.fps)
        starts = starts[np.concatenate([[True], is_gap])] if len(starts) else starts
        ends = ends[np.concatenate([is_gap, [True]])] if len(ends) else ends
        time_s = grid.time_s(ends % width - pad - 1 + crossing(flat, ends, at_keys(hold, ends // width)))
        base_s = (ends // width + number * KEY_COUNT) * events.row_s - grid.start_s
        start_at.append(grid.time_s(starts % width - pad) + base_s)
        end_at.append(time_s + base_s)
        end_s.append(time_s)
    return Runs(*(np.concatenate(column) if column else np.zeros(0) for column in (start_at, end_at, end_s)))


def crossing(flat: np.ndarray, ends: np.ndarray, hold: float | np.ndarray) -> np.ndarray:
    """Return how far (0..1 frames) after `ends - 1` a straight line through the probabilities there and at `ends` is `hold`."""
    before, after = _probability(flat[ends - 1]), _probability(flat[ends])
    return np.clip((before - hold) / np.maximum(before - after, 1e-9), 0.0, 1.0)


def end_sources(events: Events, chosen: np.ndarray, runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Return per chosen onset the offset peak and the run that could end its note (indices, -1 where there is none).

    The run is the one that lasts beyond `min_length_s` after the onset and begins at most `support_s` after it. The offset peak
    is the highest from there to `snap_s` after that run's end, and not after the key's next onset.
    """
    rules, at = events.rules, events.onsets.at[chosen]
    next_at = np.append(at[1:], np.inf)
    run = np.searchsorted(runs.end_at, at + rules.min_length_s, side="right")
    start_at, end_at = np.append(runs.start_at, np.inf), np.append(runs.end_at, np.inf)
    is_held = start_at[run] <= at + rules.support_s
    run_end_at = np.where(is_held, end_at[run], at + rules.min_length_s)
    low = np.searchsorted(events.offsets.at, at + rules.min_length_s, side="right")
    high = np.searchsorted(events.offsets.at, np.minimum(run_end_at + rules.snap_s, next_at), side="right")
    return _highest(events.offsets.logit, low, high), np.where(is_held, run, -1)


def spans(
    events: Events, chosen: np.ndarray, runs: Runs, sources: tuple[np.ndarray, np.ndarray], thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray]:
    """Return onsets and offsets (s) of the notes begun by the peaks `chosen` (ascending indices), lags removed.

    A note ends at the offset peak of `sources` (see `end_sources`) if that reaches the offset threshold, else with its run;
    never after the key's next onset, and else never before `min_length_s`.
    """
    offset_index, run_index = sources
    rules, row = events.rules, events.onsets.row[chosen]
    key = row % KEY_COUNT
    lag_s = {name: at_keys(getattr(thresholds, name).of_keys("lag_s"), key) for name in EVENT_HEADS}
    onset_s = events.onsets.time_s[chosen] - lag_s["onset"]
    earliest_s = onset_s + rules.min_length_s
    run_end_s = np.where(run_index >= 0, np.append(runs.end_s, 0.0)[run_index] - lag_s["pitch"], earliest_s)
    peak_logit = np.where(offset_index >= 0, np.append(events.offsets.logit, SILENT)[offset_index], SILENT)
    peak_s = np.append(events.offsets.time_s, 0.0)[offset_index] - lag_s["offset"]
    level = logit_of(at_keys(thresholds.offset.of_keys("threshold"), key))
    is_peak = (peak_logit >= level) & (offset_index >= 0)
    offset_s = np.maximum(np.where(is_peak, peak_s, run_end_s), earliest_s)
    repeats = np.flatnonzero(row[1:] == row[:-1])
    offset_s[repeats] = np.minimum(offset_s[repeats], onset_s[repeats + 1])
    return onset_s, offset_s


def at_keys(value: float | np.ndarray, key: np.ndarray) -> float | np.ndarray:
    """Return a value for all keys as it is, values a key (88,) at `key`."""
    return value if np.ndim(value) == 0 else np.asarray(value)[key]


def median_filtered(logits: np.ndarray, frames: int) -> np.ndarray:
    """Return the running median of (T, 88) logits over `frames` frames made odd, the ends continued; 0 and 1 change nothing.

    The median commutes with rising maps, so that of logits is that of probabilities.
    """
    reach = frames // 2
    if reach == 0 or not len(logits):
        return logits
    padded = np.pad(logits, ((reach, reach), (0, 0)), mode="edge")
    stack = np.stack([padded[step : step + len(logits)] for step in range(2 * reach + 1)])
    return np.partition(stack, reach, axis=0)[reach]


def _check(clip: ClipLogits) -> None:
    for name in EVENT_HEADS:
        if name not in clip.heads:
            raise InputError(f"clip {clip.clip_id!r} has no head {name!r}; notes need {', '.join(EVENT_HEADS)}")
        shape = clip.heads[name].shape
        if shape != (clip.grid.length, KEY_COUNT):
            raise InputError(f"clip {clip.clip_id!r}, head {name!r}: shape {shape}, expected ({clip.grid.length}, {KEY_COUNT})")


def _probability(logit: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logit, np.float64)))


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
    for step in range(1, reach + 1):
        index = index[(flat[index] > flat[index - step]) & (flat[index] >= flat[index + step])]
    return index


def _sub_frames(flat: np.ndarray, index: np.ndarray, pad: int, grid: TimeGrid) -> np.ndarray:
    """Return fractional frames of peaks, taking each for a sampled symmetric triangle (exact for one, whatever its height).

    With the peak m and its neighbours l and r the apex lies (r - l) / (2 (m - min(l, r))) frames to the right.
    """
    frame = index % (grid.length + 2 * pad) - pad
    peak, left, right = (_probability(flat[index + step]) for step in (0, -1, 1))
    left, right = np.where(frame == 0, right, left), np.where(frame == grid.length - 1, left, right)
    fall = 2.0 * (peak - np.minimum(left, right))
    return frame + np.divide(right - left, fall, out=np.zeros(len(frame)), where=fall > 1e-12)


def _joined(parts: list[Peaks]) -> Peaks:
    if not parts:
        return Peaks(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    return Peaks(*(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True)))


def _highest(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the index of the first maximum of `values[low:high]` for each pair, -1 for empty ranges."""
    best = np.where(low < high, low, -1)
    index = low + 1
    open_ = np.flatnonzero(index < high)
    while open_.size:
        is_higher = values[index[open_]] > values[best[open_]]
        best[open_[is_higher]] = index[open_[is_higher]]
        index[open_] += 1
        open_ = open_[index[open_] < high[open_]]
    return best


def _attribute(
    logits: np.ndarray | None, grid: TimeGrid, key: np.ndarray, onset_s: np.ndarray, offset_s: np.ndarray
) -> np.ndarray:
    """Return 1 where the mean logit over the frames of a note is positive, else 0; unknown without the head."""
    if logits is None:
        return np.full(len(key), UNKNOWN)
    first = np.clip(np.ceil(grid.frame(onset_s)).astype(int), 0, grid.length - 1)
    last = np.clip(np.ceil(grid.frame(offset_s)).astype(int), first + 1, grid.length)
    flat = np.append(np.ascontiguousarray(logits.T).ravel(), np.float32(0.0))
    pairs = np.stack([key * grid.length + first, key * grid.length + last], axis=1).ravel()
    sums = np.add.reduceat(flat, pairs)[::2] if len(pairs) else np.zeros(0)
    return (sums > 0).astype(np.int16)


def _velocity(logits: np.ndarray | None, grid: TimeGrid, key: np.ndarray, onset_s: np.ndarray) -> np.ndarray:
    """Return the MIDI velocity of notes, 1..127: the mean of a few frames around the onset; unknown without the head."""
    if logits is None:
        return np.full(len(key), UNKNOWN)
    steps = np.arange(-VELOCITY_REACH, VELOCITY_REACH + 1)
    frames = np.clip(np.rint(grid.frame(onset_s)).astype(int)[:, None] + steps, 0, grid.length - 1)
    share = _probability(logits[frames, key[:, None]]).mean(axis=1)
    return np.clip(np.rint(VELOCITY_SCALE * share), 1, 127).astype(np.int16)
