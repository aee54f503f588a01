"""Counts at operating points against mir_eval, on random notes with duplicates, ties at the tolerance and zero lengths."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import random_notes
from hypothesis import given, settings
from hypothesis import strategies as st
from mir_eval.transcription import match_notes

from tivit.core.keyboard import BLACK_KEYS, IS_BLACK, KEY_COUNT, hz_of, key_of, midi_of
from tivit.core.notes import Notes, make_notes
from tivit.core.rolls import roll
from tivit.core.timegrid import TimeGrid
from tivit.scoring.matching import onset_edges
from tivit.sweeping.counting import OnsetCounter, frame_counts, note_counts, truth_of


def onset_counts(truth, edges, row, chosen):
    is_chosen = np.zeros(len(row), bool)
    is_chosen[chosen] = True
    return OnsetCounter(truth, edges, row).counts(is_chosen)


GRIDS = (TimeGrid(30.0, 0.0, 40), TimeGrid(25.0, 0.5, 60))
TIMES_S = st.integers(0, 40).map(lambda step: step * 0.025)
LENGTHS_S = st.sampled_from([0.0, 0.025, 0.05, 0.2, 0.25, 1.0])
SIDE = st.lists(st.tuples(st.integers(0, 1), TIMES_S, LENGTHS_S, st.integers(38, 41)), max_size=25)
LOGITS = st.lists(st.integers(0, 3), min_size=25, max_size=25)


def columns(side):
    """Return clip, onset (s), offset (s) and key of (clip, onset, length, key) tuples."""
    table = np.array(side, np.float64).reshape(-1, 4)
    return table[:, 0].astype(int), table[:, 1], table[:, 1] + table[:, 2], table[:, 3].astype(int)


def notes_of(side):
    """Return the notes of each clip, unchecked: zero lengths, overlaps and duplicates are wanted here."""
    clip, onset_s, offset_s, key = columns(side)
    unknown = np.full(len(clip), -1)
    every = Notes(onset_s, offset_s, midi_of(key), unknown, unknown, unknown)
    return [every.take(clip == number) for number in range(len(GRIDS))]


def by_mir_eval(reference, estimate, offset_ratio):
    if not len(reference) or not len(estimate):
        return 0
    least_s = 1e-9  # mir_eval refuses to compare offsets with a reference note of no length; this is rounded away
    sides = [
        (np.stack([side.onset_s, np.maximum(side.offset_s, side.onset_s + least_s)], 1), hz_of(side.midi))
        for side in (reference, estimate)
    ]
    return len(match_notes(*sides[0], *sides[1], onset_tolerance=0.05, offset_ratio=offset_ratio))


@given(SIDE, SIDE, LOGITS)
@settings(max_examples=200, deadline=None)
def test_every_operating_point_matches_as_many_notes_as_mir_eval(reference, estimate, logits):
    references = notes_of(reference)
    truth = truth_of(references, GRIDS)
    clip, onset_s, offset_s, key = columns(estimate)
    row = clip * KEY_COUNT + key
    edges = onset_edges(truth.row, truth.onset_s, row, onset_s, 0.05)
    for level in range(4):
        chosen = np.flatnonzero(np.array(logits[: len(row)], int) >= level)
        kept = notes_of([estimate[i] for i in chosen])
        onsets = onset_counts(truth, edges, row, chosen)
        near = onset_edges(truth.row, truth.onset_s, row[chosen], onset_s[chosen], 0.05)
        notes = note_counts(truth, near, row[chosen], offset_s[chosen])
        for counts, ratio in ((onsets, None), (notes, 0.2)):
            expected = [by_mir_eval(*pair, ratio) for pair in zip(references, kept, strict=True)]
            assert counts.matched.sum(axis=1).tolist() == expected
            assert counts.estimated.sum(axis=1).tolist() == [len(side) for side in kept]
            assert counts.true.sum(axis=1).tolist() == [len(side) for side in references]


@given(SIDE, SIDE)
@settings(max_examples=100, deadline=None)
def test_what_white_and_black_keys_count_is_counted_apart(reference, estimate):
    truth = truth_of(notes_of(reference), GRIDS)
    clip, onset_s, _, key = columns(estimate)
    row = clip * KEY_COUNT + key
    edges = onset_edges(truth.row, truth.onset_s, row, onset_s, 0.05)
    every = onset_counts(truth, edges, row, np.arange(len(row)))
    for colour in (0, 1):
        own = onset_counts(truth, edges, row, np.flatnonzero(IS_BLACK[key] == colour))
        assert own.matched[:, colour].tolist() == every.matched[:, colour].tolist()
        assert own.estimated[:, 1 - colour].sum() == 0
        other = onset_counts(truth, edges, row, np.flatnonzero(IS_BLACK[key] != colour))
        pair = (own, other) if colour == 0 else (other, own)
        assert pair[0].mixed(pair[1]).scores() == every.scores()


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_frames_are_those_of_the_rolls(seed):
    rng = np.random.default_rng(seed)
    sides = [[replace_start(random_notes(rng, 1.6), grid) for grid in GRIDS] for _ in range(2)]
    truth = truth_of(sides[0], GRIDS)
    row = np.concatenate([number * KEY_COUNT + key_of(notes.midi) for number, notes in enumerate(sides[1])])
    times_s = [np.concatenate([getattr(notes, name) for notes in sides[1]]) for name in ("onset_s", "offset_s")]
    counts = frame_counts(truth, row, *times_s)
    true, found = ([roll(notes, grid) for notes, grid in zip(side, GRIDS, strict=True)] for side in sides)
    assert counts.matched.sum(axis=1).tolist() == [(a & b).sum() for a, b in zip(true, found, strict=True)]
    assert counts.estimated.sum(axis=1).tolist() == [rows.sum() for rows in found]
    assert counts.true[:, 1].tolist() == [rows[:, BLACK_KEYS].sum() for rows in true]


def replace_start(notes, grid):
    return replace(notes, onset_s=notes.onset_s + grid.start_s, offset_s=notes.offset_s + grid.start_s)


def test_an_empty_side_scores_nothing():
    notes = make_notes([0.1], [0.2], [60])
    truth = truth_of([notes, notes.take(np.zeros(0, int))], GRIDS)
    none = np.zeros(0, int)
    edges = onset_edges(truth.row, truth.onset_s, none, np.zeros(0), 0.05)
    assert onset_counts(truth, edges, none, none).scores() == (0.0, 0.0, 0.0)
    row = np.array([key_of(60)])
    edges = onset_edges(truth.row, truth.onset_s, row, np.array([0.15]), 0.05)
    assert onset_counts(truth, edges, row, np.array([0])).scores() == pytest.approx((0.5, 0.5, 0.5))
