"""Which frames a note covers: those whose instant lies in [onset, offset).

An event so little after an instant that floating point may have put it there counts as at that instant. This is the rule of the
scores, of the sweep's counts, of the calibration and of the targets; `targets` adds that no note vanishes.
"""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.notes import Notes
from tivit.core.timegrid import TimeGrid

SLACK_FRAMES = 1e-6
"""An event up to this much after an instant (frames) counts as at it: far above rounding errors, far below any timing."""


def first_frame(event_frame: float | np.ndarray) -> np.ndarray:
    """Return the first whole frame that is not before an event.

    Parameters
    ----------
    event_frame : float or ndarray
        Fractional frame positions of events, of any shape.

    Returns
    -------
    ndarray of int64
        Frames, of the same shape; they may lie outside a grid.
    """
    return np.ceil(event_frame - SLACK_FRAMES).astype(np.int64)


def covered_frames(onset_s: np.ndarray, offset_s: np.ndarray, grid: TimeGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return which frames of a grid notes cover.

    Parameters
    ----------
    onset_s, offset_s : ndarray of float, shape (N,)
        When notes begin and end (s of the grid's clock).
    grid : TimeGrid
        The instants.

    Returns
    -------
    start, stop : ndarray of int64, shape (N,)
        The first frame of each note and the one after its last, both in 0..grid.length; they are equal where a note covers no
        frame.
    """
    start, stop = (np.clip(first_frame(grid.frame(times_s)), 0, grid.length) for times_s in (onset_s, offset_s))
    return start, stop


def roll(notes: Notes, grid: TimeGrid) -> np.ndarray:
    """Return which keys are down at the instants of a grid.

    Parameters
    ----------
    notes : Notes
        Notes in seconds of the grid's clock.
    grid : TimeGrid
        The T = grid.length instants.

    Returns
    -------
    ndarray of bool, shape (T, 88)
        True where a note of the key covers the frame.
    """
    down = np.zeros((grid.length, KEY_COUNT), bool)
    for start, stop, key in zip(*covered_frames(notes.onset_s, notes.offset_s, grid), key_of(notes.midi), strict=True):
        down[start:stop, key] = True
    return down
