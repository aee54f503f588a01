"""The sampler of windows: kinds by hand, realised shares, what happens where a kind is missing."""

import logging
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from params_cases import section_with

from tivit.core.errors import InputError
from tivit.training.params import TrainParams
from tivit.training.sampler import (
    BACKGROUND,
    KINDS,
    NEAR_MISS,
    ONSET,
    SamplerParams,
    balanced,
    clip_chances,
    make_sampler,
    window_kinds,
)

BALANCED = SamplerParams("onset_balanced", 0.5, 0.25, 0.25, 6)
UNIFORM = replace(BALANCED, mode="uniform")
NOT_OWN = np.zeros(2, bool)
SPARSE = [np.array([100.0]), np.array([30.0, 260.0])]
LENGTHS = [200, 300]


def kinds_by_definition(onsets, length, window, radius):
    """Return the kinds as the module's docstring words them."""
    places = [int(np.floor(onset + 0.5)) for onset in onsets]
    kinds = []
    for start in range(length - window + 1):
        last = start + window - 1
        if any(start <= place <= last for place in places):
            kinds.append(ONSET)
        else:
            near = any(start - radius <= place < start or last < place <= last + radius for place in places)
            kinds.append(NEAR_MISS if near else BACKGROUND)
    return kinds


def draw(sampler, rng, count):
    """Return `count` windows as (clip, first frame)."""
    return [(int(clip), sampler.first(rng, clip)) for clip in sampler.clips(rng, count)]


def drawn_kinds(sampler, count, window, radius, seed=0):
    drawn = draw(sampler, np.random.default_rng(seed), count)
    by_clip = [window_kinds(onsets, length, window, radius) for onsets, length in zip(SPARSE, LENGTHS, strict=True)]
    return np.array([by_clip[clip][first] for clip, first in drawn])


def test_kinds_of_a_hand_made_clip():
    kinds = window_kinds(np.array([5.0]), 12, 3, 2)
    assert kinds.tolist() == [2, 1, 1, 0, 0, 0, 1, 1, 2, 2]


def test_an_onset_between_frames_counts_at_the_nearest():
    early, late = (window_kinds(np.array([place]), 12, 3, 0) for place in (5.4, 5.6))
    assert np.flatnonzero(early == ONSET).tolist() == [3, 4, 5]
    assert np.flatnonzero(late == ONSET).tolist() == [4, 5, 6]


def test_onsets_outside_the_clip_are_near_misses_at_most():
    assert window_kinds(np.array([-2.0, 13.0, 900.0, -900.0]), 12, 3, 2).tolist() == [1] + [2] * 8 + [1]


@given(
    st.lists(st.floats(-20, 80), max_size=6), st.integers(1, 60), st.integers(1, 20), st.integers(0, 10)
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_kinds_are_as_defined(onsets, length, window, radius):
    kinds = window_kinds(np.array(onsets), length, window, radius)
    assert kinds.tolist() == kinds_by_definition(onsets, length, window, radius)


@given(
    st.tuples(st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.01, 1)),
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=60),
)
@settings(max_examples=200, deadline=None)
def test_shares_are_as_asked_and_missing_kinds_leave_theirs_to_the_others(fractions, kinds):
    fractions, kinds = np.array(fractions) / sum(fractions), np.array(kinds)
    chance = balanced(kinds, fractions)
    if ONSET not in kinds:
        assert chance is None
        return
    present = np.isin(KINDS, kinds)
    realised = np.bincount(kinds, minlength=len(KINDS)) * chance
    assert np.allclose(realised, np.where(present, fractions, 0) / fractions[present].sum())


@pytest.mark.parametrize("fractions", [(0.5, 0.25, 0.25), (0.2, 0.7, 0.1), (1.0, 0.0, 0.0)])
def test_drawn_windows_have_the_shares_asked_for(fractions):
    params = SamplerParams("onset_balanced", *fractions, 6)
    sampler = make_sampler(SPARSE, LENGTHS, 32, params, NOT_OWN, 0.3)
    kinds = drawn_kinds(sampler, 20000, 32, 6)
    realised = np.bincount(kinds, minlength=len(KINDS)) / len(kinds)
    assert np.abs(realised - fractions).max() < 0.015
    np.testing.assert_allclose(sampler.shares, fractions)


def test_uniform_draws_every_window_as_often():
    sampler = make_sampler(SPARSE, LENGTHS, 32, UNIFORM, NOT_OWN, 0.3)
    np.testing.assert_array_equal(sampler.chance, np.array([169, 269]) / (169 + 269))
    assert sampler.within == (None, None)
    kinds = drawn_kinds(sampler, 20000, 32, 6)
    share = np.mean(np.concatenate([window_kinds(o, n, 32, 6) for o, n in zip(SPARSE, LENGTHS, strict=True)]) == ONSET)
    assert abs(np.mean(kinds == ONSET) - share) < 0.015
    assert sampler.shares[ONSET] == pytest.approx(share) and sampler.shares.sum() == pytest.approx(1)


def test_every_window_drawn_lies_in_its_clip():
    sampler = make_sampler([*SPARSE, np.zeros(0)], [*LENGTHS, 32], 32, BALANCED, np.zeros(3, bool), 0.3)
    drawn = np.array(draw(sampler, np.random.default_rng(1), 5000))
    assert set(drawn[:, 0]) == {0, 1, 2}
    assert (drawn[:, 1] >= 0).all() and (drawn[:, 1] <= np.array([*LENGTHS, 32])[drawn[:, 0]] - 32).all()


@pytest.mark.parametrize("params", [UNIFORM, BALANCED])
def test_a_clip_shorter_than_a_window_is_never_drawn(params):
    sampler = make_sampler([np.array([3.0]), *SPARSE], [31, *LENGTHS], 32, params, np.zeros(3, bool), 0.3)
    without = make_sampler(SPARSE, LENGTHS, 32, params, NOT_OWN, 0.3)
    assert sampler.chance[0] == 0.0
    np.testing.assert_array_equal(sampler.chance[1:], without.chance)
    np.testing.assert_allclose(sampler.shares, without.shares)


def test_the_same_generator_draws_the_same():
    sampler = make_sampler(SPARSE, LENGTHS, 32, BALANCED, NOT_OWN, 0.3)
    first, again, other = (draw(sampler, np.random.default_rng(seed), 50) for seed in (4, 4, 5))
    assert first == again != other


def test_own_clips_keep_their_share_and_are_balanced_too():
    sampler = make_sampler(SPARSE, LENGTHS, 32, BALANCED, np.array([False, True]), 0.3)
    np.testing.assert_allclose(sampler.chance, [0.7, 0.3])
    np.testing.assert_allclose(sampler.shares, BALANCED.shares)
    for sums, onsets, length in zip(sampler.within, SPARSE, LENGTHS, strict=True):
        kinds = window_kinds(onsets, length, 32, 6)
        np.testing.assert_allclose(np.bincount(kinds, np.diff(sums, prepend=0.0)) / sums[-1], BALANCED.shares)


def test_own_clips_have_their_share_of_the_windows():
    room, is_own = np.array([10.0, 30.0, 5.0, 15.0]), np.array([False, False, True, True])
    np.testing.assert_allclose(clip_chances(room, is_own, 0.5), [0.125, 0.375, 0.125, 0.375])
    np.testing.assert_allclose(clip_chances(room, is_own, 0.2), [0.2, 0.6, 0.05, 0.15])
    assert clip_chances(room, is_own, 0.0)[2:].sum() == clip_chances(room, is_own, 1.0)[:2].sum() == 0.0
    for of_one_kind in (np.zeros(4, bool), np.ones(4, bool)):
        np.testing.assert_array_equal(clip_chances(room, of_one_kind, 0.9), room / room.sum())


@pytest.mark.parametrize("params", [BALANCED, replace(BALANCED, onset_share=0.0, background_share=0.75)])
def test_a_set_without_onsets_is_drawn_uniformly_and_says_so(params, caplog):
    with caplog.at_level(logging.WARNING):
        sampler = make_sampler([np.zeros(0)] * 2, LENGTHS, 32, params, NOT_OWN, 0.3)
    np.testing.assert_array_equal(sampler.chance, np.array([169, 269]) / 438)
    assert sampler.within == (None, None)
    assert "438 windows cannot be balanced by onsets (0 of them have one): drawn uniformly" in caplog.text


def test_a_balanced_set_says_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        make_sampler(SPARSE, LENGTHS, 32, BALANCED, NOT_OWN, 0.3)
    assert caplog.text == ""


def test_windows_of_kinds_whose_share_is_zero_are_drawn_uniformly():
    full = [np.arange(200.0)]
    params = SamplerParams("onset_balanced", 0.0, 0.5, 0.5, 6)
    assert make_sampler(full, [200], 32, params, np.zeros(1, bool), 0.3).within == (None,)


def test_uniform_draws_are_those_of_a_clip_by_its_windows_then_a_window():
    """What a trained model depends on, byte for byte."""
    sampler = make_sampler(SPARSE, LENGTHS, 32, UNIFORM, NOT_OWN, 0.3)
    rng, same = np.random.default_rng(7), np.random.default_rng(7)
    room = np.array([169.0, 269.0])
    for _ in range(50):
        clips = sampler.clips(rng, 2)
        assert clips.tolist() == same.choice(2, size=2, p=room / room.sum()).tolist()
        assert [sampler.first(rng, clip) for clip in clips] == [int(same.integers(0, int(room[clip]))) for clip in clips]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("onset_share", 0.6, ": onset_share, nearmiss_share and background_share sum to 1.1; they must sum to 1"),
        ("background_share", -0.1, ".background_share: -0.1 is outside 0..1"),
        ("mode", "balanced", ".mode: 'balanced' is not one of onset_balanced, uniform"),
        ("nearmiss_radius", -1, ".nearmiss_radius: -1 is outside 0..1000"),
    ],
)
def test_bad_parameters_are_refused(name, value, message):
    with pytest.raises(InputError, match=re.escape(f"params: train.sampler{message}")):
        section_with(TrainParams, f"train.sampler.{name}", value)
