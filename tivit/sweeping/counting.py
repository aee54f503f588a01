"""How many notes and frames are right at one operating point: counted per clip and key colour, by exact matching.

Matching never leaves a key, so what white and black keys count adds up whatever thresholds each has. The rules are those of
`tivit.scoring.scores`: onsets within 50 ms; offsets too, by mir_eval's default rule; keys down at the instants of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import IS_BLACK, KEY_COUNT, key_of
from tivit.core.notes import Notes
from tivit.core.rolls import covered_frames
from tivit.core.timegrid import TimeGrid
from tivit.scoring.matching import Edges, maximum_matching, offset_is_near
from tivit.sweeping.subsets import SubsetMatching

COLOURS = 2
"""White keys, then black keys."""


@dataclass(frozen=True)
class ColourCounts:
    """What is right, what was found and what there is, by clip and key colour.

    Attributes
    ----------
    matched, estimated, true : np.ndarray
        Counts, (clips, 2): white keys, then black keys.
    """

    matched: np.ndarray
    estimated: np.ndarray
    true: np.ndarray

    def scores(self) -> tuple[float, float, float]:
        """Return precision, recall and F1: means over clips, in which a clip with an empty side counts 0.

        Returns
        -------
        (float, float, float)
            0..1 each.
        """
        matched, estimated, true = (side.sum(axis=1) for side in (self.matched, self.estimated, self.true))
        precision, recall, f1 = (
            np.divide(top, bottom, out=np.zeros(len(top)), where=bottom > 0).mean()
            for top, bottom in ((matched, estimated), (matched, true), (2.0 * matched, true + estimated))
        )
        return float(precision), float(recall), float(f1)

    def mixed(self, black: ColourCounts) -> ColourCounts:
        """Return these counts on white keys together with others on black keys.

        Parameters
        ----------
        black : ColourCounts
            Of the same clips.

        Returns
        -------
        ColourCounts
        """
        pairs = ((self.matched, black.matched), (self.estimated, black.estimated), (self.true, black.true))
        return ColourCounts(*(np.stack([white[:, 0], other[:, 1]], axis=1) for white, other in pairs))


@dataclass(frozen=True)
class Truth:
    """The true notes of all clips as columns, N notes.

    Attributes
    ----------
    row : np.ndarray
        Row of each note, int (N,): clip * 88 + key.
    onset_s, offset_s : np.ndarray
        Onset and offset of each note (s), (N,).
    grids : tuple of TimeGrid
        The grid of each clip.
    width : int
        Frames of a row: one more than the longest clip has. All rows lie end to end, so a place is row * `width` + frame.
    edge : np.ndarray
        The places where the number of notes changes, int (E,), ascending from 0 on.
    is_down : np.ndarray
        Whether a key is down from each edge to the next one, bool (E,).
    before : np.ndarray
        The number of places before each edge where a key is down, int (E,).
    """

    row: np.ndarray
    onset_s: np.ndarray
    offset_s: np.ndarray
    grids: tuple[TimeGrid, ...]
    width: int
    edge: np.ndarray
    is_down: np.ndarray
    before: np.ndarray

    @property
    def clips(self) -> int:
        """How many clips there are."""
        return len(self.grids)

    def count(self, row: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Return how much falls to each clip and key colour.

        Parameters
        ----------
        row : np.ndarray
            Rows of what is counted, int (N,).
        weight : np.ndarray, optional
            How much each counts, (N,); by default 1.

        Returns
        -------
        np.ndarray
            (clips, 2).
        """
        return np.bincount(cell_of(row), weight, minlength=self.clips * COLOURS).reshape(self.clips, COLOURS)

    def down_between(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """Return in how many places from `start` on and before `stop` a key is down.

        Parameters
        ----------
        start, stop : np.ndarray
            Places, int (N,) each.

        Returns
        -------
        np.ndarray
            int (N,).
        """
        return self._down_before(stop) - self._down_before(start)

    def _down_before(self, place: np.ndarray) -> np.ndarray:
        index = np.searchsorted(self.edge, place, side="right") - 1
        return self.before[index] + self.is_down[index] * (place - self.edge[index])


def cell_of(row: np.ndarray) -> np.ndarray:
    """Return the cells of rows.

    Parameters
    ----------
    row : np.ndarray
        int (N,): clip * 88 + key.

    Returns
    -------
    np.ndarray
        int (N,): clip * 2 + key colour, 0 for white and 1 for black.
    """
    return row // KEY_COUNT * COLOURS + IS_BLACK[row % KEY_COUNT]


def truth_of(references: Sequence[Notes], grids: Sequence[TimeGrid]) -> Truth:
    """Return the true notes of clips.

    Parameters
    ----------
    references : sequence of Notes
        The notes of each clip.
    grids : sequence of TimeGrid
        The grid of each clip, in the same order; at least one.

    Returns
    -------
    Truth
    """
    rows = [number * KEY_COUNT + key_of(notes.midi.astype(np.int64)) for number, notes in enumerate(references)]
    onset_s, offset_s = (np.concatenate([getattr(notes, name) for notes in references]) for name in ("onset_s", "offset_s"))
    row = np.concatenate(rows)
    width = max(grid.length for grid in grids) + 1
    start, stop = _frames(row, onset_s, offset_s, grids)
    # +1 where a note begins and -1 where it ends: the running sum says how many notes lie over a stretch between two edges.
    place = np.concatenate([[0], row * width + start, row * width + stop])
    change = np.concatenate([[0], np.ones(len(row), np.int64), np.full(len(row), -1)])
    edge, index = np.unique(place, return_inverse=True)
    is_down = np.cumsum(np.bincount(index, change)) > 0
    before = np.concatenate([[0], np.cumsum(is_down[:-1] * np.diff(edge))])
    return Truth(row, onset_s, offset_s, tuple(grids), width, edge, is_down, before)


class OnsetCounter:
    """Counts of notes begun by peaks, for many choices of peaks.

    Parameters
    ----------
    truth : Truth
        The true notes.
    edges : Edges
        All pairs of true notes and peaks that may match.
    row : np.ndarray
        Row of every peak, int (N,).
    """

    def __init__(self, truth: Truth, edges: Edges, row: np.ndarray) -> None:
        self._shape = (truth.clips, COLOURS)
        self._cell = cell_of(row)
        self._matching = SubsetMatching(edges, cell_of(truth.row), truth.clips * COLOURS)
        self._true = truth.count(truth.row)

    def counts(self, is_chosen: np.ndarray) -> ColourCounts:
        """Return the counts for some of the peaks.

        Parameters
        ----------
        is_chosen : np.ndarray
            Which peaks begin notes, bool (N,).

        Returns
        -------
        ColourCounts
        """
        matched = self._matching.counts(is_chosen).reshape(self._shape)
        estimated = np.bincount(self._cell[is_chosen], minlength=matched.size).reshape(self._shape)
        return ColourCounts(matched, estimated, self._true)


def note_counts(truth: Truth, edges: Edges, row: np.ndarray, offset_s: np.ndarray) -> ColourCounts:
    """Return the counts of notes that are right in onset and offset.

    Parameters
    ----------
    truth : Truth
        The true notes.
    edges : Edges
        The pairs of true and found notes whose onsets are near.
    row, offset_s : np.ndarray
        Row and offset (s) of the found notes, (N,) each.

    Returns
    -------
    ColourCounts
    """
    on, off = truth.onset_s[edges.reference], truth.offset_s[edges.reference]
    matched = maximum_matching(edges.where(offset_is_near(on, off, offset_s[edges.estimate])))
    return ColourCounts(truth.count(truth.row[matched.reference]), truth.count(row), truth.count(truth.row))


def frame_counts(truth: Truth, row: np.ndarray, onset_s: np.ndarray, offset_s: np.ndarray) -> ColourCounts:
    """Return the counts of frames in which a key is down.

    Parameters
    ----------
    truth : Truth
        The true notes.
    row, onset_s, offset_s : np.ndarray
        Row, onset and offset (s) of the found notes, (N,) each. Notes of one row must not overlap.

    Returns
    -------
    ColourCounts
    """
    start, stop = _frames(row, onset_s, offset_s, truth.grids)
    right = truth.down_between(row * truth.width + start, row * truth.width + stop)
    every = np.arange(truth.clips * KEY_COUNT)
    true = truth.down_between(every * truth.width, (every + 1) * truth.width)
    return ColourCounts(truth.count(row, right), truth.count(row, stop - start), truth.count(every, true))


def _frames(
    row: np.ndarray, onset_s: np.ndarray, offset_s: np.ndarray, grids: Sequence[TimeGrid]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first frame of notes and the one after their last, int (N,) each, inside the grids of their clips."""
    start, stop = np.zeros(len(row), np.int64), np.zeros(len(row), np.int64)
    for number, grid in enumerate(grids):
        own = np.flatnonzero(row // KEY_COUNT == number)
        start[own], stop[own] = covered_frames(onset_s[own], offset_s[own], grid)
    return start, stop
