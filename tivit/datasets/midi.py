"""MIDI labels: a note ends when its key is released or, on request, when the pedal lets it go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tivit.core.midi import read_midi_file
from tivit.core.notes import Notes, make_notes, read_midi


def read_midi_label(path: Path, offsets: str) -> Notes:
    """Return the notes of a MIDI label.

    Parameters
    ----------
    path : Path
        The MIDI file.
    offsets : str
        "key": a note ends when its key is released; "pedal": it sounds on while the pedal is down.

    Returns
    -------
    Notes
        The notes, in seconds since the start of the file.

    Raises
    ------
    InputError
        `read_midi` refuses the file.
    """
    notes = read_midi(path)
    return notes if offsets == "key" else held_by_pedal(notes, _pedal_spans(path))


def held_by_pedal(notes: Notes, spans_s: np.ndarray) -> Notes:
    """Return notes that sound on while the pedal is down at their release, at most until their key is struck again.

    Parameters
    ----------
    notes : Notes
        Notes that end when their key is released.
    spans_s : ndarray of float, shape (P, 2)
        When the pedal goes down and comes up (s), ascending and without overlap.

    Returns
    -------
    Notes
        The same notes with later offsets.
    """
    offset_s = notes.offset_s.copy()
    if len(spans_s):
        span = np.searchsorted(spans_s[:, 0], offset_s, side="right") - 1
        is_held = (span >= 0) & (offset_s < spans_s[span, 1])
        offset_s[is_held] = spans_s[span[is_held], 1]
    order = np.lexsort((notes.onset_s, notes.midi))
    this, following = order[:-1], order[1:]
    same = notes.midi[this] == notes.midi[following]
    offset_s[this[same]] = np.minimum(offset_s[this[same]], notes.onset_s[following[same]])
    return make_notes(**(vars(replace(notes, offset_s=offset_s))))


def _pedal_spans(path: Path) -> np.ndarray:
    """Return when the pedal of a MIDI file is down (s), (P, 2); a pedal still down at the end is down until the end."""
    file = read_midi_file(path)
    spans, down_s = [], None
    for time_s, is_down in file.pedal:
        if is_down and down_s is None:
            down_s = time_s
        elif not is_down and down_s is not None:
            spans.append((down_s, time_s))
            down_s = None
    if down_s is not None:
        spans.append((down_s, file.end_s))
    return np.array(spans).reshape(-1, 2)
