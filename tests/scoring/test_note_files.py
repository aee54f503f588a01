"""Files of notes as others write them: each format, what is kept as it is, and one sentence for what is no note."""

import mido
import numpy as np
import pretty_midi
import pytest
from decoding_cases import random_notes

from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.core.notes import read_midi, write_midi
from tivit.scoring.note_files import read_scored_notes

OMAPS = "2.530960\t2.826793\t76\r\n0.5\t0.5\t60\r\n"
PIANOVAM = "# onset\tkey_offset\tframe_offset\tnote\tvelocity\n1.0\t1.25\t3.5\t64\t70\n\n0.5\t0.75\t3.0\t60\t1\n"


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(notes):
    return list(zip(notes.onset_s.tolist(), notes.offset_s.tolist(), notes.midi.tolist(), notes.velocity.tolist(), strict=True))


def test_omaps_text_has_no_header_and_windows_line_ends(tmp_path):
    notes = read_scored_notes(written(tmp_path, "001.txt", OMAPS))
    assert rows_of(notes) == [(0.5, 0.5, 60, UNKNOWN), (2.53096, 2.826793, 76, UNKNOWN)]
    assert set(notes.hand.tolist()) == set(notes.staff.tolist()) == {UNKNOWN}


def test_omaps2_text_has_velocities(tmp_path):
    assert rows_of(read_scored_notes(written(tmp_path, "001.TXT", "1.0 1.5 60 99\n"))) == [(1.0, 1.5, 60, 99)]


def test_tsv_takes_the_key_release_and_the_named_pitch(tmp_path):
    notes = read_scored_notes(written(tmp_path, "a.tsv", PIANOVAM))
    assert rows_of(notes) == [(0.5, 0.75, 60, 1), (1.0, 1.25, 64, 70)]


@pytest.mark.parametrize("header", ["onset\toffset\tpitch", "#pitch\tonset\toffset", "\ufeffonset_s\toffset_s\tmidi\thand"])
def test_tsv_columns_are_found_by_name(tmp_path, header):
    cells = {"onset": "1.5", "offset": "2.0", "pitch": "60", "midi": "60", "onset_s": "1.5", "offset_s": "2.0", "hand": "L"}
    line = "\t".join(cells[name] for name in header.strip("\ufeff#").split("\t"))
    assert rows_of(read_scored_notes(written(tmp_path, "a.tsv", f"{header}\n{line}\n"))) == [(1.5, 2.0, 60, UNKNOWN)]


@pytest.mark.parametrize(("name", "content"), [("a.txt", ""), ("a.txt", "\n\n"), ("a.tsv", "onset\toffset\tnote\n")])
def test_a_file_without_notes_found_nothing(tmp_path, name, content):
    assert len(read_scored_notes(written(tmp_path, name, content))) == 0


def test_midi_of_this_project_comes_back_with_hands(tmp_path):
    notes = random_notes(np.random.default_rng(0), 10.0)
    write_midi(tmp_path / "a.mid", notes)
    back, strict = read_scored_notes(tmp_path / "a.mid"), read_midi(tmp_path / "a.mid")
    assert set(back.hand.tolist()) == {RIGHT_HAND, LEFT_HAND}
    for name in ("onset_s", "offset_s", "midi", "velocity", "hand", "staff"):
        np.testing.assert_array_equal(getattr(back, name), getattr(strict, name))


def test_midi_keeps_notes_that_overlap_and_leaves_out_drums_and_what_is_no_piano(tmp_path):
    midi = pretty_midi.PrettyMIDI()
    piano, organ, drums = (pretty_midi.Instrument(program, is_drum=is_drum) for program, is_drum in ((0, 0), (16, 0), (0, 1)))
    piano.notes.append(pretty_midi.Note(50, 60, 1.0, 3.0))
    organ.notes.append(pretty_midi.Note(60, 60, 2.0, 4.0))
    drums.notes.append(pretty_midi.Note(70, 60, 2.0, 4.0))
    midi.instruments += [piano, organ, drums]
    midi.write(str(tmp_path / "a.midi"))
    assert rows_of(read_scored_notes(tmp_path / "a.midi")) == [(1.0, 3.0, 60, 50)]
    organ.program = 0
    midi.write(str(tmp_path / "a.midi"))
    assert rows_of(read_midi(tmp_path / "a.midi")) == [(1.0, 2.0, 60, 50), (2.0, 4.0, 60, 60)]
    assert rows_of(read_scored_notes(tmp_path / "a.midi")) == [(1.0, 3.0, 60, 50), (2.0, 4.0, 60, 60)]


def test_an_empty_midi_file_found_nothing(tmp_path):
    pretty_midi.PrettyMIDI().write(str(tmp_path / "a.mid"))
    assert len(read_scored_notes(tmp_path / "a.mid")) == 0


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "", r"a\.csv: files of notes end in \.mid, \.midi, \.txt, \.tsv"),
        ("a.txt", "1.0 2.0 60\n\n1.0 x 60\n", r"a\.txt, line 3: '1\.0 x 60' is not a note; only numbers are allowed"),
        ("a.txt", "1.0 2.0\n", r"a\.txt, line 1: '1\.0 2\.0' is not a note; expected onset_s offset_s midi"),
        ("a.txt", "1 2 60 70 80\n", "line 1: '1 2 60 70 80' is not a note; expected"),
        ("a.txt", "2.0 1.0 60\n", "line 1: '2.0 1.0 60' has times that are not finite with onset <= offset"),
        ("a.txt", "nan 1.0 60\n", "has times that are not finite"),
        ("a.txt", "0.0 inf 60\n", "has times that are not finite"),
        ("a.txt", "1.0 2.0 109\n", r"has pitch 109, allowed: whole numbers 21\.\.108"),
        ("a.txt", "1.0 2.0 60.5\n", r"has pitch 60\.5, allowed"),
        ("a.txt", "1.0 2.0 nan\n", "has pitch nan, allowed"),
        ("a.txt", "1.0 2.0 60 128\n", r"has velocity 128, allowed: whole numbers 0\.\.127"),
        ("a.txt", "1.0 2.0 60 -1\n", "has velocity -1, allowed"),
        ("a.txt", b"\xff\xfe\x00", r"a\.txt, line 1: not UTF-8 text; save it as UTF-8"),
        ("a.tsv", "", r"a\.tsv: is empty; its first line must name the columns"),
        ("a.tsv", "0.5\t1.0\t60\n", r"line 1: names 0\.5, 1\.0, 60, and none of onset, onset_s"),
        ("a.tsv", "onset\toffset\n", "line 1: names onset, offset, and none of note, pitch, midi"),
        ("a.tsv", "onset\toffset\tnote\n1.0\t2.0\n", "line 2: 2 columns, the header names 3"),
        ("a.mid", b"", r"a\.mid: not a readable MIDI file"),
        ("a.mid", b"RIFF and more than that", r"a\.mid: not a readable MIDI file"),
    ],
)
def test_what_is_no_note_is_named(tmp_path, name, content, sentence):
    with pytest.raises(InputError, match=sentence):
        read_scored_notes(written(tmp_path, name, content))


@pytest.mark.parametrize("name", ["a.mid", "a.txt", "a.tsv"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(InputError, match=f"{name}: no such file"):
        read_scored_notes(tmp_path / name)


def test_a_midi_pitch_that_no_piano_has_is_named(tmp_path):
    track = mido.MidiTrack([mido.Message("note_on", note=12, velocity=9), mido.Message("note_off", note=12, time=480)])
    mido.MidiFile(tracks=[track]).save(tmp_path / "a.mid")
    with pytest.raises(InputError, match=r"a\.mid: pitch 12 at 0\.000 s is on no piano, allowed: 21\.\.108"):
        read_scored_notes(tmp_path / "a.mid")


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_midi_file_cut_short_is_an_error_of_one_sentence(tmp_path, cut):
    write_midi(tmp_path / "a.mid", random_notes(np.random.default_rng(0), 5.0))
    path = written(tmp_path, "b.mid", (tmp_path / "a.mid").read_bytes()[:cut])
    with pytest.raises(InputError, match=r"b\.mid: not a readable MIDI file"):
        read_scored_notes(path)
