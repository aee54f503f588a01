"""Sizes of matchings of subsets: the same as matching each subset anew, whatever the groups look like."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tivit.scoring.matching import Edges, maximum_matching
from tivit.sweeping.subsets import MOST_ESTIMATES, SubsetMatching

PAIRS = st.sets(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=40)


def check(pairs, subsets, estimates):
    reference, estimate = (np.array([pair[i] for pair in sorted(pairs)], np.int64) for i in (0, 1))
    edges = Edges(reference, estimate)
    matching = SubsetMatching(edges, np.zeros(max(reference, default=0) + 1, np.int64), 1)
    for is_chosen in subsets:
        assert matching.counts(is_chosen).tolist() == [len(maximum_matching(edges.where(is_chosen[estimate])).reference)]
    assert matching.counts(np.zeros(estimates, bool)).tolist() == [0]


@given(PAIRS, st.integers(0, 1000))
@settings(max_examples=300, deadline=None)
def test_as_many_as_when_matched_anew(pairs, seed):
    rng = np.random.default_rng(seed)
    check(pairs, [rng.random(15) < share for share in (0.2, 0.5, 0.8, 1.1)], 15)


def test_groups_too_large_for_a_table_count_too():
    count = 4 * MOST_ESTIMATES
    chain = {(i, j) for i in range(count) for j in (i - 1, i) if j >= 0} | {(100, 100), (101, 100)}
    rng = np.random.default_rng(1)
    check(chain, [rng.random(101) < share for share in (0.3, 0.6, 1.1)], 101)


def test_matches_are_counted_in_the_cell_of_their_reference():
    edges = Edges(np.array([0, 1, 2]), np.array([0, 0, 3]))
    matching = SubsetMatching(edges, np.array([1, 1, 2]), 4)
    assert matching.counts(np.array([True, True, True, True])).tolist() == [0, 1, 1, 0]
    assert matching.counts(np.array([True, False, False, False])).tolist() == [0, 1, 0, 0]
