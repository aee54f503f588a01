"""Grids of thresholds: the values of each kind, refining, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivit.core.errors import InputError
from tivit.core.params import section
from tivit.sweeping.grids import check_grid, refined, values_of

NOTHING = np.zeros(0)


def test_a_number_is_fixed_and_a_list_is_taken_as_it_is():
    assert values_of(0.4, NOTHING) == (0.4,)
    assert values_of((0.7, 0.1, 0.7), NOTHING) == (0.1, 0.7)


def test_probabilities_are_evenly_spaced_with_both_ends():
    assert values_of(("probability", 0.1, 0.5, 5.0), NOTHING) == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert values_of(("probability", 0.3, 0.9, 1.0), NOTHING) == (0.3,)


def test_logits_are_evenly_spaced_as_far_as_the_step_goes():
    found = values_of(("logit", -2.0, 1.1, 1.0), NOTHING)
    assert found == tuple(round(1 / (1 + float(np.exp(-z))), 6) for z in (-2.0, -1.0, 0.0, 1.0))
    assert len(values_of(("logit", -4.0, 2.0, 0.05), NOTHING)) == 121


def test_quantiles_are_those_of_the_head():
    found = values_of(("quantile", 0.0, 0.5, 1.0), np.array([0.2, 0.1, 0.9, 0.4, 0.3]))
    assert found == (0.1, 0.3, 0.9)
    assert values_of(("quantile", 0.5), NOTHING) == (0.0,)


def test_refining_halves_the_way_to_the_neighbours_inside_the_grid():
    assert refined((0.1, 0.3, 0.5), (0.3,)) == (0.2, 0.3, 0.4)
    assert refined((0.1, 0.3, 0.5), (0.1,)) == (0.1, 0.2)
    assert refined((0.1, 0.3, 0.5), (0.1, 0.5)) == (0.1, 0.2, 0.4, 0.5)
    assert refined((0.4,), (0.4,)) == (0.4,)


@given(st.sets(st.integers(0, 1000), min_size=1, max_size=20), st.data())
def test_what_was_chosen_stays_and_nothing_leaves_the_range_of_the_grid(steps, data):
    values = tuple(step / 1000 for step in sorted(steps))
    chosen = data.draw(st.sampled_from(values))
    found = refined(values, (chosen,))
    assert chosen in found and list(found) == sorted(set(found)) and values[0] <= found[0] <= found[-1] <= values[-1]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ((), "is empty: give at least one probability"),
        (1.5, "1.5 is outside 0..1"),
        ((0.5, "logit"), "'logit' is not a number; a kind of grid .* stands first in its list"),
        (("logit", 0.0, "quantile", 0.0), "'quantile' is not a number"),
        (("logits", 0.0, 1.0, 0.5), r"'logits' is not one of logit, probability, quantile \(did you mean 'logit'\?\)"),
        (("logit", 0.0, 1.0), "0, 1 is not low, high, step"),
        (("logit", 1.0, 0.0, 0.5), "low <= high"),
        (("logit", 0.0, 1.0, 0.0), "a step above 0"),
        (("logit", 0.0, 1.0, float("nan")), "a step above 0"),
        (("logit", -40.0, 1.0, 0.1), "-40.0 is outside -30..30"),
        (("logit", 0.0, 1.0, 1e-9), "a step above 0"),
        (("probability", 0.1, 0.9), "is not low, high, n"),
        (("probability", 0.1, 0.9, 0.0), "with n from 1 to 10000"),
        (("probability", 0.1, 0.9, 2.5), "with n from 1 to 10000"),
        (("probability", 0.9, 0.1, 3.0), "low 0.9 is above high 0.1"),
        (("probability", 0.1, 1.9, 3.0), "1.9 is outside 0..1"),
        (("quantile",), "is empty: give at least one share"),
        (("quantile", 0.5, 99.0), "99.0 is outside 0..1"),
    ],
)
def test_a_grid_that_makes_no_sense_is_named(grid, message):
    with pytest.raises(InputError, match=f"sweep.onset_thresholds.*{message}"):
        check_grid("sweep.onset_thresholds", grid)


def test_every_kind_of_grid_is_read_from_params():
    from tivit.sweeping.search import SweepParams

    rules = dict(decoder="peaks", median_s=0.0, hold_weight=0.1, min_length_s=0.03, min_repeat_s=0.04, bridge_s=0.0)
    values = {
        "onset_thresholds": ["logit", -1, 1, 0.5],
        "pitch_thresholds": 0.5,
        "hold_thresholds": [0.2, 0.4],
        "offset_thresholds": ["quantile", 0.9, 1],
        **dict(
            objective="note", refine_rounds=1, per_colour=True, tie_f1=0, tie_place=0.5, remove_lag=False, lag_per_colour=False
        ),
        "calibrate": False,
        "rules": {**rules, "support_s": 0.1, "snap_s": 0.1},
    }
    params = section({"sweep": values}, "sweep", SweepParams)
    assert params.onset_thresholds == ("logit", -1.0, 1.0, 0.5) and params.pitch_thresholds == 0.5
    with pytest.raises(InputError, match="params: sweep.pitch_thresholds: 7.0 is outside 0..1"):
        section({"sweep": {**values, "pitch_thresholds": 7}}, "sweep", SweepParams)
    with pytest.raises(InputError, match="params: sweep.objective"):
        section({"sweep": {**values, "objective": "notes"}}, "sweep", SweepParams)
