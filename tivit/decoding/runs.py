"""Where the pitch head holds a key, and between which two frames it lets go."""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import KEY_COUNT
from tivit.core.probability import logit, sigmoid
from tivit.core.timegrid import frames_of
from tivit.decoding.events import SILENT, Events, Runs, at_keys


def find_runs(events: Events, hold: float | np.ndarray) -> Runs:
    """Return the stretches in which the pitch head holds a key.

    A key is held while the probability is at or above `hold`, and dips of up to `bridge_s` are bridged. A run ends between two
    frames, where the straight line through the probabilities of the last held frame and the next one crosses `hold`.

    Parameters
    ----------
    events : Events
        The events of clips.
    hold : float or ndarray of float, shape (88,)
        Probability that keeps a note going.

    Returns
    -------
    Runs
        The runs of all clips and keys, sorted along the line.
    """
    start_at, end_at, end_s = [], [], []
    for number, (line, grid, pad) in enumerate(zip(events.pitch, events.grids, events.pads, strict=True)):
        flat = line[:]
        width = grid.length + 2 * pad
        held = flat >= (logit(hold) if np.ndim(hold) == 0 else np.repeat(logit(hold), width))
        # With a threshold of 0 the silent frames between keys would be held too, and join one key to the next.
        if np.min(hold) <= 0.0:
            held &= flat > SILENT
        edges = np.flatnonzero(held[1:] != held[:-1]) + 1  # begin, end, begin, end: every key is framed by silence
        starts, ends = edges[::2], edges[1::2]
        # A dip between two runs that is short enough is no gap: the end before it and the begin after it are dropped.
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
    """Return how far after its last held frame a key falls through the hold threshold.

    Parameters
    ----------
    flat : ndarray of float
        Logits of the pitch head, key after key in one row, as in `Events.pitch`.
    ends : ndarray of int, shape (N,)
        Indices of the first frame that is no longer held.
    hold : float or ndarray of float, shape (N,)
        The hold threshold, a probability.

    Returns
    -------
    ndarray of float64, shape (N,)
        Frames after `ends - 1`, 0..1, at which the straight line through the two probabilities is at `hold`.
    """
    before, after = sigmoid(flat[ends - 1]), sigmoid(flat[ends])
    return np.clip((before - hold) / np.maximum(before - after, 1e-9), 0.0, 1.0)
