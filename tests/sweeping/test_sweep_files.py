"""`tivit sweep` on any logits file: what it writes, what it refuses, and that it starts without torch."""

import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from decoding_cases import noisy_logits, random_notes

from tivit.__main__ import main
from tivit.core.artifacts import read_csv
from tivit.core.heads import EVENT_HEADS
from tivit.core.logits import ClipLogits, write_logits
from tivit.core.manifest import Clip, Manifest, write_manifest
from tivit.core.timegrid import TimeGrid
from tivit.decoding.thresholds import read_thresholds
from tivit.sweeping.tables import CURVE_COLUMNS, RELIABILITY_COLUMNS, STATES


@pytest.fixture
def folder(tmp_path, request):
    params = yaml.safe_load((request.config.rootpath / "params.yaml").read_text())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    clips, notes = [], {}
    for number in range(3):
        rng, grid = np.random.default_rng(number), TimeGrid(30.0, 0.0, 150)
        notes[f"any/{number}"] = random_notes(rng, 5.0, per_key=1)
        clips.append(ClipLogits(f"any/{number}", grid, noisy_logits(notes[f"any/{number}"], grid, rng)))
    write_logits(tmp_path / "some.npz", clips)
    write_logits(tmp_path / "part.npz", clips[:2], missing=["any/2"])
    known = [Clip(clip_id, "val", "", "x.mp4", 21, 108) for clip_id in notes]
    write_manifest(tmp_path / "manifest", Manifest(tuple(known), notes))
    return tmp_path


def sweep(folder, logits="some.npz", notes="manifest/notes.csv", out="out"):
    paths = ["--logits", folder / logits, "--notes", folder / notes, "--out", folder / out, "--params", folder / "params.yaml"]
    return main(["sweep", *map(str, paths)])


def change(folder, **values):
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["sweep"].update(values)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def test_everything_is_written_and_the_same_bytes_again(folder):
    assert sweep(folder) == sweep(folder, out="again") == 0
    first, second = (
        {path.relative_to(folder / out).as_posix(): path.read_bytes() for path in (folder / out).rglob("*") if path.is_file()}
        for out in ("out", "again")
    )
    plots = {f"plots/{name}.csv" for name in ("sweep", "onset_curve", "reliability")}
    assert set(first) == {"thresholds.json", "sweep.json", "calibration.json"} | plots
    assert first == second
    scores = json.loads(first["sweep.json"])
    assert set(scores) == {"some"} and set(scores["some"]) == {"onset_f1", "note_f1"}
    chosen = read_thresholds(folder / "out/thresholds.json")
    assert (chosen.split, chosen.chosen_under, chosen.label_lag_s) == ("some", {}, 0.0)
    assert json.loads(first["thresholds.json"])["chosen_under"] == {"decode": None, "logits": None}
    calibration = json.loads(first["calibration.json"])
    assert [head["head"] for head in calibration] == list(EVENT_HEADS)
    assert all(head["brier_after"] <= head["brier_before"] for head in calibration)
    bins = read_csv(folder / "out/plots/reliability.csv", RELIABILITY_COLUMNS)
    assert {row[0] for row in bins} == set(EVENT_HEADS) and {row[1] for row in bins} == set(STATES)
    assert all(0.0 <= float(cell) <= 1.0 for row in bins for cell in row[2:4]) and all(int(row[4]) > 0 for row in bins)


@pytest.mark.parametrize("objective", ["note", "frame"])
def test_the_curve_is_at_the_chosen_values_whatever_is_searched_for(folder, objective):
    coarse = {"pitch_thresholds": 0.3, "hold_thresholds": [0.3, 0.5], "offset_thresholds": [0.3, 0.6]}
    change(folder, objective=objective, onset_thresholds=["logit", -1, 1, 0.5], **coarse)
    assert sweep(folder) == 0
    curve = np.array(read_csv(folder / "out/plots/onset_curve.csv", CURVE_COLUMNS), float)
    assert len(curve) == 5 and (np.diff(curve[:, 0]) > 0).all() and (np.diff(curve[:, 2]) <= 0).all()
    at = read_thresholds(folder / "out/thresholds.json").onset.threshold
    (best,) = curve[curve[:, 4] == 1]
    assert best[0] == pytest.approx(at, abs=1e-4)
    assert best[3] == json.loads((folder / "out/sweep.json").read_text())["some"]["onset_f1"]


def test_a_partial_file_is_said_to_be_partial(folder, capsys):
    assert sweep(folder, "part.npz") == 0
    assert json.loads((folder / "out/sweep.json").read_text())["part"]["partial"] is True
    assert "2 clips (partial: 1 more are missing)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change_file", "message"),
    [
        (("manifest/notes.csv", "any/", "other/"), "none of its clips 'other/0', 'other/1', 'other/2' is one of"),
        (("manifest/notes.csv", "onset_s", "onset"), "the header is"),
        (("params.yaml", "objective: onset", "objective: onsets"), "sweep.objective"),
        (("params.yaml", "tie_f1: 0.005", "tie: 0.005"), "sweep.tie is unknown"),
    ],
)
def test_bad_input_ends_in_one_sentence(folder, capsys, change_file, message):
    name, before, after = change_file
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after))
    assert sweep(folder) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and not (folder / "out").exists()


def test_a_file_that_is_not_there_is_named(folder, capsys):
    assert sweep(folder, "none.npz") == 2
    assert "none.npz: no such file" in capsys.readouterr().err


def test_nothing_heavy_is_imported(request):
    code = (
        "import sys, stages.sweep, tivit.sweeping.sweep_files\n"
        "print([name for name in ('torch', 'cv2', 'matplotlib', 'mir_eval', 'scipy', 'pretty_midi') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=request.config.rootpath, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
