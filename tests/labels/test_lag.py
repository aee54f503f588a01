"""The lag between labels and video: found where keys move at known times, not believed where nothing is to be seen."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import random_notes
from lag_cases import played
from model_cases import GEOMETRY
from params_cases import section_with
from paths import PARAMS_FILE

from tivit.core.artifacts import write_csv
from tivit.core.errors import InputError
from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.manifest import LAG_COLUMNS, read_corrections
from tivit.core.notes import empty_notes
from tivit.core.params import load, section
from tivit.core.timegrid import TimeGrid
from tivit.datasets.params import DataParams
from tivit.labels.lag import CHUNK_FRAMES, LEAST_NOTES, Lag, estimate_lag, key_change, write_lags

PARAMS = section(load(PARAMS_FILE), "data", DataParams).lag
EVERY = np.ones(KEY_COUNT, bool)


@pytest.fixture(scope="module")
def clip():
    grid = TimeGrid(30.0, 2.0, 300)
    notes = random_notes(np.random.default_rng(3), 10.0, per_key=1).moved(grid.start_s)
    return notes, grid, played(notes, grid)


def estimate(frames, grid, notes, in_view=EVERY):
    return estimate_lag(frames, grid, GEOMETRY, in_view, notes, PARAMS.largest_s)


@pytest.mark.parametrize("lag_s", [-0.2, -0.07, -0.012, 0.0, 0.033, 0.13, 0.2])
def test_a_known_lag_is_found(clip, lag_s):
    notes, grid, frames = clip
    lag = estimate(frames, grid, notes.moved(-lag_s))
    assert lag.lag_s == pytest.approx(lag_s, abs=0.004) and lag.is_sure(PARAMS)
    assert lag.correction_s(PARAMS) == (lag.lag_s if abs(lag_s) > 0.03 else 0.0)


def test_what_is_beyond_the_bound_is_not_believed(clip):
    notes, grid, frames = clip
    for lag_s in (-0.33, 0.33):
        lag = estimate(frames, grid, notes.moved(-lag_s))
        assert lag.lag_s == pytest.approx(lag_s, abs=0.004) and lag.confidence > PARAMS.min_confidence
        assert not lag.is_sure(PARAMS) and lag.correction_s(PARAMS) == 0.0
    wider = replace(PARAMS, largest_s=0.5)
    lag = estimate_lag(frames, grid, GEOMETRY, EVERY, notes.moved(-0.33), wider.largest_s)
    assert lag.correction_s(wider) == pytest.approx(0.33, abs=0.004)


def test_a_still_video_and_labels_of_another_piece_are_not_believed(clip):
    notes, grid, frames = clip
    still = np.repeat(frames[:1], grid.length, axis=0)
    assert estimate(still, grid, notes.moved(0.1)).confidence == 0.0
    other = random_notes(np.random.default_rng(9), 10.0, per_key=1).moved(grid.start_s)
    lag = estimate(frames, grid, other)
    assert lag.notes > LEAST_NOTES and lag.confidence < PARAMS.min_confidence and lag.correction_s(PARAMS) == 0.0


def test_few_notes_are_not_believed_and_none_has_no_lag(clip):
    notes, grid, frames = clip
    few = notes.take(np.arange(LEAST_NOTES - 1) + 8)
    lag = estimate(frames, grid, few.moved(-0.1))
    assert (lag.notes, lag.confidence, lag.correction_s(PARAMS)) == (LEAST_NOTES - 1, 0.0, 0.0)
    assert estimate(frames, grid, empty_notes()) == Lag(0.0, 0.0, 0)
    assert estimate(frames[:5], TimeGrid(30.0, 2.0, 5), notes) == Lag(0.0, 0.0, 0)


def test_releases_alone_are_no_notes(clip):
    notes, grid, frames = clip
    before = replace(notes, onset_s=np.full(len(notes), grid.start_s))
    assert (before.offset_s > grid.start_s + 1.0).sum() > LEAST_NOTES
    assert estimate(frames, grid, before) == Lag(0.0, 0.0, 0)
    one = replace(notes, onset_s=np.where(np.arange(len(notes)) == len(notes) // 2, notes.onset_s, grid.start_s))
    assert (estimate(frames, grid, one).notes, estimate(frames, grid, one).confidence) == (1, 0.0)


def test_notes_of_keys_out_of_view_are_left_out(clip):
    notes, grid, frames = clip
    in_view = np.arange(KEY_COUNT) >= 40
    seen = notes.take(in_view[key_of(notes.midi)])
    strange = replace(notes, onset_s=np.where(in_view[key_of(notes.midi)], notes.onset_s, notes.onset_s - 0.15))
    assert estimate(frames, grid, strange, in_view) == estimate(frames, grid, seen, in_view)
    assert estimate(frames, grid, seen.moved(-0.1), in_view).correction_s(PARAMS) == pytest.approx(0.1, abs=0.006)


def test_what_all_keys_share_is_no_change():
    frames = (100 + 20 * (np.arange(20) % 2)).astype(np.uint8)[:, None, None] * np.ones((1, 32, 416), np.uint8)
    assert key_change(frames, GEOMETRY, EVERY).max() < 1e-3


def test_a_long_strip_in_parts_has_every_change_once(monkeypatch):
    frames = np.random.default_rng(0).integers(0, 255, (CHUNK_FRAMES + 40, 32, 416)).astype(np.uint8)
    whole = key_change(frames, GEOMETRY, EVERY)
    monkeypatch.setattr("tivit.labels.lag.CHUNK_FRAMES", 7)
    assert len(whole) == len(frames) - 1
    np.testing.assert_allclose(key_change(frames, GEOMETRY, EVERY), whole, atol=1e-3)


@pytest.mark.parametrize(
    ("lag", "correction_s"),
    [
        (Lag(0.12, 9.0, 40), 0.12), (Lag(-0.12, 9.0, 40), -0.12), (Lag(0.12, 2.5, 40), 0.12), (Lag(0.12, 2.49, 40), 0.0),
        (Lag(0.025, 9.0, 40), 0.025), (Lag(0.0249, 9.0, 40), 0.0), (Lag(-0.0249, 9.0, 40), 0.0),
        (Lag(0.2999, 9.0, 40), 0.2999), (Lag(0.3, 9.0, 40), 0.0), (Lag(-0.34, 9.0, 40), 0.0),
    ],
)  # fmt: skip
def test_the_guard_rails(lag, correction_s):
    params = replace(PARAMS, largest_s=0.3, least_s=0.025, min_confidence=2.5)
    assert lag.correction_s(params) == correction_s


@pytest.mark.parametrize(
    ("name", "value", "allowed"), [("largest_s", 3.0, "0.1..2"), ("least_s", 0.4, "0..0.3"), ("min_confidence", -1.0, "0..100")]
)
def test_params_out_of_range_are_refused(name, value, allowed):
    with pytest.raises(InputError, match=f"params: data.lag.{name}: {value} is outside {allowed}"):
        section_with(DataParams, f"data.lag.{name}", value)


def test_the_table_says_what_was_applied_and_damage_is_named(tmp_path):
    write_lags(tmp_path, {"val/a": Lag(0.1234, 7.0, 40), "val/b": Lag(0.01, 7.0, 40)}, PARAMS)
    assert read_corrections(tmp_path) == {"val/a": 0.1234, "val/b": 0.0}
    write_csv(tmp_path / "lags.csv", LAG_COLUMNS, [("val/a", 0.1, 7.0, 40, "early")])
    with pytest.raises(InputError, match="lags.csv, line 2: could not convert string to float: 'early'"):
        read_corrections(tmp_path)
