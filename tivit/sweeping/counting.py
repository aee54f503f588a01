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
    """What is right, what was found, what there is, each (clips, 2): per clip and key colour."""

    matched: np.ndarray
    estimated: np.ndarray
    true: np.ndarray

    def scores(self) -> tuple[float, float, float]:
        """Return precision, recall and F1, means over clips; a clip with an empty side counts 0."""
        matched, estimated, true = (side.sum(axis=1) for side in (self.matched, self.estimated, self.true))
        precision, recall, f1 = (
            np.divide(top, bottom, out=np.zeros(len(top)), where=bottom > 0).mean()
            for top, bottom in ((matched, estimated), (matched, true), (2.0 * matched, true + estimated))
        )
        return float(precision), float(recall), float(f1)

    def mixed(self, black: ColourCounts) -> ColourCounts:
        """Return these counts on white keys and those of `black` on black keys."""
        pairs = ((self.matched, black.matched), (self.estimated, black.estimated), (self.true, black.true))
        return ColourCounts(*(np.stack([white[:, 0], other[:, 1]], axis=1) for white, other in pairs))


@dataclass(frozen=True)
class Truth:
    """The true notes of clips as columns: row = clip * 88 + key, onset and offset (s); with the grids of the clips.

    `down` counts, along rows of `width` frames, the frames so far in which a key is down: one more value than frames.
    """

    row: np.ndarray
    onset_s: np.ndarray
    offset_s: np.ndarray
    grids: tuple[TimeGrid, ...]
    down: np.ndarray
    width: int

    @property
    def clips(self) -> int:
        """How many clips there are."""
        return len(self.grids)

    def count(self, row: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Return how many of `row`, or how much weight, fall to each clip and key colour, (clips, 2)."""
        return np.bincount(cell_of(row), weight, minlength=self.clips * COLOURS).reshape(self.clips, COLOURS)


def cell_of(row: np.ndarray) -> np.ndarray:
    """Return clip * 2 + key colour of rows."""
    return row // KEY_COUNT * COLOURS + IS_BLACK[row % KEY_COUNT]


def truth_of(references: Sequence[Notes], grids: Sequence[TimeGrid]) -> Truth:
    """Return the true notes of clips, `references` and `grids` in the same order."""
    rows = [number * KEY_COUNT + key_of(notes.midi.astype(np.int64)) for number, notes in enumerate(references)]
    onset_s, offset_s = (np.concatenate([getattr(notes, name) for notes in references]) for name in ("onset_s", "offset_s"))
    row = np.concatenate(rows)
    width = max(grid.length for grid in grids) + 1
    start, stop = _frames(row, onset_s, offset_s, grids)
    change = np.zeros(len(grids) * KEY_COUNT * width + 1, np.int32)
    np.add.at(change, row * width + start, 1)
    np.add.at(change, row * width + stop, -1)
    down = np.concatenate([[0], np.cumsum(np.cumsum(change) > 0)])
    return Truth(row, onset_s, offset_s, tuple(grids), down, width)


class OnsetCounter:
    """Counts of notes begun by peaks, for many choices of peaks: `row` of all peaks, `edges` between true notes and them."""

    def __init__(self, truth: Truth, edges: Edges, row: np.ndarray) -> None:
        self._shape = (truth.clips, COLOURS)
        self._cell = cell_of(row)
        self._matching = SubsetMatching(edges, cell_of(truth.row), truth.clips * COLOURS)
        self._true = truth.count(truth.row)

    def counts(self, is_chosen: np.ndarray) -> ColourCounts:
        """Return the counts of the peaks at `is_chosen`, bool (N,)."""
        matched = self._matching.counts(is_chosen).reshape(self._shape)
        estimated = np.bincount(self._cell[is_chosen], minlength=matched.size).reshape(self._shape)
        return ColourCounts(matched, estimated, self._true)


def note_counts(truth: Truth, edges: Edges, row: np.ndarray, offset_s: np.ndarray) -> ColourCounts:
    """Return the counts of notes right in onset and offset; `edges` are the pairs of notes with near onsets."""
    on, off = truth.onset_s[edges.reference], truth.offset_s[edges.reference]
    matched = maximum_matching(edges.where(offset_is_near(on, off, offset_s[edges.estimate])))
    return ColourCounts(truth.count(truth.row[matched.reference]), truth.count(row), truth.count(truth.row))


def frame_counts(truth: Truth, row: np.ndarray, onset_s: np.ndarray, offset_s: np.ndarray) -> ColourCounts:
    """Return the counts of frames in which a key is down in found notes, which must not overlap on one key."""
    start, stop = _frames(row, onset_s, offset_s, truth.grids)
    right = truth.down[row * truth.width + stop] - truth.down[row * truth.width + start]
    every = np.arange(truth.clips * KEY_COUNT)
    true = truth.down[(every + 1) * truth.width] - truth.down[every * truth.width]
    return ColourCounts(truth.count(row, right), truth.count(row, stop - start), truth.count(every, true))


def _frames(
    row: np.ndarray, onset_s: np.ndarray, offset_s: np.ndarray, grids: Sequence[TimeGrid]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first frame of notes and the one after their last, inside the grids of their clips."""
    start, stop = np.zeros(len(row), np.int64), np.zeros(len(row), np.int64)
    for number, grid in enumerate(grids):
        own = np.flatnonzero(row // KEY_COUNT == number)
        start[own], stop[own] = covered_frames(onset_s[own], offset_s[own], grid)
    return start, stop
