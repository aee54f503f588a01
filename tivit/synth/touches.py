"""Fingers that touch keys without playing them: they rest, feel for the next chord, or let themselves fall.

A touched key may give way a little, as far as its weight is not overcome; no note sounds. Without such touches in training,
every finger that comes down on a key would be a note.
"""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import HIGHEST_MIDI, KEY_COUNT, LOWEST_MIDI, key_of
from tivit.core.notes import Notes, make_notes
from tivit.synth.motion import HANDS

LENGTH_S = (0.12, 2.5)
"""Shortest and longest touch; lengths are drawn evenly on a logarithmic scale."""
REACH = 6
"""A touched key is at most so many semitones from one that the hand plays at that time."""
FREE_S = 0.15
"""A touch ends so long before its key is played, and begins so long after its release."""
RAMP_S = 0.06
"""How long a touched key takes to give way and to come back."""


def random_touches(rng: np.random.Generator, notes: Notes, length_s: float, per_s: float) -> Notes:
    """Return touches, as notes that do not sound.

    Parameters
    ----------
    rng : np.random.Generator
    notes : Notes
        What is played.
    length_s : float, s
        Length of the clip.
    per_s : float
        How many touches per second and hand are tried; fewer come about, because no key is touched that is played meanwhile.

    Returns
    -------
    Notes
        Their hand is known, velocity and staff are not.
    """
    rows = []
    for hand in HANDS:
        own = notes.take(notes.hand == hand)
        if not len(own):
            continue
        for _ in range(rng.poisson(per_s * length_s)):
            start_s, lasts_s = rng.uniform(0.1, length_s), np.exp(rng.uniform(*np.log(LENGTH_S)))
            near = own.midi[np.argmin(np.abs(own.onset_s - start_s))]
            midi = int(np.clip(near + rng.integers(-REACH, REACH + 1), LOWEST_MIDI, HIGHEST_MIDI))
            end_s = _free_until(notes, rows, midi, start_s, min(start_s + lasts_s, length_s))
            if end_s - start_s >= LENGTH_S[0]:
                rows.append((start_s, end_s, midi, hand))
    table = np.array(sorted(rows), float).reshape(-1, 4)
    none = np.full(len(table), -1)
    return make_notes(table[:, 0], table[:, 1], table[:, 2].astype(int), none, table[:, 3].astype(int), none)


def touch_depths(rng: np.random.Generator, touches: Notes, times_s: np.ndarray, deepest: float) -> np.ndarray:
    """Return how deep touches push their keys.

    Parameters
    ----------
    rng : np.random.Generator
    touches : Notes
    times_s : ndarray, (T,), s
        Instants.
    deepest : float
        Each touch goes as deep as a draw below this, as a fraction of the travel.

    Returns
    -------
    ndarray, (T, 88), float32
        Fraction of the travel.
    """
    depth = np.zeros((len(times_s), KEY_COUNT), np.float32)
    for onset_s, offset_s, midi in zip(touches.onset_s, touches.offset_s, touches.midi, strict=True):
        ramp = np.clip(np.minimum(times_s - onset_s, offset_s - times_s) / RAMP_S + 1.0, 0.0, 1.0)
        column = depth[:, key_of(int(midi))]
        np.maximum(column, rng.uniform(0.0, deepest) * ramp, out=column)
    return depth


def _free_until(notes: Notes, rows: list[tuple[float, float, int, int]], midi: int, start_s: float, end_s: float) -> float:
    """Return until when a key is free from `start_s` on, at most `end_s`; `start_s` itself where it is not free then."""
    taken = [
        (onset, offset) for onset, offset, key in zip(notes.onset_s, notes.offset_s, notes.midi, strict=True) if key == midi
    ]
    for first_s, last_s in taken + [(onset, offset) for onset, offset, key, _ in rows if key == midi]:
        if first_s - FREE_S < end_s and last_s + FREE_S > start_s:
            end_s = first_s - FREE_S
    return max(end_s, start_s)
