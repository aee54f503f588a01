"""The one time grid: seconds <-> frames. No other module multiplies or divides by a frame rate.

Convention: frame k of a grid is the instant `start_s + k / fps` (an instant, not the interval [k, k + 1) / fps). A clip's
grid starts at the timestamp of its first video frame. Frame positions may be fractional.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np

from tivit.core.choices import FPS_RANGE
from tivit.core.errors import InputError

HELD_S = 0.5
"""A frame that is shown for longer is a pause of the video, and no slow rate: 2 frames a second are fewer than are accepted."""


@dataclass(frozen=True)
class TimeGrid:
    """A regular grid of instants.

    Attributes
    ----------
    fps : float
        Instants per second, 1..240.
    start_s : float
        The first instant (s of the video's clock).
    length : int
        Number of instants, 0 or more.
    """

    fps: float
    start_s: float
    length: int

    def __post_init__(self) -> None:
        low, high = FPS_RANGE
        if not low <= self.fps <= high:
            raise InputError(f"fps {self.fps} is outside {low:g}..{high:g}")
        if self.length < 0:
            raise InputError(f"a time grid cannot have {self.length} frames")

    @overload
    def time_s(self, frame: np.ndarray) -> np.ndarray: ...
    @overload
    def time_s(self, frame: float) -> float: ...
    def time_s(self, frame: np.ndarray | float) -> np.ndarray | float:
        """Return the instants of frame positions.

        Parameters
        ----------
        frame : float or ndarray
            Frame positions, of any shape; fractions and positions outside the grid are allowed.

        Returns
        -------
        float or ndarray of float64
            Instants (s of the grid's clock), of the same shape.
        """
        return self.start_s + np.asarray(frame, dtype=np.float64) / self.fps

    @overload
    def frame(self, time_s: np.ndarray) -> np.ndarray: ...
    @overload
    def frame(self, time_s: float) -> float: ...
    def frame(self, time_s: np.ndarray | float) -> np.ndarray | float:
        """Return the frame positions of instants.

        Parameters
        ----------
        time_s : float or ndarray
            Instants (s of the grid's clock), of any shape.

        Returns
        -------
        float or ndarray of float64
            Fractional frame positions, of the same shape; they may lie outside the grid.
        """
        return (np.asarray(time_s, dtype=np.float64) - self.start_s) * self.fps

    def times_s(self) -> np.ndarray:
        """Return the instants of all frames.

        Returns
        -------
        ndarray of float64, shape (length,)
            Instants (s of the grid's clock), ascending.
        """
        return self.time_s(np.arange(self.length))

    @property
    def end_s(self) -> float:
        """The instant (s) of the last frame; `start_s` when the grid is empty."""
        return float(self.time_s(max(self.length - 1, 0)))

    def window(self, first_frame: int, length: int, step: float = 1.0) -> TimeGrid:
        """Return a grid over a part of this one.

        Parameters
        ----------
        first_frame : int
            The frame of this grid that becomes frame 0.
        length : int
            Number of instants.
        step : float
            Distance of the instants in frames of this grid; fractions are allowed, and other than 1 changes the rate.

        Returns
        -------
        TimeGrid
            The window, on the same clock.

        Raises
        ------
        InputError
            The rate divided by `step` is outside 1..240, or `length` is negative.
        """
        return TimeGrid(self.fps / step, float(self.time_s(first_frame)), length)


def frames_of(duration_s: float, fps: float) -> int:
    """Return a duration in whole frames.

    Parameters
    ----------
    duration_s : float
        Duration (s).
    fps : float
        Frames per second.

    Returns
    -------
    int
        The nearest number of frames, at least 0.
    """
    return max(0, int(round(duration_s * fps)))


def seconds_of(frames: float, fps: float) -> float:
    """Return a number of frames as a duration.

    Parameters
    ----------
    frames : float
        Number of frames; fractions are allowed.
    fps : float
        Frames per second.

    Returns
    -------
    float
        Duration (s).
    """
    return frames / fps


def grid_over(timestamps_s: np.ndarray, fps: float) -> TimeGrid:
    """Return the grid that covers a video from its first frame to its last.

    Parameters
    ----------
    timestamps_s : array-like of float, shape (n,), n >= 1
        Timestamps of the video's frames (s), ascending.
    fps : float
        Instants per second.

    Returns
    -------
    TimeGrid
        It starts at the first timestamp; its last instant is at most a thousandth of a frame after the last one.

    Raises
    ------
    InputError
        There is no timestamp, or `fps` is outside 1..240.
    """
    timestamps_s = np.asarray(timestamps_s, dtype=np.float64)
    if timestamps_s.size == 0:
        raise InputError("a video without frames has no time grid")
    span_s = float(timestamps_s[-1] - timestamps_s[0])
    return TimeGrid(fps, float(timestamps_s[0]), int(np.floor(span_s * fps + 1e-3)) + 1)


def nearest_frames(timestamps_s: np.ndarray, grid: TimeGrid) -> np.ndarray:
    """Return, for every instant of a grid, the video frame that stands for it: `earlier_stands` says which of two.

    Parameters
    ----------
    timestamps_s : array-like of float, shape (n,), n >= 1
        Timestamps of the video's frames (s), ascending.
    grid : TimeGrid
        The instants.

    Returns
    -------
    ndarray of int64, shape (grid.length,)
        Indices of video frames, ascending; a frame may be named several times or not at all.
    """
    timestamps_s = np.asarray(timestamps_s, dtype=np.float64)
    times_s = grid.times_s()
    right = np.clip(np.searchsorted(timestamps_s, times_s), 1, max(len(timestamps_s) - 1, 1))
    if len(timestamps_s) == 1:
        return np.zeros(len(times_s), dtype=np.int64)
    left_wins = earlier_stands(times_s, timestamps_s[right - 1], timestamps_s[right], grid.fps)
    return np.where(left_wins, right - 1, right)


def earlier_stands(
    time_s: np.ndarray | float, before_s: np.ndarray | float, after_s: np.ndarray | float, fps: float
) -> np.ndarray | bool:
    """Return whether the earlier of the two frames around an instant stands for it: the nearer one does.

    The earlier frame wins a tie (to 1 microsecond), so a grid at the video's own rate maps frame k to frame k. A frame that is
    shown for longer than `HELD_S` stands for all of that time: otherwise, what the next one shows would come as early as half
    of a gap.

    Parameters
    ----------
    time_s, before_s, after_s : array-like of float, of one shape
        The instant, and those of the frames before and after it (s).
    fps : float
        Instants per second of the grid.

    Returns
    -------
    ndarray of bool, or bool
    """
    is_nearer = time_s - before_s <= after_s - time_s + 1e-6
    is_held = (after_s - before_s > HELD_S) & (after_s - time_s > 0.5 / fps)
    return is_nearer | is_held
