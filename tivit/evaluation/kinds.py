"""Recall and timing by kind of note: where the notes are lost that the overall score does not tell apart.

Kinds of reference notes; a note may be of several, and times are compared after rounding to 0.1 ms, as in matching:
- `white`, `black`: notes of white keys, of black keys.
- `repeats`: the same key had its previous onset less than 150 ms before (at 150 ms exactly it is none).
- `chords`: at least four notes, this one among them, have their onsets within 50 ms of one another (50 ms included). So the
  first and the last of the four lie at most 50 ms apart; notes that are only each near to the next are no chord.

A note counts as found when the matching of the onset score at 50 ms pairs it. All values are over the notes of all clips of a
block together, not means over clips:
- `recall_<kind>`: share of the kind's notes that were found; absent where the kind has no note.
- `notes_<kind>`: how many reference notes the kind has.
- `late_ms_white`, `late_ms_black`: median of estimated minus true onset (ms) over the notes found; absent where none was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import IS_BLACK, key_of
from tivit.core.notes import Notes
from tivit.evaluation.matching import DECIMALS

KINDS = ("white", "black", "repeats", "chords")
TIMED_KINDS = ("white", "black")
REPEAT_S = 0.15
CHORD_S = 0.05
CHORD_NOTES = 4
MS_PER_S = 1000.0


@dataclass(frozen=True)
class KindScore:
    """One clip by kind: notes of the kind, how many of them were found, and by how much (s) each found one is late."""

    notes: dict[str, int]
    found: dict[str, int]
    late_s: dict[str, np.ndarray]


def kinds_of(notes: Notes) -> dict[str, np.ndarray]:
    """Return kind -> which of the notes are of it, bool (N,); definitions in the module docstring."""
    is_black = IS_BLACK[key_of(notes.midi.astype(np.int64))]
    return {"white": ~is_black, "black": is_black, "repeats": _is_repeat(notes), "chords": _is_in_chord(notes.onset_s)}


def score_kinds(reference: Notes, estimate: Notes, pairs: np.ndarray) -> KindScore:
    """Return the score by kind of one clip; `pairs` (M, 2) are matched indices into reference and estimate."""
    is_found = np.zeros(len(reference), bool)
    is_found[pairs[:, 0]] = True
    late_s = estimate.onset_s[pairs[:, 1]] - reference.onset_s[pairs[:, 0]]
    kinds = kinds_of(reference)
    return KindScore(
        notes={name: int(mask.sum()) for name, mask in kinds.items()},
        found={name: int((mask & is_found).sum()) for name, mask in kinds.items()},
        late_s={name: late_s[kinds[name][pairs[:, 0]]] for name in TIMED_KINDS},
    )


def kind_values(scores: Sequence[KindScore]) -> dict[str, float]:
    """Return `recall_*`, `notes_*` and `late_ms_*` of all clips together, without those that have no value."""
    result: dict[str, float] = {}
    for name in KINDS:
        result[f"notes_{name}"] = sum(score.notes[name] for score in scores)
        if result[f"notes_{name}"]:
            result[f"recall_{name}"] = sum(score.found[name] for score in scores) / result[f"notes_{name}"]
    for name in TIMED_KINDS:
        late_s = np.concatenate([np.zeros(0), *(score.late_s[name] for score in scores)])
        if len(late_s):
            result[f"late_ms_{name}"] = float(np.median(late_s)) * MS_PER_S
    return result


def _is_repeat(notes: Notes) -> np.ndarray:
    order = np.lexsort((notes.onset_s, notes.midi))
    gap_s = np.around(np.diff(notes.onset_s[order]), DECIMALS)
    result = np.zeros(len(notes), bool)
    result[order[1:]] = (gap_s < REPEAT_S) & (np.diff(notes.midi[order].astype(np.int64)) == 0)
    return result


def _is_in_chord(onset_s: np.ndarray) -> np.ndarray:
    order = np.argsort(onset_s, kind="stable")
    later = CHORD_NOTES - 1
    result = np.zeros(len(onset_s), bool)
    sorted_s = onset_s[order]
    is_start = np.around(sorted_s[later:] - sorted_s[:-later], DECIMALS) <= CHORD_S
    for step in range(CHORD_NOTES):
        result[order[np.flatnonzero(is_start) + step]] = True
    return result
