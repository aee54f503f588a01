"""The key of a whole piece from its notes, where it is sure enough to be written down."""

from __future__ import annotations

import numpy as np

from tivit.core.notes import Notes
from tivit.theory.key import key_posterior
from tivit.theory.profiles import KEY_NAMES, PITCH_CLASSES, key_profiles

PROFILE, BETA = "temperley", 30.0
"""With this sharpness a key whose correlation is ahead of the next by 0.08 has about nine tenths of the probability."""
SURE = 0.85
LONGEST_S = 2.0
"""A held note counts no more than this."""
FIFTHS_OF_MAJOR = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: 6, 1: -5, 8: -4, 3: -3, 10: -2, 5: -1}
"""Sharps (flats negative) in the signature of the major key on each pitch class."""
MAJOR_NAMES = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
MINOR_NAMES = ("Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m")
"""Keys as MIDI names them, from 7 flats to 7 sharps."""


def key_of_notes(notes: Notes) -> tuple[int, bool] | None:
    """Return the key signature of notes.

    Parameters
    ----------
    notes : Notes
        The notes.

    Returns
    -------
    tuple or None
        Sharps in the signature (flats are negative), and whether the key is minor; None where no key is likely enough.
    """
    if len(notes) < PITCH_CLASSES:
        return None
    length_s = np.minimum(notes.offset_s - notes.onset_s, LONGEST_S)
    weights = np.bincount(notes.midi % PITCH_CLASSES, length_s, minlength=PITCH_CLASSES)[None]
    posterior = key_posterior(weights, key_profiles(PROFILE), BETA, "pearson")[0]
    best = int(np.argmax(posterior))
    if posterior[best] < SURE:
        return None
    tonic, is_minor = best % PITCH_CLASSES, best >= len(KEY_NAMES) // 2
    return FIFTHS_OF_MAJOR[(tonic + 3) % PITCH_CLASSES if is_minor else tonic], is_minor


def midi_key(fifths: int, is_minor: bool) -> str:
    """Return a key signature as MIDI names it, such as "Bb" or "F#m"."""
    return (MINOR_NAMES if is_minor else MAJOR_NAMES)[fifths + 7]
