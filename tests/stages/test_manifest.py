"""The manifest stage on every dataset, with registrations that are known: splits, reasons, hands, and what it says of them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets_cases import NAMES, TIMES, index, lay, opened
from paths import PARAMS_FILE
from registration_cases import known_registration, random_view

from stages import manifest
from tivit.core import params as params_file
from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, UNKNOWN
from tivit.core.keyboard import CENTER_MM, key_of
from tivit.core.manifest import read_left_out_tiers, read_manifest
from tivit.core.params import section
from tivit.core.registration import Refusal, write_registrations
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry

PARAMS = params_file.load(PARAMS_FILE)
PARAMS["data"]["lag"]["correct"] = False  # the videos of the fixtures are none, so they have no strips
RUNTIME = section(PARAMS, "runtime", RuntimeParams)
GEOMETRY = section(PARAMS, "strips", StripGeometry)
REGISTRATION = known_registration(random_view(np.random.default_rng(4)), GEOMETRY)
METRICS = Path("metrics/manifest.json")


def run(name: str, **changes) -> dict:
    """Run the stage on a dataset with changes of its params, all clips registered but those named; return its metrics."""
    manifest.run(PARAMS | {"data": PARAMS["data"] | {"name": name.partition("_")[0]} | changes}, RUNTIME)
    return json.loads(METRICS.read_text())


def register(name: str, **changes) -> None:
    found = {clip.clip_id: REGISTRATION for clip in opened(name, **changes).clips()}
    write_registrations("data/registration/reg_refined.json", found)


@pytest.fixture(params=NAMES)
def fixture(request, tmp_path, monkeypatch):
    """Return the name of a dataset's fixture below the working directory, its clips registered."""
    monkeypatch.chdir(tmp_path)
    lay(tmp_path, request.param)
    register(request.param)
    return request.param


def test_the_manifest_holds_every_clip_and_says_where_the_splits_come_from(fixture):
    metrics, dataset = run(fixture), opened(fixture)
    written = read_manifest("data/manifest")
    assert [(clip.clip_id, clip.split, clip.video) for clip in written.clips] == [
        (clip.clip_id, clip.split, clip.video) for clip in dataset.clips()
    ]
    assert metrics["split_source"] == dataset.listing.split_source
    assert metrics["left_out"] == {reason: list(ids) for reason, ids in dataset.listing.left_out.items()}
    assert sum(metrics["notes"].values()) == sum(len(notes) for notes in written.notes.values())
    assert metrics["notes_with_staff"] == {"train": 0, "val": 0, "test": 0}
    first = {path: path.read_bytes() for path in (*Path("data/manifest").iterdir(), METRICS)}
    run(fixture)
    assert {path: path.read_bytes() for path in (*Path("data/manifest").iterdir(), METRICS)} == first


def test_a_carved_validation_split_is_recorded_and_a_published_one_is_not(fixture):
    run(fixture)
    path = Path("data/manifest/splits.json")
    carved = opened(fixture).listing.carved
    assert path.exists() == bool(carved) == (fixture in {"OMAPS", "PianoYT"})
    if carved:
        record = json.loads(path.read_text())
        assert record == {
            "rule": "train clips with the lowest MD5 of '<seed>/<clip id>'", "seed": PARAMS["data"]["clips"]["carve"]["seed"],
            "val_share": PARAMS["data"]["clips"]["carve"]["val_share"], "val": list(carved),
        }  # fmt: skip


def test_a_recording_in_two_splits_stops_the_stage(fixture):
    dataset = opened(fixture)
    train, val = (next(clip for clip in dataset.clips() if clip.split == split) for split in ("train", "val"))
    (dataset.place.root / train.video).write_bytes((dataset.place.root / val.video).read_bytes())
    index(dataset.place.root, dataset.index.name)
    with pytest.raises(InputError, match="is in the splits train and val; a recording may be in one only"):
        run(fixture)


@pytest.fixture
def pianovam(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = lay(tmp_path, "PianoVAM")
    register("PianoVAM")
    return root


def test_a_recording_that_cannot_be_decoded_is_named_counted_and_left_out(pianovam, caplog):
    found = {clip.clip_id: REGISTRATION for clip in opened("PianoVAM").clips()}
    bad = f"train/{TIMES[1]}"
    write_registrations("data/registration/reg_refined.json", found | {bad: Refusal("cannot be opened as a video", (0, 0), 0)})
    metrics = run("PianoVAM")
    assert metrics["refused"] == [bad] and metrics["clips"] == {"train": 1, "val": 1, "test": 1}
    assert f"left out {bad} (refused): cannot be opened as a video" in caplog.text
    assert "left out (split not asked for): test/2024-03-03_10-00-00, train/2024-03-02_10-00-00" in caplog.text


def test_a_clip_that_is_left_out_keeps_its_split_and_its_tier(pianovam):
    found = {clip.clip_id: REGISTRATION for clip in opened("PianoVAM", clips={"extra_splits": ["special(4hands)"]}).clips()}
    bad = [f"test/{TIMES[3]}", "test/2024-03-03_10-00-00"]
    nothing = Refusal("no keyboard", (0, 0), 0)
    for clip_id, tier in zip(bad, ("", "four_hands"), strict=True):
        write_registrations("data/registration/reg_refined.json", found | {clip_id: nothing})
        run("PianoVAM", clips=PARAMS["data"]["clips"] | {"extra_splits": ["special(4hands)"]})
        assert read_left_out_tiers("data/manifest", "test") == [tier]
        assert read_left_out_tiers("data/manifest", "train") == []


def test_an_empty_split_says_what_is_missing(pianovam):
    (pianovam / f"Video/{TIMES[2]}.mp4").unlink()
    index(pianovam, "PianoVAM")
    with pytest.raises(InputError, match="no usable clip is left in split 'val' .*left out: 1 no video, 2 split not asked for"):
        run("PianoVAM")


def test_hands_of_fingering_are_counted(pianovam):
    assert run("PianoVAM")["notes_with_hand"] == {"train": 3, "val": 0, "test": 0}


def test_hands_of_landmarks_where_there_is_no_better_and_they_are_asked_for(pianovam):
    x_mm = CENTER_MM[[key_of(60)] * 21]
    height, width = REGISTRATION.source_hw
    left = REGISTRATION.image_points(x_mm, np.full(21, 60.0), GEOMETRY) / (width, height)
    frames = {"60": {"Left": np.hstack([left, np.zeros((21, 1))]).tolist(), "Right": None}}
    for time in (TIMES[0], TIMES[3]):
        (pianovam / f"Handskeleton/{time}.json").write_text(json.dumps(frames))
    index(pianovam, "PianoVAM")
    assert run("PianoVAM")["notes_with_hand"] == {"train": 3, "val": 0, "test": 1}
    test = read_manifest("data/manifest").notes[f"test/{TIMES[3]}"]
    assert test.hand.tolist() == [LEFT_HAND, UNKNOWN, UNKNOWN, UNKNOWN]
    assert run("PianoVAM", skeleton_confidence=None)["notes_with_hand"] == {"train": 3, "val": 0, "test": 0}


def test_notes_of_hidden_keys_are_counted_by_split(pianovam):
    found = {clip.clip_id: replace(REGISTRATION, first_midi=48) for clip in opened("PianoVAM").clips()}
    write_registrations("data/registration/reg_refined.json", found)
    assert run("PianoVAM")["notes_out_of_view"] == {"train": 2, "val": 1, "test": 1}
