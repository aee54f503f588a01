"""What kind of error each wrong note is: a census in which every missed and every invented note counts once.

Missed are the reference notes, invented the estimated ones, that the matching of the onset score at 50 ms leaves over. A missed
and an invented note that explain each other are one error. They are paired class by class in this order, each time as many as
possible, each note once; what is left over after that stands alone. Times are rounded to 0.1 ms and limits are included, as in
matching.
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
CENSUS_COLUMNS = ("error", "count", "share")


@dataclass(frozen=True)
class Census:
    """Errors by class; the first three stand for one missed and one invented note each."""

    timing: int
    octave: int
    neighbour: int
    missed: int
    invented: int

    def __add__(self, other: Census) -> Census:
        return Census(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


CLASSES = tuple(field.name for field in fields(Census))
_PAIRED = {
    "timing": (TIMING_S, (0,)),
    "octave": (TOLERANCE_S, (-OCTAVE_KEYS, OCTAVE_KEYS)),
    "neighbour": (TOLERANCE_S, (-2, -1, 1, 2)),
}


def census_of(reference: Notes, estimate: Notes, pairs: np.ndarray) -> Census:
    """Return the census of one clip; `pairs` (M, 2) are the matched indices into reference and estimate."""
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
    """Return `errors_*` and, where there is any error, `share_*` of all clips together."""
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
