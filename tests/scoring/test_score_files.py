"""Scores of files: the pipeline's own numbers, folders paired by name, and one sentence for what cannot be paired."""

import csv
import json

import numpy as np
import pytest
from decoding_cases import random_notes

from tivit.__main__ import main
from tivit.core.errors import InputError
from tivit.core.notes import read_midi, write_midi
from tivit.core.timegrid import TimeGrid
from tivit.scoring.score_files import FILE_COLUMNS, score_files
from tivit.scoring.scores import score_clip, summary_by_tier

COUNT = 3


@pytest.fixture
def folder(tmp_path):
    """Folders `true` (MIDI) and `found` (OMAPS text) of three clips, the second 70 ms late."""
    for number in range(COUNT):
        notes = random_notes(np.random.default_rng(number), 10.0)
        write_midi(tmp_path / f"true/{number:03d}.mid", notes)
        moved = notes.take(np.arange(len(notes)) % 5 > 0).moved(0.07 if number == 1 else 0.01)
        rows = zip(moved.onset_s, moved.offset_s, moved.midi, strict=True)
        (tmp_path / "found").mkdir(exist_ok=True)
        (tmp_path / f"found/{number:03d}.txt").write_text("".join(f"{a:.6f}\t{b:.6f}\t{p}\r\n" for a, b, p in rows))
    return tmp_path


def blocks_of(folder, *names, common=False):
    return score_files(folder / "true", [folder / name for name in names], common).blocks()


def table_of(text):
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()[1:]}


def test_two_midi_files_score_as_in_the_pipeline(folder):
    reference, estimate = folder / "true/000.mid", folder / "moved.mid"
    write_midi(estimate, read_midi(reference).moved(0.03))
    sides = read_midi(reference), read_midi(estimate)
    grid = TimeGrid(100.0, 0.0, int(round(sides[1].offset_s.max() * 100)) + 1)
    expected = summary_by_tier({"000": score_clip(*sides, grid)}, {"000": ""})["all"]
    assert score_files(reference, [estimate], False).blocks() == {"moved.mid": expected}
    assert expected["onset_f1_50"] == 1.0 and expected["onset_late_ms"] == pytest.approx(30.0, abs=1.0)


def test_folders_are_paired_by_name_whatever_the_format(folder):
    block = blocks_of(folder, "found")["found"]
    assert block["clips"] == COUNT and block["errors_invented"] == 0
    assert 0.5 < block["onset_f1_50"] < block["onset_f1_100"] < 1.0 and block["errors_timing"] > 0
    assert blocks_of(folder, "true")["true"]["note_f1"] == 1.0


def test_a_reference_without_estimate_counts_as_nothing_found_and_is_named(folder, caplog):
    (folder / "found/001.txt").unlink()
    with caplog.at_level("WARNING", "tivit"):
        block = blocks_of(folder, "found")["found"]
    assert block["clips"] == COUNT and "all their notes count as missed: 001" in caplog.text
    common = blocks_of(folder, "found", common=True)["found"]
    assert common["clips"] == COUNT - 1
    assert block["onset_f1_50"] == pytest.approx(common["onset_f1_50"] * (COUNT - 1) / COUNT)
    assert "left out, because only one side has them: 001" in caplog.text


def test_an_estimate_without_reference_is_an_error_unless_left_out(folder):
    (folder / "found/009.txt").write_text("1.0 2.0 60\n")
    with pytest.raises(InputError, match=r"found/009\.txt: .*true has no reference of this name \(1 such files\)"):
        blocks_of(folder, "found")
    assert blocks_of(folder, "found", common=True)["found"]["clips"] == COUNT


def test_an_empty_file_scores_nothing_and_is_named(folder, caplog):
    (folder / "found/000.txt").write_text("")
    with caplog.at_level("WARNING", "tivit"):
        scores = score_files(folder / "true/000.mid", [folder / "found/000.txt"], False).scores
    assert scores["000.txt"]["000"].values()["onset_f1_50"] == 0.0 and "000.txt: holds no notes" in caplog.text


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("true", "nowhere"), "nowhere: no such file or folder"),
        (("nowhere", "found"), "nowhere: no such file or folder"),
        (("true", "found/000.txt"), "one is a file and the other a folder; give two files or two folders"),
        (("true/000.mid", "found"), "one is a file and the other a folder"),
        (("true", "found", "found/../found"), "is given twice among the estimates"),
        (("true", "empty"), r"empty: holds no file of notes \(\.mid, \.midi, \.txt, \.tsv\)"),
        (("empty", "found"), "empty: holds no file of notes"),
        (("true", "other"), r"no two files of notes have one name \(000\.mid, 001\.mid, \.\.\.; a\.txt\)"),
        (("double", "found"), r"000\.txt: 000\.mid beside it has the same name; keep one of them"),
    ],
)
def test_what_cannot_be_paired_is_named(folder, names, sentence):
    for name, files in (("empty", ["notes.pdf"]), ("other", ["a.txt"]), ("double", ["000.mid", "000.txt"])):
        (folder / name).mkdir()
        for file in files:
            (folder / name / file).write_text("")
    with pytest.raises(InputError, match=sentence):
        score_files(folder / names[0], [folder / name for name in names[1:]], False)


def test_the_command_prints_a_column_per_estimate_and_writes_what_is_asked_for(folder, capsys):
    paths = [str(folder / name) for name in ("true", "found", "true")]
    files = folder / "out/scores.json", folder / "out/files.csv"
    assert main(["score", *paths, "--json", str(files[0]), "--csv", str(files[1])]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["found", "true"]
    table, blocks = table_of(out), json.loads(files[0].read_text())
    assert list(blocks) == ["found", "true"] and blocks["true"]["onset_f1_50"] == 1.0
    assert [float(cell) for cell in table["note_f1"]] == [blocks["found"]["note_f1"], blocks["true"]["note_f1"]]
    assert [int(cell) for cell in table["errors_missed"]] == [blocks["found"]["errors_missed"], 0]
    with open(files[1], newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == FILE_COLUMNS
    assert [(row["estimate"], row["file"]) for row in rows] == [
        (e, f"{n:03d}") for e in ("found", "true") for n in range(COUNT)
    ]
    assert np.mean([float(row["onset_f1_50"]) for row in rows[:COUNT]]) == pytest.approx(
        blocks["found"]["onset_f1_50"], abs=1e-4
    )
    before = [path.read_bytes() for path in files]
    assert main(["score", *paths, "--json", str(files[0]), "--csv", str(files[1])]) == 2
    assert "scores.json: exists already; --force replaces it, --json chooses another name" in capsys.readouterr().err
    assert main(["score", *paths, "--json", str(files[0]), "--csv", str(files[1]), "--force"]) == 0
    assert [path.read_bytes() for path in files] == before


def test_estimates_of_one_name_are_told_apart_by_their_paths(folder):
    (folder / "again").mkdir()
    (folder / "again/000.txt").write_bytes((folder / "found/000.txt").read_bytes())
    estimates = [folder / "found/000.txt", folder / "again/000.txt"]
    blocks = score_files(folder / "true/000.mid", estimates, False).blocks()
    assert list(blocks) == [str(path) for path in estimates] and blocks[str(estimates[0])] == blocks[str(estimates[1])]


def test_the_command_ends_in_one_sentence(folder, capsys):
    (folder / "found/002.txt").write_text("1.0\t2.0\tC4\n")
    assert main(["score", str(folder / "true"), str(folder / "found")]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert error[-1].endswith("found/002.txt, line 1: '1.0 2.0 C4' is not a note; only numbers are allowed") and len(error) == 1
