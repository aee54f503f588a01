"""Timing of found notes: bias and spread by hand, what counts, and the histogram's edges."""

import numpy as np
import pytest

from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.scoring.scores import score_clip
from tivit.scoring.timing import HISTOGRAM_COLUMNS, Timing, histogram_rows, timing_values

GRID = TimeGrid(30.0, 0.0, 301)


def timing(onset_ms, offset_ms=()):
    return Timing(np.array(onset_ms) / 1000, np.array(offset_ms) / 1000)


def test_bias_is_the_median_and_spread_the_distance_of_the_quartiles():
    values = timing_values([timing([0.0, 10.0, 20.0], [-5.0] * 3), timing([30.0, 40.0], [-5.0, 1000.0])])
    assert values == pytest.approx(
        {"onset_late_ms": 20.0, "onset_spread_ms": 20.0, "offset_late_ms": -5.0, "offset_spread_ms": 0.0}
    )


def test_only_notes_that_were_found_count():
    reference = make_notes([1.0, 2.0], [1.5, 2.5], [60, 62])
    estimate = make_notes([1.01, 2.2], [1.7, 2.5], [60, 62])
    values = timing_values([score_clip(reference, estimate, GRID).timing])
    assert values["onset_late_ms"] == pytest.approx(10.0) and values["offset_late_ms"] == pytest.approx(200.0)
    assert timing_values([timing([])]) == timing_values([]) == {}


def test_the_histogram_counts_every_note_and_gathers_what_is_far_at_its_ends():
    rows = np.array(histogram_rows([timing([-50.0, 0.0, 2.4, 50.0], [-900.0, 0.0, 4.9, 900.0]), timing([5.0], [5.0])]))
    late_ms, onsets, offsets = rows.T
    assert len(HISTOGRAM_COLUMNS) == 3 and late_ms[0] == -97.5 and late_ms[-1] == 97.5 and np.allclose(np.diff(late_ms), 5.0)
    assert onsets.sum() == offsets.sum() == 5
    assert dict(zip(late_ms[onsets > 0], onsets[onsets > 0], strict=True)) == {-47.5: 1, 2.5: 2, 7.5: 1, 52.5: 1}
    assert offsets[0] == offsets[-1] == 1
    assert np.array(histogram_rows([]))[:, 1:].sum() == 0
