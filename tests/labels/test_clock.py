"""The rate of labels against the video: found to a hundredth of a percent, exactly 1 where the clock is right."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import random_notes
from lag_cases import played
from model_cases import GEOMETRY
from paths import PARAMS_FILE
from real_clips import FOLDER, needs_real_clips

from tivit.core.correction import NO_CORRECTION, Correction
from tivit.core.keyboard import KEY_COUNT
from tivit.core.notes import joined, read_midi
from tivit.core.params import load, section
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.datasets.params import DataParams
from tivit.labels.clock import QUARTERS, RATE_NOTES, RATE_SPAN_S, Clock, Residual, estimate_clock
from tivit.registration.clip import register_video
from tivit.registration.params import NOTHING_KNOWN, RegistrationParams
from tivit.video.rectify import write_strip

VALUES = load(PARAMS_FILE)
PARAMS = section(VALUES, "data", DataParams).lag
EVERY = np.ones(KEY_COUNT, bool)
LENGTH_S = 48.0


@pytest.fixture(scope="module")
def clip():
    """Return the notes of a clip of 48 s, its grid and its strip."""
    grid = TimeGrid(30.0, 1.0, 1440)
    parts = [random_notes(np.random.default_rng(seed), 9.0, per_key=1).moved(grid.start_s + 9.5 * seed) for seed in range(5)]
    notes = joined(*(part.take(np.arange(0, len(part), 2)) for part in parts))
    return notes, grid, played(notes, grid)


def estimate(clip, correction, **options):
    """Return the clock of labels that `correction` leads back to the video, and what it leaves at both ends (s)."""
    notes, grid, frames = clip
    wrong = notes.corrected(Correction(-correction.shift_s / correction.rate, 1.0 / correction.rate))
    clock = estimate_clock(frames, grid, GEOMETRY, EVERY, wrong, PARAMS, **options)
    return clock, (wrong.corrected(clock.correction(PARAMS)).onset_s - notes.onset_s)[[0, -1]]


@pytest.mark.parametrize("percent", [-0.9, -0.5, -0.15, 0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("shift_s", [0.0, 0.12])
def test_rate_and_lag_are_found_together(clip, percent, shift_s):
    clock, left_s = estimate(clip, Correction(shift_s, 1.0 + percent / 100))
    assert 100 * clock.drift == pytest.approx(percent, abs=0.02) and clock.is_sure(PARAMS)
    assert abs(100 * clock.drift - percent) < 4 * 100 * clock.drift_error
    assert np.abs(left_s).max() < 0.01 and abs(clock.residual.lag_s) < 0.01


@pytest.mark.parametrize("shift_s", [0.0, 0.015, 0.1])
def test_a_clock_that_is_right_is_not_touched(clip, shift_s):
    clock, _ = estimate(clip, Correction(shift_s))
    assert clock.drift == 0.0 and clock.drift_error < 0.0003
    assert clock.correction(PARAMS) == (NO_CORRECTION if shift_s < PARAMS.least_s else Correction(clock.lag_s, 1.0))


@pytest.mark.parametrize(("shift_s", "percent"), [(16.0, 0.2), (-30.0, -0.3), (500.0, 0.0)])
def test_labels_that_start_elsewhere_are_found_if_asked_for(clip, shift_s, percent):
    correction = Correction(shift_s, 1.0 + percent / 100)
    clock, left_s = estimate(clip, correction, anywhere=True)
    assert clock.is_sure(PARAMS) and np.abs(left_s).max() < 0.01
    near, _ = estimate(clip, correction)
    assert not near.is_sure(PARAMS) and near.correction(PARAMS) == NO_CORRECTION


@pytest.mark.parametrize("percent", [-1.2, 1.15])
def test_a_clock_too_fast_or_slow_is_surely_beyond(clip, percent):
    clock, _ = estimate(clip, Correction(0.0, 1.0 + percent / 100))
    assert 100 * clock.drift == pytest.approx(percent, abs=0.03)
    assert clock.is_beyond(PARAMS) and not clock.is_sure(PARAMS) and clock.correction(PARAMS) == NO_CORRECTION


def test_a_clock_that_jumps_is_beyond_and_one_far_too_fast_is_not_sure(clip):
    notes, grid, frames = clip
    late = np.where(notes.onset_s > grid.start_s + 0.75 * LENGTH_S, 0.15, 0.0)
    jumped = replace(notes, onset_s=notes.onset_s - late, offset_s=notes.offset_s - late)
    clock = estimate_clock(frames, grid, GEOMETRY, EVERY, jumped, PARAMS)
    assert clock.residual.is_far and clock.is_beyond(PARAMS) and clock.correction(PARAMS) == NO_CORRECTION
    clock, _ = estimate(clip, Correction(0.0, 1.05))
    assert clock.has_rate and not clock.is_sure(PARAMS)


def test_a_short_clip_and_few_notes_have_no_rate(clip):
    notes, grid, frames = clip
    span_s = notes.onset_s - notes.onset_s[0]
    for few in (notes.take(span_s < RATE_SPAN_S - 0.1), notes.take(np.linspace(0, len(notes) - 1, RATE_NOTES - 1).astype(int))):
        clock = estimate_clock(frames, grid, GEOMETRY, EVERY, few.corrected(Correction(0.0, 1.004)), PARAMS)
        assert not clock.has_rate and clock.drift == 0.0 and clock.residual is None


def test_a_residual_is_far_only_where_that_is_sure():
    assert Residual(-0.07, 0.005).is_far and not Residual(0.07, 0.02).is_far and not Residual(0.04, 0.001).is_far
    assert QUARTERS == 4 and Clock(0.0, 0.0, 0.0, 0.0, 9.0, 99, 0.0, Residual(0.07, 0.005)).is_beyond(PARAMS)


@needs_real_clips
def test_the_clock_of_a_real_recording_is_found(tmp_path):
    """The recording's own alignment is good to 60 ms; its rate was fitted on the picture as 1.0032."""
    geometry, fps = section(VALUES, "strips", StripGeometry), 30.0
    video, midi = FOLDER / "pianoray_furelise.mp4", read_midi(FOLDER / "pianoray_furelise.mid")
    registration = register_video(
        video, section(VALUES, "registration", RegistrationParams), geometry, NOTHING_KNOWN
    ).registration
    grid = write_strip(video, registration, geometry, fps, tmp_path / "strip.npy")
    clock = estimate_clock(np.load(tmp_path / "strip.npy", mmap_mode="r"), grid, geometry, EVERY, midi, PARAMS, anywhere=True)
    assert clock.is_sure(PARAMS) and 1.0 + clock.drift == pytest.approx(1.0032, abs=0.0005)
    seen_s = clock.correction(PARAMS).applied(midi.onset_s)
    np.testing.assert_allclose(seen_s, 4.70 + 1.0032 * (midi.onset_s - midi.onset_s[0]), atol=0.06)
