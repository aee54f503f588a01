"""Recall and timing by kind of note: where the notes are lost that the overall score does not tell apart.

Kinds of reference notes; a note may be of several, and times are compared after rounding to 0.1 ms, as in matching:
- `white`, `black`: notes of white keys, of black keys.
- `bass` (below C3), `tenor` (C3 to B3), `alto` (C4 to B4), `treble` (from C5 on): registers, C4 being the middle of the piano.
- `repeats`: the same key had its previous onset less than 150 ms before (at 150 ms exactly it is none).
- `chords`: at least four notes, this one among them, have their onsets within 50 ms of one another (50 ms included). So the
  first and the last of the four lie at most 50 ms apart; notes that are only each near to the next are no chord.

A note counts as found when the matching of the onset score at 50 ms pairs it. All values are over the notes of all clips of a
block together, not means over clips:
- `recall_<kind>`: share of the kind's notes that were found; absent where the kind has no note.
- `precision_<kind>`, for kinds that the key alone decides (colours, registers): share of the estimated notes of the kind that
  are right; absent where there is none.
- `notes_<kind>`: how many reference notes the kind has.
- `late_ms_white`, `late_ms_black`: median of estimated minus true onset (ms) over the notes found; absent where none was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import IS_BLACK, KEY_COUNT, MIDI, key_of, midi_of, midi_of_name, name_of
from tivit.core.notes import Notes
from tivit.scoring.matching import DECIMALS
from tivit.scoring.timing import MS_PER_S

_REGISTER_STARTS = [midi_of_name(name) for name in ("C3", "C4", "C5")]
REGISTERS = ("bass", "tenor", "alto", "treble")
_REGISTER = np.searchsorted(_REGISTER_STARTS, MIDI, side="right")
KEYS_OF_KIND: dict[str, np.ndarray] = {
    "white": ~IS_BLACK,
    "black": IS_BLACK,
    **{name: np.equal(number, _REGISTER) for number, name in enumerate(REGISTERS)},
}
"""Kinds that the key alone decides: which keys are of it, bool (88,)."""
KINDS = (*KEYS_OF_KIND, "repeats", "chords")
TIMED_KINDS = ("white", "black")
KEY_COLUMNS = ("midi", "key", "notes", "found", "invented", "recall")
KIND_COLUMNS = ("kind", "notes", "recall", "precision")
REPEAT_S = 0.15
"""A note that follows the last onset of its key by less than this (s) is a repeat."""
CHORD_S = 0.05
CHORD_NOTES = 4
"""So many notes whose onsets lie within `CHORD_S` seconds are a chord."""


@dataclass(frozen=True)
class KindScore:
    """One clip, counted by kind of note and by key.

    Attributes
    ----------
    notes, matched : dict[str, int]
        Kind -> reference notes of the kind, and how many of them were found.
    late_s : dict[str, np.ndarray]
        Kind -> estimated minus true onset (s) of each note found, (n,); for `TIMED_KINDS` only.
    keys_notes, keys_matched, keys_estimated : np.ndarray
        Reference notes, those found, and estimated notes by key, int (88,) each.
    """

    notes: dict[str, int]
    matched: dict[str, int]
    late_s: dict[str, np.ndarray]
    keys_notes: np.ndarray
    keys_matched: np.ndarray
    keys_estimated: np.ndarray


def kinds_of(notes: Notes) -> dict[str, np.ndarray]:
    """Return which notes are of each kind; the definitions are in the module docstring.

    Parameters
    ----------
    notes : Notes
        N notes of one clip.

    Returns
    -------
    dict[str, np.ndarray]
        Kind -> bool (N,).
    """
    keys = _keys(notes)
    by_key = {name: mask[keys] for name, mask in KEYS_OF_KIND.items()}
    return {**by_key, "repeats": _is_repeat(notes), "chords": _is_in_chord(notes.onset_s)}


def score_kinds(reference: Notes, estimate: Notes, pairs: np.ndarray) -> KindScore:
    """Return the score by kind of one clip.

    Parameters
    ----------
    reference, estimate : Notes
        All notes of both sides.
    pairs : np.ndarray
        Matched indices into reference and estimate, int (M, 2).

    Returns
    -------
    KindScore
    """
    is_matched = np.zeros(len(reference), bool)
    is_matched[pairs[:, 0]] = True
    late_s = estimate.onset_s[pairs[:, 1]] - reference.onset_s[pairs[:, 0]]
    kinds, keys = kinds_of(reference), _keys(reference)
    return KindScore(
        notes={name: int(mask.sum()) for name, mask in kinds.items()},
        matched={name: int((mask & is_matched).sum()) for name, mask in kinds.items()},
        late_s={name: late_s[kinds[name][pairs[:, 0]]] for name in TIMED_KINDS},
        keys_notes=np.bincount(keys, minlength=KEY_COUNT),
        keys_matched=np.bincount(keys[is_matched], minlength=KEY_COUNT),
        keys_estimated=np.bincount(_keys(estimate), minlength=KEY_COUNT),
    )


def kind_values(scores: Sequence[KindScore]) -> dict[str, float]:
    """Return the values by kind of all clips together.

    Parameters
    ----------
    scores : sequence of KindScore
        One per clip.

    Returns
    -------
    dict[str, float]
        `recall_*` and `precision_*` (0..1), `notes_*` (counts) and `late_ms_*` (ms), without those that have no value.
    """
    result: dict[str, float] = {}
    for name in KINDS:
        result[f"notes_{name}"] = sum(score.notes[name] for score in scores)
        if result[f"notes_{name}"]:
            result[f"recall_{name}"] = sum(score.matched[name] for score in scores) / result[f"notes_{name}"]
    for name, keys in KEYS_OF_KIND.items():
        estimated = sum(int(score.keys_estimated[keys].sum()) for score in scores)
        if estimated:
            result[f"precision_{name}"] = sum(score.matched[name] for score in scores) / estimated
    for name in TIMED_KINDS:
        late_s = np.concatenate([np.zeros(0), *(score.late_s[name] for score in scores)])
        if len(late_s):
            result[f"late_ms_{name}"] = float(np.median(late_s)) * MS_PER_S
    return result


def key_rows(scores: Sequence[KindScore]) -> list[list[object]]:
    """Return one row per key that has a note on either side, all clips together.

    Parameters
    ----------
    scores : sequence of KindScore
        One per clip.

    Returns
    -------
    list of list
        Columns `KEY_COLUMNS`; "" where a key has no reference note and so no recall.
    """
    zeros = np.zeros(KEY_COUNT, np.int64)
    notes, matched, estimated = (
        sum((getattr(score, name) for score in scores), zeros) for name in ("keys_notes", "keys_matched", "keys_estimated")
    )
    rows = []
    for key in np.flatnonzero(notes + estimated).tolist():
        recall = matched[key] / notes[key] if notes[key] else ""
        midi = int(midi_of(key))
        rows.append([midi, name_of(midi), int(notes[key]), int(matched[key]), int(estimated[key] - matched[key]), recall])
    return rows


def _keys(notes: Notes) -> np.ndarray:
    return key_of(notes.midi.astype(np.int64))


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
    # Four onsets in a row span as little as any four can, so it is enough to look at each onset and the third one after it.
    is_start = np.around(sorted_s[later:] - sorted_s[:-later], DECIMALS) <= CHORD_S
    for step in range(CHORD_NOTES):
        result[order[np.flatnonzero(is_start) + step]] = True
    return result
