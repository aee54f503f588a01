"""The stages register, strips and manifest on a tiny dataset of drawn clips: what they write, and clips that cannot be used."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from paths import PARAMS_FILE
from registration_cases import Look, known_registration, random_view, render
from runtime_cases import RUNTIME

from stages import manifest, register, strips
from tivit.core import params as params_file
from tivit.core.artifacts import write_json
from tivit.core.errors import InputError
from tivit.core.manifest import LAG_COLUMNS, read_manifest
from tivit.core.notes import make_notes, write_midi
from tivit.core.params import section
from tivit.core.registration import Refusal, read_registrations, write_registrations
from tivit.core.strip import StripGeometry, open_strips
from tivit.datasets.index import write_index
from tivit.registration import batch
from tivit.registration.clip import RegisteredVideo

PARAMS = params_file.load(PARAMS_FILE)
IDS = ("test/hard_000", "train/plain_000", "val/plain_000")


def write_clip(stem, picture, key_centers_px):
    writer = cv2.VideoWriter(f"{stem}.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 30.0, (640, 360))
    for _ in range(10):
        writer.write(picture)
    writer.release()
    write_json(f"{stem}.json", {"notes": [], "key_centers_px": key_centers_px.tolist()})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a folder with two drawn clips and one black one, made the working directory."""
    monkeypatch.chdir(tmp_path)
    for variable in ("TIVIT_DATA_DIR", "DATASETS_HOME", "TIVIT_STATE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    for number, clip_id in enumerate(IDS):
        rng = np.random.default_rng([9, number])
        view = random_view(rng)
        picture = np.zeros((360, 640, 3), np.uint8) if clip_id.startswith("test") else render(view, rng, Look())
        stem = tmp_path / "data/Synthetic" / clip_id
        stem.parent.mkdir(parents=True)
        write_clip(stem, picture, view.key_centers_px())
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    return tmp_path


def test_register_names_what_it_refuses_and_measures_the_rest(project, caplog):
    with caplog.at_level("INFO", logger="tivit"):
        register.run(PARAMS, RUNTIME)
    found = read_registrations("data/registration/reg_refined.json")
    assert [found[clip_id].status for clip_id in IDS] == ["refused", "ok", "ok"]
    assert "refused test/hard_000: no row of black keys was found" in caplog.text
    metrics = json.loads(Path("metrics/register.json").read_text())
    assert (metrics["clips"], metrics["refused"], metrics["keys_right"]) == (3, 1, 1.0)
    assert 0 < metrics["key_err_median"] < 0.05 and metrics["key_err_p95"] < 0.1
    overlays = sorted(path.name for path in Path("data/registration/overlays").iterdir())
    assert overlays == ["test__hard_000.png", "train__plain_000.png", "val__plain_000.png"]
    assert cv2.imread("data/registration/overlays/train__plain_000.png").shape[1] == 960


def test_register_refuses_a_video_that_cannot_be_read(project):
    Path("data/Synthetic/val/plain_000.mp4").write_bytes(b"not a video")
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    register.run(PARAMS, RUNTIME)
    broken = read_registrations("data/registration/reg_refined.json")["val/plain_000"]
    assert broken.status == "refused" and broken.reason.startswith("cannot be opened as a video")


def test_corners_from_params_are_used(project):
    corners = [[60.0, 100.0], [600.0, 100.0], [600.0, 180.0], [60.0, 180.0]]
    overrides = {"test/hard_000": {"corners": corners}}
    changed = PARAMS | {"registration": PARAMS["registration"] | {"overrides": overrides}}
    register.run(changed, RUNTIME)
    reason = read_registrations("data/registration/reg_refined.json")["test/hard_000"].reason
    assert reason.endswith("between the corners")


@pytest.fixture
def estimates(project, monkeypatch):
    """Let the registrations of a dict stand in for estimation; return that dict and the list of videos it was asked for."""
    true = section(PARAMS, "strips", StripGeometry)
    views = [random_view(np.random.default_rng([9, number])) for number in range(len(IDS))]
    found = {clip_id: known_registration(view, true) for clip_id, view in zip(IDS, views, strict=True)}
    asked = []

    def register_video(video, params, geometry, override):
        clip_id = "/".join(video.with_suffix("").parts[-2:])
        asked.append((clip_id, override))
        return RegisteredVideo(found[clip_id], np.full((360, 640, 3), 90, np.uint8), 0.0)

    monkeypatch.setattr(batch, "register_video", register_video)
    return found, asked


def test_an_unknown_octave_is_named_counted_and_left_out(project, estimates, caplog):
    found, _ = estimates
    part = replace(found["train/plain_000"], doubt="neither end is in view", last_midi=84)
    found |= {"train/plain_000": part, "test/hard_000": Refusal("too dark", (360, 640), 4)}
    with caplog.at_level("INFO", logger="tivit"):
        register.run(PARAMS, RUNTIME)
    assert "octave unknown train/plain_000: neither end is in view; give first_key: 21, if this guess is right" in caplog.text
    assert "refused test/hard_000: too dark" in caplog.text
    metrics = json.loads(Path("metrics/register.json").read_text())
    assert (metrics["clips"], metrics["refused"], metrics["octave_unknown"]) == (3, 1, 1)
    with pytest.raises(InputError, match="no usable clip is left in split 'train' .registration: 1 octave unknown, 1 refused"):
        manifest.run(PARAMS, RUNTIME)


def test_the_manifest_says_which_keys_are_in_view_and_counts_the_notes_of_others(project, estimates):
    found, _ = estimates
    for number, clip_id in enumerate(IDS):
        truth = json.loads(Path(f"data/Synthetic/{clip_id}.json").read_text())
        notes = [[0.1 * (i + 1), 0.1 * (i + 1) + 0.05, midi, 80, 0, 0] for i, midi in enumerate((30, 60, 90)[: number + 1])]
        write_json(f"data/Synthetic/{clip_id}.json", truth | {"notes": notes})
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    found |= {"val/plain_000": replace(found["val/plain_000"], first_midi=36, last_midi=84)}
    register.run(PARAMS, RUNTIME)
    strips.run(PARAMS, RUNTIME)
    manifest.run(PARAMS, RUNTIME)
    written = read_manifest("data/manifest")
    assert [(clip.first_midi, clip.last_midi) for clip in written.clips] == [(21, 108), (21, 108), (36, 84)]
    assert written.notes["val/plain_000"].midi.tolist() == [30, 60, 90]
    metrics = json.loads(Path("metrics/manifest.json").read_text())
    assert metrics == {
        "clips": {"train": 1, "val": 1, "test": 1}, "notes": {"train": 2, "val": 3, "test": 1},
        "notes_out_of_view": {"train": 0, "val": 2, "test": 0}, "refused": [], "octave_unknown": [],
        "notes_with_hand": {"train": 2, "val": 3, "test": 1}, "notes_with_staff": {"train": 2, "val": 3, "test": 1},
        "left_out": {}, "split_source": "folders", "lag_moved": 0, "lag_left": 0, "lag_unsure": 3, "lag_median_s": 0.0,
        "rate_moved": 0, "residual_largest_s": 0.0, "label_unreadable": [], "label_misfit": [],
    }  # fmt: skip


def test_own_clips_none_of_which_can_be_used_stop_the_manifest_and_one_that_can_joins_train(project, estimates):
    found, _ = estimates
    found["test/hard_000"] = found["val/plain_000"]
    Path("data/own").mkdir()
    for stem in ("first", "second"):
        Path(f"data/own/{stem}.mp4").write_bytes(Path("data/Synthetic/val/plain_000.mp4").read_bytes() + stem.encode())
        write_midi(f"data/own/{stem}.mid", make_notes([0.1], [0.2], [60]))
        found[f"own/{stem}"] = Refusal("too dark", (360, 640), 4)
    register.run(PARAMS, RUNTIME)
    with pytest.raises(InputError, match="data/own: none of its clips can be used .own/first: too dark; own/second: too dark"):
        manifest.run(PARAMS, RUNTIME)
    found["own/second"] = found["val/plain_000"]
    shutil.rmtree(".tivit")
    register.run(PARAMS, RUNTIME)
    strips.run(PARAMS, RUNTIME)
    assert "own/second" in open_strips("data/strips").grids
    manifest.run(PARAMS, RUNTIME)
    metrics = json.loads(Path("metrics/manifest.json").read_text())
    assert metrics["clips"] == {"train": 2, "val": 1, "test": 1} and metrics["refused"] == ["own/first"]
    shutil.rmtree("data/own")
    strips.run(PARAMS, RUNTIME)
    assert sorted(open_strips("data/strips").grids) == list(IDS)


def outputs():
    """Return path -> bytes of all that register writes."""
    files = [*Path("data/registration").rglob("*"), Path("metrics/register.json")]
    return {path.as_posix(): path.read_bytes() for path in files if path.is_file()}


def changed(**values):
    """Return the params with other values in the section registration."""
    return PARAMS | {"registration": PARAMS["registration"] | values}


def test_a_second_run_estimates_nothing_and_gives_the_same_bytes(project, estimates):
    _, asked = estimates
    register.run(PARAMS, RUNTIME)
    first = outputs()
    assert [clip_id for clip_id, _ in asked] == list(IDS) and len(first) == 5
    for path in first:
        Path(path).unlink()
    register.run(PARAMS, RUNTIME)
    assert len(asked) == 3 and outputs() == first


@pytest.mark.parametrize(
    ("values", "again"),
    [
        ({"frames": 5}, list(IDS)),
        ({"first_key": 21}, list(IDS)),
        ({"overrides": {"train/plain_000": {"orientation": "upright"}}}, ["train/plain_000"]),
    ],
)
def test_a_change_of_params_estimates_what_it_concerns(project, estimates, values, again):
    _, asked = estimates
    register.run(PARAMS, RUNTIME)
    asked.clear()
    register.run(changed(**values), RUNTIME)
    assert [clip_id for clip_id, _ in asked] == again


def test_another_video_is_estimated_alone(project, estimates):
    _, asked = estimates
    register.run(PARAMS, RUNTIME)
    asked.clear()
    Path("data/Synthetic/val/plain_000.mp4").write_bytes(b"another video")
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    register.run(PARAMS, RUNTIME)
    assert [clip_id for clip_id, _ in asked] == ["val/plain_000"]


def test_a_video_that_cannot_be_read_is_tried_again(project, monkeypatch):
    asked = []

    def register_video(video, params, geometry, override):
        asked.append(video)
        raise InputError(f"{video}: cannot be opened")

    monkeypatch.setattr(batch, "register_video", register_video)
    for _ in range(2):
        register.run(PARAMS, RUNTIME)
    found = read_registrations("data/registration/reg_refined.json")
    assert len(asked) == 6 and {item.reason for item in found.values()} == {"cannot be opened"}
    assert not Path(".tivit/registration").exists()


def test_what_is_known_reaches_the_estimate(project, estimates):
    _, asked = estimates
    Path("data/Synthetic/registration.csv").write_text(
        "clip_id,first_key,orientation,x0,y0,x1,y1,x2,y2,x3,y3\ntest/hard_000,F#1,mirrored,,,,,,,,\n"
    )
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    register.run(changed(overrides={"val/plain_000": {"first_key": 36}}), RUNTIME)
    known = {clip_id: (override.first_key, override.orientation) for clip_id, override in asked}
    assert known == {"test/hard_000": (30, "mirrored"), "train/plain_000": (None, None), "val/plain_000": (36, None)}


def test_strips_hold_every_clip_whose_keyboard_was_found(project):
    register.run(PARAMS, RUNTIME)
    strips.run(PARAMS, RUNTIME)
    folder = open_strips("data/strips")
    assert sorted(folder.grids) == list(IDS[1:])
    frames = folder.open("train/plain_000")
    assert frames.shape == (10, 64, 832)
    front, black = frames[0, 45:55].mean(), frames[0, 10:30, folder.geometry.column_px(np.array([26.86])).astype(int)].mean()
    assert front > 2 * black


def test_strips_look_at_no_label_and_need_a_registration_of_every_clip(project):
    for clip_id in IDS:
        Path(f"data/Synthetic/{clip_id}.json").write_text("no label")
    found = {clip_id: Refusal("too dark", (360, 640), 4) for clip_id in IDS}
    write_registrations("data/registration/reg_refined.json", found)
    strips.run(PARAMS, RUNTIME)
    assert open_strips("data/strips").grids == {}
    del found["val/plain_000"]
    write_registrations("data/registration/reg_refined.json", found)
    with pytest.raises(InputError, match="reg_refined.json: clip 'val/plain_000' is missing; run the register stage"):
        strips.run(PARAMS, RUNTIME)


def test_the_manifest_needs_the_strips_unless_no_lag_is_asked_for(project, estimates):
    found, _ = estimates
    write_registrations("data/registration/reg_refined.json", found)
    with pytest.raises(InputError, match="data/strips/strips.json: no such file"):
        manifest.run(PARAMS, RUNTIME)
    data = PARAMS["data"] | {"lag": PARAMS["data"]["lag"] | {"correct": False}}
    manifest.run(PARAMS | {"data": data}, RUNTIME)
    metrics = json.loads(Path("metrics/manifest.json").read_text())
    assert (metrics["lag_moved"], metrics["lag_unsure"], metrics["lag_median_s"]) == (0, 0, 0.0)
    assert Path("data/manifest/lags.csv").read_text() == ",".join(LAG_COLUMNS) + "\n"
