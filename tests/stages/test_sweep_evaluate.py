"""decode, sweep and evaluate run one after the other on made-up logits: files, bytes, and errors in one sentence."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from decoding_cases import noisy_logits, random_notes
from runtime_cases import RUNTIME

from stages import decode, evaluate, sweep
from tivit.core.arrays import read_npz
from tivit.core.artifacts import read_csv, write_csv, write_json
from tivit.core.errors import InputError
from tivit.core.logits import ClipLogits, read_logits, write_logits
from tivit.core.manifest import LAG_COLUMNS, Clip, Manifest, read_manifest, write_left_out, write_manifest
from tivit.core.notes import read_midi
from tivit.core.timegrid import TimeGrid
from tivit.decoding.thresholds import read_thresholds
from tivit.scoring.census import CENSUS_COLUMNS
from tivit.scoring.kinds import KEY_COLUMNS, KIND_COLUMNS
from tivit.scoring.report import CLIP_COLUMNS
from tivit.scoring.timing import HISTOGRAM_COLUMNS
from tivit.sweeping.tables import CURVE_COLUMNS

STAGES = (decode, sweep, evaluate)
LAG_S = 0.12


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clips, notes = [], {}
    for split in ("val", "test"):
        logits = []
        for number, tier in enumerate(("plain", "hard")):
            rng = np.random.default_rng([number, len(split)])
            clip_id, grid = f"{split}/{number:03d}", TimeGrid(30.0, 0.0, 150)
            notes[clip_id] = random_notes(rng, 5.0, per_key=1)
            clips.append(Clip(clip_id, split, tier, f"{clip_id}.mp4", 21, 108))
            logits.append(ClipLogits(clip_id, grid, noisy_logits(notes[clip_id], grid, rng, 0.6)))
        write_logits(f"data/logits/{split}.npz", logits)
    write_manifest("data/manifest", Manifest(tuple(clips), notes))
    write_csv("data/manifest/lags.csv", LAG_COLUMNS, [])
    write_left_out("data/manifest", [])
    return tmp_path


def written(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_three_stages_write_what_they_declare_and_the_same_bytes_again(folder, params):
    before = set(written(folder))
    for stage in STAGES:
        stage.run(params, RUNTIME)
    first = written(folder)
    assert set(first) - before == {
        *(f"data/decoded/{name}.npz" for name in ("val", "test", "val_key", "test_key")),
        *(f"data/decoded/{name}.csv" for name in ("val_key", "test_key")),
        *(f"data/transcriptions/test/{number}.{kind}" for number in ("000", "001") for kind in ("mid", "png")),
        *(f"metrics/{name}.json" for name in ("sweep", "thresholds", "calibration", "evaluate")),
        "data/transcriptions/scores.json",
        "data/transcriptions/lowest.png",
        *(f"metrics/plots/{name}.csv" for name in ("key_posterior", "sweep", "onset_curve", "reliability")),
        *(f"metrics/plots/{name}.csv" for name in ("tiers", "clips", "keys", "kinds", "census", "timing")),
    }
    for stage in STAGES:
        stage.run(params, RUNTIME)
    assert written(folder) == first


def test_a_refused_clip_counts_as_one_in_which_nothing_was_found(folder, params):
    for stage in STAGES:
        stage.run(params, RUNTIME)
    before = json.loads((folder / "metrics/evaluate.json").read_text())
    assert before["refused"] == 0 and set(before) == {"onset_f1", "note_f1", "frame_f1", "hand_acc", "refused", "plain", "hard"}
    lost = [("test/hard_007", "test", "hard"), ("test/some_recording_01", "test", ""), ("val/hard_008", "val", "hard")]
    write_left_out("data/manifest", lost)
    evaluate.run(params, RUNTIME)
    after = json.loads((folder / "metrics/evaluate.json").read_text())
    every = json.loads((folder / "data/transcriptions/scores.json").read_text())
    assert {name: block["refused"] for name, block in every.items()} == {"all": 2, "hard": 1, "plain": 0}
    assert after["refused"] == 2
    assert after["onset_f1"] == pytest.approx(before["onset_f1"] / 2, abs=1e-3)
    assert after["hard"] == pytest.approx(before["hard"] / 2, abs=1e-3)
    assert after["plain"] == before["plain"] and every["hard"]["onset_f1_50"] == before["hard"]


def test_the_score_falls_when_a_registration_is_lost(folder, params):
    for stage in STAGES:
        stage.run(params, RUNTIME)
    before = json.loads((folder / "metrics/evaluate.json").read_text())
    whole = read_manifest("data/manifest")
    write_left_out("data/manifest", [("test/001", "test", "hard")])
    listed = tuple(clip for clip in whole.clips if clip.clip_id != "test/001")
    write_manifest("data/manifest", Manifest(listed, {clip.clip_id: whole.notes[clip.clip_id] for clip in listed}))
    write_logits("data/logits/test.npz", read_logits("data/logits/test.npz")[:1])
    for stage in (decode, evaluate):
        stage.run(params, RUNTIME)
    after = json.loads((folder / "metrics/evaluate.json").read_text())
    assert (after["refused"], after["hard"]) == (1, 0.0) and after["plain"] == before["plain"] > 0.8
    assert after["onset_f1"] == pytest.approx(before["plain"] / 2, abs=1e-3)
    assert after["onset_f1"] < before["onset_f1"] - 0.3


def test_a_tier_of_which_every_clip_was_refused_has_a_block(folder, params):
    write_left_out("data/manifest", [("test/2024-02-14_19-10-09", "test", "shift")])
    for stage in STAGES:
        stage.run(params, RUNTIME)
    short, every = (json.loads(path.read_text()) for path in result_files(folder))
    assert short["shift"] == 0.0 and every["shift"].items() >= {"refused": 1, "onset_f1_50_all": 0.0, "clips": 0}.items()
    assert "onset_f1_50" not in every["shift"]
    assert [every[name]["refused"] for name in ("all", "hard", "plain")] == [short["refused"], 0, 0] == [1, 0, 0]
    assert short["onset_f1"] == pytest.approx(every["all"]["onset_f1_50"] * 2 / 3, abs=1e-3)


def test_what_the_stages_write_can_be_read(folder, params):
    for stage in STAGES:
        stage.run(params, RUNTIME)
    scores = json.loads((folder / "metrics/evaluate.json").read_text())
    assert all(isinstance(value, (int, float)) for value in scores.values()) and scores["onset_f1"] > 0.8
    every = json.loads((folder / "data/transcriptions/scores.json").read_text())
    assert set(every) == {"all", "plain", "hard"} and every["all"]["clips"] == 2
    assert all(scores[name] == every["all"][name] for name in ("note_f1", "frame_f1", "hand_acc", "refused"))
    assert all(scores[tier] == every[tier]["onset_f1_50_all"] for tier in ("plain", "hard"))
    assert {"pooled_note_f1", "onset_f1_50_low", "recall_bass", "errors_timing", "onset_late_ms"} <= set(every["all"])
    chosen_scores = json.loads((folder / "metrics/sweep.json").read_text())
    assert set(chosen_scores) == {"val"} and set(chosen_scores["val"]) == {"onset_f1", "note_f1"}
    chosen = read_thresholds("metrics/thresholds.json")
    assert chosen.split == "val"
    curve = np.array(read_csv("metrics/plots/onset_curve.csv", CURVE_COLUMNS), float)
    low, high, count = params["sweep"]["onset_thresholds"][1:]
    np.testing.assert_allclose(curve[:, 0], np.linspace(low, high, count))
    assert (np.diff(curve[:, 2]) <= 0).all()
    best = curve[curve[:, 0] == chosen.onset.threshold][0]
    assert best[3] == curve[:, 3].max() == chosen_scores["val"]["onset_f1"]
    assert [row[0] for row in read_csv("metrics/plots/clips.csv", CLIP_COLUMNS)] == ["test/000", "test/001"]
    midi = read_midi("data/transcriptions/test/000.mid")
    assert set(midi.hand.tolist()) == {0, 1} and np.ptp(midi.velocity) > 40
    assert every["all"]["velocity_corr"] > 0.9 and every["all"]["note_velocity_f1"] <= every["all"]["onset_velocity_f1"]
    key = read_npz("data/decoded/val_key.npz")
    assert key["posterior"].shape == (300, 24)
    np.testing.assert_allclose(key["posterior"].sum(axis=1), 1.0, rtol=1e-5)


def test_scores_on_corrected_labels_stand_beside_those_on_published_ones(folder, params):
    """Published labels of val and of one test clip are 120 ms early: corrected ones are where the model is right."""
    whole = read_manifest("data/manifest")
    early = {"val/000": LAG_S, "val/001": LAG_S, "test/001": LAG_S}
    published = {clip_id: notes.moved(-early.get(clip_id, 0.0)) for clip_id, notes in whole.notes.items()}
    for stage in STAGES:
        stage.run(params, RUNTIME)
    short, exact = (json.loads(path.read_text()) for path in result_files(folder))
    assert not any("corrected" in name for block in (short, *exact.values()) for name in block)
    write_manifest("data/manifest", Manifest(whole.clips, published))
    rows = [(clip_id, lag_s, 9.0, 40, 0.0, "", "", "", 1.0, lag_s) for clip_id, lag_s in {**early, "test/000": 0.0}.items()]
    write_csv("data/manifest/lags.csv", LAG_COLUMNS, rows)
    sweep.run(params, RUNTIME)
    chosen = read_thresholds("metrics/thresholds.json")
    assert chosen.label_lag_s == LAG_S and chosen.onset.lag_s == pytest.approx(LAG_S, abs=0.02)
    evaluate.run(params, RUNTIME)
    after, both = (json.loads(path.read_text()) for path in result_files(folder))
    for name in ("onset_f1_50", "note_f1", "onset_f1_50_all"):
        assert both["all"][f"{name}_corrected"] == pytest.approx(exact["all"][name], abs=0.02)
    assert after["onset_f1_corrected"] == both["all"]["onset_f1_50_all_corrected"]
    assert both["hard"]["onset_f1_50"] == pytest.approx(exact["hard"]["onset_f1_50"], abs=0.02)
    assert both["plain"]["onset_f1_50"] < 0.2 < 0.8 < both["plain"]["onset_f1_50_corrected"]


def test_thresholds_say_what_they_were_chosen_under_and_other_logits_are_refused(folder, params):
    logits = {"logits": {"window_frames": 512}}
    for split in ("val", "test"):
        write_logits(f"data/logits/{split}.npz", read_logits(f"data/logits/{split}.npz"), settings=logits)
    for stage in STAGES:
        stage.run(params, RUNTIME)
    said = {name: value for name, value in params["decode"].items() if name != "save_key_posterior"}
    assert read_thresholds("metrics/thresholds.json").chosen_under == {**logits, "decode": said}
    params["decode"]["lambda_key"] = 0.3
    decode.run(params, RUNTIME)
    words = r"test\.npz: made under decode\.lambda_key = 0\.3, but metrics/thresholds\.json was chosen under 0\.0; .* sweep"
    with pytest.raises(InputError, match=words):
        evaluate.run(params, RUNTIME)
    sweep.run(params, RUNTIME)
    evaluate.run(params, RUNTIME)
    thresholds = json.loads((folder / "metrics/thresholds.json").read_text())
    write_json("metrics/thresholds.json", thresholds | {"chosen_under": {"decode": None, "logits": None}})
    with pytest.raises(InputError, match=r"test\.npz: made under decode = .*thresholds\.json was chosen under null"):
        evaluate.run(params, RUNTIME)


def test_without_strength_decode_copies_the_logits(folder, params):
    params["decode"].update(lambda_key=0.0, save_key_posterior=False)
    decode.run(params, RUNTIME)
    raw, decoded = read_npz("data/logits/val.npz"), read_npz("data/decoded/val.npz")
    assert set(decoded) - set(raw) == {"settings"} and all(np.array_equal(raw[name], decoded[name]) for name in raw)
    assert not (folder / "data/decoded/val_key.npz").exists()
    params["decode"].update(lambda_key=0.5, apply_to=["onset"])
    decode.run(params, RUNTIME)
    before, after = read_logits("data/logits/val.npz")[0].heads, read_logits("data/decoded/val.npz")[0].heads
    assert [name for name in before if not np.array_equal(before[name], after[name])] == ["onset"]


def test_a_clip_that_is_not_on_both_sides_is_named(folder, params):
    decode.run(params, RUNTIME)
    clips = read_logits("data/decoded/val.npz")
    write_logits("data/decoded/val.npz", clips[:1])
    with pytest.raises(InputError, match="val.npz: clip 'val/001' of split 'val' is missing"):
        sweep.run(params, RUNTIME)
    write_logits("data/decoded/val.npz", [*clips, ClipLogits("val/999", clips[0].grid, clips[0].heads)])
    with pytest.raises(InputError, match="val.npz: clip 'val/999' is not in split 'val'"):
        sweep.run(params, RUNTIME)


@pytest.mark.parametrize("damage", ["truncated", "empty", "missing head", "nan"])
def test_a_damaged_logits_file_is_named(folder, params, damage):
    path = folder / "data/logits/val.npz"
    if damage in {"truncated", "empty"}:
        path.write_bytes(path.read_bytes()[: 5000 if damage == "truncated" else 0])
    else:
        arrays = read_npz(path)
        if damage == "nan":
            arrays["onset"][3, 4] = np.nan
        else:
            del arrays["onset"]
        np.savez(path, **arrays)
    with pytest.raises(InputError, match="data/logits/val.npz.*"):
        decode.run(params, RUNTIME)


def test_evaluate_without_thresholds_says_so(folder, params):
    decode.run(params, RUNTIME)
    with pytest.raises(InputError, match="metrics/thresholds.json: no such file"):
        evaluate.run(params, RUNTIME)


def test_plots_add_up_to_the_scores(folder, params):
    for stage in STAGES:
        stage.run(params, RUNTIME)
    every = json.loads((folder / "data/transcriptions/scores.json").read_text())["all"]
    clips = np.array([row[2:6] for row in read_csv("metrics/plots/clips.csv", CLIP_COLUMNS)], int).sum(axis=0)
    keys = np.array([row[2:5] for row in read_csv("metrics/plots/keys.csv", KEY_COLUMNS)], int).sum(axis=0)
    assert clips.tolist() == [keys[0], keys[1], keys[0] - keys[1], keys[2]]
    timing = np.array(read_csv("metrics/plots/timing.csv", HISTOGRAM_COLUMNS), float)
    assert timing[:, 1].sum() == timing[:, 2].sum() == clips[1]
    census = {row[0]: row[1:] for row in read_csv("metrics/plots/census.csv", [*CENSUS_COLUMNS, "count_hard", "count_plain"])}
    assert {name: int(row[0]) for name, row in census.items()} == {name: every[f"errors_{name}"] for name in census}
    assert all(int(row[0]) == int(row[2]) + int(row[3]) for row in census.values())
    kinds = read_csv("metrics/plots/kinds.csv", [*KIND_COLUMNS, "recall_hard", "recall_plain"])
    assert {row[0]: float(row[2]) for row in kinds} == {row[0]: every[f"recall_{row[0]}"] for row in kinds}


def test_the_plots_of_evaluate_that_dvc_shows_are_there_with_their_columns(folder, params, request):
    for stage in STAGES:
        stage.run(params, RUNTIME)
    pipeline = yaml.safe_load((request.config.rootpath / "dvc.yaml").read_text())
    shown = {path: [how["x"], how["y"]] for plot in pipeline["stages"]["evaluate"]["plots"] for path, how in plot.items()}
    for plot in pipeline["plots"]:
        if isinstance(plot, str):
            assert (folder / plot).is_file()
        else:
            [(title, how)] = plot.items()
            shown.update({(title, path): [how["x"], *columns] for path, columns in how["y"].items() if path in shown})
    assert len(shown) == 5
    for name, columns in shown.items():
        with open(folder / (name if isinstance(name, str) else name[1])) as file:
            assert set(columns) <= set(file.readline().strip().split(","))


def test_the_picture_of_the_lowest_clip_is_drawn_with_and_without_all_others(folder, params):
    for stage in STAGES:
        stage.run(params, RUNTIME)
    lowest = min(
        read_csv("metrics/plots/clips.csv", CLIP_COLUMNS), key=lambda row: float(row[CLIP_COLUMNS.index("onset_f1_50")])
    )
    picture = (folder / "data/transcriptions/lowest.png").read_bytes()
    assert picture == (folder / f"data/transcriptions/{lowest[0]}.png").read_bytes()
    shutil.rmtree(folder / "data/transcriptions")
    params["evaluate"]["pictures"] = False
    evaluate.run(params, RUNTIME)
    assert [path.name for path in folder.rglob("*.png")] == ["lowest.png"]
    assert (folder / "data/transcriptions/lowest.png").read_bytes() == picture


def test_evaluate_says_where_clips_are_missing(folder, params, caplog):
    for stage in STAGES:
        stage.run(params, RUNTIME)
    assert all("partial" not in json.loads(path.read_text()) for path in result_files(folder))
    clips = read_logits("data/decoded/test.npz")
    write_logits("data/decoded/test.npz", clips[:1], missing=[clips[1].clip_id], settings=clips.settings)
    with caplog.at_level("INFO", "tivit"):
        evaluate.run(params, RUNTIME)
    for path in result_files(folder):
        assert json.loads(path.read_text())["partial"] is True
    assert "evaluate: test, partial: 1 of its clips are missing (test/001)\n" in caplog.text


def result_files(folder):
    return folder / "metrics/evaluate.json", folder / "data/transcriptions/scores.json"


def test_evaluate_starts_without_what_is_slow_to_import(request):
    code = "import sys, stages.evaluate; print(*(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=request.config.rootpath, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"numpy", "tivit"} <= loaded and not loaded & {"torch", "mir_eval", "scipy", "matplotlib", "pandas", "pretty_midi"}
