"""Notes on the raster of a score: onsets on divisions of the beat, chords, and lengths up to the next chord of the same hand.

Every beat is divided in four or, where that fits clearly better, in three. A staff has one voice: what is held beyond the next
chord of its hand is cut there, as a reader wants it; the MIDI file keeps the true lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest

import numpy as np

from tivit.core.notes import Notes
from tivit.notation.tempo_map import TempoMap

FOURTHS, THIRDS = 4, 3
THIRDS_COST = 0.03
"""By so many beats the mean distance must be smaller for a beat to be divided in three; triplets are rare, and unevenness is
not."""


@dataclass(frozen=True)
class Chord:
    """What begins at one instant on one staff.

    Attributes
    ----------
    onset, length : Fraction
        In quarters since the first bar of the score.
    midi : tuple of int
        Its keys, ascending.
    """

    onset: Fraction
    length: Fraction
    midi: tuple[int, ...]


def quantised(notes: Notes, music: TempoMap) -> tuple[np.ndarray, np.ndarray]:
    """Return onsets and releases on the raster.

    Parameters
    ----------
    notes : Notes
        N notes, in the seconds of the tempo map.
    music : TempoMap
        Where the beats are.

    Returns
    -------
    onset, offset : ndarray of Fraction, shape (N,)
        In quarters since tick 0; the offset is at least a division later.
    """
    onset, offset = music.quarters(np.maximum(notes.onset_s, 0.0)), music.quarters(np.maximum(notes.offset_s, 0.0))
    beat = np.floor(onset + 1 / (2 * FOURTHS)).astype(int)
    divisions = np.full(beat.max(initial=0) + 2, FOURTHS)
    for number in np.unique(beat):
        inside = onset[beat == number]
        fourths, thirds = (np.abs(inside * parts - np.rint(inside * parts)).mean() / parts for parts in (FOURTHS, THIRDS))
        off_beat = np.abs(inside - np.rint(inside)).max() > 0.15
        divisions[number] = THIRDS if off_beat and thirds + THIRDS_COST < fourths else FOURTHS
    first, last = [], []
    for start, end, number in zip(onset, offset, beat, strict=True):
        parts = int(divisions[number])
        begin = Fraction(int(np.rint(start * parts)), parts)
        parts = int(divisions[min(int(end), len(divisions) - 1)])
        first.append(begin)
        last.append(max(Fraction(int(np.rint(end * parts)), parts), begin + Fraction(1, int(divisions[number]))))
    return np.array(first, dtype=object), np.array(last, dtype=object)


def staff_chords(onset: np.ndarray, offset: np.ndarray, midi: np.ndarray) -> list[Chord]:
    """Return the chords of one staff, none of which lasts beyond the next.

    Parameters
    ----------
    onset, offset : ndarray of Fraction, shape (N,)
        From `quantised`.
    midi : ndarray of int, shape (N,)
        The keys.

    Returns
    -------
    list of Chord
        In time order.
    """
    starts = sorted(set(onset.tolist()))
    chords = []
    for start, following in zip_longest(starts, starts[1:]):
        is_here = onset == start
        end = max(offset[is_here].tolist())
        length = (end if following is None else min(end, following)) - start
        chords.append(Chord(start, length, tuple(sorted({int(key) for key in midi[is_here]}))))
    return chords
