"""Notes of anybody's files, as they are: MIDI, OMAPS text, TSV. For scoring, where a file is judged and not used.

What a file holds is kept, overlapping and repeated notes too. Only a note without length is lengthened, to `LEAST_S`, because
mir_eval refuses it.

- `.mid`, `.midi`: key releases are the ends, the pedal is not applied; drums are left out.
- `.txt` (OMAPS, OMAPS2): tab or space separated `onset_s offset_s midi [velocity]`, no header.
- `.tsv` (PianoVAM, MAESTRO-like): a header, with or without `#`, names the columns: `onset`; `key_offset` before `offset`;
  `note`, `pitch` or `midi`; `velocity` if there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI
from tivit.core.notes import Notes

LEAST_S = 0.001
SUFFIXES = (".mid", ".midi", ".txt", ".tsv")
LOUDEST = 127
TSV_COLUMNS = {
    "onset": ("onset", "onset_s"),
    "offset": ("key_offset", "offset", "offset_s"),
    "pitch": ("note", "pitch", "midi"),
}

Row = tuple[float, float, int, int]


def read_scored_notes(path: Path) -> Notes:
    """Return the notes of a file, sorted by onset, then pitch; hand and staff unknown.

    Raises
    ------
    InputError
        The file is missing, of no known format, holds no note, or a line of it is not a note of a piano; the sentence names
        file and line.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: files of notes end in {', '.join(SUFFIXES)}")
    rows = _midi_rows(path) if suffix.startswith(".mid") else _text_rows(path, has_header=suffix == ".tsv")
    if not rows:
        raise InputError(f"{path}: holds no notes")
    table = np.array(rows, float)
    beyond = table[(table[:, 2] < LOWEST_MIDI) | (table[:, 2] > HIGHEST_MIDI), 2]
    if len(beyond):
        raise InputError(f"{path}: pitch {beyond[0]:g} is on no piano ({LOWEST_MIDI}..{HIGHEST_MIDI})")
    table = table[np.lexsort((table[:, 2], table[:, 0]))]
    onset_s, midi, velocity = table[:, 0], table[:, 2].astype(np.int16), table[:, 3].astype(np.int16)
    offset_s = np.maximum(table[:, 1], onset_s + LEAST_S)
    unknown = np.full(len(table), UNKNOWN, np.int16)
    return Notes(onset_s, offset_s, midi, velocity, unknown, unknown)


def _midi_rows(path: Path) -> list[Row]:
    import mido
    import pretty_midi

    try:
        midi = pretty_midi.PrettyMIDI(str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, EOFError, ValueError, KeyError, IndexError, mido.KeySignatureError) as error:
        raise InputError(f"{path}: not a readable MIDI file ({error})") from None
    instruments = (instrument for instrument in midi.instruments if not instrument.is_drum)
    return [(note.start, note.end, note.pitch, note.velocity) for instrument in instruments for note in instrument.notes]


def _text_rows(path: Path, has_header: bool) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text (UTF-8)") from None
    if not has_header:
        return [_row(path, number, line.split(), None) for number, line in enumerate(lines, 1) if line.strip()]
    if not lines:
        raise InputError(f"{path}: is empty; its first line must name the columns")
    names = [name.strip().lower() for name in lines[0].lstrip("#").split("\t")]
    columns = [_column(path, names, kind) for kind in TSV_COLUMNS]
    columns += [names.index("velocity")] if "velocity" in names else []
    return [_row(path, number, line.split("\t"), columns) for number, line in enumerate(lines[1:], 2) if line.strip()]


def _column(path: Path, names: list[str], kind: str) -> int:
    for name in TSV_COLUMNS[kind]:
        if name in names:
            return names.index(name)
    raise InputError(f"{path}, line 1: has columns {', '.join(names)}, and none of {', '.join(TSV_COLUMNS[kind])}")


def _row(path: Path, number: int, cells: list[str], columns: list[int] | None) -> Row:
    try:
        chosen = cells if columns is None else [cells[column] for column in columns]
        onset_s, offset_s, *rest = (float(cell) for cell in chosen)
        pitch, velocity = (*rest, UNKNOWN)[:2]
        is_right_length = len(rest) in (1, 2)
    except (ValueError, IndexError):
        raise InputError(f"{path}, line {number}: {' '.join(cells)!r} is not onset, offset and pitch") from None
    is_note = np.isfinite([onset_s, offset_s, pitch]).all() and offset_s >= onset_s and pitch % 1 == 0
    if not is_right_length or not is_note or not (velocity == UNKNOWN or 0 <= velocity <= LOUDEST):
        raise InputError(
            f"{path}, line {number}: {' '.join(cells)!r} is not a note (seconds with onset <= offset, a whole pitch, "
            f"velocity 0..{LOUDEST})"
        )
    return onset_s, offset_s, int(pitch), int(velocity)
