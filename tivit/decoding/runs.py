"""Where the pitch head holds a key, and between which two frames it lets go."""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import KEY_COUNT
from tivit.core.probability import logit, sigmoid
from tivit.core.timegrid import frames_of
from tivit.decoding.events import SILENT, Events, Runs, at_keys


def find_runs(events: Events, hold: float | np.ndarray) -> Runs:
    """Return where the pitch head stays at or above `hold`, dips up to `bridge_s` bridged, ends between two frames.

    An end is where the straight line through the probabilities of the last held frame and the next one crosses `hold`.
    """
    start_at, end_at, end_s = [], [], []
    for number, (flat, grid, pad) in enumerate(zip(events.pitch, events.grids, events.pads, strict=True)):
        width = grid.length + 2 * pad
        held = flat >= (logit(hold) if np.ndim(hold) == 0 else np.repeat(logit(hold), width))
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
    before, after = sigmoid(flat[ends - 1]), sigmoid(flat[ends])
    return np.clip((before - hold) / np.maximum(before - after, 1e-9), 0.0, 1.0)
