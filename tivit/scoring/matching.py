"""Exact note matching on sorted arrays: the same edges and the same maximum as mir_eval, fast enough for a sweep.

Notes are compared inside one row only (row = clip * 88 + key, so clips and pitches never mix). As in
`mir_eval.transcription`, a distance is rounded to four decimals, and the tolerance itself still matches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DECIMALS = 4
"""Distances (s) are rounded to so many decimals before they are compared, as in mir_eval."""
TOLERANCE_S = 0.05
"""How far apart the onsets of a pair may lie, and its offsets however short the note is: mir_eval's default, 50 ms."""
OFFSET_RATIO = 0.2
"""How far apart the offsets of a pair may lie, as a share of the length of the reference note: mir_eval's default."""


@dataclass(frozen=True)
class Edges:
    """Pairs of notes that may be matched.

    Attributes
    ----------
    reference, estimate : np.ndarray
        Index of the reference note and of the estimated note of each pair, int (E,).
    """

    reference: np.ndarray
    estimate: np.ndarray

    def where(self, mask: np.ndarray) -> Edges:
        """Return some of the edges.

        Parameters
        ----------
        mask : np.ndarray
            Which ones, bool (E,).

        Returns
        -------
        Edges
        """
        return Edges(self.reference[mask], self.estimate[mask])


def onset_edges(
    reference_row: np.ndarray, reference_s: np.ndarray, estimate_row: np.ndarray, estimate_s: np.ndarray, tolerance_s: float
) -> Edges:
    """Return all pairs of notes of one row whose onsets lie within a tolerance.

    Parameters
    ----------
    reference_row, estimate_row : np.ndarray
        Row of each note, int (R,) and (N,): notes of different rows never match.
    reference_s, estimate_s : np.ndarray
        Onsets (s), (R,) and (N,), in any order.
    tolerance_s : float
        Largest distance (s), itself included.

    Returns
    -------
    Edges
        `reference` ascends.
    """
    # All rows are laid end to end on one line, with more than the tolerance between them: two binary searches then find the
    # neighbours of every reference note at once. The search reaches a little too far, because what counts is rounded distances.
    order = np.lexsort((estimate_s, estimate_row))
    times = np.concatenate([reference_s, estimate_s])
    first_s, span_s = (times.min(), np.ptp(times) + 1.0) if len(times) else (0.0, 1.0)
    line = estimate_row[order] * span_s + (estimate_s[order] - first_s)
    at = reference_row * span_s + (reference_s - first_s)
    reach_s = tolerance_s + 10.0**-DECIMALS + 1e-6
    low, high = np.searchsorted(line, at - reach_s), np.searchsorted(line, at + reach_s, side="right")
    counts = high - low
    # The runs [low, high) of all reference notes, one after the other.
    reference = np.repeat(np.arange(len(at)), counts)
    estimate = order[np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)]
    is_near = np.around(np.abs(reference_s[reference] - estimate_s[estimate]), DECIMALS) <= tolerance_s
    is_same = reference_row[reference] == estimate_row[estimate]
    return Edges(reference, estimate).where(is_near & is_same)


def offset_is_near(
    reference_on_s: np.ndarray, reference_off_s: np.ndarray, estimate_off_s: np.ndarray, ratio: float = OFFSET_RATIO
) -> np.ndarray:
    """Return, for aligned pairs, whether the offsets are near: within max(`ratio` * reference length, 50 ms).

    Parameters
    ----------
    reference_on_s, reference_off_s, estimate_off_s : np.ndarray
        Onset and offset of the reference note and offset of the estimated one (s), (E,) each.
    ratio : float
        Share of the length of the reference note, >= 0.

    Returns
    -------
    np.ndarray
        bool (E,).
    """
    tolerance_s = np.maximum(ratio * (reference_off_s - reference_on_s), TOLERANCE_S)
    return np.around(np.abs(reference_off_s - estimate_off_s), DECIMALS) <= tolerance_s


def maximum_matching(edges: Edges) -> Edges:
    """Return a largest set of edges in which no note occurs twice.

    Parameters
    ----------
    edges : Edges
        All pairs that may match. Where several largest sets exist, their order decides which one is found.

    Returns
    -------
    Edges
        Some of `edges`, in no particular order.

    Notes
    -----
    Edges whose both ends have no other edge are taken at once; the few others go through augmenting paths.

    References
    ----------
    Kuhn 1955, The Hungarian method for the assignment problem. Berge 1957, Two theorems in graph theory.
    """
    if len(edges.reference) == 0:
        return edges
    is_lone = (np.bincount(edges.reference)[edges.reference] == 1) & (np.bincount(edges.estimate)[edges.estimate] == 1)
    if is_lone.all():
        return edges
    lone, shared = edges.where(is_lone), edges.where(~is_lone)
    pairs = _augmented(shared)
    return Edges(np.concatenate([lone.reference, pairs[:, 0]]), np.concatenate([lone.estimate, pairs[:, 1]]))


def _augmented(edges: Edges) -> np.ndarray:
    """Return a largest matching, (M, 2), found by augmenting paths, one breadth-first search per reference note."""
    estimates_of: dict[int, list[int]] = {}
    for reference, estimate in zip(edges.reference.tolist(), edges.estimate.tolist(), strict=True):
        estimates_of.setdefault(reference, []).append(estimate)
    owner: dict[int, int] = {}  # estimate -> the reference note that has it
    partner: dict[int, int] = {}  # reference -> the estimate it has
    for start in estimates_of:
        came_from: dict[int, int] = {}
        queue = [start]
        for reference in queue:
            free = None
            for estimate in estimates_of[reference]:
                if estimate in came_from:
                    continue
                came_from[estimate] = reference
                if estimate not in owner:
                    free = estimate
                    break
                queue.append(owner[estimate])
            if free is not None:
                # Back along the path: each reference note takes the free estimate and frees its own for the note before it.
                while free is not None:
                    reference = came_from[free]
                    owner[free] = reference
                    partner[reference], free = free, partner.get(reference)
                break
    return np.array(sorted(partner.items()), dtype=np.int64).reshape(-1, 2)
