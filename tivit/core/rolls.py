"""Which frames a note covers: those whose instant lies in [onset, offset).

An event so little after an instant that floating point may have put it there counts as at it. This is the rule of the scores,
the sweep's counts, the calibration and the targets; `targets` adds that no note vanishes.
"""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.notes import Notes
from tivit.core.timegrid import TimeGrid

SLACK_FRAMES = 1e-6
"""An event so little after an instant counts as at it."""


def first_frame(event_frame: float | np.ndarray) -> np.ndarray:
    """Return the first whole frame not before events at fractional frames, int64; it may lie outside a grid."""
    return np.ceil(event_frame - SLACK_FRAMES).astype(np.int64)


def covered_frames(onset_s: np.ndarray, offset_s: np.ndarray, grid: TimeGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return the first frame of notes (N,) and the one after their last, inside `grid`; equal where a note covers none."""
    start, stop = (np.clip(first_frame(grid.frame(times_s)), 0, grid.length) for times_s in (onset_s, offset_s))
    return start, stop


def roll(notes: Notes, grid: TimeGrid) -> np.ndarray:
    """Return which keys are down at the instants of `grid`, (T, 88) bool."""
    down = np.zeros((grid.length, KEY_COUNT), bool)
    for start, stop, key in zip(*covered_frames(notes.onset_s, notes.offset_s, grid), key_of(notes.midi), strict=True):
        down[start:stop, key] = True
    return down
