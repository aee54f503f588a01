"""The constant lag between labels and video: found where keys move at known times, not believed where nothing is to be seen."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import random_notes
from lag_cases import played
from model_cases import GEOMETRY
from params_cases import section_with
from paths import PARAMS_FILE

from tivit.core.correction import NO_CORRECTION
from tivit.core.errors import InputError
from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.notes import empty_notes
from tivit.core.params import load, section
from tivit.core.timegrid import TimeGrid
from tivit.datasets.params import DataParams
from tivit.labels.clock import Clock, estimate_clock
from tivit.labels.lag import LEAST_NOTES

PARAMS = section(load(PARAMS_FILE), "data", DataParams).lag
EVERY = np.ones(KEY_COUNT, bool)


@pytest.fixture(scope="module")
def clip():
    grid = TimeGrid(30.0, 2.0, 300)
    notes = random_notes(np.random.default_rng(3), 10.0, per_key=1).moved(grid.start_s)
    return notes, grid, played(notes, grid)


def estimate(frames, grid, notes, in_view=EVERY, params=PARAMS, **options):
    return estimate_clock(frames, grid, GEOMETRY, in_view, notes, params, **options)


@pytest.mark.parametrize("lag_s", [-0.2, -0.07, -0.012, 0.0, 0.033, 0.13, 0.2])
def test_a_known_lag_is_found(clip, lag_s):
    notes, grid, frames = clip
    clock = estimate(frames, grid, notes.moved(-lag_s))
    assert clock.lag_s == pytest.approx(lag_s, abs=0.004) and clock.is_sure(PARAMS) and not clock.has_rate
    correction = clock.correction(PARAMS)
    assert correction.rate == 1.0 and correction.shift_s == (clock.lag_s if abs(lag_s) > 0.03 else 0.0)


def test_what_is_beyond_the_bound_is_not_believed_and_surely_wrong(clip):
    notes, grid, frames = clip
    for lag_s in (-0.33, 0.33):
        clock = estimate(frames, grid, notes.moved(-lag_s))
        assert clock.lag_s == pytest.approx(lag_s, abs=0.004) and clock.confidence > PARAMS.min_confidence
        assert not clock.is_sure(PARAMS) and clock.is_beyond(PARAMS) and clock.correction(PARAMS) == NO_CORRECTION
    wider = replace(PARAMS, largest_s=0.5)
    clock = estimate(frames, grid, notes.moved(-0.33), params=wider)
    assert clock.correction(wider).shift_s == pytest.approx(0.33, abs=0.004)


@pytest.mark.parametrize("lag_s", [0.0, -0.1, 4.0, -3.5, 250.0])
def test_a_lag_is_found_anywhere_if_asked_for(clip, lag_s):
    notes, grid, frames = clip
    clock = estimate(frames, grid, notes.moved(-lag_s), anywhere=True)
    assert clock.lag_s == pytest.approx(lag_s, abs=0.006) and clock.is_sure(PARAMS)
    assert clock.correction(PARAMS).shift_s == (clock.lag_s if lag_s else 0.0)


def test_a_still_video_and_labels_of_another_piece_are_not_believed(clip):
    notes, grid, frames = clip
    still = np.repeat(frames[:1], grid.length, axis=0)
    assert estimate(still, grid, notes.moved(0.1)).confidence == 0.0
    other = random_notes(np.random.default_rng(9), 10.0, per_key=1).moved(grid.start_s)
    for anywhere in (False, True):
        clock = estimate(frames, grid, other, anywhere=anywhere)
        assert clock.notes > LEAST_NOTES and clock.confidence < PARAMS.min_confidence
        assert clock.correction(PARAMS) == NO_CORRECTION and not clock.is_beyond(PARAMS)


def test_few_notes_are_not_believed_and_none_has_no_lag(clip):
    notes, grid, frames = clip
    few = notes.take(np.arange(LEAST_NOTES - 1) + 8)
    clock = estimate(frames, grid, few.moved(-0.1))
    assert (clock.notes, clock.confidence, clock.correction(PARAMS)) == (LEAST_NOTES - 1, 0.0, NO_CORRECTION)
    for nothing in (
        estimate(frames, grid, empty_notes()),
        estimate(frames[:5], TimeGrid(30.0, 2.0, 5), notes),
        estimate(frames[:1], TimeGrid(30.0, 2.0, 1), notes),
    ):
        assert (nothing.lag_s, nothing.drift, nothing.confidence, nothing.notes) == (0.0, 0.0, 0.0, 0)


def test_releases_alone_are_no_notes(clip):
    notes, grid, frames = clip
    before = replace(notes, onset_s=np.full(len(notes), grid.start_s))
    assert (before.offset_s > grid.start_s + 1.0).sum() > LEAST_NOTES
    assert estimate(frames, grid, before).notes == 0
    one = replace(notes, onset_s=np.where(np.arange(len(notes)) == len(notes) // 2, notes.onset_s, grid.start_s))
    assert (estimate(frames, grid, one).notes, estimate(frames, grid, one).confidence) == (1, 0.0)


def test_notes_of_keys_out_of_view_are_left_out(clip):
    notes, grid, frames = clip
    in_view = np.arange(KEY_COUNT) >= 40
    seen = notes.take(in_view[key_of(notes.midi)])
    strange = replace(notes, onset_s=np.where(in_view[key_of(notes.midi)], notes.onset_s, notes.onset_s - 0.15))
    assert estimate(frames, grid, strange, in_view) == estimate(frames, grid, seen, in_view)
    assert estimate(frames, grid, seen.moved(-0.1), in_view).correction(PARAMS).shift_s == pytest.approx(0.1, abs=0.006)


@pytest.mark.parametrize(
    ("lag_s", "confidence", "correction_s"),
    [
        (0.12, 9.0, 0.12), (-0.12, 9.0, -0.12), (0.12, 2.5, 0.12), (0.12, 2.49, 0.0), (0.025, 9.0, 0.025), (0.0249, 9.0, 0.0),
        (-0.0249, 9.0, 0.0), (0.2999, 9.0, 0.2999), (0.3, 9.0, 0.0), (-0.34, 9.0, 0.0),
    ],
)  # fmt: skip
def test_the_guard_rails(lag_s, confidence, correction_s):
    params = replace(PARAMS, largest_s=0.3, least_s=0.025, min_confidence=2.5)
    correction = Clock(lag_s, 0.0, 5.0, 4.0, confidence, 40).correction(params)
    assert (correction.shift_s, correction.rate) == (correction_s, 1.0)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("largest_s", 3.0, "0.1..2"), ("largest_drift", 0.06, "0..0.05"), ("least_s", 0.4, "0..0.3"),
        ("min_confidence", -1.0, "0..100"),
    ],
)  # fmt: skip
def test_params_out_of_range_are_refused(name, value, allowed):
    with pytest.raises(InputError, match=f"params: data.lag.{name}: {value} is outside {allowed}"):
        section_with(DataParams, f"data.lag.{name}", value)
