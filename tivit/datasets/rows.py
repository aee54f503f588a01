"""Rows of label tables to notes.

Each row is checked by itself and against the others of its key, and every fault is reported with its line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI, name_of
from tivit.core.notes import OVERLAP_TOLERANCE_S, Notes, make_notes
from tivit.datasets.text import number, whole

MAX_TIME_S = 24 * 3600.0
"""Times in labels beyond a day are refused as damage."""
MAX_VELOCITY = 127
"""The highest velocity of MIDI."""


@dataclass(frozen=True)
class NoteRow:
    """A note as one line of a table has it.

    Attributes
    ----------
    line : int
        Number of the line, from 1 on.
    onset_s, offset_s : float
        When the note begins and ends (s).
    midi : int
        MIDI number, 21..108.
    velocity : int
        1..127, or -1 where the table has none.
    hand : int
        0 left, 1 right, or -1 where it is unknown.
    """

    line: int
    onset_s: float
    offset_s: float
    midi: int
    velocity: int = UNKNOWN
    hand: int = UNKNOWN


def note_row(path: Path, line: int, onset: str, offset: str, midi: str, velocity: str | None) -> NoteRow:
    """Return the note in the cells of a line.

    Parameters
    ----------
    path : Path
        The table, for messages.
    line : int
        Number of the line, from 1 on.
    onset, offset : str
        Cells with times in seconds, from 0 to a day.
    midi : str
        Cell with a MIDI number, 21..108.
    velocity : str or None
        Cell with a velocity, 1..127; None where the table has no such column.

    Returns
    -------
    NoteRow
        The note; its hand is unknown.

    Raises
    ------
    InputError
        A cell is not such a number, or the note does not end after it begins. The message names file, line and value, and says
        what is allowed.
    """
    where = f"{path}, line {line}"
    onset_s, offset_s = (number(where, name, cell, 0.0, MAX_TIME_S) for name, cell in (("onset", onset), ("offset", offset)))
    if offset_s <= onset_s:
        raise InputError(f"{where}: the note begins at {onset_s:g} s and ends at {offset_s:g} s; it must end after it begins")
    pitch = whole(where, "pitch", midi, LOWEST_MIDI, HIGHEST_MIDI)
    force = UNKNOWN if velocity is None else whole(where, "velocity", velocity, 1, MAX_VELOCITY)
    return NoteRow(line, onset_s, offset_s, pitch, force)


def notes_of_rows(path: Path, rows: Sequence[NoteRow]) -> Notes:
    """Return the notes of a table.

    Parameters
    ----------
    path : Path
        The table, for messages.
    rows : sequence of NoteRow
        Its rows, in any order.

    Returns
    -------
    Notes
        The notes, sorted; the staff is unknown.

    Raises
    ------
    InputError
        There are none, or a key is struck before its earlier note ends.
    """
    if not rows:
        raise InputError(f"{path}, line 1: holds no notes")
    for earlier, later in pairwise(_by_key(rows)):
        overlap_s = earlier.offset_s - later.onset_s
        if earlier.midi == later.midi and (overlap_s > OVERLAP_TOLERANCE_S or earlier.onset_s >= later.onset_s):
            raise InputError(
                f"{path}, line {later.line}: {name_of(later.midi)} begins at {later.onset_s:g} s, before its note of "
                f"line {earlier.line} ends at {earlier.offset_s:g} s"
            )
    names = ("onset_s", "offset_s", "midi", "velocity", "hand")
    return make_notes(*([getattr(row, name) for row in rows] for name in names))


def cut_at_restrikes(rows: Sequence[NoteRow]) -> list[NoteRow]:
    """Return rows whose notes end no later than their key is struck again, where what sounds on by the pedal stops.

    Parameters
    ----------
    rows : sequence of NoteRow
        Rows, in any order.

    Returns
    -------
    list of NoteRow
        The rows, sorted by key and then by onset. Two that begin at one instant are left for `notes_of_rows` to refuse.
    """
    ordered = _by_key(rows)
    cut = [
        replace(row, offset_s=following.onset_s)
        if row.midi == following.midi and row.onset_s < following.onset_s < row.offset_s
        else row
        for row, following in pairwise(ordered)
    ]
    return cut + ordered[-1:]


def _by_key(rows: Sequence[NoteRow]) -> list[NoteRow]:
    """Return rows key by key, so that notes of one key which follow each other lie side by side."""
    return sorted(rows, key=lambda row: (row.midi, row.onset_s, row.line))
