"""The files between stages: manifest, logits, strips, registrations. Round trips and damage."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from tivit.core import params
from tivit.core.arrays import read_npz, write_npz
from tivit.core.artifacts import read_json, write_csv
from tivit.core.errors import InputError
from tivit.core.heads import HEAD_NAMES, head_names
from tivit.core.keyboard import CENTER_MM
from tivit.core.logits import SILENT_LOGIT, ClipLogits, read_logits, silenced, write_logits
from tivit.core.manifest import LAG_COLUMNS, Clip, Manifest, read_corrections, read_manifest, write_manifest
from tivit.core.notes import empty_notes, make_notes, read_midi
from tivit.core.registration import (
    Move,
    Quality,
    Refusal,
    Registration,
    correction_mm,
    is_usable,
    objection,
    read_registrations,
    write_registrations,
)
from tivit.core.strip import StripGeometry, open_strips, strip_path, write_strip_index
from tivit.core.timegrid import TimeGrid
from tivit.decoding.thresholds import read_thresholds
from tivit.model.checkpoint import load_checkpoint
from tivit.video.reader import probe

GEOMETRY = StripGeometry(width_px=832, height_px=64, y_front_mm=-22.0, y_back_mm=158.0)


def small_manifest():
    notes = make_notes(
        np.array([0.25, 0.5]), np.array([0.4, 1.0]), np.array([60, 40]), None, np.array([1, 0]), np.array([1, 0])
    )
    clips = (
        Clip("train/a", "train", "plain", "train/a.mp4", 21, 108),
        Clip("test/a", "test", "", "test/a.mp4", 36, 96),
    )
    return Manifest(clips, {"train/a": notes, "test/a": empty_notes()})


def test_manifest_round_trip(tmp_path):
    manifest = small_manifest()
    write_manifest(tmp_path, manifest)
    back = read_manifest(tmp_path)
    assert back.clips == manifest.clips and len(back.notes["test/a"]) == 0
    for column in ("onset_s", "offset_s", "midi", "velocity", "hand", "staff"):
        np.testing.assert_array_equal(getattr(back.notes["train/a"], column), getattr(manifest.notes["train/a"], column))
    with pytest.raises(InputError, match="no clips in split 'val'"):
        back.of_split("val")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("clips.csv", "test/a,test", "test/a,tset", "split 'tset', allowed: train, val, test"),
        ("clips.csv", "test/a,test", "train/a,test", "stands in it twice"),
        ("clips.csv", ",36,96", ",36,x", "line 3: invalid literal"),
        ("clips.csv", ",36,96", ",36,109", "line 3: keys 36 to 109 are not in 21..108"),
        ("clips.csv", ",36,96", ",36,35", "line 3: keys 36 to 35 are not"),
        ("notes.csv", "train/a,0.25", "train/a,x", "line 2"),
        ("notes.csv", "train/a,0.25", "train/z,0.25", "'train/z' is not in clips.csv"),
        ("notes.csv", ",60,", ",160,", "line 2: midi is '160', allowed: a whole number in 21..108$"),
        ("notes.csv", ",60,", ",nan,", "line 2: midi is 'nan', allowed: a whole number in 21..108$"),
        ("notes.csv", "60,-1,", "60,nan,", "line 2: velocity is 'nan', allowed: a whole number in 1..127, or -1 for unknown$"),
        ("notes.csv", "60,-1,", "60,300,", "line 2: velocity is '300', allowed: a whole number in 1..127, or -1 for unknown$"),
        ("notes.csv", "60,-1,", "60,0,", "line 2: velocity is '0', allowed: a whole number in 1..127, or -1 for unknown$"),
        ("notes.csv", "60,-1,1,1", "60,-1,2,1", "line 2: hand is '2', allowed: a whole number in 0..1, or -1 for unknown$"),
        (
            "notes.csv",
            "60,-1,1,1",
            "60,-1,1,inf",
            "line 2: staff is 'inf', allowed: a whole number in 0..1, or -1 for unknown$",
        ),
    ],
)
def test_manifest_damage(tmp_path, file, old, new, message):
    write_manifest(tmp_path, small_manifest())
    path = tmp_path / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_manifest(tmp_path)


def test_a_clip_with_two_lags_is_named(tmp_path):
    write_csv(tmp_path / "lags.csv", LAG_COLUMNS, [("val/a", 0.1, 7.0, 40, 0.0, "", "", "", 1.0, 0.1)] * 2)
    with pytest.raises(InputError, match="lags.csv, line 3: clip 'val/a' stands in it twice"):
        read_corrections(tmp_path)


def test_a_clip_knows_its_keys_in_view():
    whole, part = (clip.in_view for clip in small_manifest().clips)
    assert whole.shape == (88,) and whole.all()
    assert np.flatnonzero(part)[[0, -1]].tolist() == [15, 75] and part.sum() == 61


def small_logits():
    rng = np.random.default_rng(0)
    return [
        ClipLogits(name, TimeGrid(fps, start_s, length), {head: rng.normal(size=(length, 88)) for head in HEAD_NAMES})
        for name, fps, start_s, length in (("test/a", 30.0, 0.0, 7), ("test/b", 25.0, 1.5, 4))
    ]


def test_logits_round_trip(tmp_path):
    clips = small_logits()
    write_logits(tmp_path / "t.npz", clips)
    back = read_logits(tmp_path / "t.npz")
    assert [clip.clip_id for clip in back] == ["test/a", "test/b"] and back[1].grid == clips[1].grid
    np.testing.assert_allclose(back[1].heads["onset"], clips[1].heads["onset"], rtol=1e-3)
    assert back[0].heads["hand"].dtype == np.float32


def test_a_logits_file_without_velocity_is_valid(tmp_path):
    clips = [replace(clip, heads={name: clip.heads[name] for name in head_names(False)}) for clip in small_logits()]
    write_logits(tmp_path / "t.npz", clips)
    assert [tuple(clip.heads) for clip in read_logits(tmp_path / "t.npz")] == [head_names(False)] * 2


def test_logits_beyond_float16_stay_finite(tmp_path):
    clip = ClipLogits("a", TimeGrid(30.0, 0.0, 1), {head: np.full((1, 88), 1e9) for head in ("pitch", "onset", "offset")})
    write_logits(tmp_path / "t.npz", [clip])
    assert np.isfinite(read_logits(tmp_path / "t.npz")[0].heads["pitch"]).all()


def test_keys_out_of_view_are_silent_in_the_event_heads(tmp_path):
    clip = small_logits()[0]
    in_view = np.arange(88) >= 15
    quiet = silenced(clip.heads, in_view)
    write_logits(tmp_path / "t.npz", [ClipLogits("a", clip.grid, quiet)])
    (back,) = read_logits(tmp_path / "t.npz")
    for head in ("pitch", "onset", "offset"):
        assert (back.heads[head][:, :15] == SILENT_LOGIT).all()
        np.testing.assert_array_equal(quiet[head][:, 15:], clip.heads[head][:, 15:])
    assert quiet["hand"] is clip.heads["hand"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("onset"), "array 'onset' is missing"),
        (lambda a: a.update(pitch=a["pitch"][:-1]), "array 'pitch' is float16"),
        (lambda a: a.update(pitch=a["pitch"][:, :-1]), "array 'pitch' is float16"),
        (lambda a: a.update(offset=a["offset"] * np.nan), "array 'offset' holds NaN"),
        (lambda a: a.update(fps=np.array([30.0, 0.0])), "fps 0.0 is outside"),
        (lambda a: a.update(fps=np.array([30.0])), "array 'fps' has shape"),
        (lambda a: a.update(start=a["start"] + 1), "does not follow"),
    ],
)
def test_damaged_logits(tmp_path, change, message):
    write_logits(tmp_path / "t.npz", small_logits())
    arrays = read_npz(tmp_path / "t.npz")
    change(arrays)
    write_npz(tmp_path / "t.npz", arrays)
    with pytest.raises(InputError, match=message):
        read_logits(tmp_path / "t.npz")


def test_strip_folder_round_trip(tmp_path):
    frames = np.zeros((3, 64, 832), np.uint8)
    path = strip_path(tmp_path, "val/x")
    path.parent.mkdir()
    np.save(path, frames)
    write_strip_index(tmp_path, GEOMETRY, {"val/x": TimeGrid(30.0, 0.25, 3)})
    folder = open_strips(tmp_path)
    assert folder.geometry == GEOMETRY and folder.grids["val/x"] == TimeGrid(30.0, 0.25, 3)
    assert folder.open("val/x").shape == (3, 64, 832)
    np.save(path, frames[:2])
    with pytest.raises(InputError, match="expected uint8"):
        folder.open("val/x")
    with pytest.raises(InputError, match="no clip 'val/y'"):
        folder.open("val/y")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"width_px": 832', '"width_px": 8', "strips.json: geometry.width_px: 8 is outside 208..4096"),
        ('"fps": 30.0', '"fps": 300.0', "strips.json: clip 'val/x': fps 300.0 is outside 1..240"),
        ('"length": 3', '"length": -3', "strips.json: clip 'val/x': a time grid cannot have -3 frames"),
        ('"length": 3', '"size": 3', "strips.json: not a strip index"),
        (
            '"y_back_mm": 158.0',
            '"y_back_mm": -30.0',
            "strips.json: geometry.y_back_mm -30.0 must be greater than y_front_mm -22.0",
        ),
        ('"width_px"', '"width"', "strips.json: geometry.width is unknown"),
        ('"geometry"', '"raster"', "strips.json: section 'geometry' is missing"),
    ],
)
def test_a_damaged_strip_index_is_named(tmp_path, old, new, message):
    write_strip_index(tmp_path, GEOMETRY, {"val/x": TimeGrid(30.0, 0.25, 3)})
    path = tmp_path / "strips.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        open_strips(tmp_path)


def test_strip_geometry_matches_its_matrix():
    point = GEOMETRY.world_to_strip() @ np.array([611.0, 158.0, 1.0])
    np.testing.assert_allclose(point, [416.0, 0.0, 1.0], atol=1e-9)
    x_mm, y_mm = GEOMETRY.pixel_centers_mm()
    np.testing.assert_allclose(GEOMETRY.column_px(x_mm), np.arange(832) + 0.5)
    np.testing.assert_allclose(GEOMETRY.row_px(y_mm), np.arange(64) + 0.5)


REFUSAL = Refusal("no keyboard", (360, 640), 8)


def registration(**changes):
    matrix = GEOMETRY.world_to_strip() @ np.array([[2.0, 0.1, 5.0], [0.0, -1.5, 300.0], [0.0, 1e-5, 1.0]])
    fields = dict(
        doubt="", homography=tuple(map(tuple, matrix.tolist())), x_correction=(0.5, 2.0, -1.0, 0.25),
        orientation="upright", first_midi=21, last_midi=108, source_hw=(360, 640), frames=8,
        quality=Quality(0.9, 0.2, 0.02, err_black=(0.3, 0.02), err_white=(0.2, 0.02), err_across=(0.1, 0.02), deviation=0.2),
        source="pixels", moves=(Move(3.5, ((1.0, 0.0, 3.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), (0.1, 0.2)),),
    )  # fmt: skip
    return Registration(**(fields | changes))


def test_registration_round_trip(tmp_path):
    path = tmp_path / "reg.json"
    items = {"train/a": registration(), "train/b": REFUSAL, "train/c": registration(doubt="either octave")}
    write_registrations(path, items)
    back = read_registrations(path)
    assert [is_usable(item) for item in back.values()] == [True, False, False]
    assert [objection(item) for item in back.values()] == ["", "no keyboard", "either octave"]
    assert back["train/b"] == REFUSAL and back["train/a"].quality == items["train/a"].quality
    np.testing.assert_allclose(back["train/a"].homography, items["train/a"].homography, atol=1e-8)


def test_the_file_says_the_status_and_a_refusal_has_nothing_but_its_own(tmp_path):
    path = tmp_path / "reg.json"
    write_registrations(path, {"a": registration(), "b": REFUSAL, "c": registration(doubt="either octave")})
    entries = json.loads(path.read_text())
    assert [entry["status"] for entry in entries.values()] == ["ok", "refused", "octave_unknown"]
    assert entries["b"] == {"status": "refused", "reason": "no keyboard", "source_hw": [360, 640], "frames": 8}


def test_world_to_image_and_back():
    item = registration()
    y_mm = np.full(88, 75.0)
    image = item.image_points(CENTER_MM, y_mm, GEOMETRY)
    strip = np.column_stack([image, np.ones(88)]) @ np.array(item.homography).T
    plane_x = strip[:, 0] / strip[:, 2] / GEOMETRY.px_per_mm_x
    np.testing.assert_allclose(plane_x, CENTER_MM + correction_mm(item.x_correction, CENTER_MM), atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"first_midi": 20}, {"first_midi": 60, "last_midi": 59}, {"last_midi": "C8"}, {"orientation": "askew"},
        {"x_correction": ["x"]}, {"source_hw": [360]}, {"source_hw": "ab"}, {"frames": "16"}, {"moves": [{}]},
        {"homography": [[1, 0], [0, 1]]},
        {"extra": 1}, {"reason": "too dark"}, {"doubt": 3}, {"doubt": "either octave"}, {"status": "fine"},
        {"status": "octave_unknown"}, {"status": "refused"}, {"quality": 3}, {"quality": {"confidence": 0.5}},
    ],
)  # fmt: skip
def test_registrations_with_impossible_values(tmp_path, change):
    path = tmp_path / "reg.json"
    path.write_text(json.dumps({"a": {"status": "ok"} | asdict(registration()) | change}))
    with pytest.raises(InputError, match="clip 'a' is not a registration"):
        read_registrations(path)


@pytest.mark.parametrize(
    "change", [{"confidence": "0.5"}, {"err_after": float("nan")}, {"err_black": [0.1]}, {"err_white": 0.1}, {"extra": 1}]
)
def test_registrations_with_impossible_qualities(tmp_path, change):
    path = tmp_path / "reg.json"
    quality = asdict(registration().quality) | change
    path.write_text(json.dumps({"a": {"status": "ok"} | asdict(registration()) | {"quality": quality}}))
    with pytest.raises(InputError, match="clip 'a' is not a registration"):
        read_registrations(path)


@pytest.mark.parametrize(
    "change",
    [{"reason": 3}, {"source_hw": [360]}, {"frames": 8.5}, {"status": "ok"}, {"doubt": ""}, {"quality": {}}, {"status": None}],
)
def test_refusals_with_impossible_values(tmp_path, change):
    path = tmp_path / "reg.json"
    path.write_text(json.dumps({"a": {"status": "refused"} | asdict(REFUSAL) | change}))
    with pytest.raises(InputError, match="clip 'a' is not a registration"):
        read_registrations(path)


@pytest.mark.parametrize("content", ['{"a": {}}', '{"a": 3}', "[]", '{"a": {"homography": [[1]]}}', "{"])
def test_damaged_registrations(tmp_path, content):
    path = tmp_path / "reg.json"
    path.write_text(content)
    with pytest.raises(InputError, match="reg.json"):
        read_registrations(path)


READERS = {
    "params": params.load, "npz": read_npz, "json": read_json, "midi": read_midi, "thresholds": read_thresholds,
    "checkpoint": load_checkpoint, "logits": read_logits, "registrations": read_registrations, "video": probe,
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_a_folder_is_not_taken_for_a_file_that_is_missing(tmp_path, name):
    (tmp_path / "x").mkdir()
    with pytest.raises(InputError, match=r"/x: .*([Ii]s a directory|is a folder)") as told:
        READERS[name](tmp_path / "x")
    assert "no such" not in str(told.value) and "\n" not in str(told.value)
    with pytest.raises(InputError, match=r"/y: no such"):
        READERS[name](tmp_path / "y")
