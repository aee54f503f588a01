"""The one keyboard: 88 keys, their colours, names and true places in millimetres.

Key index k = midi - 21, 0 (A0) .. 87 (C8), low to high. World frame: x along the keys from the left edge of A0 (0..1222),
y from the front edge of the white keys (0) to the fallboard (150), z up from the tops of the white keys at rest.
Sizes are those of a standard acoustic keyboard (white pitch 23.5 mm, octave 164.5 mm, black tops 12 mm up); black keys are
not centred on the white seams.
"""

from __future__ import annotations

import re
from typing import TypeVar

import numpy as np

from tivit.core.errors import InputError

KeyNumbers = TypeVar("KeyNumbers", int, np.ndarray)
"""Keys or MIDI numbers: one number, or an array of any shape."""
LOWEST_MIDI = 21
HIGHEST_MIDI = 108
KEY_COUNT = 88
WHITE_COUNT = 52
BLACK_COUNT = 36
WHITE_PITCH_MM = 23.5
KEYBOARD_WIDTH_MM = WHITE_COUNT * WHITE_PITCH_MM
MIDDLE_MM = KEYBOARD_WIDTH_MM / 2
"""x of the middle of the keyboard."""
OCTAVE_KEYS = 12
OCTAVE_MM = 7 * WHITE_PITCH_MM
WHITE_LENGTH_MM = 150.0
BLACK_LENGTH_MM = 95.0
BLACK_FRONT_MM = WHITE_LENGTH_MM - BLACK_LENGTH_MM
"""y of the fronts of black keys, and so the line between the fronts and the tails of white keys."""
BLACK_TOP_WIDTH_MM = 10.0
BLACK_SLOT_WIDTH_MM = 13.7
BLACK_HEIGHT_MM = 12.0
KEY_TRAVEL_MM = 10.0
FRONT_LIP_MM = 22.0
BLACK_OFFSET_MM = {1: -2.35, 3: 2.35, 6: -3.36, 8: 0.0, 10: 3.36}
"""Distance of a black key's centre from its white seam, by pitch class (C# D# F# G# A#)."""

MIRROR_MIDI_SUM = 2 * 62
"""MIDI number of a key plus that of its mirror image through the middle of D4."""

PITCH_CLASS_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

MIDI = np.arange(LOWEST_MIDI, HIGHEST_MIDI + 1)
PITCH_CLASS = MIDI % 12
IS_BLACK = np.isin(PITCH_CLASS, list(BLACK_OFFSET_MM))
BLACK_KEYS = np.flatnonzero(IS_BLACK)
WHITE_KEYS = np.flatnonzero(~IS_BLACK)
WHITES_BEFORE: np.ndarray = np.cumsum(~IS_BLACK) - ~IS_BLACK
"""Number of white keys to the left of each key, shape (88,)."""

CENTER_MM = np.where(
    IS_BLACK,
    WHITES_BEFORE * WHITE_PITCH_MM + np.array([BLACK_OFFSET_MM.get(int(pc), 0.0) for pc in PITCH_CLASS]),
    (WHITES_BEFORE + 0.5) * WHITE_PITCH_MM,
)
"""x of each key's centre (mm), shape (88,): of the front part for white keys, of the top for black keys."""

_HALF_WIDTH_MM = np.where(IS_BLACK, BLACK_TOP_WIDTH_MM / 2, WHITE_PITCH_MM / 2)
LEFT_MM = CENTER_MM - _HALF_WIDTH_MM
RIGHT_MM = CENTER_MM + _HALF_WIDTH_MM


def _tails() -> tuple[np.ndarray, np.ndarray]:
    left, right = LEFT_MM.copy(), RIGHT_MM.copy()
    half_slot = BLACK_SLOT_WIDTH_MM / 2
    for key in WHITE_KEYS:
        if key > 0 and IS_BLACK[key - 1]:
            left[key] = CENTER_MM[key - 1] + half_slot
        if key < KEY_COUNT - 1 and IS_BLACK[key + 1]:
            right[key] = CENTER_MM[key + 1] - half_slot
    return left, right


TAIL_LEFT_MM, TAIL_RIGHT_MM = _tails()
"""x extent (mm) of each key behind the black keys' front ends (y > WHITE_LENGTH - BLACK_LENGTH), shape (88,) each."""


def key_of(midi: KeyNumbers) -> KeyNumbers:
    """Return key indices 0..87 of MIDI numbers 21..108."""
    return midi - LOWEST_MIDI


def midi_of(key: KeyNumbers) -> KeyNumbers:
    """Return MIDI numbers of key indices."""
    return key + LOWEST_MIDI


def name_of(midi: int) -> str:
    """Return the scientific name of a MIDI number: 21 is A0, 60 is C4, 61 is C#4."""
    return f"{PITCH_CLASS_NAMES[midi % 12]}{midi // 12 - 1}"


def midi_of_name(text: str) -> int:
    """Return the MIDI number (21..108) that `text` says, as a number ("36") or as a name ("C2", "F#1", "Bb3").

    Raises
    ------
    InputError
        It is neither, or a key that a piano does not have.
    """
    text = text.strip()
    named = re.fullmatch(r"([A-Ga-g])([#b]?)(-?[0-9])", text)
    if named:
        letter, sign, octave = named.groups()
        midi = PITCH_CLASS_NAMES.index(letter.upper()) + {"": 0, "#": 1, "b": -1}[sign] + 12 * (int(octave) + 1)
    elif re.fullmatch(r"[0-9]{1,3}", text):
        midi = int(text)
    else:
        raise InputError(f"{text!r} is not a key; write a name such as C2 or F#1, or a MIDI number")
    if not LOWEST_MIDI <= midi <= HIGHEST_MIDI:
        raise InputError(f"{text!r} is not a key of a piano, which has {LOWEST_MIDI} (A0) to {HIGHEST_MIDI} (C8)")
    return midi


def keys_between(first_midi: int, last_midi: int) -> np.ndarray:
    """Return which keys lie within `first_midi`..`last_midi`, both included, bool (88,)."""
    return (first_midi <= MIDI) & (last_midi >= MIDI)


def mirrored_midi(midi: KeyNumbers) -> KeyNumbers:
    """Return the MIDI numbers that keys have when the keyboard is seen in a mirror through D4 (62); outside 21..108: no key.

    The pattern of white and black keys, their offsets included, is symmetric about every D.
    """
    return MIRROR_MIDI_SUM - midi


def hz_of(midi: np.ndarray) -> np.ndarray:
    """Return equal-tempered frequencies (Hz, A4 = 440) of MIDI numbers: what mir_eval compares, never the numbers."""
    return 440.0 * 2.0 ** ((np.asarray(midi, dtype=np.float64) - 69.0) / 12.0)
