"""The key over time as tables: the best two keys of every clip, and the whole posterior for a plot.

The track has a row at the first frame of every second of a clip, and one at every frame where the best key changes: even curves
in few rows, and no key is lost however short it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tivit.core.timegrid import TimeGrid
from tivit.theory.profiles import KEY_NAMES

TRACK_COLUMNS = ("clip_id", "t_sec", "top1_key", "top1_prob", "top2_key", "top2_prob")
PLOT_COLUMNS = ("clip_id", "t_sec", "key", "probability")
PLOT_CLIPS = 24
PLOT_INSTANTS = 30
"""A plot shows the first so many clips, at so many seconds each: a page that a browser draws at once."""
DECIMALS = 3
SHOWN_FROM = 0.01
"""Less likely keys have no row in the plot's table."""


def track_rows(clip_id: str, grid: TimeGrid, posterior: np.ndarray) -> Iterator[tuple[object, ...]]:
    """Yield the rows (`TRACK_COLUMNS`) of one clip from its `posterior`, (T, 24); of equal keys the first in `KEY_NAMES`."""
    order = np.argsort(-posterior, axis=1, kind="stable")[:, :2]
    is_change = np.diff(order[:, 0], prepend=order[:1, 0]) != 0
    for frame in np.flatnonzero(is_change | _begins_second(grid)):
        pairs = ((KEY_NAMES[key], float(posterior[frame, key])) for key in order[frame])
        yield clip_id, float(grid.time_s(frame)), *(cell for pair in pairs for cell in pair)


def plot_rows(clips: Sequence[tuple[str, TimeGrid, np.ndarray]]) -> Iterator[tuple[object, ...]]:
    """Yield the rows (`PLOT_COLUMNS`) of (clip id, grid, posterior) for a plot of keys over time; see `PLOT_INSTANTS`."""
    for clip_id, grid, posterior in clips[:PLOT_CLIPS]:
        frames = np.flatnonzero(_begins_second(grid))
        every = -(-len(frames) // PLOT_INSTANTS) or 1
        for frame in frames[::every]:
            t_sec = float(grid.time_s(frame))
            for key in np.flatnonzero(posterior[frame] >= SHOWN_FROM):
                yield clip_id, t_sec, KEY_NAMES[key], float(posterior[frame, key])


def _begins_second(grid: TimeGrid) -> np.ndarray:
    """Return which frames are the first of a second of the clip, bool (T,)."""
    second = np.floor(grid.times_s() - grid.start_s + 1e-9)
    return np.diff(second, prepend=-1.0) > 0
