"""The decode stage: what it carries on, what it writes beside the logits, and how little it imports."""

import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from runtime_cases import RUNTIME

from stages import decode, evaluate, sweep
from tivit.core.arrays import read_npz
from tivit.core.artifacts import read_csv, write_csv
from tivit.core.errors import InputError
from tivit.core.logits import ClipLogits, read_logits, write_logits
from tivit.core.manifest import LAG_COLUMNS, Clip, Manifest, write_left_out, write_manifest
from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.scoring.inputs import load_split
from tivit.theory.profiles import KEY_NAMES
from tivit.theory.track import PLOT_COLUMNS, TRACK_COLUMNS

SPLITS = ("val", "test")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two clips per split, of 25 and 30 frames a second, each with one note; the current folder."""
    monkeypatch.chdir(tmp_path)
    clips, notes = [], {}
    for split in SPLITS:
        logits = []
        for number, fps in enumerate((25.0, 30.0)):
            clip_id, grid = f"{split}/{number}", TimeGrid(fps, 0.0, 60 + 20 * number)
            heads = {name: np.full((grid.length, 88), -6.0, np.float32) for name in ("pitch", "onset", "offset")}
            heads["onset"][20, 39] = heads["offset"][40, 39] = 4.0
            heads["pitch"][20:40, 39] = 4.0
            times = [grid.time_s(np.array([frame])) for frame in (20, 40)]
            unknown = np.array([-1])
            notes[clip_id] = make_notes(*times, np.array([60]), None, unknown, unknown)
            clips.append(Clip(clip_id, split, "plain", f"{clip_id}.mp4", 21, 108))
            logits.append(ClipLogits(clip_id, grid, heads))
        write_logits(f"data/logits/{split}.npz", logits)
    write_manifest("data/manifest", Manifest(tuple(clips), notes))
    write_csv("data/manifest/lags.csv", LAG_COLUMNS, [])
    return tmp_path


def test_the_key_is_written_beside_the_logits(folder, params):
    """Each clip on its own grid: 60 frames at 25 a second are three seconds, 80 at 30 as well."""
    decode.run(params, RUNTIME)
    for split in SPLITS:
        rows = read_csv(f"data/decoded/{split}_key.csv", TRACK_COLUMNS)
        assert [(row[0], row[1]) for row in rows] == [(f"{split}/{clip}", second) for clip in "01" for second in "012"]
        trace = read_npz(f"data/decoded/{split}_key.npz")
        assert trace["length"].tolist() == [60, 80] and trace["posterior"].shape == (140, 24)
        best = trace["posterior"][trace["start"]]
        assert [row[2] for row in rows[::3]] == trace["key_name"][best.argmax(axis=1)].tolist()
        np.testing.assert_allclose([float(row[3]) for row in rows[::3]], best.max(axis=1), atol=5e-4)
    plot = read_csv("metrics/plots/key_posterior.csv", PLOT_COLUMNS)
    assert {row[0] for row in plot} == {"test/0", "test/1"}


def test_without_the_key_the_plot_is_empty_but_there(folder, params):
    params["decode"]["save_key_posterior"] = False
    decode.run(params, RUNTIME)
    assert sorted(path.name for path in (folder / "data/decoded").iterdir()) == ["test.npz", "val.npz"]
    assert read_csv("metrics/plots/key_posterior.csv", PLOT_COLUMNS) == []


def test_a_split_without_logits_is_left_out_and_its_old_files_go(folder, params):
    decode.run(params, RUNTIME)
    (folder / "data/logits/test.npz").unlink()
    decode.run(params, RUNTIME)
    assert sorted(path.name for path in (folder / "data/decoded").iterdir()) == ["val.npz", "val_key.csv", "val_key.npz"]
    assert read_csv("metrics/plots/key_posterior.csv", PLOT_COLUMNS) == []
    (folder / "data/logits/val.npz").unlink()
    with pytest.raises(InputError, match="data/logits: no logits of val or test; the stage logits makes them"):
        decode.run(params, RUNTIME)


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_without_frames_is_decoded(folder, params, split):
    path = f"data/logits/{split}.npz"
    empty = [ClipLogits(c.clip_id, TimeGrid(30.0, 0.0, 0), {n: r[:0] for n, r in c.heads.items()}) for c in read_logits(path)]
    write_logits(path, empty)
    params["decode"].update(lambda_key=1.0, smoothing_s=5.0, min_confidence=0.5)
    decode.run(params, RUNTIME)
    assert [clip.grid.length for clip in read_logits(f"data/decoded/{split}.npz")] == [0, 0]


def test_it_starts_without_what_it_does_not_need():
    heavy = ("torch", "cv2", "av", "scipy", "matplotlib", "pandas", "pretty_midi", "mir_eval")
    code = f"import json, sys, stages.decode; print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    assert json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) == []


def test_the_plot_template_shows_every_key_and_the_columns_written(request):
    template = (request.config.rootpath / ".dvc/plots/key_posterior.json").read_text()
    spec = json.loads(template)
    assert sorted(spec["spec"]["encoding"]["x"]["sort"]) == sorted(KEY_NAMES)
    declared = yaml.safe_load((request.config.rootpath / "dvc.yaml").read_text())["stages"]["decode"]["plots"]
    (plot,) = (entry["metrics/plots/key_posterior.csv"] for entry in declared)
    used = {plot["x"], plot["y"], spec["spec"]["encoding"]["color"]["field"]}
    assert used == set(PLOT_COLUMNS) - {"t_sec"}  # the mean over time is shown
    assert spec["facet"]["column"]["field"] == "rev"  # one picture per revision
    assert set(spec["data"]["format"]["parse"]) <= used


def test_a_partial_file_stays_partial_and_can_be_scored(folder, params):
    write_left_out("data/manifest", [])
    for split in SPLITS:
        path = f"data/logits/{split}.npz"
        write_logits(path, read_logits(path)[:1], [f"{split}/1"])
    for stage in (decode, sweep, evaluate):
        stage.run(params, RUNTIME)
    for split in SPLITS:
        clips = load_split(f"data/decoded/{split}.npz", "data/manifest", split)
        assert ([clip.logits.clip_id for clip in clips], clips.missing) == ([f"{split}/0"], (f"{split}/1",))


def test_a_clip_that_a_partial_file_does_not_name_is_an_error(folder, params):
    clips = read_logits("data/logits/val.npz")
    write_logits("data/logits/val.npz", clips[:1], ["val/7"])
    decode.run(params, RUNTIME)
    with pytest.raises(InputError, match="clip 'val/7' is not in split 'val'"):
        sweep.run(params, RUNTIME)
