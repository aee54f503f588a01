"""What was gained: scores of the part that was kept apart alone, with an interval that knows how many stretches there are."""

import numpy as np
import pytest

from tivit.core.notes import empty_notes, make_notes
from tivit.finetuning.gain import STRETCH_S, gain_of

ONSETS_S = np.arange(0.0, 40.0, 0.5)
TRUTH = make_notes(ONSETS_S, ONSETS_S + 0.3, 40 + np.arange(80) % 30)


def test_the_gain_is_that_of_the_part_kept_apart():
    half = TRUTH.take(np.arange(80) % 2 == 0)
    gain = gain_of(TRUTH, half, TRUTH, 20.0)
    assert (gain.before, gain.after, gain.notes) == (pytest.approx(2 * 20 / 60), 1.0, 40)
    assert gain.low == gain.high == pytest.approx(gain.gained)  # every stretch gains the same
    assert gain_of(TRUTH, TRUTH.take(TRUTH.onset_s < 20.0), TRUTH, 20.0).before == 0.0
    assert gain_of(TRUTH, empty_notes(), empty_notes(), 20.0).gained == 0.0


def test_the_interval_holds_the_gain_and_none_where_a_single_stretch_differs():
    missed = TRUTH.take((TRUTH.onset_s < 20.0) | (TRUTH.onset_s >= 20.0 + STRETCH_S))
    gain = gain_of(TRUTH, missed, TRUTH, 20.0)
    assert gain.low == 0.0 < gain.gained < gain.high
    assert "the interval holds 0" in gain.sentence() and f"{gain.after:.3f} after" in gain.sentence()
    assert gain_of(TRUTH, TRUTH, missed, 20.0).gained == -gain.gained


def test_an_invented_note_costs():
    extra = make_notes(np.append(TRUTH.onset_s, 30.2), np.append(TRUTH.offset_s, 30.4), np.append(TRUTH.midi, 90))
    assert gain_of(TRUTH, extra, TRUTH, 20.0).gained == pytest.approx(1.0 - 80 / 81)
