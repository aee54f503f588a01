"""The likeliest sequence of states of each key (off, onset, hold, release), found exactly by dynamic programming.

A hidden Markov model per key (Viterbi 1967, Error bounds for convolutional codes), all keys of all clips side by side. What a
state scores in a frame is the evidence against silence, in logits less those of the thresholds, so that a threshold is the
probability at which a head speaks for neither side:

- off: 0. hold: `hold_weight` * (pitch - hold threshold), in which a dip is bridged when what surrounds it outweighs it.
- onset: onset - onset threshold, at peaks of that head which the pitch head answers. A doubtful peak begins a note where
  the key is held clearly.
- release: offset - offset threshold, at peaks of that head. A note may also end without one, by going from hold to off.

Onset and release last one frame each, in which the key may be up or down: the pitch head counts there if it speaks for down.
Allowed are off to onset; onset to hold, release, off; hold to release, off, onset (the same key again); release to off, onset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import KEY_COUNT
from tivit.core.probability import logit
from tivit.decoding.events import Decision, Events, Peaks, Runs, at_keys
from tivit.decoding.peaks import choose
from tivit.decoding.runs import crossing
from tivit.decoding.thresholds import Thresholds

OFF, ONSET, HOLD, RELEASE = range(4)
"""The states of a key, as `best_path` writes them."""
LOWEST_ONSET = 0.01
"""Probability below which no onset peak is looked at, however clearly the key is held."""
LARGEST_LOGIT = 20.0
"""Logits are cut to so much either way, since those of silence and of thresholds of 0 and 1 are infinite."""
BLOCK_FRAMES = 256
"""Blocks have at least so many frames: shorter ones cost more to join than they save."""


def decide_states(events: Events, thresholds: Thresholds) -> Decision:
    """Return which onset peaks begin notes and what ends them, from the best path of every key.

    Parameters
    ----------
    events : Events
        The events of clips.
    thresholds : Thresholds
        The operating point.

    Returns
    -------
    Decision
        The notes of all clips, not yet with times; each note has its own run.
    """
    length = max((grid.length for grid in events.grids), default=0)
    shape = (length, len(events.grids) * KEY_COUNT)  # (T, R): time of the longest clip, all keys of all clips
    candidates = choose(events, 0.0, thresholds.pitch.of_keys("threshold"))
    held = events.rules.hold_weight * _held(events, thresholds, shape)
    onset = _at_peaks(events.onsets, candidates, thresholds.onset.of_keys("threshold"), held)
    release = _at_peaks(events.offsets, np.arange(len(events.offsets.at)), thresholds.offset.of_keys("threshold"), held)
    states = best_path(onset, held, release)
    onset_index = candidates[states[events.onsets.frame[candidates], events.onsets.row[candidates]] == ONSET]
    return _decision(events, onset_index, states, thresholds.pitch.of_keys("hold"))


def best_path(onset: np.ndarray, hold: np.ndarray, release: np.ndarray) -> np.ndarray:
    """Return the sequence of states with the highest sum of scores, for every key.

    Parameters
    ----------
    onset, hold, release : ndarray of float, shape (T, R)
        What each state scores in each frame, one column per key; -inf forbids a state. The state `off` scores 0.

    Returns
    -------
    ndarray of int8, shape (T, R)
        OFF, ONSET, HOLD or RELEASE. Of equal sums the one with fewer frames down is taken.

    Notes
    -----
    All that a frame needs to know of those before is the best sum with the key up and with the key down, and one frame makes of
    these two others by sums and maxima alone. So time is cut into blocks that go side by side, three times: what a block makes
    of either start; from the true starts, what wins in each frame; and back from either end.
    """
    length, keys = hold.shape
    if length == 0:
        return np.empty((0, keys), np.int8)
    count = max(1, length // BLOCK_FRAMES)
    scores = [_in_blocks(values, count) for values in (onset, hold, release)]
    wins = _Wins.of(scores, *_starts(scores))
    is_down = _backwards(wins)
    up = np.where(wins.release, np.int8(RELEASE), np.int8(OFF))
    states = np.where(is_down, np.where(wins.onset, np.int8(ONSET), np.int8(HOLD)), up)
    return states.transpose(1, 0, 2).reshape(-1, keys)[:length]


def _in_blocks(values: np.ndarray, count: int) -> np.ndarray:
    """Return (T, R) as (frames of a block, count, R); after the end every event is forbidden."""
    length, keys = values.shape
    frames = -(-length // count)
    missing = count * frames - length
    whole = np.concatenate([values, np.full((missing, keys), -np.inf)]) if missing else values
    return whole.reshape(count, frames, keys).transpose(1, 0, 2)


def _starts(scores: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the best sums with the key up and with the key down before each block, (blocks, R) each."""
    _, count, keys = scores[0].shape
    if count == 1:
        return np.zeros((1, keys)), np.full((1, keys), -np.inf)
    # Of each block, for a start with the key up and one with it down: the best sums at its end, up and down. The maximum and
    # the sum play the parts of plus and times, so blocks join as matrices of two by two do.
    up = np.broadcast_to(np.array([0.0, -np.inf])[:, None, None], (2, count, keys))  # (start, blocks, R)
    down = up[::-1]
    for onset, hold, release in zip(*scores, strict=True):
        off = np.maximum(up, down)
        up, down = np.maximum(off, down + release), np.maximum(off + onset, down + hold)
    starts_up, starts_down = np.empty((2, count, keys))
    is_up, is_down = np.zeros(keys), np.full(keys, -np.inf)  # every key is up before the clip
    for block in range(count):
        starts_up[block], starts_down[block] = is_up, is_down
        is_up, is_down = (np.maximum(is_up + side[0, block], is_down + side[1, block]) for side in (up, down))
    return starts_up, starts_down


@dataclass(frozen=True)
class _Wins:
    """What wins in each frame.

    Attributes
    ----------
    onset, release, down_before : ndarray of bool, shape (frames of a block, blocks, R)
        Onset wins over hold, release wins over off, and down wins over up in the frame before.
    ends_down : ndarray of bool, shape (R,)
        The key is down after the last frame.
    """

    onset: np.ndarray
    release: np.ndarray
    down_before: np.ndarray
    ends_down: np.ndarray

    @classmethod
    def of(cls, scores: Sequence[np.ndarray], up: np.ndarray, down: np.ndarray) -> _Wins:
        """Return what wins in blocks that begin with the best sums `up` and `down`."""
        onset_wins, release_wins, down_before = (np.empty(scores[0].shape, bool) for _ in range(3))
        for t, (onset, hold, release) in enumerate(zip(*scores, strict=True)):
            np.greater(down, up, out=down_before[t])
            off = np.maximum(up, down)
            struck, held, released = off + onset, down + hold, down + release
            np.greater(struck, held, out=onset_wins[t])
            np.greater(released, off, out=release_wins[t])
            up, down = np.maximum(off, released), np.maximum(struck, held)
        return cls(onset_wins, release_wins, down_before, down[-1] > up[-1])


def _backwards(wins: _Wins) -> np.ndarray:
    """Return in which frames the key is down on the best path (onset or hold), (frames of a block, blocks, R) bool."""
    # Was the key down in the frame before? If it is down now: in hold always, at an onset if the better way there was down.
    # If it is up now: at a release always, in off if the better way there was down.
    if_down, if_up = ~wins.onset | wins.down_before, wins.release | wins.down_before
    frames, count, keys = wins.onset.shape
    ways = np.empty((frames, 2, count, keys), bool)  # the path back from either end of each block: up, down
    before = np.broadcast_to(np.array([False, True])[:, None, None], (2, count, keys))
    for t in range(frames - 1, -1, -1):
        ways[t] = before
        before = np.where(before, if_down[t], if_up[t])
    is_down = np.empty((frames, count, keys), bool)
    end = wins.ends_down
    for block in range(count - 1, -1, -1):
        is_down[:, block] = np.where(end, ways[:, 1, block], ways[:, 0, block])
        end = np.where(end, before[1, block], before[0, block])
    return is_down


def _held(events: Events, thresholds: Thresholds, shape: tuple[int, int]) -> np.ndarray:
    """Return how far the pitch head lies above its hold threshold, (T, R) logits; as silent as can be after a clip's end."""
    held = np.full(shape, -LARGEST_LOGIT)
    level = logit(thresholds.pitch.of_keys("hold"))
    for number, (line, grid, pad) in enumerate(zip(events.pitch, events.grids, events.pads, strict=True)):
        rows = line[:].reshape(KEY_COUNT, grid.length + 2 * pad)[:, pad : pad + grid.length].T
        held[: grid.length, number * KEY_COUNT : (number + 1) * KEY_COUNT] = _evidence(rows, level)
    return held


def _at_peaks(peaks: Peaks, index: np.ndarray, threshold: float | np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return the evidence of an event at the peaks `index`, where the key may be up or down, and -inf elsewhere, (T, R)."""
    result = np.full(held.shape, -np.inf)
    at = peaks.frame[index], peaks.row[index]
    evidence = _evidence(peaks.logit[index], logit(at_keys(threshold, at[1] % KEY_COUNT)))
    result[at] = evidence + np.maximum(held[at], 0.0)
    return result


def _evidence(height: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    return np.clip(height, -LARGEST_LOGIT, LARGEST_LOGIT) - np.clip(level, -LARGEST_LOGIT, LARGEST_LOGIT)


def _decision(events: Events, onset_index: np.ndarray, states: np.ndarray, hold: float | np.ndarray) -> Decision:
    """Return the decision with one run per note, from its onset to the last frame of hold; of offset peaks the one there."""
    length, keys = states.shape
    # States key after key in one row; the extra frame of `off` after each key ends a note that lasts to the last frame.
    line = np.zeros((keys, length + 1), np.int8)
    line[:, :length] = states.T
    line = line.ravel()
    row = events.onsets.row[onset_index]
    ends = np.flatnonzero(line != HOLD)
    end = ends[np.searchsorted(ends, row * (length + 1) + events.onsets.frame[onset_index], side="right")] if len(row) else row
    peak_line = events.offsets.row * (length + 1) + events.offsets.frame
    offset_index = np.where(line[end] == RELEASE, np.searchsorted(peak_line, end), -1)
    end_s = _fall_s(events, row, end - row * (length + 1), hold)
    start_s = np.array([grid.start_s for grid in events.grids])
    end_at = row * events.row_s + end_s - start_s[row // KEY_COUNT]
    runs = Runs(events.onsets.at[onset_index], end_at, end_s)
    return Decision(onset_index, runs, offset_index, np.arange(len(row)))


def _fall_s(events: Events, row: np.ndarray, frame: np.ndarray, hold: float | np.ndarray) -> np.ndarray:
    """Return the instants (s) at which the pitch head falls through `hold` between `frame` - 1 and `frame` of rows."""
    result = np.zeros(len(row))
    for number, (line, grid, pad) in enumerate(zip(events.pitch, events.grids, events.pads, strict=True)):
        own = np.flatnonzero(row // KEY_COUNT == number)
        key = row[own] % KEY_COUNT
        index = key * (grid.length + 2 * pad) + pad + frame[own]
        result[own] = grid.time_s(frame[own] - 1 + crossing(line[:], index, at_keys(hold, key)))
    return result
