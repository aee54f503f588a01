"""The decoder `peaks`: every onset peak above the thresholds begins a note, which lasts while the pitch head holds the key.

Onsets depend on the onset and pitch thresholds alone; hold and offset thresholds move only ends.
"""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import KEY_COUNT
from tivit.core.probability import logit
from tivit.decoding.events import Decision, Events, Runs, at_keys
from tivit.decoding.runs import find_runs
from tivit.decoding.thresholds import Thresholds


def decide_peaks(events: Events, thresholds: Thresholds) -> Decision:
    """Return which onset peaks begin notes and what may end them.

    Parameters
    ----------
    events : Events
        The events of clips.
    thresholds : Thresholds
        The operating point.

    Returns
    -------
    Decision
        The notes of all clips, not yet with times.
    """
    onset_index = choose(events, thresholds.onset.of_keys("threshold"), thresholds.pitch.of_keys("threshold"))
    return end_sources(events, onset_index, find_runs(events, thresholds.pitch.of_keys("hold")))


def choose(events: Events, onset_threshold: float | np.ndarray, pitch_threshold: float | np.ndarray) -> np.ndarray:
    """Return the onset peaks that begin a note.

    Parameters
    ----------
    events : Events
        The events of clips, with N onset peaks.
    onset_threshold, pitch_threshold : float or ndarray of float, shape (88,)
        Probabilities, as for `begins`.

    Returns
    -------
    ndarray of int, shape (M,)
        Indices of onset peaks, ascending.
    """
    return np.flatnonzero(begins(events, onset_threshold, pitch_threshold))


def begins(events: Events, onset_threshold: float | np.ndarray, pitch_threshold: float | np.ndarray) -> np.ndarray:
    """Return which onset peaks begin a note.

    Parameters
    ----------
    events : Events
        The events of clips, with N onset peaks.
    onset_threshold : float or ndarray of float, shape (88,)
        Probability that the onset head must reach at the peak.
    pitch_threshold : float or ndarray of float, shape (88,)
        Probability that the pitch head must reach soon after it (`Events.support`).

    Returns
    -------
    ndarray of bool, shape (N,)
        True for the peaks that reach both.
    """
    onset, pitch = logit(onset_threshold), logit(pitch_threshold)
    if np.ndim(onset) or np.ndim(pitch):
        key = events.onsets.row % KEY_COUNT
        onset, pitch = at_keys(onset, key), at_keys(pitch, key)
    return (events.onsets.logit >= onset) & (events.support >= pitch)


def end_sources(events: Events, onset_index: np.ndarray, runs: Runs) -> Decision:
    """Return what could end the notes that onset peaks begin.

    The run of a note is the one that lasts beyond `min_length_s` after the onset and begins at most `support_s` after it. The
    offset peak is the highest from `min_length_s` after the onset to `snap_s` after that run's end, and not after the key's
    next onset.

    Parameters
    ----------
    events : Events
        The events of clips.
    onset_index : ndarray of int, shape (N,)
        The onset peaks that begin notes, ascending.
    runs : Runs
        The stretches in which keys are held.

    Returns
    -------
    Decision
        The notes with their runs and offset peaks.
    """
    rules, at = events.rules, events.onsets.at[onset_index]
    next_at = np.append(at[1:], np.inf)
    # Runs of a key do not overlap, so the first that ends late enough is the earliest that can hold the note.
    run = np.searchsorted(runs.end_at, at + rules.min_length_s, side="right")
    start_at, end_at = np.append(runs.start_at, np.inf), np.append(runs.end_at, np.inf)
    is_held = start_at[run] <= at + rules.support_s
    run_end_at = np.where(is_held, end_at[run], at + rules.min_length_s)
    low = np.searchsorted(events.offsets.at, at + rules.min_length_s, side="right")
    high = np.searchsorted(events.offsets.at, np.minimum(run_end_at + rules.snap_s, next_at), side="right")
    return Decision(onset_index, runs, _highest(events.offsets.logit, low, high), np.where(is_held, run, -1))


def _highest(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the index of the first maximum of `values[low:high]` for each pair, -1 for empty ranges."""
    # All ranges are gone through side by side, one step at a time, until the last of them ends.
    best = np.where(low < high, low, -1)
    index = low + 1
    open_ = np.flatnonzero(index < high)
    while open_.size:
        is_higher = values[index[open_]] > values[best[open_]]
        best[open_[is_higher]] = index[open_[is_higher]]
        index[open_] += 1
        open_ = open_[index[open_] < high[open_]]
    return best
