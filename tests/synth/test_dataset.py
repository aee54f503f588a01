"""The written dataset: layout, truth that agrees with the picture, the same bytes for the same seed."""

import re
import typing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from params_cases import section_with

from tivit.core.artifacts import md5_of, read_json
from tivit.core.errors import InputError
from tivit.core.keyboard import CENTER_MM, IS_BLACK, KEY_COUNT, WHITE_LENGTH_MM
from tivit.core.notes import make_notes, read_midi
from tivit.core.params import Interval, load, section
from tivit.core.run.runtime import Workers
from tivit.synth.camera import corners_mm
from tivit.synth.dataset import TIERS, clip_tasks, write_clip, write_dataset
from tivit.synth.params import SHIFT, SynthParams, TierParams


@pytest.fixture(scope="module")
def params():
    full = section(load(), "synth", SynthParams)
    tiny = {f"{split}_{name}": value for split in ("train", "val", "test") for name, value in (("clips", 1), ("s", 2.0))}
    return replace(full, **(tiny | {"train_clips": 2, "shift_clips": 1}))


@pytest.fixture(scope="module")
def root(params, tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "Synthetic"
    write_dataset(root, replace(params, seed=11), workers=Workers(1))
    return root


def files_of(root):
    return sorted(path.relative_to(root).as_posix() for path in Path(root).rglob("*") if path.is_file())


def test_layout(root):
    stems = ["test/plain_000", "test/shift_000", "train/hard_000", "train/plain_000", "val/plain_000"]
    assert files_of(root) == sorted(f"{stem}.{kind}" for stem in stems for kind in ("mp4", "mid", "json"))
    assert not list(root.parent.glob(".*building*"))


def test_tiers_share_each_split(params):
    tasks = clip_tasks(replace(params, train_clips=10))
    tiers = [task.tier for task in tasks if task.split == "train"]
    assert all(tiers.count(tier) == 5 for tier in TIERS)
    assert len({(task.split, task.stem) for task in tasks}) == len(tasks)
    assert [task.split for task in tasks if task.tier == SHIFT] == ["test"]


def test_truth_agrees_with_video_and_midi(root):
    for path in root.rglob("*.json"):
        truth = read_json(path)
        rows = np.array(truth["notes"])
        notes = make_notes(rows[:, 0], rows[:, 1], *(rows[:, i].astype(int) for i in (2, 3, 4, 5)))
        midi = read_midi(path.with_suffix(".mid"))
        assert len(notes) == len(midi) > 0
        assert truth["tier"] == path.stem.split("_")[0] and truth["orientation"] == "upright"
        video = cv2.VideoCapture(str(path.with_suffix(".mp4")))
        frames = []
        while (grabbed := video.read())[0]:
            frames.append(grabbed[1])
        assert len(frames) == round(2 * truth["fps"]) and frames[0].shape == (truth["height"], truth["width"], 3)
        assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(truth["fps"])


def test_corners_and_key_centers_point_at_keys_of_their_colour(root):
    truth = read_json(root / "train" / "plain_000.json")
    video = cv2.VideoCapture(str(root / "train" / "plain_000.mp4"))
    frames = [cv2.cvtColor(video.read()[1], cv2.COLOR_BGR2GRAY) for _ in range(round(2 * truth["fps"]))]
    grey = np.median(frames, axis=0)  # without the hands
    to_image = cv2.getPerspectiveTransform(corners_mm()[:, :2].astype(np.float32), np.array(truth["corners_px"], np.float32))

    def seen(y_mm):
        return cv2.perspectiveTransform(np.column_stack([CENTER_MM, y_mm])[None], to_image)[0]

    centers = np.array(truth["key_centers_px"])
    assert np.abs(centers - seen(np.full(KEY_COUNT, WHITE_LENGTH_MM / 2))).max() < 4.0  # the lens bends what corners alone say
    x, y = np.round(seen(np.where(IS_BLACK, 75.0, 25.0))).astype(int).T
    value = grey[y, x]
    black = (value < (np.percentile(value, 10) + np.percentile(value, 90)) / 2) == IS_BLACK
    assert black.mean() > 0.9


def test_same_seed_same_bytes_other_seed_other_bytes(root, params, tmp_path):
    task = clip_tasks(params)[0]
    for folder, seed in (("again", 11), ("other", 12)):
        (tmp_path / folder / "train").mkdir(parents=True)
        write_clip(tmp_path / folder, replace(params, seed=seed), task)
    for kind in ("mp4", "mid", "json"):
        name = f"train/plain_000.{kind}"
        assert md5_of(root / name) == md5_of(tmp_path / "again" / name)
        assert md5_of(root / name) != md5_of(tmp_path / "other" / name)


def test_splits_share_no_music(root):
    onsets = [tuple(np.array(read_json(path)["notes"])[:5, 0]) for path in root.rglob("*.json")]
    assert len(set(onsets)) == len(onsets)


def test_writing_again_replaces_what_was_there(params, tmp_path):
    root = tmp_path / "Synthetic"
    (root / "train").mkdir(parents=True)
    (root / "train" / "old.mp4").write_bytes(b"old")
    write_dataset(root, replace(params, train_clips=1, train_s=1.0, val_s=1.0, test_s=1.0, seed=1), workers=Workers(1))
    assert "train/old.mp4" not in files_of(root)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train_clips", 0, "synth.train_clips: 0 is outside"),
        ("music.notes_per_s", [8.0, 2.0], "synth.music.notes_per_s: 2.0 is outside 8..20"),
        ("music.legato", 0.9, "synth.music.staccato + legato: 1.2 is outside 0..1"),
        ("camera.sizes", [[640, 360], [641, 360]], "synth.camera.sizes[1]: 641x360 has an odd side"),
        ("camera.sizes", [[160, 360]], "synth.camera.sizes[0]: width: 160 is outside 320..3840"),
        ("camera.fps", [], "synth.camera.fps is empty"),
        ("camera.fps", [30.0, 240.0], "synth.camera.fps[1]: 240.0 is outside 10..120"),
        ("shift_camera.crf", [30.0, 60.0], "synth.shift_camera.crf: 60.0 is outside"),
        ("camera.jpeg_quality", [0.0, 50.0], "synth.camera.jpeg_quality: 0.0 is outside"),
        ("press.tail.sigma", 3.0, "synth.press.tail.sigma: 3.0 is outside 0..2"),
    ],
)
def test_bad_parameters_are_refused(key, value, message):
    with pytest.raises(InputError, match=re.escape(f"params: {message}")):
        section_with(SynthParams, f"synth.{key}", value)


def test_every_interval_of_a_tier_has_limits_and_is_held_to_them():
    plain = {name: kind for name, kind in typing.get_type_hints(TierParams).items() if kind == Interval}
    kinds = typing.get_type_hints(TierParams, include_extras=True)
    assert plain
    for name in plain:
        (limits,) = typing.get_args(kinds[name])[1:]
        for outside in (
            [limits.low - 0.5, limits.high],
            [limits.low, limits.high + 0.5],
            [limits.high, limits.low],
        ):
            with pytest.raises(InputError, match=rf"synth\.hard\.{name}: .* is outside"):
                section_with(SynthParams, f"synth.hard.{name}", outside)
        widest = section_with(SynthParams, f"synth.hard.{name}", [limits.low, limits.high])
        assert getattr(widest.hard, name) == (limits.low, limits.high)
