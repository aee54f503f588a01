"""Notes of anybody's files, as they are: MIDI, OMAPS text, TSV. For scoring, where a file is judged and not used.

What a file holds is kept, also overlapping, repeated and zero-length notes, which `core.notes.read_midi` refuses; only pitches
that a piano lacks are refused here too. A file without notes counts as one in which nothing was found.

- `.mid`, `.midi`: key releases are the ends, the pedal is not applied; drums and what is no piano are left out as
  `core.keyboard_part` says; a track named "right hand" or "left hand" gives the hand.
- `.txt` (OMAPS, OMAPS2): tab or space separated `onset_s offset_s midi [velocity]`, no header.
- `.tsv` (PianoVAM and the like): a header, with or without `#`, names the columns: `onset`; `key_offset` before `offset`;
  `note`, `pitch` or `midi`; `velocity` if there.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI
from tivit.core.notes import Notes, midi_rows
from tivit.core.text import lines_of, read_text

SUFFIXES = (".mid", ".midi", ".txt", ".tsv")
LARGEST_VELOCITY = 127
"""The largest MIDI velocity."""
TSV_COLUMNS = {
    "onset": ("onset", "onset_s"),
    "offset": ("key_offset", "offset", "offset_s"),
    "pitch": ("note", "pitch", "midi"),
}

Row = tuple[float, float, int, int, int]
"""Onset (s), offset (s), MIDI pitch, velocity and hand; the last two may be UNKNOWN."""


def read_scored_notes(path: Path) -> Notes:
    """Return the notes of a file, sorted by onset, then pitch.

    Parameters
    ----------
    path : Path
        Its name ends in one of `SUFFIXES`.

    Returns
    -------
    Notes
        Velocity and hand as far as the file has them, staff unknown. Unlike notes from elsewhere, two of one key may overlap
        and one may have no length.

    Raises
    ------
    InputError
        The file is missing, of no known format, or holds what is not a note of a piano; the sentence names file and line.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: files of notes end in {', '.join(SUFFIXES)}")
    rows = _midi_rows(path) if suffix.startswith(".mid") else _text_rows(path, has_header=suffix == ".tsv")
    table = np.array(rows, np.float64).reshape(-1, 5)
    table = table[np.lexsort((table[:, 2], table[:, 0]))]
    midi, velocity, hand = table[:, 2:].astype(np.int16).T
    return Notes(table[:, 0], table[:, 1], midi, velocity, hand, np.full(len(table), UNKNOWN, np.int16))


def _midi_rows(path: Path) -> list[Row]:
    rows = midi_rows(path)
    for onset_s, _, pitch, *_ in rows:
        if not LOWEST_MIDI <= pitch <= HIGHEST_MIDI:
            raise InputError(f"{path}: pitch {pitch} at {onset_s:.3f} s is on no piano, allowed: {LOWEST_MIDI}..{HIGHEST_MIDI}")
    return rows


def _text_rows(path: Path, has_header: bool) -> list[Row]:
    lines = lines_of(read_text(path))
    if not has_header:
        return [_row(path, number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    if not lines:
        raise InputError(f"{path}: is empty; its first line must name the columns, such as onset, offset, pitch")
    names = [name.strip().lower() for name in lines[0].lstrip("#").split("\t")]
    columns = [_column(path, names, kind) for kind in TSV_COLUMNS]
    columns += [names.index("velocity")] if "velocity" in names else []
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != len(names):
            raise InputError(f"{path}, line {number}: {len(cells)} columns, the header names {len(names)}")
        rows.append(_row(path, number, [cells[column] for column in columns]))
    return rows


def _column(path: Path, names: list[str], kind: str) -> int:
    for name in TSV_COLUMNS[kind]:
        if name in names:
            return names.index(name)
    raise InputError(f"{path}, line 1: names {', '.join(names)}, and none of {', '.join(TSV_COLUMNS[kind])}")


def _row(path: Path, number: int, cells: list[str]) -> Row:
    where, what = f"{path}, line {number}", " ".join(cells)
    if len(cells) not in (3, 4):
        raise InputError(f"{where}: {what!r} is not a note; expected onset_s offset_s midi, and velocity or not")
    try:
        onset_s, offset_s, pitch, velocity = map(float, (*cells, str(UNKNOWN))[:4])
    except ValueError:
        raise InputError(f"{where}: {what!r} is not a note; only numbers are allowed") from None
    if not (math.isfinite(onset_s) and math.isfinite(offset_s) and offset_s >= onset_s):
        raise InputError(f"{where}: {what!r} has times that are not finite with onset <= offset")
    if not (pitch.is_integer() and LOWEST_MIDI <= pitch <= HIGHEST_MIDI):
        raise InputError(f"{where}: {what!r} has pitch {pitch:g}, allowed: whole numbers {LOWEST_MIDI}..{HIGHEST_MIDI}")
    if len(cells) == 4 and not (velocity.is_integer() and 0 <= velocity <= LARGEST_VELOCITY):
        raise InputError(f"{where}: {what!r} has velocity {velocity:g}, allowed: whole numbers 0..{LARGEST_VELOCITY}")
    return onset_s, offset_s, int(pitch), int(velocity), UNKNOWN
