"""What of a MIDI file was played on the keyboard, and what of that are presses of keys; the rules, and what is said of each.

A file may hold an arrangement of which only one instrument is in view. Its keyboard part is found by General MIDI's programs:

- one channel, or one program: all notes, whatever the program is called;
- several: the channels on which a piano (programs 1 to 8) plays. Without any, the file is refused.

Notes become presses because a key can be down only once: what has no length or lies beyond the 88 keys is left out, of notes of
one key that begin together the longest stays, and a note that begins while its key is down ends the one before. Every rule that
applied is a warning with the number of notes and the first of them.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI, name_of
from tivit.core.midi import MidiFile, MidiNote, instruments_of

log = logging.getLogger(__name__)
PIANOS = range(8)
"""Programs of General MIDI that are pianos, from the grand piano to the clavinet."""
TOGETHER_S = 0.0015
"""Notes of one key that begin so near to each other are one press: about a MIDI tick at a coarse resolution."""


def keyboard_part(path: Path | str, file: MidiFile) -> list[MidiNote]:
    """Return the notes of a MIDI file that were played on the keyboard, and warn of what is left out or was mended.

    Parameters
    ----------
    path : path-like
        The file, for messages.
    file : MidiFile
        What it holds.

    Returns
    -------
    list of MidiNote
        In the order of the file; none where it holds none.

    Raises
    ------
    InputError
        It holds several instruments and none is a piano.
    """
    notes, instruments = list(file.notes), instruments_of(file.notes)
    if file.drums:
        log.warning("%s: notes of drums (channel 10) are left out: %d", path, file.drums)
    if file.hanging:
        log.warning("%s: notes without an end last to the end of their track: %d", path, file.hanging)
    programs = {program for _, program in instruments}
    channels = {channel for channel, _ in instruments}
    if len(programs) < 2:
        return notes
    named = ", ".join(f"{count} with program {p + 1} on channel {c + 1}" for (c, p), count in sorted(instruments.items()))
    if len(channels) == 1:
        log.warning("%s: its one channel changes its sound (notes: %s); all of them count", path, named)
        return notes
    pianos = {channel for channel, program in instruments if program in PIANOS}
    if not pianos:
        raise InputError(
            f"{path}: holds several instruments and none is a piano (notes: {named}); keep the part of the keyboard alone, or "
            "give it a piano's program (1 to 8)"
        )
    if pianos != channels:
        left_out = sum(note.channel not in pianos for note in notes)
        log.warning("%s: holds several instruments (notes: %s); what is no piano's is left out: %d", path, named, left_out)
    return [note for note in notes if note.channel in pianos]


def presses(path: Path | str, columns: np.ndarray) -> np.ndarray:
    """Return notes as presses of keys, and warn of every rule that applied.

    Parameters
    ----------
    path : path-like
        The file, for messages.
    columns : ndarray of float64, shape (N, K)
        Onset (s), release (s) and MIDI number of each note, then anything.

    Returns
    -------
    ndarray of float64, shape (M, K)
        Presses of the 88 keys, none longer than to the next one of its key; sorted by key, then by onset.
    """
    on_keys = (columns[:, 2] >= LOWEST_MIDI) & (columns[:, 2] <= HIGHEST_MIDI)
    _warn(path, columns[~on_keys], "beyond the 88 keys are left out")
    columns = columns[on_keys]
    has_length = columns[:, 1] > columns[:, 0]
    _warn(path, columns[~has_length], "without length are left out")
    columns = columns[has_length]
    columns = columns[np.lexsort((-columns[:, 1], columns[:, 0], columns[:, 2]))]  # key by key, the longest of a chord first
    while True:
        same = columns[1:, 2] == columns[:-1, 2]
        again = same & (columns[1:, 0] - columns[:-1, 0] <= TOGETHER_S)
        if not again.any():
            break
        _warn(path, columns[1:][again], "that begin together with one of their key count as one with it")
        # The longer one stays: it is the first, unless both differ by less than a tick.
        columns[:-1, 1] = np.where(again, np.maximum(columns[:-1, 1], columns[1:, 1]), columns[:-1, 1])
        columns = columns[np.concatenate([[True], ~again])]
    held = same & (columns[:-1, 1] > columns[1:, 0])
    long = held & (columns[:-1, 1] - columns[1:, 0] > TOGETHER_S)
    _warn(path, columns[1:][long], "that begin while their key is down end the note before")
    columns[:-1, 1] = np.where(held, columns[1:, 0], columns[:-1, 1])
    return columns


def _warn(path: Path | str, notes: np.ndarray, what: str) -> None:
    if len(notes):
        first = notes[np.argmin(notes[:, 0])]
        pitch = int(first[2])
        name = name_of(pitch) if LOWEST_MIDI <= pitch <= HIGHEST_MIDI else f"pitch {pitch}"
        log.warning("%s: notes %s: %d (first: %s at %.3f s)", path, what, len(notes), name, first[0])
