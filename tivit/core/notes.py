"""Notes: what was played, as columns of one length, and MIDI files in and out.

A note sounds from its onset (key goes down) to its offset (key released), in seconds of the clip's video clock. Velocity, hand
and staff may be unknown (-1). Two notes of one key never overlap, because a key cannot be pressed twice.

MIDI files are written with 960 ticks per quarter at 120 bpm (0.52 ms per tick), program 0, one track per hand where all hands
are known, and velocity 80 where it is unknown. The staff is not stored in MIDI.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.correction import Correction
from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI, name_of
from tivit.core.keyboard_part import keyboard_part, presses
from tivit.core.midi import read_midi_file

MIDI_RESOLUTION = 960
"""Ticks per quarter note in the files that are written: 0.52 ms per tick at 120 bpm."""
DEFAULT_VELOCITY = 80
"""Velocity that is written where it is unknown."""
TRACK_NAMES = {RIGHT_HAND: "right hand", LEFT_HAND: "left hand", UNKNOWN: "piano"}
OVERLAP_TOLERANCE_S = 0.0015
"""Overlap of two notes of one key that is forgiven, and cut: about a MIDI tick at a coarse resolution."""


@dataclass(frozen=True)
class Notes:
    """Notes as columns of shape (N,), sorted by onset, then by pitch.

    Attributes
    ----------
    onset_s, offset_s : ndarray of float64, shape (N,)
        When the key goes down and when it is released (s of the clip's video clock).
    midi : ndarray of int16, shape (N,)
        MIDI numbers, 21..108.
    velocity : ndarray of int16, shape (N,)
        MIDI velocity 1..127, or -1 where it is unknown.
    hand : ndarray of int16, shape (N,)
        0 for the left hand, 1 for the right hand, or -1 where it is unknown.
    staff : ndarray of int16, shape (N,)
        0 for the bass staff, 1 for the treble staff, or -1 where it is unknown.
    """

    onset_s: np.ndarray
    offset_s: np.ndarray
    midi: np.ndarray
    velocity: np.ndarray
    hand: np.ndarray
    staff: np.ndarray

    def __len__(self) -> int:
        return len(self.onset_s)

    def take(self, index: np.ndarray) -> Notes:
        """Return some of the notes.

        Parameters
        ----------
        index : ndarray, shape (M,) of int or (N,) of bool
            Indices of the notes, ascending so that they stay sorted, or a mask.

        Returns
        -------
        Notes
            The notes at these indices.
        """
        return Notes(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def moved(self, by_s: float) -> Notes:
        """Return the notes at other times.

        Parameters
        ----------
        by_s : float
            Seconds added to every onset and offset; negative for earlier.

        Returns
        -------
        Notes
            The same notes, moved.
        """
        return replace(self, onset_s=self.onset_s + by_s, offset_s=self.offset_s + by_s)

    def corrected(self, correction: Correction) -> Notes:
        """Return the notes on another clock.

        Parameters
        ----------
        correction : Correction
            Where each instant lies on that clock.

        Returns
        -------
        Notes
            The same notes at other times.
        """
        return replace(self, onset_s=correction.applied(self.onset_s), offset_s=correction.applied(self.offset_s))


def make_notes(
    onset_s: np.ndarray,
    offset_s: np.ndarray,
    midi: np.ndarray,
    velocity: np.ndarray | None = None,
    hand: np.ndarray | None = None,
    staff: np.ndarray | None = None,
) -> Notes:
    """Return notes from columns, checked and sorted by onset, then by pitch.

    Parameters
    ----------
    onset_s, offset_s : array-like of float, shape (N,)
        When keys go down and come up (s).
    midi : array-like of int, shape (N,)
        MIDI numbers, 21..108.
    velocity, hand, staff : array-like of int, shape (N,), optional
        As in `Notes`; unknown by default.

    Returns
    -------
    Notes
        The notes; where two of one key overlap by no more than 1.5 ms, the earlier one is cut.

    Raises
    ------
    InputError
        Columns differ in length, a time is not finite, an offset is not after its onset, a pitch is outside 21..108, two notes
        of one key begin at one instant, or two notes of one key overlap by more than 1.5 ms.
    """
    onset_s, offset_s = np.asarray(onset_s, np.float64), np.asarray(offset_s, np.float64)
    midi = np.asarray(midi)
    count = len(onset_s)
    columns = {
        "velocity": np.full(count, UNKNOWN) if velocity is None else np.asarray(velocity),
        "hand": np.full(count, UNKNOWN) if hand is None else np.asarray(hand),
        "staff": np.full(count, UNKNOWN) if staff is None else np.asarray(staff),
    }
    lengths = {len(column) for column in (offset_s, midi, *columns.values())}
    if lengths - {count}:
        raise InputError(f"note columns differ in length: {count} onsets, others {sorted(lengths)}")
    if not (np.isfinite(onset_s).all() and np.isfinite(offset_s).all()):
        raise InputError("a note has an onset or offset that is not a finite number")
    if count and (midi.min() < LOWEST_MIDI or midi.max() > HIGHEST_MIDI):
        wrong = midi[(midi < LOWEST_MIDI) | (midi > HIGHEST_MIDI)][0]
        raise InputError(f"pitch {wrong} is outside {LOWEST_MIDI}..{HIGHEST_MIDI}")
    order = np.lexsort((midi, onset_s))
    columns = {name: column[order].astype(np.int16) for name, column in columns.items()}
    notes = Notes(onset_s[order], offset_s[order], midi[order].astype(np.int16), **columns)
    empty = np.flatnonzero(notes.offset_s <= notes.onset_s)
    if empty.size:
        first = empty[0]
        raise InputError(f"{_describe(notes, first)} ends at {notes.offset_s[first]:.3f} s, not after its onset")
    return _without_overlap(notes)


def empty_notes() -> Notes:
    """Return no notes: columns of length 0."""
    return make_notes(np.zeros(0), np.zeros(0), np.zeros(0, int))


def joined(*parts: Notes) -> Notes:
    """Return the notes of several parts together, sorted.

    Parameters
    ----------
    *parts : Notes
        At least one part.

    Returns
    -------
    Notes
        All their notes.

    Raises
    ------
    InputError
        Two notes of one key overlap.
    """
    return make_notes(*(np.concatenate(column) for column in zip(*(vars(part).values() for part in parts), strict=True)))


def midi_rows(path: Path | str) -> list[tuple[float, float, int, int, int]]:
    """Return what the keyboard plays in a MIDI file, as it is: notes may overlap, have no length or lie beyond the 88 keys.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    list of tuple
        One row per note, in the order of the file: onset (s), release (s), MIDI number, velocity, hand. Hands come from the
        names of tracks. Drums, and instruments beside a piano, are left out with a warning (`keyboard_part`).

    Raises
    ------
    InputError
        The file is missing, is not a MIDI file, or holds several instruments of which none is a piano.
    """
    hand_of_track = {name: hand for hand, name in TRACK_NAMES.items()}
    return [
        (note.onset_s, note.offset_s, note.pitch, note.velocity, hand_of_track.get(note.track, UNKNOWN))
        for note in keyboard_part(path, read_midi_file(path))
    ]


def read_midi(path: Path | str) -> Notes:
    """Return the notes of a MIDI file as presses of keys.

    Tracks named "right hand" or "left hand" give the hand. Which notes count is said in `core.keyboard_part`, and every rule
    that applied is a warning. Offsets are key releases; the pedal is not applied.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    Notes
        At least one note, in seconds since the start of the file; the staff is unknown.

    Raises
    ------
    InputError
        `midi_rows` refuses the file, or it holds no note of a piano.
    """
    rows = presses(path, np.array(midi_rows(path), np.float64).reshape(-1, 5))
    if not len(rows):
        raise InputError(f"{path}: holds no notes of a piano")
    return make_notes(rows[:, 0], rows[:, 1], *rows[:, 2:].astype(np.int64).T)


def write_midi(path: Path | str, notes: Notes) -> None:
    """Write notes to a MIDI file with stable bytes: one track per hand when every hand is known, else one track.

    Parameters
    ----------
    path : path-like
        The file to write; folders above it are made.
    notes : Notes
        The notes. Times before 0 s are written as 0, an unknown velocity as 80.
    """
    import pretty_midi

    midi = pretty_midi.PrettyMIDI(resolution=MIDI_RESOLUTION, initial_tempo=120.0)
    hands_known = len(notes) > 0 and bool((notes.hand != UNKNOWN).all())
    for hand in (RIGHT_HAND, LEFT_HAND) if hands_known else (UNKNOWN,):
        instrument = pretty_midi.Instrument(program=0, name=TRACK_NAMES[hand])
        of_hand = notes.take(notes.hand == hand) if hands_known else notes
        for i in range(len(of_hand)):
            instrument.notes.append(
                pretty_midi.Note(
                    velocity=DEFAULT_VELOCITY if of_hand.velocity[i] == UNKNOWN else int(of_hand.velocity[i]),
                    pitch=int(of_hand.midi[i]),
                    start=max(0.0, float(of_hand.onset_s[i])),
                    end=max(0.0, float(of_hand.offset_s[i])),
                )
            )
        midi.instruments.append(instrument)
    with atomic_path(path) as temporary:
        midi.write(str(temporary))


def _without_overlap(notes: Notes) -> Notes:
    """Return notes in which each note ends no later than the next one of its key begins; refuse overlaps beyond a tick."""
    offset_s = notes.offset_s.copy()
    order = np.lexsort((notes.onset_s, notes.midi))  # key by key, so that neighbours of one key lie side by side
    previous, following = order[:-1], order[1:]
    same_key = notes.midi[previous] == notes.midi[following]
    overlap_s = np.where(same_key, offset_s[previous] - notes.onset_s[following], 0.0)
    bad = np.flatnonzero((overlap_s > OVERLAP_TOLERANCE_S) | (same_key & (notes.onset_s[previous] >= notes.onset_s[following])))
    if bad.size:
        earlier, later = previous[bad[0]], following[bad[0]]
        raise InputError(
            f"{_describe(notes, later)} begins before the same key's note of {notes.onset_s[earlier]:.3f} s "
            f"ends at {offset_s[earlier]:.3f} s"
        )
    cut = overlap_s > 0
    offset_s[previous[cut]] = notes.onset_s[following[cut]]
    return replace(notes, offset_s=offset_s)


def _describe(notes: Notes, index: int) -> str:
    return f"note {name_of(int(notes.midi[index]))} at {notes.onset_s[index]:.3f} s"
