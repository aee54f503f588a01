"""The raster of a score by hand-made cases, and the score read back by the library that writes it."""

import sys
from fractions import Fraction

import numpy as np
import pytest
from paths import PARAMS_FILE

from tivit.core.errors import InputError
from tivit.core.notes import empty_notes, make_notes
from tivit.core.params import load, section
from tivit.notation import score
from tivit.notation.beats import find_beats
from tivit.notation.quantise import Chord, quantised, staff_chords
from tivit.notation.score import Setting, write_score
from tivit.notation.tempo_map import TempoMap, tempo_map
from tivit.synth.music import random_piece
from tivit.synth.params import SynthParams

EVEN = TempoMap(np.array([0]), np.array([0.0]), np.array([500_000]), 960, 4)
"""120 quarters a minute."""


def test_notes_go_to_the_nearest_division():
    onset_s = np.array([0.01, 0.24, 0.51, 0.635, 0.99])
    onset, offset = quantised(make_notes(onset_s, onset_s + 0.12, [60, 62, 64, 65, 67]), EVEN)
    assert onset.tolist() == [0, Fraction(1, 2), 1, Fraction(5, 4), 2]
    assert offset.tolist() == [Fraction(1, 4), Fraction(3, 4), Fraction(5, 4), Fraction(3, 2), Fraction(9, 4)]


def test_a_beat_of_triplets_is_divided_in_three():
    onset_s = np.array([0.0, 0.5 / 3, 1.0 / 3, 0.5, 0.75])
    onset, _ = quantised(make_notes(onset_s, onset_s + 0.1, [60, 62, 64, 65, 67]), EVEN)
    assert onset.tolist() == [0, Fraction(1, 3), Fraction(2, 3), 1, Fraction(3, 2)]


def test_a_score_is_written_in_the_bars_and_the_key_that_are_given(tmp_path):
    music21 = pytest.importorskip("music21", reason="music21, the extra `score`, is not installed")
    onset_s = np.arange(12) / 4.0
    notes = make_notes(onset_s, onset_s + 0.25, 60 + np.arange(12), hand=[1] * 12)
    given = Setting(TempoMap(np.array([0]), np.array([0.0]), np.array([250_000]), 960, 5), (-3, True))
    write_score(tmp_path / "a.musicxml", notes, "a", given)
    upper = music21.converter.parse(tmp_path / "a.musicxml").parts[0].flatten()
    assert upper.getElementsByClass("TimeSignature")[0].ratioString == "5/4"
    assert upper.getElementsByClass("KeySignature")[0].sharps == -3
    assert upper.getElementsByClass("MetronomeMark")[0].number == 240
    assert [float(one.offset) for one in upper.notes] == list(range(12))


def test_a_chord_ends_where_the_next_begins():
    onset, offset = np.array([0, 0, 1, 3], dtype=object), np.array([2, 4, 2, 4], dtype=object)
    chords = staff_chords(onset, offset, np.array([64, 60, 67, 72]))
    assert chords == [Chord(0, 1, (60, 64)), Chord(1, 1, (67,)), Chord(3, 1, (72,))]
    assert staff_chords(onset[:0], offset[:0], np.zeros(0, int)) == []


@pytest.mark.parametrize("seed", [0, 1])
def test_a_score_read_back_has_both_hands_the_meter_the_tempo_and_the_notes(seed, tmp_path):
    pytest.importorskip("music21", reason="music21, the extra `score`, is not installed")
    from music21 import converter

    rng = np.random.default_rng(seed)
    notes = random_piece(rng, 30.0, section(load(PARAMS_FILE), "synth", SynthParams).music).notes
    write_score(tmp_path / "a.musicxml", notes, "<Title> & more")
    read = converter.parse(tmp_path / "a.musicxml")
    upper, lower = (part.flatten() for part in read.parts)
    assert read.metadata.movementName == "<Title> & more"
    assert [part.getElementsByClass("Clef")[0].name for part in (upper, lower)] == ["treble", "bass"]
    written = [
        sum(len(one.pitches) for one in part.notes if one.tie is None or one.tie.type == "start") for part in (upper, lower)
    ]
    onset, _ = quantised(notes, tempo_map(find_beats(notes)))
    # A key that a hand strikes twice within a sixteenth is one note of the score.
    expected = [len({*zip(onset[notes.hand == hand], notes.midi[notes.hand == hand], strict=True)}) for hand in (1, 0)]
    assert written == expected and sum(expected) >= 0.95 * len(notes)
    draws = np.random.default_rng(seed)
    draws.integers(12), draws.choice(["major", "minor"]), draws.random()
    beat_s, beats = draws.uniform(0.42, 0.85), int(draws.choice([3, 4]))
    assert upper.getElementsByClass("MetronomeMark")[0].number == pytest.approx(60.0 / beat_s, rel=0.02)
    assert upper.getElementsByClass("TimeSignature")[0].numerator == beats
    for part in read.parts:
        for bar in list(part.getElementsByClass("Measure"))[:-1]:
            assert bar.duration.quarterLength == beats
    before = (tmp_path / "a.musicxml").read_bytes()
    write_score(tmp_path / "a.musicxml", notes, "<Title> & more")
    assert (tmp_path / "a.musicxml").read_bytes() == before


def test_no_notes_are_a_score_of_rests(tmp_path):
    pytest.importorskip("music21", reason="music21, the extra `score`, is not installed")
    write_score(tmp_path / "a.musicxml", empty_notes(), "silence")
    assert b"<rest" in (tmp_path / "a.musicxml").read_bytes()


def test_without_the_library_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(InputError, match="pip install music21"):
        score.require_music21()
