"""Repeats and blends of a camera whose rate is lower than the file's: by hand, and in time with the scene."""

from dataclasses import replace

import numpy as np
import pytest

from tivit.core.params import load, section
from tivit.core.timegrid import TimeGrid
from tivit.synth.cadence import converted, file_frames, random_cadence
from tivit.synth.params import SynthParams


def shown_at(cadence):
    """Return the instant (s) of the scene that each file frame shows, given pictures that hold 10 x their number."""
    pictures = (np.full((2, 2, 3), min(10 * k, 255), np.uint8) for k in range(cadence.grid.length))
    return np.array([frame[0, 0, 0] / 10 for frame in file_frames(pictures, cadence)])


def test_24_in_30_repeats_every_fifth_frame():
    cadence = converted(TimeGrid(30.0, 0.0, 10), 24.0, is_blended=False)
    assert cadence.picture.tolist() == [0, 1, 2, 2, 3, 4, 5, 6, 6, 7]
    assert shown_at(cadence).tolist() == cadence.picture.tolist()


def test_blends_show_the_file_frames_own_instant():
    file_grid = TimeGrid(30.0, 0.0, 10)
    cadence = converted(file_grid, 24.0, is_blended=True)
    assert np.allclose(shown_at(cadence), cadence.grid.frame(file_grid.times_s()), atol=0.06)


@pytest.mark.parametrize("file_fps", [25.0, 29.97, 30.0, 50.0, 60.0])
@pytest.mark.parametrize("is_blended", [False, True])
def test_the_scene_is_never_shown_more_than_half_a_picture_off_its_time(file_fps, is_blended):
    file_grid = TimeGrid(file_fps, 0.0, 71)
    cadence = converted(file_grid, 24.0, is_blended)
    shown = cadence.grid.time_s(cadence.picture + cadence.blend)
    assert np.abs(shown - file_grid.times_s()).max() <= 0.5 / 24.0 + 1e-9
    assert len(list(file_frames((np.zeros((2, 2, 3), np.uint8) for _ in range(cadence.grid.length)), cadence))) == 71


def test_only_files_of_a_higher_rate_are_converted():
    cameras = replace(section(load(), "synth", SynthParams).camera, source_fps=(24.0, 25.0), converted=1.0, blended=0.0)
    for seed in range(5):
        fresh = random_cadence(np.random.default_rng(seed), TimeGrid(24.0, 0.0, 9), cameras)
        assert fresh.picture.tolist() == list(range(9)) and fresh.grid.fps == 24.0
        assert random_cadence(np.random.default_rng(seed), TimeGrid(30.0, 0.0, 9), cameras).grid.fps in (24.0, 25.0)
