"""The sustain pedal: when it is down, how long notes then sound, and MIDI files that hold it (controller 64)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.notes import Notes, write_midi

SUSTAIN, DOWN, UP = 64, 127, 0
HELD_S, LIFTED_S = (0.5, 1.8), (0.1, 0.5)


def pedal_spans_s(rng: np.random.Generator, length_s: float) -> np.ndarray:
    """Return when the pedal is down within a clip, s, shape (P, 2), ascending, apart."""
    spans, time_s = [], rng.uniform(*LIFTED_S)
    while time_s < length_s - LIFTED_S[0]:
        end_s = min(time_s + rng.uniform(*HELD_S), length_s)
        spans.append((time_s, end_s))
        time_s = end_s + rng.uniform(*LIFTED_S)
    return np.array(spans).reshape(-1, 2)


def sounding(notes: Notes, spans_s: np.ndarray) -> Notes:
    """Return notes that end when their sound does: released under the pedal when it is lifted, or at the key's next onset."""
    offset_s = notes.offset_s.copy()
    for down_s, up_s in spans_s:
        offset_s[(notes.offset_s >= down_s) & (notes.offset_s < up_s)] = up_s
    for i in range(len(notes)):
        again = notes.onset_s[(notes.midi == notes.midi[i]) & (notes.onset_s > notes.onset_s[i])]
        offset_s[i] = min(offset_s[i], again.min(initial=np.inf))
    return replace(notes, offset_s=offset_s)


def write_midi_with_pedal(path: Path, notes: Notes, spans_s: np.ndarray) -> None:
    """Write notes that end as their keys are released, and the pedal."""
    import pretty_midi

    with atomic_path(path) as temporary:
        write_midi(temporary, notes)
        midi = pretty_midi.PrettyMIDI(str(temporary))
        midi.instruments[0].control_changes = [
            pretty_midi.ControlChange(SUSTAIN, value, float(time_s))
            for span in spans_s
            for value, time_s in zip((DOWN, UP), span, strict=True)
        ]
        midi.write(str(temporary))
