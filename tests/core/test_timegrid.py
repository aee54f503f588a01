"""Seconds and frames: round trips, ends, and the nearest-frame rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivit.core.errors import InputError
from tivit.core.timegrid import TimeGrid, frames_of, grid_over, nearest_frames, seconds_of

RATES = st.sampled_from([23.976, 25.0, 29.97, 30.0, 60.0])


@given(RATES, st.floats(-5, 5), st.floats(0, 1e5))
def test_frame_second_frame(fps, start_s, frame):
    grid = TimeGrid(fps, start_s, 10)
    assert grid.frame(grid.time_s(frame)) == pytest.approx(frame, abs=1e-6)


@given(RATES, st.integers(1, 5000), st.floats(0, 3))
def test_grid_at_the_native_rate_keeps_every_frame(fps, count, start_s):
    timestamps_s = start_s + np.arange(count) / fps
    grid = grid_over(timestamps_s, fps)
    assert grid.length == count
    np.testing.assert_array_equal(nearest_frames(timestamps_s, grid), np.arange(count))


def test_millisecond_timestamps_of_a_30_fps_file():
    timestamps_s = np.round(np.arange(300) / 30, 3)
    grid = grid_over(timestamps_s, 30.0)
    np.testing.assert_array_equal(nearest_frames(timestamps_s, grid), np.arange(300))


def test_60_to_30_takes_every_second_frame():
    timestamps_s = np.arange(120) / 60
    np.testing.assert_array_equal(nearest_frames(timestamps_s, grid_over(timestamps_s, 30.0)), np.arange(0, 120, 2))


def test_a_frame_stands_for_a_pause_until_the_next_one_is_shown():
    grid = TimeGrid(10.0, 0.0, 17)
    assert nearest_frames(np.array([0.0, 0.1, 1.5, 1.6]), grid).tolist() == [0] + [1] * 14 + [2, 3]
    assert nearest_frames(np.array([0.0, 0.1, 1.47, 1.6]), grid).tolist() == [0] + [1] * 14 + [2, 3]  # 1.5 is nearest to 1.47
    assert nearest_frames(np.array([0.0, 0.5, 1.0]), TimeGrid(10.0, 0.0, 11)).tolist() == [0] * 3 + [1] * 5 + [2] * 3


def test_a_gap_in_a_variable_rate_is_filled_with_the_nearest():
    grid = TimeGrid(10.0, 0.0, 6)
    assert nearest_frames(np.array([0.0, 0.1, 0.5]), grid).tolist() == [0, 1, 1, 1, 2, 2]


def test_one_frame():
    assert nearest_frames(np.array([2.0]), grid_over(np.array([2.0]), 30.0)).tolist() == [0]


def test_window_keeps_the_clock():
    grid = TimeGrid(30.0, 1.5, 100)
    assert grid.window(30, 10).start_s == pytest.approx(2.5)
    assert grid.window(30, 10).time_s(3) == pytest.approx(grid.time_s(33))


def test_durations():
    assert frames_of(2.0, 30.0) == 60 and seconds_of(15, 30.0) == 0.5


@pytest.mark.parametrize("fps", [0.0, -30.0, 1000.0, float("nan")])
def test_absurd_rates_are_refused(fps):
    with pytest.raises(InputError, match="1..240"):
        TimeGrid(fps, 0.0, 1)


def test_no_frames_no_grid():
    with pytest.raises(InputError, match="without frames"):
        grid_over(np.zeros(0), 30.0)
