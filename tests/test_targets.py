"""Targets: exact small cases, the window's start, and notes -> rolls -> notes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivit.core.keyboard import KEY_COUNT, LOWEST_MIDI
from tivit.core.notes import empty_notes, make_notes
from tivit.core.timegrid import TimeGrid
from tivit.targets import down_frames, make_targets, notes_of_roll

GRID = TimeGrid(10.0, 0.0, 10)
C4_KEY = 60 - LOWEST_MIDI


def one_note(onset_s, offset_s, hand=1, staff=0):
    return make_notes([onset_s], [offset_s], [60], None, [hand], [staff])


def test_one_note_by_hand():
    values = make_targets(one_note(0.25, 0.5), GRID, ramp_frames=2.0).values
    np.testing.assert_allclose(values["pitch"][:, C4_KEY], [0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(values["onset"][:, C4_KEY], [0, 0.25, 0.75, 0.75, 0.25, 0, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(values["offset"][:, C4_KEY], [0, 0, 0, 0, 0.5, 1, 0.5, 0, 0, 0], atol=1e-6)
    other_keys = np.delete(np.arange(KEY_COUNT), C4_KEY)
    assert not any(values[name][:, other_keys].any() for name in ("pitch", "onset", "offset"))


def test_attributes_stand_only_where_a_key_is_down_and_labelled():
    targets = make_targets(one_note(0.25, 0.5, hand=1, staff=-1), GRID, 2.0)
    assert np.flatnonzero(targets.masks["hand"][:, C4_KEY]).tolist() == [3, 4]
    assert targets.values["hand"][3, C4_KEY] == 1.0
    assert targets.masks["hand"].sum() == 2
    assert not targets.masks["clef"].any()


def test_velocity_stands_near_the_onset_and_where_it_is_known():
    """Of two strokes of a key, each has the frames that are nearer to it."""
    targets = make_targets(make_notes([0.25, 0.52], [0.4, 0.8], [60, 60], [64, 32]), GRID, 2.0)
    assert targets.values["velocity"][:, C4_KEY].tolist() == [0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0, 0]
    assert np.flatnonzero(targets.masks["velocity"][:, C4_KEY]).tolist() == [1, 2, 3, 4, 5, 6, 7]
    half = make_targets(make_notes([0.25, 0.52], [0.4, 0.8], [60, 60], [64, -1]), GRID, 2.0)
    assert np.flatnonzero(half.masks["velocity"][:, C4_KEY]).tolist() == [1, 2, 3]
    assert not make_targets(one_note(0.25, 0.5), GRID, 2.0).masks["velocity"].any()


def test_the_start_of_the_window_moves_the_targets():
    notes = one_note(0.25, 0.5)
    whole = make_targets(notes, GRID, 2.0)
    later = make_targets(notes, GRID.window(2, 8), 2.0)
    for name in whole.values:
        np.testing.assert_allclose(later.values[name], whole.values[name][2:], atol=1e-6)
    assert not np.array_equal(later.values["onset"], whole.values["onset"][:8])


def test_a_fraction_of_a_frame_moves_the_triangle():
    early, late = (make_targets(one_note(t, 0.9), GRID, 2.0).values["onset"][:, C4_KEY] for t in (0.30, 0.33))
    assert early[2] > late[2]
    assert early[4] < late[4]


def test_a_note_shorter_than_a_frame_does_not_vanish():
    values = make_targets(one_note(0.41, 0.43), GRID, 2.0).values
    assert np.flatnonzero(values["pitch"][:, C4_KEY]).tolist() == [4]


def test_notes_across_or_beyond_the_window():
    assert make_targets(one_note(-1.0, 5.0), GRID, 2.0).values["pitch"][:, C4_KEY].all()
    outside = make_targets(one_note(3.0, 4.0), GRID, 2.0)
    assert not any(value.any() for value in outside.values.values())
    ended = make_targets(one_note(-1.0, -0.5), GRID, 2.0)
    assert not any(value.any() for value in ended.values.values())


def test_an_empty_window_and_no_notes():
    assert make_targets(one_note(0.1, 0.2), TimeGrid(10.0, 0.0, 0), 2.0).values["pitch"].shape == (0, KEY_COUNT)
    assert not make_targets(empty_notes(), GRID, 2.0).values["pitch"].any()


@pytest.mark.parametrize(("onset", "offset", "expected"), [(2.0, 4.0, (2, 3)), (2.5, 4.5, (3, 4)), (2.6, 2.9, (3, 3))])
def test_down_frames(onset, offset, expected):
    assert down_frames(onset, offset) == expected


@given(
    st.lists(st.tuples(st.integers(0, 87), st.integers(0, 40), st.integers(1, 8)), max_size=12),
    st.sampled_from([24.0, 25.0, 29.97, 30.0, 60.0]),
    st.floats(-100.0, 100.0),
)
def test_notes_to_rolls_to_notes(rows, fps, start_s):
    """Notes on frames, a frame apart on each key, come back exactly (to float precision)."""
    grid = TimeGrid(fps, start_s, 64)
    last_end: dict[int, int] = {}
    kept = []
    for key, gap, length in rows:
        first = last_end.get(key, -1) + 1 + gap
        if first + length < grid.length:
            last_end[key] = first + length
            kept.append((first, first + length, key + LOWEST_MIDI))
    if not kept:
        return
    first, end, midi = map(np.array, zip(*kept, strict=True))
    notes = make_notes(grid.time_s(first), grid.time_s(end), midi)
    back = notes_of_roll(make_targets(notes, grid, 2.0).values["pitch"], grid)
    np.testing.assert_array_equal(back.midi, notes.midi)
    np.testing.assert_allclose(back.onset_s, notes.onset_s, atol=1e-9)
    np.testing.assert_allclose(back.offset_s, notes.offset_s, atol=1e-9)
