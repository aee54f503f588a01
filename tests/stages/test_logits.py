"""Stages train and logits on tiny clips: declared outputs, equal bytes when run again, and refusals."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from model_cases import GEOMETRY, RUNTIME, model_params, played_clip, train_params, write_clips

from stages import logits as logits_stage
from stages import train as train_stage
from tivit.core.artifacts import read_csv
from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS, HEAD_NAMES
from tivit.core.logits import SILENT_LOGIT, read_logits
from tivit.core.manifest import Clip, read_manifest, write_manifest
from tivit.core.strip import write_strip_index

OUTPUTS = ("data/model/best.pt", "data/model/state.pt", "metrics/train.json", "metrics/plots/train_curve.csv")


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Return the params of a tiny pipeline whose strips and manifest lie in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIVIT_STATE_DIR", raising=False)
    write_clips([played_clip("train/a"), played_clip("val/a", 26, 1), played_clip("test/a", 33, 2)])
    return {
        "model": asdict(model_params()),
        "train": asdict(train_params()),
        "logits": {"splits": ["val", "test"], "window_frames": 16, "max_clips": None, "timeout_s": None},
    }


def test_train_then_logits(params):
    train_stage.run(params, RUNTIME)
    metrics = json.loads(Path("metrics/train.json").read_text())
    assert set(metrics) == {"steps", "best_step", "val_loss", "val_onset_ap", "parameters", "clips"}
    assert (metrics["steps"], metrics["clips"]) == (6, 1)
    curve = read_csv("metrics/plots/train_curve.csv", ("step", "train_loss", "val_loss", "val_onset_ap"))
    assert [row[0] for row in curve] == ["3", "6"]
    (state,) = Path(".tivit/state").rglob("*.pt")
    assert state.name == "4.pt" and Path("data/model/state.pt").read_bytes() == state.read_bytes()
    assert list(Path(".tivit/runs").rglob("events.*"))

    logits_stage.run(params, RUNTIME)
    (val,) = read_logits("data/logits/val.npz")
    assert (val.clip_id, val.grid.length) == ("val/a", 26)
    assert {name: rows.shape for name, rows in val.heads.items()} == dict.fromkeys(HEAD_NAMES, (26, 88))
    assert [clip.clip_id for clip in read_logits("data/logits/test.npz")] == ["test/a"]

    params["logits"]["splits"] = ["val"]
    logits_stage.run(params, RUNTIME)
    assert [path.name for path in Path("data/logits").iterdir()] == ["val.npz"]


def test_keys_out_of_view_are_trained_around_and_silent(params):
    clips = Path("data/manifest/clips.csv")
    clips.write_text(clips.read_text().replace(",21,108", ",48,84"))
    train_stage.run(params, RUNTIME)
    logits_stage.run(params, RUNTIME)
    for split in ("val", "test"):
        (clip,) = read_logits(f"data/logits/{split}.npz")
        for name in EVENT_HEADS:
            rows = clip.heads[name]
            assert (np.delete(rows, np.s_[27:64], axis=1) == SILENT_LOGIT).all() and rows[:, 27:64].min() > SILENT_LOGIT
        assert clip.heads["hand"].std(axis=0).all()


def test_a_second_run_gives_the_same_bytes(params):
    names = (*OUTPUTS, "data/logits/val.npz", "data/logits/test.npz")
    runs = []
    for _ in range(2):
        train_stage.run(params, RUNTIME)
        logits_stage.run(params, RUNTIME)
        runs.append([Path(name).read_bytes() for name in names])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("bound", [{"max_clips": 1}, {"timeout_s": 0.0}])
def test_a_bounded_run_keeps_the_first_clip_and_names_the_others(params, bound):
    write_clips([played_clip(name, 26) for name in ("train/a", "val/a", "val/b", "val/c", "test/a")])
    train_stage.run(params, RUNTIME)
    logits_stage.run(params, RUNTIME)
    whole = read_logits("data/logits/val.npz")
    assert not whole.partial and len(whole) == 3
    params["logits"].update(bound)
    logits_stage.run(params, RUNTIME)
    part = read_logits("data/logits/val.npz")
    assert ([clip.clip_id for clip in part], part.missing) == (["val/a"], ("val/b", "val/c"))
    np.testing.assert_array_equal(part[0].heads["onset"], whole[0].heads["onset"])
    assert not read_logits("data/logits/test.npz").partial


def test_a_bounded_run_takes_of_each_tier_its_share(params):
    """In id order the hard clips come first; they must not be all that is scored."""
    names = ["train/a", *(f"val/hard_{i}" for i in range(4)), *(f"val/plain_{i}" for i in range(2)), "test/a"]
    write_clips([played_clip(name, 26) for name in names])
    manifest = read_manifest("data/manifest")
    tiers = {clip.clip_id: clip.clip_id.split("/")[1].split("_")[0] for clip in manifest.of_split("val")}
    clips = tuple(replace(clip, tier=tiers.get(clip.clip_id, clip.tier)) for clip in manifest.clips)
    write_manifest("data/manifest", replace(manifest, clips=clips))
    train_stage.run(params, RUNTIME)
    params["logits"]["max_clips"] = 3
    logits_stage.run(params, RUNTIME)
    part = read_logits("data/logits/val.npz")
    assert [clip.clip_id for clip in part] == ["val/hard_0", "val/hard_1", "val/plain_0"]
    assert part.missing == ("val/hard_2", "val/hard_3", "val/plain_1")


@pytest.mark.parametrize(("name", "value"), [("max_clips", 0), ("max_clips", 1.5), ("timeout_s", -1.0)])
def test_a_bound_out_of_range_is_refused(params, name, value):
    params["logits"][name] = value
    with pytest.raises(InputError, match=f"logits.{name}"):
        logits_stage.run(params, RUNTIME)


def test_a_run_killed_while_writing_its_result_does_not_train_again(params, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device", "data/model/best.pt")

    with monkeypatch.context() as patch:
        patch.setattr(train_stage, "save_checkpoint", fail)
        with pytest.raises(OSError, match="No space"):
            train_stage.run(params, RUNTIME)
    monkeypatch.setattr("tivit.training.loop.Trainer.train_step", lambda self: pytest.fail("trained again"))
    train_stage.run(params, RUNTIME)
    assert Path("data/model/best.pt").exists()


def test_strips_of_another_geometry_are_refused(params):
    train_stage.run(params, RUNTIME)
    grids = {clip.clip_id: clip.grid for clip in (played_clip("val/a", 26), played_clip("test/a", 33))}
    write_strip_index("data/strips", replace(GEOMETRY, y_back_mm=150.0), grids)
    with pytest.raises(InputError, match="was trained on"):
        logits_stage.run(params, RUNTIME)


def test_a_split_without_clips_is_refused(params):
    manifest = Path("data/manifest/clips.csv")
    manifest.write_text(manifest.read_text().replace("train/a,train", "train/a,test"))
    with pytest.raises(InputError, match="'train'"):
        train_stage.run(params, RUNTIME)


def test_workers_write_the_bytes_of_one_process_and_name_a_strip_that_is_missing(params):
    write_clips([played_clip(name, 26 + place) for place, name in enumerate(("train/a", "val/a", "val/b", "test/a"))])
    train_stage.run(params, RUNTIME)
    files = ("data/logits/val.npz", "data/logits/test.npz")
    logits_stage.run(params, RUNTIME)
    alone = [Path(name).read_bytes() for name in files]
    logits_stage.run(params, replace(RUNTIME, workers=2))
    assert [Path(name).read_bytes() for name in files] == alone
    Path("data/strips/val/a.npy").unlink()
    with pytest.raises(InputError, match="logits: 1 of 3 clips failed, the others are done: val/a: .*no such file"):
        logits_stage.run(params, replace(RUNTIME, workers=2))


def test_splits_share_the_time(monkeypatch):
    """Of a minute the first of two splits gets half; one that ends early leaves its rest to the next."""
    orders = [[Clip(f"{split}/{stem}", split, "", "x.mp4", 21, 108) for stem in "abc"] for split in ("val", "test")]
    clock = [0.0]
    monkeypatch.setattr(logits_stage.time, "monotonic", lambda: clock[0])

    def reached(times_s):
        """Return the clips that are begun when each takes until the next of these times."""
        clock[0], times = 0.0, iter(times_s)
        ids = []
        for clip in logits_stage._until_time_is_up(orders, 0.0, 60.0):
            ids.append(clip.clip_id)
            clock[0] = next(times)
        return ids

    assert reached([29.0, 30.0, 59.0, 60.0]) == ["val/a", "val/b", "test/a", "test/b"]
    assert reached([1.0, 2.0, 3.0, 31.0, 59.0, 60.0]) == ["val/a", "val/b", "val/c", "test/a", "test/b", "test/c"]
    assert reached([90.0, 91.0]) == ["val/a", "test/a"]
    assert len(list(logits_stage._until_time_is_up(orders, 0.0, None))) == 6
