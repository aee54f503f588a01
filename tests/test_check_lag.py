"""The lag between labels and video: found on strips whose keys move at known times, not trusted where nothing is to be seen."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import random_notes
from model_cases import GEOMETRY

from tivit.__main__ import main
from tivit.check.lag import LEAD_S, estimate_lag, key_change
from tivit.core.keyboard import TAIL_LEFT_MM, TAIL_RIGHT_MM, key_of
from tivit.core.manifest import Clip, Manifest, write_manifest
from tivit.core.notes import empty_notes
from tivit.core.strip import strip_path, write_strip_index
from tivit.core.timegrid import TimeGrid

STROKE_S = 0.06


def played(notes, grid, seed=0):
    """Return a strip in which the columns of each key darken over a stroke whose middle is `LEAD_S` before the onset."""
    rng = np.random.default_rng(seed)
    picture = rng.normal(128, 30, (GEOMETRY.height_px, GEOMETRY.width_px))
    frames = np.repeat(picture[None], grid.length, axis=0)
    left, right = (np.rint(GEOMETRY.column_px(edge)).astype(int) for edge in (TAIL_LEFT_MM, TAIL_RIGHT_MM))
    times_s = grid.times_s()
    for onset_s, offset_s, key in zip(notes.onset_s, notes.offset_s, key_of(notes.midi), strict=True):
        down, up = (np.clip((times_s - at_s + LEAD_S) / STROKE_S + 0.5, 0, 1) for at_s in (onset_s, offset_s))
        frames[:, :, left[key] : max(right[key], left[key] + 1)] -= 25 * (down - up)[:, None, None]
    shaken = frames + rng.normal(0, 1.0, (grid.length, 1, 1)) + rng.normal(0, 1.5, frames.shape)
    return np.clip(shaken, 0, 255).astype(np.uint8)


def moved(notes, lag_s):
    """Return labels that are `lag_s` early."""
    return replace(notes, onset_s=notes.onset_s - lag_s, offset_s=notes.offset_s - lag_s)


@pytest.fixture(scope="module")
def clip():
    grid = TimeGrid(30.0, 2.0, 300)
    notes = random_notes(np.random.default_rng(3), 10.0, per_key=1)
    notes = replace(notes, onset_s=notes.onset_s + grid.start_s, offset_s=notes.offset_s + grid.start_s)
    return notes, grid, played(notes, grid)


@pytest.mark.parametrize("lag_s", [-0.2, -0.07, -0.012, 0.0, 0.033, 0.13, 0.2])
def test_a_known_lag_is_found(clip, lag_s):
    notes, grid, frames = clip
    lag = estimate_lag(frames, grid, GEOMETRY, moved(notes, lag_s))
    assert lag.lag_s == pytest.approx(lag_s, abs=0.01) and lag.is_trusted


def test_a_still_video_and_labels_of_another_piece_are_not_trusted(clip):
    notes, grid, frames = clip
    still = np.repeat(frames[:1], grid.length, axis=0)
    assert not estimate_lag(still, grid, GEOMETRY, notes).is_trusted
    other = random_notes(np.random.default_rng(9), 10.0, per_key=1)
    other = replace(other, onset_s=other.onset_s + grid.start_s, offset_s=other.offset_s + grid.start_s)
    assert estimate_lag(frames, grid, GEOMETRY, other).confidence < estimate_lag(frames, grid, GEOMETRY, notes).confidence / 1.5


def test_few_notes_are_not_trusted_and_none_has_no_lag(clip):
    notes, grid, frames = clip
    assert not estimate_lag(frames, grid, GEOMETRY, notes.take(np.arange(3) + 20)).is_trusted
    lag = estimate_lag(frames, grid, GEOMETRY, empty_notes())
    assert (lag.lag_s, lag.notes, lag.is_trusted) == (0.0, 0, False)


def test_what_all_keys_share_is_no_change():
    frames = (100 + 20 * (np.arange(20) % 2)).astype(np.uint8)[:, None, None] * np.ones((1, 32, 416), np.uint8)
    assert key_change(frames, GEOMETRY).max() < 1e-3


@pytest.mark.parametrize(("lag_s", "status"), [(0.0, 0), (0.12, 1)])
def test_the_command_points_out_labels_that_do_not_fit(clip, tmp_path, capsys, lag_s, status):
    notes, grid, frames = clip
    path = strip_path(tmp_path / "strips", "val/a")
    path.parent.mkdir(parents=True)
    np.save(path, frames)
    write_strip_index(tmp_path / "strips", GEOMETRY, {"val/a": grid})
    clips = (Clip("val/a", "val", "", "a.mp4", 21, 108),)
    write_manifest(tmp_path / "manifest", Manifest(clips, {"val/a": moved(notes, lag_s)}))
    places = ["--strips", str(tmp_path / "strips"), "--manifest", str(tmp_path / "manifest")]
    assert main(["check", "lag", "--split", "val", *places]) == status
    assert ("do not fit" in capsys.readouterr().out) == bool(status)
