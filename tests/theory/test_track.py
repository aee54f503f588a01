"""The tables of keys over time: which frames have a row, and what stands in it."""

import numpy as np
import pytest

from tivit.core.timegrid import TimeGrid
from tivit.theory.profiles import KEY_NAMES
from tivit.theory.track import PLOT_CLIPS, PLOT_INSTANTS, plot_rows, track_rows


def posterior_of(keys, share=0.7):
    """Return a posterior whose best key in frame t is keys[t], the next one up second with 0.2."""
    rows = np.full((len(keys), 24), (0.8 - share) / 22)
    rows[np.arange(len(keys)), keys] = share
    rows[np.arange(len(keys)), (np.array(keys) + 1) % 24] = 0.2
    return rows


def test_a_row_a_second_and_one_at_every_change():
    keys = [0] * 14 + [7] * 3 + [0] * 13
    rows = list(track_rows("test/a", TimeGrid(10.0, 1.5, 30), posterior_of(keys)))
    assert [row[1] for row in rows] == pytest.approx([1.5, 2.5, 2.9, 3.2, 3.5])
    assert [row[2] for row in rows] == ["C major", "C major", "G major", "C major", "C major"]
    assert rows[2] == ("test/a", pytest.approx(2.9), "G major", 0.7, "G# major", 0.2)


def test_equal_keys_stand_in_the_order_of_their_names():
    (row,) = track_rows("a", TimeGrid(25.0, 0.0, 20), np.full((20, 24), 1 / 24))
    assert row[2::2] == KEY_NAMES[:2]


@pytest.mark.parametrize("fps", [23.976, 29.97, 30.0, 59.94])
def test_seconds_are_those_of_the_clip_at_every_frame_rate(fps):
    grid = TimeGrid(fps, 0.25, int(10 * fps))
    times = [row[1] - 0.25 for row in track_rows("a", grid, posterior_of([3] * grid.length))]
    assert np.floor(np.array(times) + 1e-9).tolist() == list(range(10))
    assert all(time - second < 1 / fps for second, time in enumerate(times))


def test_no_frames_give_no_rows():
    assert list(track_rows("a", TimeGrid(30.0, 0.0, 0), np.zeros((0, 24)))) == []
    assert list(plot_rows([("a", TimeGrid(30.0, 0.0, 0), np.zeros((0, 24)))])) == []


def test_a_plot_is_bounded_in_clips_and_instants_and_leaves_out_unlikely_keys():
    grid = TimeGrid(1.0, 0.0, 3 * PLOT_INSTANTS + 1)
    clip = (grid, posterior_of([5] * grid.length, 0.8))
    rows = list(plot_rows([(f"c{number:02d}", *clip) for number in range(PLOT_CLIPS + 3)]))
    assert len({row[0] for row in rows}) == PLOT_CLIPS and {row[2] for row in rows} == {"F major", "F# major"}
    times = sorted({row[1] for row in rows})
    assert 0.7 * PLOT_INSTANTS < len(times) <= PLOT_INSTANTS and set(np.diff(times)) == {4.0}
