"""Files of notes of any origin, scored against one another: formats, folders, one sentence for what cannot be read."""

import json

import numpy as np
import pytest
from decoding_cases import random_notes, shifted

from tivit.__main__ import main
from tivit.core.artifacts import read_csv
from tivit.core.errors import InputError
from tivit.core.notes import write_midi
from tivit.evaluation.note_files import LEAST_S, read_scored_notes
from tivit.evaluation.report import CLIP_COLUMNS
from tivit.evaluation.score_files import score_files

ROWS = ((0.5, 0.75, 60, 64), (0.5, 1.5, 72, 100), (1.25, 1.5, 60, 1))


def written(path, lines, end="\n"):
    path.write_bytes(end.join(lines).encode())
    return path


def triples(notes):
    return list(zip(notes.onset_s.tolist(), notes.offset_s.tolist(), notes.midi.tolist(), strict=True))


EXPECTED = [row[:3] for row in ROWS]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("columns", [3, 4])
def test_omaps_text(tmp_path, end, columns):
    lines = ["\t".join(str(cell) for cell in row[:columns]) for row in reversed(ROWS)] + [""]
    notes = read_scored_notes(written(tmp_path / "a.txt", lines, end))
    assert triples(notes) == EXPECTED
    assert notes.velocity.tolist() == ([-1] * 3 if columns == 3 else [64, 100, 1])


@pytest.mark.parametrize(
    "header", ["onset\toffset\tnote\tvelocity", "# onset\tkey_offset\tpitch\tvelocity", "Onset\tOffset\tMIDI\tvelocity"]
)
def test_tsv_goes_by_its_header(tmp_path, header):
    lines = [header, *("\t".join(str(cell) for cell in row) for row in ROWS)]
    assert triples(read_scored_notes(written(tmp_path / "a.tsv", lines))) == EXPECTED


def test_tsv_takes_the_release_of_the_key_before_that_of_the_pedal(tmp_path):
    lines = ["onset\tframe_offset\tnote\toffset\tkey_offset", "1.0\t9\t60\t5.0\t1.5"]
    assert triples(read_scored_notes(written(tmp_path / "a.tsv", lines))) == [(1.0, 1.5, 60)]


def test_notes_without_length_and_on_top_of_each_other_are_kept(tmp_path):
    notes = read_scored_notes(written(tmp_path / "a.txt", ["1 1 60", "1 2 60", "1.5 2 60"]))
    assert triples(notes) == [(1.0, 1.0 + LEAST_S, 60), (1.0, 2.0, 60), (1.5, 2.0, 60)]


@pytest.mark.parametrize(("name", "lines", "message"), [
    ("a.txt", ["1 2"], r"a\.txt, line 1: '1 2' is not onset, offset and pitch"),
    ("a.txt", ["1 2 60", "", "1 2 x"], r"a\.txt, line 3: '1 2 x' is not onset, offset and pitch"),
    ("a.txt", ["2 1 60"], r"a\.txt, line 1: '2 1 60' is not a note"),
    ("a.txt", ["1 nan 60"], r"line 1: '1 nan 60' is not a note"),
    ("a.txt", ["1 2 nan"], r"line 1: '1 2 nan' is not a note"),
    ("a.txt", ["1 2 60.5"], r"line 1: '1 2 60.5' is not a note"),
    ("a.txt", ["1 2 60 200"], r"line 1: '1 2 60 200' is not a note .*velocity 0\.\.127"),
    ("a.txt", ["1 2 60 64 5"], r"line 1: '1 2 60 64 5' is not a note"),
    ("a.txt", ["1 2 20"], r"a\.txt: pitch 20 is on no piano \(21\.\.108\)"),
    ("a.txt", [""], r"a\.txt: holds no notes"),
    ("a.tsv", [""], r"a\.tsv: is empty; its first line must name the columns"),
    ("a.tsv", ["onset\toffset", "1\t2"], r"a\.tsv, line 1: has columns onset, offset, and none of note, pitch, midi"),
    ("a.tsv", ["onset\toffset\tnote", "1\t2"], r"a\.tsv, line 2: '1 2' is not onset"),
    ("a.mid", ["no midi"], r"a\.mid: not a readable MIDI file"),
    ("a.wav", [""], r"a\.wav: files of notes end in \.mid"),
])  # fmt: skip
def test_what_is_no_note_is_named(tmp_path, name, lines, message):
    with pytest.raises(InputError, match=message):
        read_scored_notes(written(tmp_path / name, lines))


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(InputError, match=r"a\.txt: no such file"):
        read_scored_notes(tmp_path / "a.txt")
    (tmp_path / "b.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"b\.tsv: is no text"):
        read_scored_notes(tmp_path / "b.tsv")


@pytest.fixture
def folders(tmp_path):
    truth, found = tmp_path / "truth", tmp_path / "found"
    for folder in (truth, found):
        folder.mkdir()
    for number in range(2):
        notes = random_notes(np.random.default_rng(number), 8.0, per_key=1)
        write_midi(truth / f"{number}.mid", notes)
        lines = [f"{onset} {offset} {midi}" for onset, offset, midi in triples(shifted(notes, 0.06 * number))]
        written(found / f"{number}.txt", lines)
    return truth, found


def test_folders_are_paired_by_name(folders):
    scores = score_files(*folders)
    assert list(scores) == ["0", "1"]
    assert scores["0"].values()["onset_f1_50"] == 1.0 and scores["1"].values()["onset_f1_50"] < 0.2
    assert scores["1"].values()["onset_f1_100"] == 1.0 and scores["1"].errors["timing"] > 20


def test_a_missing_estimate_found_nothing_and_is_named(folders, caplog):
    (folders[1] / "0.txt").unlink()
    scores = score_files(*folders)
    assert (
        scores["0"].values()["onset_f1_50"] == 0.0 and scores["0"].errors["missed"] == scores["0"].counts["onset_50"].reference
    )
    assert "0.mid: no estimate" in caplog.text


@pytest.mark.parametrize(("change", "message"), [
    (lambda truth, found: (found / "9.txt").write_text("1 2 60"), r"9\.txt: .*truth has no reference of this name \(1 such"),
    (lambda truth, found: (truth / "0.txt").write_text("1 2 60"), r"0\.txt and 0\.mid have one name"),
    (lambda *both: [path.unlink() for folder in both for path in folder.iterdir()], "truth: holds no file of notes"),
])  # fmt: skip
def test_folders_that_do_not_fit(folders, change, message):
    change(*folders)
    with pytest.raises(InputError, match=message):
        score_files(*folders)


def test_a_file_against_a_folder_and_a_path_that_is_not_there(folders):
    with pytest.raises(InputError, match="give two files or two folders"):
        score_files(folders[0] / "0.mid", folders[1])
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        score_files(folders[0], folders[1] / "nowhere")


def test_the_command_prints_and_writes(folders, capsys, tmp_path):
    table, summary = tmp_path / "scores.csv", tmp_path / "scores.json"
    paths = [str(path) for path in (*folders, table, summary)]
    assert main(["score", *paths[:2], "--csv", paths[2], "--json", paths[3]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[0] == "0" and "1.0000" in lines[1] and any(line.startswith("onset_f1_50") for line in lines)
    assert [row[0] for row in read_csv(table, CLIP_COLUMNS)] == ["0", "1"]
    assert json.loads(summary.read_text())["all"]["clips"] == 2
    assert main(["score", paths[0], str(folders[1] / "0.txt")]) == 2
