"""What kind of error each wrong note is.

Notes that the onset matching at 50 ms leaves over, missed ones of the reference and invented ones of the estimate, are paired
with one another, as many as possible, one class after the other; a note in a pair is not looked at again:
- `timing`: the same pitch, onsets within 200 ms;
- `octave`: pitches one or two octaves apart, onsets within 50 ms;
- `neighbour`: pitches one or two semitones apart, onsets within 50 ms.
What is then left is `missed` or `invented`. So every wrong note is in exactly one class, and the missed and the invented note
of a pair are one error. Limits are included, onsets compared after rounding to 0.1 ms, as in matching.
"""

from __future__ import annotations

import numpy as np

from tivit.core.notes import Notes
from tivit.evaluation.matching import DECIMALS, Edges, maximum_matching

TIMING_S, TOLERANCE_S = 0.2, 0.05
STEPS = {"timing": (0,), "octave": (-24, -12, 12, 24), "neighbour": (-2, -1, 1, 2)}
CLASSES = (*STEPS, "missed", "invented")


def census(reference: Notes, estimate: Notes, pairs: np.ndarray) -> dict[str, int]:
    """Return the number of errors by class of one clip; `pairs` (M, 2) are the notes matched at 50 ms, reference first."""
    missed = np.setdiff1d(np.arange(len(reference)), pairs[:, 0])
    invented = np.setdiff1d(np.arange(len(estimate)), pairs[:, 1])
    apart_s = np.around(np.abs(reference.onset_s[missed][:, None] - estimate.onset_s[invented]), DECIMALS)
    steps = estimate.midi[invented].astype(np.int64) - reference.midi[missed].astype(np.int64)[:, None]
    is_free = np.ones(apart_s.shape, bool)
    result = {}
    for name, allowed in STEPS.items():
        limit_s = TIMING_S if name == "timing" else TOLERANCE_S
        found = maximum_matching(Edges(*np.nonzero(is_free & (apart_s <= limit_s) & np.isin(steps, allowed))))
        is_free[found.reference] = False
        is_free[:, found.estimate] = False
        result[name] = len(found.reference)
    in_pairs = sum(result.values())
    return {**result, "missed": len(missed) - in_pairs, "invented": len(invented) - in_pairs}
