"""Which frames a note covers: the definition on random notes, events at an instant, and what targets add."""

import numpy as np
from decoding_cases import random_notes
from hypothesis import given, settings
from hypothesis import strategies as st

from tivit.core.keyboard import key_of
from tivit.core.notes import make_notes
from tivit.core.rolls import covered_frames, roll
from tivit.core.timegrid import TimeGrid
from tivit.targets import make_targets

GRIDS = st.builds(TimeGrid, st.sampled_from([24.0, 25.0, 29.97, 30.0, 60.0]), st.floats(-1.0, 2.0), st.integers(1, 150))


@given(st.integers(0, 1000), GRIDS)
@settings(max_examples=40, deadline=None)
def test_a_key_is_down_where_an_instant_lies_in_a_note(seed, grid):
    notes = random_notes(np.random.default_rng(seed), 4.0)
    down = roll(notes, grid)
    late_s = 1e-7  # far from any event of random notes, and far more than the tolerance
    expected = np.zeros_like(down)
    for onset_s, offset_s, key in zip(notes.onset_s, notes.offset_s, key_of(notes.midi), strict=True):
        expected[:, key] |= (grid.times_s() + late_s >= onset_s) & (grid.times_s() + late_s < offset_s)
    np.testing.assert_array_equal(down, expected)


@given(GRIDS, st.integers(0, 149), st.integers(1, 20))
def test_an_event_at_an_instant_belongs_to_it_whatever_floating_point_makes_of_it(grid, first, length):
    onset_s, offset_s = (np.atleast_1d(grid.time_s(frame)) for frame in (first, first + length))
    for error_s in (-1e-9, 0.0, 1e-9):
        start, stop = covered_frames(onset_s + error_s, offset_s - error_s, grid)
        assert (start[0], stop[0]) == (min(first, grid.length), min(first + length, grid.length))


def test_a_note_between_two_frames_is_none_to_a_score_and_one_frame_to_the_targets():
    notes, grid = make_notes([0.51], [0.58], [60]), TimeGrid(10.0, 0.0, 8)
    assert not roll(notes, grid).any()
    assert np.argwhere(make_targets(notes, grid, 2.0).values["pitch"]).tolist() == [[5, key_of(60)]]


@given(st.integers(0, 1000), GRIDS)
@settings(max_examples=30, deadline=None)
def test_targets_hold_all_that_a_score_counts(seed, grid):
    notes = random_notes(np.random.default_rng(seed), 4.0)
    pitch = make_targets(notes, grid, 2.0).values["pitch"] > 0.5
    assert (pitch | ~roll(notes, grid)).all()
