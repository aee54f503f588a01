"""The sustain pedal: when it is down, how long notes then sound, and MIDI files that hold it (controller 64).

Times are seconds of the clock of the notes. The pedal is drawn at random and has nothing to do with the music.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.heads import UNKNOWN
from tivit.core.notes import TRACK_NAMES, Notes, write_midi

SUSTAIN, DOWN, UP = 64, 127, 0
"""MIDI: number of the controller, and its values when the pedal goes down and comes up."""
HELD_S, LIFTED_S = (0.5, 1.8), (0.1, 0.5)
"""How long the pedal is down, and how long it is up in between."""


def pedal_spans_s(rng: np.random.Generator, length_s: float) -> np.ndarray:
    """Return when the pedal is down within a clip.

    Parameters
    ----------
    rng : np.random.Generator
    length_s : float, s
        Length of the clip; it begins at 0.

    Returns
    -------
    ndarray, (P, 2), s
        When it goes down and comes up; ascending, apart.
    """
    spans, time_s = [], rng.uniform(*LIFTED_S)
    while time_s < length_s - LIFTED_S[0]:
        end_s = min(time_s + rng.uniform(*HELD_S), length_s)
        spans.append((time_s, end_s))
        time_s = end_s + rng.uniform(*LIFTED_S)
    return np.array(spans).reshape(-1, 2)


def sounding(notes: Notes, spans_s: np.ndarray) -> Notes:
    """Return notes that end when their sound does.

    A note whose key is released under the pedal ends when the pedal comes up; any note ends at the latest at the next onset of
    its key.

    Parameters
    ----------
    notes : Notes
        They end as their keys are released.
    spans_s : ndarray, (P, 2), s
        As `pedal_spans_s` returns them, on the clock of the notes.

    Returns
    -------
    Notes
    """
    offset_s = notes.offset_s.copy()
    for down_s, up_s in spans_s:
        offset_s[(notes.offset_s >= down_s) & (notes.offset_s < up_s)] = up_s
    for i in range(len(notes)):
        again = notes.onset_s[(notes.midi == notes.midi[i]) & (notes.onset_s > notes.onset_s[i])]
        offset_s[i] = min(offset_s[i], again.min(initial=np.inf))
    return replace(notes, offset_s=offset_s)


def write_midi_with_pedal(path: Path, notes: Notes, spans_s: np.ndarray) -> None:
    """Write notes that end as their keys are released, and the pedal.

    Parameters
    ----------
    path : Path
        A MIDI file.
    notes : Notes
        They may be none.
    spans_s : ndarray, (P, 2), s
        When the pedal is down.
    """
    import pretty_midi

    with atomic_path(path) as temporary:
        write_midi(temporary, notes)
        midi = pretty_midi.PrettyMIDI(str(temporary))
        if not midi.instruments:  # a track without notes is not read back
            midi.instruments.append(pretty_midi.Instrument(program=0, name=TRACK_NAMES[UNKNOWN]))
        midi.instruments[0].control_changes = [
            pretty_midi.ControlChange(SUSTAIN, value, float(time_s))
            for span in spans_s
            for value, time_s in zip((DOWN, UP), span, strict=True)
        ]
        midi.write(str(temporary))
