"""What kind of error each wrong note is: a census in which every missed and every invented note counts once.

The matching of the onset score at 50 ms leaves notes over: reference notes, which were missed, and estimated ones, which were
invented. A missed and an invented note that explain each other are one error. They are paired class by class in this order,
each time as many as possible, each note once; what is left over after that stands alone. Times are rounded to 0.1 ms and limits
are included, as in matching.
- `timing`: the same key, onsets within 200 ms: the note is there, at the wrong time.
- `octave`: 12 semitones apart, onsets within 50 ms.
- `neighbour`: one or two semitones apart, onsets within 50 ms: the key beside, or the next of the same colour.
- `missed`: a reference note without any of these, `invented`: an estimated one.

`errors_<class>` counts the errors of all clips of a block together, `share_<class>` is its share of all errors; a pair is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from tivit.core.keyboard import OCTAVE_KEYS
from tivit.core.notes import Notes
from tivit.scoring.matching import TOLERANCE_S, Edges, maximum_matching, onset_edges

TIMING_S = 0.2
"""Onsets of one key that are no farther apart (s) are one note at the wrong time."""
CENSUS_COLUMNS = ("error", "count", "share")


@dataclass(frozen=True)
class Census:
    """Errors by class.

    Attributes
    ----------
    timing, octave, neighbour : int
        Errors that are a missed and an invented note each.
    missed, invented : int
        Reference notes, and estimated notes, that nothing explains.
    """

    timing: int
    octave: int
    neighbour: int
    missed: int
    invented: int

    def __add__(self, other: Census) -> Census:
        return Census(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


CLASSES = tuple(field.name for field in fields(Census))
# In the order of pairing: how far onsets may lie apart (s), and the semitones from the missed note to the invented one.
_PAIRED = {
    "timing": (TIMING_S, (0,)),
    "octave": (TOLERANCE_S, (-OCTAVE_KEYS, OCTAVE_KEYS)),
    "neighbour": (TOLERANCE_S, (-2, -1, 1, 2)),
}


def census_of(reference: Notes, estimate: Notes, pairs: np.ndarray) -> Census:
    """Return the census of one clip.

    Parameters
    ----------
    reference, estimate : Notes
        All notes of both sides.
    pairs : np.ndarray
        Matched indices into reference and estimate, int (M, 2).

    Returns
    -------
    Census
    """
    missed, invented = _without(reference, pairs[:, 0]), _without(estimate, pairs[:, 1])
    counts = {}
    for name, (tolerance_s, semitones) in _PAIRED.items():
        edges = [_edges(missed, invented, tolerance_s, by) for by in semitones]
        matching = maximum_matching(
            Edges(np.concatenate([e.reference for e in edges]), np.concatenate([e.estimate for e in edges]))
        )
        missed, invented = _without(missed, matching.reference), _without(invented, matching.estimate)
        counts[name] = len(matching.reference)
    return Census(**counts, missed=len(missed), invented=len(invented))


def census_values(censuses: Sequence[Census]) -> dict[str, float]:
    """Return the errors of all clips together by class.

    Parameters
    ----------
    censuses : sequence of Census
        One per clip.

    Returns
    -------
    dict[str, float]
        `errors_<class>`, counts, and where there is any error `share_<class>`, 0..1.
    """
    counts = dict(zip(CLASSES, astuple(sum(censuses, Census(0, 0, 0, 0, 0))), strict=True))
    total = sum(counts.values())
    result: dict[str, float] = {f"errors_{name}": count for name, count in counts.items()}
    return {**result, **{f"share_{name}": count / total for name, count in counts.items() if total}}


def _edges(missed: Notes, invented: Notes, tolerance_s: float, semitones: int) -> Edges:
    rows = missed.midi.astype(np.int64) + semitones, invented.midi.astype(np.int64)
    return onset_edges(rows[0], missed.onset_s, rows[1], invented.onset_s, tolerance_s)


def _without(notes: Notes, index: np.ndarray) -> Notes:
    is_left = np.ones(len(notes), bool)
    is_left[index] = False
    return notes.take(is_left)
