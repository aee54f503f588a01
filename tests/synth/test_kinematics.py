"""Key depths: where a stroke stands at its MIDI onset, how it ends, what repeats look like."""

import numpy as np
import pytest

from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.synth.kinematics import ONSET_DEPTH, RELEASE_FRACTION, key_depths

TIMES_S = TimeGrid(240.0, 0.0, 480).times_s()
FULL = (1.0, 1.0)


def depths(onset_s, offset_s, midi, velocity=None, seed=0, travel=FULL, times_s=TIMES_S):
    notes = make_notes(np.array(onset_s), np.array(offset_s), np.array(midi), velocity)
    return key_depths(np.random.default_rng(seed), notes, times_s, travel)


def test_no_notes_no_motion():
    assert not depths([], [], np.zeros(0, int)).any()


def test_only_the_played_key_moves():
    depth = depths([0.5], [1.0], [60])
    assert depth.shape == (480, 88)
    assert set(np.flatnonzero(depth.any(0))) == {39}


@pytest.mark.parametrize("seed", range(8))
def test_depth_at_onset_and_offset_lies_in_the_stated_range(seed):
    column = depths([0.5], [1.0], [60], seed=seed, times_s=np.array([0.2, 0.5, 0.75, 1.0, 1.4]))[:, 39]
    assert column[0] == 0 and column[2] == 1 and column[4] == 0
    assert ONSET_DEPTH[0] - 0.2 <= column[1] <= 1.0
    assert RELEASE_FRACTION[0] - 1e-6 <= column[3] <= RELEASE_FRACTION[1] + 1e-6


def test_loud_strokes_are_faster():
    soft = depths([0.5], [1.5], [60], np.array([20]))[:, 39]
    loud = depths([0.5], [1.5], [60], np.array([120]))[:, 39]
    moving = [int(((d > 0.02) & (d < 0.98) & (TIMES_S < 0.9)).sum()) for d in (soft, loud)]
    assert moving[0] > 2 * moving[1]


def test_shallow_presses_stay_within_the_travel():
    assert depths([0.5], [1.5], [60], travel=(0.6, 0.6)).max() == pytest.approx(0.6)


def test_a_fast_repeat_lifts_the_key_between():
    column = depths([0.5, 0.62], [0.58, 0.75], [60, 60])[:, 39]
    between = column[(TIMES_S > 0.55) & (TIMES_S < 0.64)]
    assert between.min() < 0.6
