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


@dataclass(frozen=True)
class TimeGrid:
    """A regular grid of `length` instants, `fps` a second, the first at `start_s` seconds of the video's clock."""

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
        """Return the instants (s) of frame positions; any shape, fractions allowed."""
        return self.start_s + np.asarray(frame, dtype=np.float64) / self.fps

    @overload
    def frame(self, time_s: np.ndarray) -> np.ndarray: ...
    @overload
    def frame(self, time_s: float) -> float: ...
    def frame(self, time_s: np.ndarray | float) -> np.ndarray | float:
        """Return the fractional frame positions of instants (s); any shape."""
        return (np.asarray(time_s, dtype=np.float64) - self.start_s) * self.fps

    def times_s(self) -> np.ndarray:
        """Return the instants (s) of all frames, shape (length,)."""
        return self.time_s(np.arange(self.length))

    @property
    def end_s(self) -> float:
        """The instant (s) of the last frame (of `start_s` when the grid is empty)."""
        return float(self.time_s(max(self.length - 1, 0)))

    def window(self, first_frame: int, length: int, step: float = 1.0) -> TimeGrid:
        """Return the sub-grid of `length` instants from `first_frame` on, `step` frames apart (a fraction may be)."""
        return TimeGrid(self.fps / step, float(self.time_s(first_frame)), length)


def frames_of(duration_s: float, fps: float) -> int:
    """Return a duration in whole frames, rounded to the nearest, at least 0."""
    return max(0, int(round(duration_s * fps)))


def seconds_of(frames: float, fps: float) -> float:
    """Return a number of frames as a duration in seconds."""
    return frames / fps


def grid_over(timestamps_s: np.ndarray, fps: float) -> TimeGrid:
    """Return the grid of rate `fps` that covers video timestamps (s, ascending, shape (n,), n >= 1) from first to last."""
    timestamps_s = np.asarray(timestamps_s, dtype=np.float64)
    if timestamps_s.size == 0:
        raise InputError("a video without frames has no time grid")
    span_s = float(timestamps_s[-1] - timestamps_s[0])
    return TimeGrid(fps, float(timestamps_s[0]), int(np.floor(span_s * fps + 1e-3)) + 1)


def nearest_frames(timestamps_s: np.ndarray, grid: TimeGrid) -> np.ndarray:
    """Return, for every instant of `grid`, the index of the video frame nearest in time, shape (length,), ascending.

    The earlier frame wins a tie (to 1 microsecond), so a grid at the video's own rate maps frame k to frame k.
    """
    timestamps_s = np.asarray(timestamps_s, dtype=np.float64)
    times_s = grid.times_s()
    right = np.clip(np.searchsorted(timestamps_s, times_s), 1, max(len(timestamps_s) - 1, 1))
    if len(timestamps_s) == 1:
        return np.zeros(len(times_s), dtype=np.int64)
    left_wins = times_s - timestamps_s[right - 1] <= timestamps_s[right] - times_s + 1e-6
    return np.where(left_wins, right - 1, right)
