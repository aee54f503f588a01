"""The pattern of the black keys without ends: groups of two and three, repeated every octave.

Black keys are numbered on from the 36 of a piano (0 is A#0, 35 is A#7) to below 0 and above 35, white keys from the 52 (0 is
A0, 51 is C8) likewise, and places in millimetres continue the piano's x axis. So a keyboard that lies an octave beside where it
was first thought to be is still a keyboard. The sizes of keys come from `core.keyboard`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tivit.core.keyboard import (
    BLACK_KEYS,
    BLACK_OFFSET_MM,
    BLACK_SLOT_WIDTH_MM,
    CENTER_MM,
    LEFT_MM,
    OCTAVE_KEYS,
    OCTAVE_MM,
    RIGHT_MM,
    WHITE_KEYS,
    WHITE_PITCH_MM,
    WHITES_BEFORE,
    key_of,
    midi_of,
    mirrored_midi,
)

BLACK_PER_OCTAVE = 5
WHITE_PER_OCTAVE = 7
"""Keys of each colour in an octave."""
MIRROR_BLACK_SUM = int(np.searchsorted(midi_of(BLACK_KEYS), mirrored_midi(midi_of(BLACK_KEYS[0]))))
"""Number of a black key plus that of its mirror image."""


def black_center_mm(number: np.ndarray | int) -> np.ndarray:
    """Return x of the centres of black keys.

    Parameters
    ----------
    number : ndarray of int or int
        Numbers of black keys, any whole numbers.

    Returns
    -------
    ndarray or float, mm
        Of the shape of `number`.
    """
    octave, degree = np.divmod(number, BLACK_PER_OCTAVE)
    return CENTER_MM[BLACK_KEYS][degree] + OCTAVE_MM * octave


def mirrored_black(number: np.ndarray) -> np.ndarray:
    """Return the numbers that black keys have when the keyboard is seen in a mirror through D4 (`core.keyboard.mirrored_midi`).

    Parameters
    ----------
    number : ndarray of int or int
        Numbers of black keys.

    Returns
    -------
    ndarray of int or int
        Of the shape of `number`; what was ascending descends.
    """
    return MIRROR_BLACK_SUM - number


def black_midi(number: int) -> int:
    """Return the MIDI number of a black key.

    Parameters
    ----------
    number : int
        Number of the black key.

    Returns
    -------
    int
        Outside 21..108 when `number` is outside 0..35.
    """
    octave, degree = divmod(number, BLACK_PER_OCTAVE)
    return int(midi_of(BLACK_KEYS[degree])) + OCTAVE_KEYS * octave


def white_midi(number: int) -> int:
    """Return the MIDI number of a white key.

    Parameters
    ----------
    number : int
        Number of the white key.

    Returns
    -------
    int
        Outside 21..108 when `number` is outside 0..51.
    """
    octave, degree = divmod(number, WHITE_PER_OCTAVE)
    return int(midi_of(WHITE_KEYS[degree])) + OCTAVE_KEYS * octave


@cache
def whites_between(number: int) -> tuple[int, int]:
    """Return the white keys on both sides of a black key.

    Parameters
    ----------
    number : int
        Number of the black key.

    Returns
    -------
    left, right : int
        Numbers of the last white key to its left and of the first one to its right.
    """
    octave, degree = divmod(number, BLACK_PER_OCTAVE)
    right = int(WHITES_BEFORE[BLACK_KEYS[degree]]) + WHITE_PER_OCTAVE * octave
    return right - 1, right


def white_range(first_midi: int, last_midi: int) -> tuple[int, int]:
    """Return the white keys among a stretch of keys.

    Parameters
    ----------
    first_midi, last_midi : int
        MIDI numbers of the lowest and highest key of the stretch; they may lie outside 21..108.

    Returns
    -------
    first, end : int
        Numbers of white keys, for `range`.
    """
    low, high = (key_edges_mm(midi) for midi in (first_midi, last_midi))
    first = int(np.ceil(low[0] / WHITE_PITCH_MM - 1e-6))
    return first, int(np.floor(high[1] / WHITE_PITCH_MM + 1e-6))


def black_range(first_midi: int, last_midi: int) -> tuple[int, int]:
    """Return the black keys among a stretch of keys.

    Parameters
    ----------
    first_midi, last_midi : int
        MIDI numbers of the lowest and highest key of the stretch; they may lie outside 21..108.

    Returns
    -------
    first, end : int
        Numbers of black keys, for `range`; (0, 0) when there are none.
    """
    first, end = black_range_mm(key_edges_mm(first_midi)[0], key_edges_mm(last_midi)[1])
    inside = [number for number in range(first, end) if first_midi <= black_midi(number) <= last_midi]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def is_black_midi(midi: int) -> bool:
    """Return whether a MIDI number is that of a black key."""
    return midi % OCTAVE_KEYS in BLACK_OFFSET_MM


@cache
def key_edges_mm(midi: int) -> tuple[float, float]:
    """Return the x extent of a key: of the top of a black key, of the front part of a white key.

    Parameters
    ----------
    midi : int
        MIDI number, which may lie outside 21..108.

    Returns
    -------
    left, right : float, mm
    """
    key = int(key_of(midi))
    octave, degree = divmod(key, OCTAVE_KEYS)
    return float(LEFT_MM[degree]) + OCTAVE_MM * octave, float(RIGHT_MM[degree]) + OCTAVE_MM * octave


@cache
def tail_mm(number: int) -> tuple[float, float]:
    """Return the x extent of a white key behind the fronts of its black neighbours.

    Parameters
    ----------
    number : int
        Number of the white key. It has the neighbours that the pattern gives it, at the ends of a piano too.

    Returns
    -------
    left, right : float, mm
        The whole width of the key on a side on which it has no black neighbour.
    """
    left, right = number * WHITE_PITCH_MM, (number + 1) * WHITE_PITCH_MM
    half_slot = BLACK_SLOT_WIDTH_MM / 2
    for center in black_center_mm(np.arange(*black_range_mm(left - WHITE_PITCH_MM, right + WHITE_PITCH_MM))):
        if left - half_slot < center < left + half_slot:
            left = center + half_slot
        elif right - half_slot < center < right + half_slot:
            right = center - half_slot
    return left, right


def black_range_mm(low_mm: float, high_mm: float) -> tuple[int, int]:
    """Return the black keys whose centres lie in a stretch of the x axis.

    Parameters
    ----------
    low_mm, high_mm : float
        Ends of the stretch, both included.

    Returns
    -------
    first, end : int
        Numbers of black keys, for `range`; (0, 0) when there are none.
    """
    octave = int(np.floor(low_mm / OCTAVE_MM)) - 1
    numbers = np.arange(octave * BLACK_PER_OCTAVE, (int(np.ceil(high_mm / OCTAVE_MM)) + 1) * BLACK_PER_OCTAVE)
    inside = numbers[(black_center_mm(numbers) >= low_mm) & (black_center_mm(numbers) <= high_mm)]
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)
