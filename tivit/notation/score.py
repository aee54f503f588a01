"""A score of two staves as MusicXML, by music21, which makes bars, ties, rests and beams of notes on a raster.

music21 is no dependency of the package but of its extra `score`: only this module imports it, when a score is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.core.notes import Notes
from tivit.notation.beats import find_beats
from tivit.notation.key_signature import key_of_notes
from tivit.notation.quantise import Chord, quantised, staff_chords
from tivit.notation.tempo_map import TempoMap, tempo_map

if TYPE_CHECKING:
    from music21 import stream

MIDDLE_C = 60
FLAT_NAMES = ("C", "D-", "D", "E-", "E", "F", "G-", "G", "A-", "A", "B-", "B")
SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""As music21 writes them: a flat is a minus."""
RANDOM_ID = re.compile(r"\b([PI])[0-9a-f]{32}\b")
ENCODING_DATE = re.compile(r"\s*<encoding-date>[^<]*</encoding-date>")


def require_music21() -> None:
    """Raise InputError when music21 is not installed; to be called before the work that a score is made of."""
    try:
        import music21  # noqa: F401
    except ImportError:
        raise InputError(
            "--score needs the library music21; install it by `pip install music21`, or leave --score out"
        ) from None


@dataclass(frozen=True)
class Setting:
    """The bars and the key that a score is written in.

    Attributes
    ----------
    music : TempoMap
        Where the beats are, and how many make a bar.
    key : tuple or None
        Sharps in the signature (flats are negative), and whether the key is minor; None: no signature.
    """

    music: TempoMap
    key: tuple[int, bool] | None


def setting_of(notes: Notes, near_bpm: float | None = None) -> Setting:
    """Return the bars and the key that are estimated from notes; `near_bpm` is that of `beats.find_beats`."""
    return Setting(tempo_map(find_beats(notes, near_bpm)), key_of_notes(notes))


def write_score(path: Path, notes: Notes, title: str, setting: Setting | None = None) -> None:
    """Write notes as a score; equal notes give equal bytes.

    Parameters
    ----------
    path : Path
        The MusicXML file to write.
    notes : Notes
        The notes; there may be none. Where hands are not known, keys from middle C on go to the upper staff.
    title : str
        What stands above the score.
    setting : Setting, optional
        Its bars and its key; by default those that are estimated from the notes.

    Raises
    ------
    InputError
        music21 is not installed.
    """
    require_music21()
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    document = GeneralObjectExporter(_score(notes, title, setting or setting_of(notes))).parse().decode("utf-8")
    with atomic_path(path) as temporary:
        # The date and the random names of the one part and its instrument would give other bytes every time.
        temporary.write_text(RANDOM_ID.sub(r"\g<1>1", ENCODING_DATE.sub("", document)), encoding="utf-8")


def _score(notes: Notes, title: str, setting: Setting) -> stream.Score:
    from music21 import clef, instrument, key, layout, metadata, meter, stream, tempo

    music, signature = setting.music, setting.key
    onset, offset = quantised(notes, music)
    # Bars before the first note are left out.
    skipped = Fraction(int(min(onset.tolist(), default=0) // music.beats_per_bar) * music.beats_per_bar)
    is_right = np.where(notes.hand == UNKNOWN, notes.midi >= MIDDLE_C, notes.hand == RIGHT_HAND)
    names = FLAT_NAMES if signature is not None and signature[0] < 0 else SHARP_NAMES
    parts = []
    for hand, mark in ((RIGHT_HAND, clef.TrebleClef()), (LEFT_HAND, clef.BassClef())):
        part = stream.PartStaff(id="right" if hand == RIGHT_HAND else "left")
        part.insert(0, instrument.Piano())
        part.insert(0, mark)
        part.insert(0, meter.TimeSignature(f"{music.beats_per_bar}/4"))
        if signature is not None:
            part.insert(0, key.KeySignature(signature[0]).asKey("minor" if signature[1] else "major"))
        if hand == RIGHT_HAND:
            part.insert(0, tempo.MetronomeMark(number=round(music.bpm(float(notes.offset_s.max(initial=0.0))))))
        mine = is_right == (hand == RIGHT_HAND)
        for chord in staff_chords(onset[mine], offset[mine], notes.midi[mine]):
            part.insert(chord.onset - skipped, _element(chord, names))
        parts.append(part)
    length = max((part.highestTime for part in parts), default=0)
    bars = max(1, int(-(-length // music.beats_per_bar)))
    score = stream.Score()
    score.metadata = metadata.Metadata(movementName=title, composer="transcribed by TiViT-Piano")
    for part in parts:
        part.makeRests(refStreamOrTimeRange=(0, bars * music.beats_per_bar), fillGaps=True, inPlace=True)
        part.makeNotation(inPlace=True)
        score.insert(0, part)
    score.insert(0, layout.StaffGroup(parts, name="Piano", symbol="brace", barTogether=True))
    return score


def _element(chord: Chord, names: tuple[str, ...]):
    from music21 import chord as chords
    from music21 import note

    pitches = [f"{names[midi % 12]}{midi // 12 - 1}" for midi in chord.midi]
    made = note.Note(pitches[0]) if len(pitches) == 1 else chords.Chord(pitches)
    made.quarterLength = chord.length
    return made
