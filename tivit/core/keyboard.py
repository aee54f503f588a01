"""The one keyboard: 88 keys, their colours, names and true positions in millimetres.

Key index k = midi - 21, from 0 (A0) to 87 (C8), low to high. World frame: x runs along the keys from the left edge of A0
(0..1222), y from the front edge of the white keys (0) to the fallboard (150), z up from the tops of the white keys at rest.
Sizes are those of a standard acoustic keyboard (white pitch 23.5 mm, octave 164.5 mm, black tops 12 mm up). Black keys are
not centred on the seams between white keys.
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
"""MIDI numbers of A0 and C8, the first and the last key of a piano."""
KEY_COUNT = 88
WHITE_COUNT = 52
BLACK_COUNT = 36
WHITE_PITCH_MM = 23.5
"""Distance from one white key to the next: the octave of 164.5 mm divided by seven."""
KEYBOARD_WIDTH_MM = WHITE_COUNT * WHITE_PITCH_MM
MIDDLE_MM = KEYBOARD_WIDTH_MM / 2
"""x of the middle of the keyboard (mm)."""
OCTAVE_KEYS = 12
OCTAVE_MM = 7 * WHITE_PITCH_MM
"""An octave has twelve keys, seven of them white, and is so wide."""
WHITE_LENGTH_MM = 150.0
"""Visible length of a white key, and so the y of the fallboard."""
BLACK_LENGTH_MM = 95.0
"""Visible length of a black key, from its front to the fallboard."""
BLACK_FRONT_MM = WHITE_LENGTH_MM - BLACK_LENGTH_MM
"""y of the fronts of black keys (mm), and so of the line between the wide front and the narrow tail of a white key."""
BLACK_TOP_WIDTH_MM = 10.0
"""Width of the top of a black key."""
BLACK_SLOT_WIDTH_MM = 13.7
"""Width of the gap between the tails of two white keys in which a black key stands."""
BLACK_HEIGHT_MM = 12.0
"""z of the top of a black key at rest."""
KEY_TRAVEL_MM = 10.0
"""How far the front of a key sinks when it is pressed all the way down."""
FRONT_LIP_MM = 22.0
"""Extent in front of the white keys (to y = -22) in which their front lip is seen."""
BLACK_OFFSET_MM = {1: -2.35, 3: 2.35, 6: -3.36, 8: 0.0, 10: 3.36}
"""Distance (mm) of a black key's centre from the seam between its white neighbours, by pitch class (C# D# F# G# A#)."""

MIRROR_MIDI_SUM = 2 * 62
"""MIDI number of a key plus that of its mirror image through the middle of D4."""

PITCH_CLASS_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

MIDI = np.arange(LOWEST_MIDI, HIGHEST_MIDI + 1)
PITCH_CLASS = MIDI % 12
IS_BLACK = np.isin(PITCH_CLASS, list(BLACK_OFFSET_MM))
"""MIDI number, pitch class (0 is C) and colour of each key, shape (88,) each."""
BLACK_KEYS = np.flatnonzero(IS_BLACK)
WHITE_KEYS = np.flatnonzero(~IS_BLACK)
"""Indices of the 36 black and the 52 white keys, ascending."""
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
"""x extent (mm) of the front part of each white key and of the top of each black key, shape (88,) each."""


def _tails() -> tuple[np.ndarray, np.ndarray]:
    # Behind the fronts of the black keys, a white key is narrower by the slot of each black neighbour.
    left, right = LEFT_MM.copy(), RIGHT_MM.copy()
    half_slot = BLACK_SLOT_WIDTH_MM / 2
    for key in WHITE_KEYS:
        if key > 0 and IS_BLACK[key - 1]:
            left[key] = CENTER_MM[key - 1] + half_slot
        if key < KEY_COUNT - 1 and IS_BLACK[key + 1]:
            right[key] = CENTER_MM[key + 1] - half_slot
    return left, right


TAIL_LEFT_MM, TAIL_RIGHT_MM = _tails()
"""x extent (mm) of each key behind the fronts of the black keys (y > BLACK_FRONT_MM), shape (88,) each."""


def key_of(midi: KeyNumbers) -> KeyNumbers:
    """Return the key indices of MIDI numbers.

    Parameters
    ----------
    midi : int or ndarray
        MIDI numbers, 21..108, of any shape.

    Returns
    -------
    int or ndarray
        Key indices, 0..87, of the same shape.
    """
    return midi - LOWEST_MIDI


def midi_of(key: KeyNumbers) -> KeyNumbers:
    """Return the MIDI numbers of key indices.

    Parameters
    ----------
    key : int or ndarray
        Key indices, 0..87, of any shape.

    Returns
    -------
    int or ndarray
        MIDI numbers, 21..108, of the same shape.
    """
    return key + LOWEST_MIDI


def name_of(midi: int) -> str:
    """Return the name of a key in scientific pitch notation.

    Parameters
    ----------
    midi : int
        MIDI number.

    Returns
    -------
    str
        The name, with a sharp for black keys: 21 is A0, 60 is C4, 61 is C#4.
    """
    return f"{PITCH_CLASS_NAMES[midi % 12]}{midi // 12 - 1}"


def midi_of_name(text: str) -> int:
    """Return the MIDI number of a key that is given as a number or as a name.

    Parameters
    ----------
    text : str
        A number ("36") or a name ("C2", "F#1", "Bb3").

    Returns
    -------
    int
        MIDI number, 21..108.

    Raises
    ------
    InputError
        The text is neither, or is a key that a piano does not have.
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
    """Return which keys lie between two keys, both included.

    Parameters
    ----------
    first_midi, last_midi : int
        MIDI numbers of the lowest and the highest key.

    Returns
    -------
    ndarray of bool, shape (88,)
        True for the keys from the first to the last.
    """
    return (first_midi <= MIDI) & (last_midi >= MIDI)


def mirrored_midi(midi: KeyNumbers) -> KeyNumbers:
    """Return the MIDI numbers that keys have when the keyboard is seen in a mirror through the middle of D4 (62).

    The pattern of white and black keys, with the offsets of the black keys, is symmetric about every D.

    Parameters
    ----------
    midi : int or ndarray
        MIDI numbers, 21..108, of any shape.

    Returns
    -------
    int or ndarray
        MIDI numbers of the same shape; one outside 21..108 is no key of a piano.
    """
    return MIRROR_MIDI_SUM - midi


def hz_of(midi: np.ndarray) -> np.ndarray:
    """Return the frequencies of keys in equal temperament with A4 = 440 Hz.

    `mir_eval` compares notes by frequency, so MIDI numbers must never be passed to it as they are.

    Parameters
    ----------
    midi : ndarray
        MIDI numbers, of any shape.

    Returns
    -------
    ndarray of float64
        Frequencies in Hz, of the same shape.

    References
    ----------
    ISO 16:1975, Acoustics -- Standard tuning frequency (A4 = 440 Hz).
    """
    return 440.0 * 2.0 ** ((np.asarray(midi, dtype=np.float64) - 69.0) / 12.0)
