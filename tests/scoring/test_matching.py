"""The fast matching against mir_eval's, on hand-made and on random notes with duplicates and ties at the tolerance."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mir_eval.transcription import match_notes, precision_recall_f1_overlap

from tivit.core.keyboard import hz_of, midi_of
from tivit.scoring.matching import Edges, maximum_matching, offset_is_near, onset_edges

TIES_S = st.integers(0, 40).map(lambda step: step * 0.025)
LENGTHS_S = st.sampled_from([0.0, 0.025, 0.05, 0.2, 0.25, 0.5, 1.0])
NOTES = st.lists(st.tuples(TIES_S, LENGTHS_S, st.integers(39, 41)), max_size=25)


def columns(notes):
    table = np.array(notes, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 0] + table[:, 1], table[:, 2].astype(np.int64)


def count_by_mir_eval(reference, estimate, tolerance_s, ratio):
    if not reference or not estimate:
        return 0
    (r_on, r_off, r_key), (e_on, e_off, e_key) = columns(reference), columns(estimate)
    least_s = 1e-9  # mir_eval refuses to compare offsets with a reference note of no length; this is rounded away
    intervals = np.stack([r_on, np.maximum(r_off, r_on + least_s)], 1), np.stack([e_on, e_off], 1)
    hz = hz_of(midi_of(r_key)), hz_of(midi_of(e_key))
    return len(match_notes(intervals[0], hz[0], intervals[1], hz[1], onset_tolerance=tolerance_s, offset_ratio=ratio))


def matched(reference, estimate, tolerance_s, ratio):
    (r_on, r_off, r_key), (e_on, e_off, e_key) = columns(reference), columns(estimate)
    edges = onset_edges(r_key, r_on, e_key, e_on, tolerance_s)
    if ratio is not None:
        edges = edges.where(offset_is_near(r_on[edges.reference], r_off[edges.reference], e_off[edges.estimate], ratio))
    return maximum_matching(edges)


def test_notes_without_length_and_twice_the_same_note_match_as_in_mir_eval():
    notes = [(1.0, 0.0, 40), (1.0, 0.0, 40), (1.05, 0.0, 40), (1.05, 0.2, 40)]
    for ratio in (None, 0.2, 0.0):
        for count in range(5):
            found = len(matched(notes, notes[:count], 0.05, ratio).reference)
            assert found == count == count_by_mir_eval(notes, notes[:count], 0.05, ratio)


@given(NOTES, NOTES, st.sampled_from([0.05, 0.1]), st.sampled_from([None, 0.2, 0.0]))
@settings(max_examples=1000, deadline=None)
def test_as_many_notes_match_as_in_mir_eval(reference, estimate, tolerance_s, ratio):
    found = matched(reference, estimate, tolerance_s, ratio)
    assert len(found.reference) == count_by_mir_eval(reference, estimate, tolerance_s, ratio)
    assert len(set(found.reference.tolist())) == len(set(found.estimate.tolist())) == len(found.reference)


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_dense_notes_in_continuous_time_match_alike(seed):
    rng = np.random.default_rng(seed)
    sides = [
        [(rng.uniform(0, 2), rng.uniform(0.03, 0.4), rng.integers(39, 42)) for _ in range(rng.integers(0, 80))]
        for _ in range(2)
    ]
    for ratio in (None, 0.2, 0.0):
        assert len(matched(*sides, 0.05, ratio).reference) == count_by_mir_eval(*sides, 0.05, ratio)


@pytest.mark.parametrize(("late_s", "expected"), [(0.05, 1), (0.05004, 1), (0.05006, 0), (0.0501, 0), (-0.05, 1)])
def test_the_tolerance_itself_matches(late_s, expected):
    assert len(matched([(1.0, 0.2, 40)], [(1.0 + late_s, 0.2, 40)], 0.05, None).reference) == expected


def test_a_matching_is_enlarged_over_a_greedy_choice():
    edges = Edges(np.array([0, 0, 1]), np.array([0, 1, 0]))
    found = maximum_matching(edges)
    assert sorted(zip(found.reference.tolist(), found.estimate.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_a_long_chain_is_matched_whole():
    count = 3000
    reference = np.repeat(np.arange(count), 2)[1:]
    estimate = np.repeat(np.arange(count), 2)[:-1]
    assert len(maximum_matching(Edges(reference, estimate)).reference) == count


def test_nothing_matches_nothing():
    assert len(matched([], [], 0.05, 0.2).reference) == 0
    assert len(matched([(0.0, 1.0, 40)], [], 0.05, 0.2).reference) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        empty = np.zeros((0, 2)), np.zeros(0)
        assert precision_recall_f1_overlap(*empty, *empty)[2] == 0.0


def test_rows_never_mix():
    assert len(onset_edges(np.array([5]), np.array([1.0]), np.array([6]), np.array([1.0]), 0.1).reference) == 0
