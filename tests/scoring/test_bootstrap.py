"""Bootstrap intervals: known cases, coverage of a known mean, missing values, and the same figures every time."""

import numpy as np
import pytest

from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.scoring.bootstrap import mean_intervals
from tivit.scoring.scores import score_clip, summary_by_tier


def test_values_that_agree_have_no_width_and_one_clip_has_no_interval():
    np.testing.assert_allclose(mean_intervals(np.full((5, 2), 0.75)), 0.75)
    assert np.isnan(mean_intervals(np.array([[0.5, 0.6]]))).all()
    assert mean_intervals(np.zeros((0, 3))).shape == (2, 3)


def test_two_clips_span_from_one_to_the_other():
    np.testing.assert_allclose(mean_intervals(np.array([[0.0], [1.0]]))[:, 0], [0.0, 1.0])


def test_the_interval_is_that_of_the_normal_law_for_many_clips():
    values = np.random.default_rng(0).normal(0.5, 0.1, (400, 1))
    half = 1.96 * values.std() / np.sqrt(400)
    np.testing.assert_allclose(mean_intervals(values)[:, 0], values.mean() + np.array([-half, half]), atol=0.1 * half)


def test_it_holds_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    ends = mean_intervals(rng.uniform(0.0, 1.0, (40, 300)))
    assert 0.89 < ((ends[0] <= 0.5) & (ends[1] >= 0.5)).mean() < 0.98


def test_a_metric_that_few_clips_have_uses_these_alone():
    values = np.array([[0.1, np.nan, np.nan], [0.3, 0.8, np.nan], [0.5, 0.8, 0.4]])
    ends = mean_intervals(values)
    np.testing.assert_allclose(ends[:, 1], 0.8)
    assert np.isnan(ends[:, 2]).all() and 0.1 <= ends[0, 0] < ends[1, 0] <= 0.5
    np.testing.assert_array_equal(ends, mean_intervals(values))


def test_blocks_give_the_interval_around_the_mean_of_their_clips():
    notes, grid = make_notes([1.0, 2.0], [1.5, 2.5], [60, 62]), TimeGrid(30.0, 0.0, 100)
    scores = {f"{i}": score_clip(notes, notes.take(np.arange(2) <= i % 2), grid) for i in range(6)}
    blocks = summary_by_tier(scores, {name: "plain" if name == "0" else "hard" for name in scores})
    block = blocks["hard"]
    assert block["onset_r_50_low"] < block["onset_r_50"] < block["onset_r_50_high"]
    assert block["onset_p_50_low"] == pytest.approx(1.0) and block["onset_p_50_high"] == pytest.approx(1.0)
    assert not any(name.endswith(("_low", "_high")) for name in blocks["plain"])
