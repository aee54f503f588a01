"""The key over time as tables: the best two keys of every clip, and the whole posterior for a plot.

The track has a row at the first frame of every second of a clip, and one at every frame where the best key changes. So a curve
is even with few rows, and no key is lost however short it is.
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
"""A plot shows the first so many clips, at most so many seconds of each, which makes a page that a browser draws at once."""
DECIMALS = 3
"""Times and probabilities in the tables have at most so many decimals."""
SHOWN_FROM = 0.01
"""Keys with a probability below this have no row in the table of the plot."""


def track_rows(clip_id: str, grid: TimeGrid, posterior: np.ndarray) -> Iterator[tuple[object, ...]]:
    """Yield the rows of one clip's key track.

    Parameters
    ----------
    clip_id : str
        Id of the clip.
    grid : TimeGrid
        Its T instants.
    posterior : ndarray of float, shape (T, 24)
        Its key posterior.

    Yields
    ------
    tuple
        A row with the columns `TRACK_COLUMNS`; times are seconds of the video's clock. Of equally likely keys the first in
        `KEY_NAMES` comes first.
    """
    order = np.argsort(-posterior, axis=1, kind="stable")[:, :2]
    is_change = np.diff(order[:, 0], prepend=order[:1, 0]) != 0
    for frame in np.flatnonzero(is_change | _begins_second(grid)):
        pairs = ((KEY_NAMES[key], float(posterior[frame, key])) for key in order[frame])
        yield clip_id, float(grid.time_s(frame)), *(cell for pair in pairs for cell in pair)


def plot_rows(clips: Sequence[tuple[str, TimeGrid, np.ndarray]]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table for a plot of keys over time.

    Parameters
    ----------
    clips : sequence of tuple
        Clip id, time grid of T instants, and key posterior (T, 24) of each clip.

    Yields
    ------
    tuple
        A row with the columns `PLOT_COLUMNS`, for the first `PLOT_CLIPS` clips and at most `PLOT_INSTANTS` seconds of each.
    """
    for clip_id, grid, posterior in clips[:PLOT_CLIPS]:
        frames = np.flatnonzero(_begins_second(grid))
        every = -(-len(frames) // PLOT_INSTANTS) or 1  # rounded up, so that there are at most PLOT_INSTANTS of them
        for frame in frames[::every]:
            t_sec = float(grid.time_s(frame))
            for key in np.flatnonzero(posterior[frame] >= SHOWN_FROM):
                yield clip_id, t_sec, KEY_NAMES[key], float(posterior[frame, key])


def _begins_second(grid: TimeGrid) -> np.ndarray:
    """Return which frames are the first of a second of the clip, bool (T,)."""
    second = np.floor(grid.times_s() - grid.start_s + 1e-9)
    return np.diff(second, prepend=-1.0) > 0
