"""Own clips in the manifest stage: a wrong clock is corrected, labels that do not fit or cannot be read leave one clip out."""

import json
from pathlib import Path

import numpy as np
import pytest
from datasets_cases import lay, opened
from decoding_cases import random_notes
from lag_cases import played
from model_cases import GEOMETRY
from paths import PARAMS_FILE
from registration_cases import known_registration, random_view

from stages import manifest
from tivit.core import params as params_file
from tivit.core.correction import Correction
from tivit.core.errors import InputError
from tivit.core.manifest import read_corrections, read_left_out_tiers, read_manifest
from tivit.core.notes import joined, write_midi
from tivit.core.params import section
from tivit.core.registration import write_registrations
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry, strip_path, write_strip_index
from tivit.core.timegrid import TimeGrid

PARAMS = params_file.load(PARAMS_FILE)
PARAMS["data"]["name"] = "OMAPS"
RUNTIME = section(PARAMS, "runtime", RuntimeParams)
REGISTRATION = known_registration(random_view(np.random.default_rng(4)), section(PARAMS, "strips", StripGeometry))
OWN, STRIPS, METRICS = Path("data/own"), Path("data/strips"), Path("metrics/manifest.json")
GRID, TINY = TimeGrid(30.0, 0.0, 900), TimeGrid(30.0, 0.0, 4)
LATE = Correction(16.0, 1.002)
"""How the camera's clock goes by that of the instrument, which was started 16 s later."""


def music(seed: int):
    parts = [random_notes(np.random.default_rng([seed, i]), 9.0, per_key=1).moved(0.5 + 9.5 * i) for i in range(3)]
    return joined(*(part.take(np.arange(0, len(part), 2)) for part in parts))


@pytest.fixture(scope="module")
def strip():
    return played(music(1), GRID)


@pytest.fixture
def project(tmp_path, monkeypatch, strip):
    """Return a function that runs the stage after MIDI files were written for own clips `first`, `second` and `third`."""
    monkeypatch.chdir(tmp_path)
    lay(tmp_path, "OMAPS")
    OWN.mkdir()
    stems = ("first", "second", "third")
    for stem in stems:
        (OWN / f"{stem}.mp4").write_bytes(f"a video, {stem}".encode())

    def run(**files) -> dict:
        for stem in stems:
            notes = files.get(stem, b"no MIDI file")
            if isinstance(notes, bytes):
                (OWN / f"{stem}.mid").write_bytes(notes)
            else:
                write_midi(OWN / f"{stem}.mid", notes)
        clips = opened("OMAPS").clips()
        write_registrations("data/registration/reg_refined.json", {clip.clip_id: REGISTRATION for clip in clips})
        grids = {clip.clip_id: GRID if clip.tier == "own" else TINY for clip in clips}
        for clip_id, grid in grids.items():
            path = strip_path(STRIPS, clip_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, strip if grid is GRID else strip[: grid.length])
        write_strip_index(STRIPS, GEOMETRY, grids)
        manifest.run(PARAMS, RUNTIME)
        return json.loads(METRICS.read_text())

    return run


def test_a_clock_is_corrected_and_clips_of_wrong_labels_are_named_and_left_out(project, caplog):
    caplog.set_level("INFO")
    early = music(1).corrected(Correction(-LATE.shift_s / LATE.rate, 1.0 / LATE.rate)).moved(20.0)
    metrics = project(first=early, second=music(2))
    written, correction = read_manifest("data/manifest"), read_corrections("data/manifest")["own/first"]
    assert correction.rate == pytest.approx(LATE.rate, abs=0.0003)
    np.testing.assert_allclose(np.sort(written.notes["own/first"].onset_s), np.sort(music(1).onset_s), atol=0.01)
    assert [clip.clip_id for clip in written.clips if clip.tier == "own"] == ["own/first"]
    assert (metrics["label_misfit"], metrics["label_unreadable"]) == (["own/second"], ["own/third"])
    assert (metrics["lag_moved"], metrics["rate_moved"]) == (1, 1) and metrics["residual_largest_s"] < 0.01
    assert read_left_out_tiers("data/manifest", "train") == ["own", "own"]
    assert "left out own/second: no clock is sure for its" in caplog.text
    assert "third.mid: not a readable MIDI file" in caplog.text
    assert "own/first: its labels are 4.00" in caplog.text and "too slow: corrected; " in caplog.text


def test_without_one_usable_own_clip_all_are_named(project):
    with pytest.raises(
        InputError, match="none of its clips can be used .own/first: .*first.mid.*own/second: .*own/third: no clock"
    ):
        project(third=music(2))


def test_every_unreadable_label_of_a_dataset_is_named(project):
    for stem in ("train/001", "test/001"):
        path = Path(f"data/OMAPS/{stem}.txt")
        path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(InputError, match="test/001.txt, line 1: .*; .*train/001.txt, line 1: "):
        project(first=music(1))
