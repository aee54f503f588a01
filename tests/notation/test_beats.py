"""Beats of rendered music, whose tempo is known, and the tempo map: bars fall on beats, and no note moves."""

import mido
import numpy as np
import pretty_midi
import pytest
from mir_eval.beat import f_measure
from paths import PARAMS_FILE

from tivit.core.heads import LEFT_HAND, RIGHT_HAND
from tivit.core.notes import empty_notes, make_notes, read_midi
from tivit.core.params import load, section
from tivit.notation.beats import find_beats
from tivit.notation.key_signature import key_of_notes, midi_key
from tivit.notation.midi import write_music_midi
from tivit.notation.tempo_map import tempo_map
from tivit.synth.music import random_piece
from tivit.synth.params import SynthParams

MUSIC = section(load(PARAMS_FILE), "synth", SynthParams).music
LENGTH_S = 60.0
SEEDS = range(12)


def rendered(seed):
    """Return a piece with its beats (s) and its number of beats in a bar: the draws with which `random_piece` begins."""
    piece = random_piece(np.random.default_rng(seed), LENGTH_S, MUSIC)
    rng = np.random.default_rng(seed)
    rng.integers(12), rng.choice(["major", "minor"]), rng.uniform(*MUSIC.notes_per_s)
    beat_s, beats, start_s = rng.uniform(0.42, 0.85), int(rng.choice([3, 4])), rng.uniform(0.3, 0.9)
    return piece, np.arange(start_s, LENGTH_S - 0.2, beat_s), beats


def test_the_tempo_and_the_beats_of_rendered_music_are_found():
    is_right, scores, meters = [], [], []
    for seed in SEEDS:
        piece, true_s, beats_per_bar = rendered(seed)
        beats = find_beats(piece.notes)
        found_s = beats.times_s[(beats.times_s >= 0.0) & (beats.times_s < LENGTH_S)]
        is_right.append(abs(beats.bpm * np.diff(true_s)[0] / 60.0 - 1.0) <= 0.02)
        scores.append(f_measure(true_s, found_s))
        meters.append(beats.beats_per_bar == beats_per_bar)
    assert np.mean(is_right) >= 0.9 and np.mean(scores) >= 0.95 and np.mean(meters) >= 0.8, (is_right, scores, meters)


@pytest.mark.parametrize("drift", [0.0, 0.1])
def test_beats_follow_a_tempo_that_drifts(drift):
    true_s = 1.0 + np.cumsum(0.5 * (1.0 + drift * np.sin(np.arange(80) / 12.0)))
    onset_s = np.sort(np.concatenate([true_s, (true_s[1:] + true_s[:-1])[::2] / 2]))
    notes = make_notes(onset_s, onset_s + 0.2, 40 + np.arange(len(onset_s)) % 40)
    assert f_measure(true_s, find_beats(notes).times_s) >= 0.95


@pytest.mark.parametrize(("near_bpm", "expected"), [(None, 120.0), (58.0, 60.0), (125.0, 120.0), (250.0, 240.0)])
def test_the_tempo_is_found_near_one_that_is_named(near_bpm, expected):
    onset_s = 1.0 + 0.25 * np.arange(160)
    notes = make_notes(onset_s, onset_s + np.where(np.arange(160) % 2, 0.1, 0.2), 40 + np.arange(160) % 40)
    beats = find_beats(notes, near_bpm)
    assert beats.bpm == pytest.approx(expected, rel=0.02) and tempo_map(beats).bpm(41.0) == pytest.approx(expected, rel=0.02)


def test_too_few_notes_have_a_plain_raster_that_is_not_sure():
    beats = find_beats(make_notes([0.5, 1.0], [0.9, 1.4], [60, 62]))
    assert not beats.is_sure and beats.bpm == pytest.approx(120.0)
    assert not find_beats(empty_notes()).is_sure


@pytest.mark.parametrize("seed", SEEDS)
def test_no_note_moves_and_bars_begin_at_downbeats(seed, tmp_path):
    piece, _, _ = rendered(seed)
    music = write_music_midi(tmp_path / "a.mid", piece.notes, ["äöü"])
    read = read_midi(tmp_path / "a.mid")
    order = np.lexsort((read.midi, np.round(read.onset_s, 2)))
    mine = np.lexsort((piece.notes.midi, np.round(piece.notes.onset_s, 2)))
    assert len(order) == len(mine)
    for column in ("onset_s", "offset_s"):
        difference = np.sort(getattr(read, column)) - np.sort(getattr(piece.notes, column))
        assert np.abs(difference).max() < 0.001
    assert np.bincount(read.hand).tolist() == np.bincount(piece.notes.hand).tolist()
    beats = find_beats(piece.notes)
    downbeats_s = beats.times_s[beats.first_downbeat :: beats.beats_per_bar]
    quarters = music.quarters(downbeats_s[downbeats_s >= 0])
    bars = quarters / beats.beats_per_bar
    assert np.abs(bars - np.round(bars)).max() * beats.beats_per_bar < 0.12  # a beat is at most 30 ms off, and half that in two
    assert mido.MidiFile(tmp_path / "a.mid").length == pytest.approx(piece.notes.offset_s.max(), abs=0.002)


def test_programs_see_the_hands_the_meter_and_the_key(tmp_path):
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72] * 6)
    onset_s = np.arange(len(scale)) * 0.5
    hand = (np.arange(len(scale)) % 2).astype(int)
    write_music_midi(tmp_path / "a.mid", make_notes(onset_s, onset_s + 0.45, scale, hand=hand), ["text"])
    file = mido.MidiFile(tmp_path / "a.mid")
    conductor, right, left = file.tracks
    assert file.type == 1 and [track.name for track in (right, left)] == ["right hand", "left hand"]
    channels = [{message.channel for message in track if message.type == "note_on"} for track in (right, left)]
    assert channels == [{3}, {2}]
    assert next(message for message in conductor if message.type == "key_signature").key == "C"
    assert pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).estimate_tempo() > 0
    tempo = next(message for message in conductor if message.type == "set_tempo").tempo
    assert 60e6 / tempo == pytest.approx(120.0, rel=0.02)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_another_program_sees_both_hands_and_the_bars_of_rendered_music(seed, tmp_path):
    pytest.importorskip("music21", reason="music21, the extra `score`, is not installed")
    from music21 import converter

    piece, true_s, _ = rendered(seed)
    write_music_midi(tmp_path / "a.mid", piece.notes, ["text"])
    read = converter.parse(tmp_path / "a.mid")
    assert [part.partName for part in read.parts] == ["right hand", "left hand"]
    for part, hand in zip(read.parts, (RIGHT_HAND, LEFT_HAND), strict=True):
        pitches = sorted(pitch.midi for note in part.flatten().notes for pitch in note.pitches)
        assert set(pitches) == set(piece.notes.midi[piece.notes.hand == hand].tolist())
    # What lies before the first beat has a tempo of its own, so the tempo is that of most quarters.
    stretches = read.flatten().metronomeMarkBoundaries()
    tempi = np.repeat([mark.number for *_, mark in stretches], [round(end - start) for start, end, _ in stretches])
    assert np.median(tempi) == pytest.approx(60.0 / np.diff(true_s)[0], rel=0.02)


def test_a_key_is_written_where_it_is_sure():
    keys = [key_of_notes(rendered(seed)[0].notes) for seed in SEEDS]
    right = 0
    for seed, key in zip(SEEDS, keys, strict=True):
        piece = rendered(seed)[0]
        relative = piece.tonic if piece.mode == "major" else (piece.tonic + 3) % 12
        right += key is not None and (7 * key[0]) % 12 == relative
    sure = sum(key is not None for key in keys)
    assert sure >= 6 and right >= 0.8 * sure
    assert key_of_notes(make_notes(np.arange(24.0), np.arange(24.0) + 0.5, 40 + np.arange(24))) is None
    assert (midi_key(-3, True), midi_key(2, False), midi_key(0, True)) == ("Cm", "D", "Am")


def test_a_long_piece_stays_within_what_readers_take():
    onset_s = np.arange(0.25, 3 * 3600.0, 1.0)
    music = tempo_map(find_beats(make_notes(onset_s, onset_s + 0.2, np.full(len(onset_s), 60))))
    assert music.tick(np.array([3 * 3600.0]))[0] < 10_500_000
