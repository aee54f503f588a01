"""The size of a largest matching for many subsets of the same estimates, as a sweep asks for: one look into a table per group.

Edges fall into groups that share no note. A group has few estimates, so the size of its largest matching is worked out once for
each of their subsets; groups of one shape share a table. Groups with many estimates are matched anew for every subset.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tivit.scoring.matching import Edges, maximum_matching

MOST_ESTIMATES = 8
"""Estimates of a group with a table, which has two to the power of so many entries."""

Shape = tuple[tuple[int, int], ...]
"""The edges of a group, its reference notes and its estimates numbered from 0 on."""


class SubsetMatching:
    """Largest matchings of edges for subsets of the estimates, counted in cells.

    Parameters
    ----------
    edges : Edges
        All pairs that may match.
    cell : np.ndarray
        Cell of each reference note, int (number of reference notes,); all notes of a group lie in one cell.
    cells : int
        Number of cells.
    """

    def __init__(self, edges: Edges, cell: np.ndarray, cells: int) -> None:
        group = _groups(edges)
        # `rank` numbers the estimates of each group from 0 on: the bit that stands for them in the index of the table.
        estimates, first, of_edge = np.unique(edges.estimate, return_index=True, return_inverse=True)
        own = group[first]
        order = np.lexsort((estimates, own))
        rank = np.empty(len(estimates), np.int64)
        start = np.searchsorted(own[order], np.arange(group.max(initial=-1) + 1))
        rank[order] = np.arange(len(estimates)) - start[own[order]]
        sizes = np.bincount(own, minlength=len(start))
        is_small = sizes <= MOST_ESTIMATES
        self._large = edges.where(~is_small[group])
        self._cell, self._cells = cell, cells
        in_small = is_small[own]
        self._estimates, self._group, self._bit = estimates[in_small], own[in_small], 2.0 ** rank[in_small]
        self._groups = len(start)
        self._group_cell = np.zeros(self._groups, np.int64)
        self._group_cell[group] = cell[edges.reference]
        self._base, self._table = _tables(edges, group, rank[of_edge], is_small)

    def counts(self, is_chosen: np.ndarray) -> np.ndarray:
        """Return the size of a largest matching in each cell.

        Parameters
        ----------
        is_chosen : np.ndarray
            The subset, bool by index of estimate.

        Returns
        -------
        np.ndarray
            int (cells,).
        """
        # The sum of the bits of the chosen estimates is the place in the table of their group.
        subset = np.bincount(self._group, self._bit * is_chosen[self._estimates], minlength=self._groups).astype(np.int64)
        counts = np.bincount(self._group_cell, self._table[self._base + subset], minlength=self._cells)
        if len(self._large.reference):
            matched = maximum_matching(self._large.where(is_chosen[self._large.estimate]))
            counts = counts + np.bincount(self._cell[matched.reference], minlength=self._cells)
        return counts.astype(np.int64)


def _groups(edges: Edges) -> np.ndarray:
    """Return the number of the group of each edge, 0 on, shape (E,): edges that share a note share a group."""
    if not len(edges.reference):
        return np.zeros(0, np.int64)
    # Every reference note begins as a group of its own; the lowest number spreads along edges until nothing changes.
    label = np.arange(edges.reference.max() + 1)
    while True:
        best = np.full(edges.estimate.max() + 1, len(label))
        np.minimum.at(best, edges.estimate, label[edges.reference])
        after = label.copy()
        np.minimum.at(after, edges.reference, best[edges.estimate])
        if np.array_equal(after, label):
            return np.unique(label[edges.reference], return_inverse=True)[1]
        label = after


def _tables(edges: Edges, group: np.ndarray, rank: np.ndarray, is_small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the table of each group begins in one long table of sizes, and that table.

    Large groups share the entry 0 at its start, which adds nothing.
    """
    order = np.lexsort((rank, edges.reference, group))
    bounds = np.searchsorted(group[order], np.arange(len(is_small) + 1))
    reference, rank = edges.reference[order].tolist(), rank[order].tolist()
    base, start_of_shape, parts, total = np.zeros(len(is_small), np.int64), {}, [np.zeros(1, np.int64)], 1
    for number in np.flatnonzero(is_small).tolist():
        low, high = bounds[number], bounds[number + 1]
        names: dict[int, int] = {}
        shape = tuple((names.setdefault(reference[i], len(names)), rank[i]) for i in range(low, high))
        if shape not in start_of_shape:
            start_of_shape[shape] = total
            parts.append(_sizes(shape))
            total += len(parts[-1])
        base[number] = start_of_shape[shape]
    return base, np.concatenate(parts)


def _sizes(shape: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return the size of a largest matching for every subset of estimates, bit i for estimate i."""
    reference, estimate = np.array(shape, np.int64).T
    edges = Edges(reference, estimate)
    subsets = np.arange(1 << (estimate.max() + 1))
    return np.array([len(maximum_matching(edges.where((subset >> estimate) & 1 == 1)).reference) for subset in subsets])
