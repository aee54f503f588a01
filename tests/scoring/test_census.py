"""The census: each class by hand, its limits, the order of classes, and sums that hold for any notes."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tivit.core.notes import empty_notes, make_notes
from tivit.core.timegrid import TimeGrid
from tivit.scoring.census import CLASSES, Census, census_of, census_values
from tivit.scoring.report import census_table
from tivit.scoring.scores import score_clip, summary_by_tier

GRID = TimeGrid(30.0, 0.0, 301)
NOTHING = Census(0, 0, 0, 0, 0)
STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(50, 75)), max_size=20, unique=True)


def notes_of(*rows):
    """Return notes of 20 ms from (onset in s, MIDI number)."""
    onset_s, midi = (np.array(column) for column in zip(*rows, strict=True))
    return make_notes(onset_s, onset_s + 0.02, midi)


def census(reference, estimate):
    return score_clip(reference, estimate, GRID).census


@pytest.mark.parametrize(
    ("late_s", "semitones", "expected"),
    [
        (0.0, 0, {}),
        (0.05, 0, {}),
        (0.06, 0, {"timing": 1}),
        (-0.2, 0, {"timing": 1}),
        (0.20004, 0, {"timing": 1}),
        (0.2001, 0, {"missed": 1, "invented": 1}),
        (0.0, 12, {"octave": 1}),
        (0.05, -12, {"octave": 1}),
        (0.0501, 12, {"missed": 1, "invented": 1}),
        (0.0, 24, {"missed": 1, "invented": 1}),
        (0.0, 1, {"neighbour": 1}),
        (-0.05, -2, {"neighbour": 1}),
        (0.0501, 1, {"missed": 1, "invented": 1}),
        (0.0, 3, {"missed": 1, "invented": 1}),
    ],
)
def test_each_class_and_its_limits(late_s, semitones, expected):
    found = census(notes_of((1.0, 60)), notes_of((1.0 + late_s, 60 + semitones)))
    assert found == replace(NOTHING, **expected)


def test_an_empty_side_leaves_missed_or_invented_notes():
    notes = notes_of((1.0, 60), (1.0, 72), (1.0, 61))
    assert census(notes, empty_notes()) == replace(NOTHING, missed=3)
    assert census(empty_notes(), notes) == replace(NOTHING, invented=3)
    assert census(empty_notes(), empty_notes()) == NOTHING


def test_a_note_explains_one_error_and_earlier_classes_go_first():
    late, octave = (1.1, 60), (1.0, 72)
    assert census(notes_of((1.0, 60)), notes_of(late, octave)) == replace(NOTHING, timing=1, invented=1)
    assert census(notes_of((1.0, 60)), notes_of(octave, (1.0, 61))) == replace(NOTHING, octave=1, invented=1)


def test_as_many_errors_as_possible_are_explained():
    reference, estimate = notes_of((1.0, 60), (1.0, 62)), notes_of((1.0, 61), (1.0, 63))
    assert census(reference, estimate) == replace(NOTHING, neighbour=2)


@given(STEPS, STEPS)
@settings(max_examples=200, deadline=None)
def test_every_missed_and_invented_note_counts_once(reference, estimate):
    sides = [
        notes_of(*((0.05 * step, midi) for step, midi in rows)) if rows else empty_notes() for rows in (reference, estimate)
    ]
    score = score_clip(*sides, GRID)
    pairs, found = len(score.pairs), score.census
    in_pairs = found.timing + found.octave + found.neighbour
    assert in_pairs + found.missed == len(sides[0]) - pairs and in_pairs + found.invented == len(sides[1]) - pairs
    assert census_of(*sides, score.pairs) == found and min(astuple(found)) >= 0


def test_counts_and_shares_of_several_clips():
    values = census_values([Census(1, 0, 0, 2, 0), Census(0, 1, 0, 0, 0)])
    assert [values[f"errors_{name}"] for name in CLASSES] == [1, 1, 0, 2, 0]
    assert [values[f"share_{name}"] for name in CLASSES] == [0.25, 0.25, 0.0, 0.5, 0.0]
    assert census_values([NOTHING]) == census_values([]) == {f"errors_{name}": 0 for name in CLASSES}


def test_the_table_has_a_row_per_class_and_a_column_per_tier():
    scores = {
        "a": score_clip(notes_of((1.0, 60)), notes_of((1.0, 61)), GRID),
        "b": score_clip(notes_of((1.0, 60)), notes_of((1.0, 60)), GRID),
    }
    header, rows = census_table(summary_by_tier(scores, {"a": "hard", "b": "plain"}))
    assert header == ["error", "count", "share", "count_hard", "count_plain"]
    assert [row[0] for row in rows] == list(CLASSES) and rows[2] == ["neighbour", 1, 1.0, 1, 0]
