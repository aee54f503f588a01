"""What was gained: onset F1 at 50 ms before and after, on the part of a take that was kept apart, with an interval.

The interval is a percentile bootstrap (Efron and Tibshirani 1993) over stretches of 4 s, as notes that are played together are
missed together. Both networks are scored on the same draws, so that the interval of the difference is that of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.notes import Notes
from tivit.scoring.bootstrap import LEVEL, RESAMPLES, SEED
from tivit.scoring.scores import RULES, match

STRETCH_S = 4.0
RULE = RULES["onset_50"]


@dataclass(frozen=True)
class Gain:
    """Scores on the part that was kept apart.

    Attributes
    ----------
    before, after : float
        Onset F1 at 50 ms.
    low, high : float
        The ends of the 95 % interval of the difference.
    notes : int
        How many notes were played there.
    """

    before: float
    after: float
    low: float
    high: float
    notes: int

    @property
    def gained(self) -> float:
        """The difference."""
        return self.after - self.before

    def sentence(self) -> str:
        """Return what is printed."""
        sure = "" if self.low > 0.0 or self.gained <= 0.0 else "; the interval holds 0, so a longer take would tell more"
        return (
            f"onset F1 @ 50 ms on the {self.notes} notes kept apart: {self.before:.3f} before, {self.after:.3f} after "
            f"({self.gained:+.3f}, 95 % interval {self.low:+.3f} to {self.high:+.3f}{sure})"
        )


def gain_of(reference: Notes, before: Notes, after: Notes, from_s: float) -> Gain:
    """Return what was gained from an instant on.

    Parameters
    ----------
    reference : Notes
        What was played.
    before, after : Notes
        What was read by the network as it was, and by the one that has learned.
    from_s : float
        Where the part that is scored begins (s).

    Returns
    -------
    Gain
    """
    reference = reference.take(reference.onset_s >= from_s)
    counts = np.stack([_counts(reference, notes.take(notes.onset_s >= from_s), from_s) for notes in (before, after)])
    stretches = counts.shape[2]
    weights = np.random.default_rng(SEED).multinomial(stretches, np.full(stretches, 1.0 / stretches), RESAMPLES)
    drawn = _f1(np.einsum("rs,kcs->kcr", weights, counts))  # (2, draws)
    tail = 100.0 * (1.0 - LEVEL) / 2.0
    low, high = np.percentile(drawn[1] - drawn[0], [tail, 100.0 - tail])
    scores = _f1(counts.sum(axis=2))
    return Gain(float(scores[0]), float(scores[1]), float(low), float(high), len(reference))


def _counts(reference: Notes, estimate: Notes, from_s: float) -> np.ndarray:
    """Return matched notes, reference notes and estimated notes by stretch, (3, stretches)."""
    pairs = match(reference, estimate, RULE)
    times_s = reference.onset_s[pairs[:, 0]], reference.onset_s, estimate.onset_s
    last_s = float(reference.onset_s.max()) if len(reference) else from_s
    stretches = int((last_s - from_s) // STRETCH_S) + 1
    place = [np.minimum(((side - from_s) // STRETCH_S).astype(int), stretches - 1) for side in times_s]
    return np.stack([np.bincount(side, minlength=stretches) for side in place])


def _f1(counts: np.ndarray) -> np.ndarray:
    """Return F1 of (..., 3, X) or (..., 3) counts of matched, reference and estimated notes."""
    matched, reference, estimate = (counts[:, i] for i in range(3))
    return 2.0 * matched / np.maximum(reference + estimate, 1)
