"""The class of every wrong note, by hand and as a whole; and intervals of means."""

import numpy as np
import pytest
from decoding_cases import random_notes, shifted

from tivit.core.notes import empty_notes, make_notes
from tivit.core.timegrid import TimeGrid
from tivit.evaluation.bootstrap import bootstrap_interval
from tivit.evaluation.census import CLASSES, census
from tivit.evaluation.scores import score_clip

GRID = TimeGrid(30.0, 0.0, 300)


def notes_of(*onsets_and_pitches):
    onset_s, midi = (np.array(column, float) for column in zip(*onsets_and_pitches, strict=True))
    return make_notes(onset_s, onset_s + 0.3, midi.astype(int))


@pytest.mark.parametrize(("reference", "estimate", "errors"), [
    ((1.0, 60), (1.0, 60), {}),
    ((1.0, 60), (1.0501, 60), {"timing": 1}),
    ((1.0, 60), (1.2, 60), {"timing": 1}),
    ((1.0, 60), (1.2002, 60), {"missed": 1, "invented": 1}),
    ((1.0, 60), (1.05, 72), {"octave": 1}),
    ((1.0, 60), (0.96, 36), {"octave": 1}),
    ((1.0, 60), (1.06, 72), {"missed": 1, "invented": 1}),
    ((1.0, 60), (1.0, 61), {"neighbour": 1}),
    ((1.0, 60), (1.0, 58), {"neighbour": 1}),
    ((1.0, 60), (1.0, 63), {"missed": 1, "invented": 1}),
])  # fmt: skip
def test_the_class_of_one_note(reference, estimate, errors):
    score = score_clip(notes_of(reference), notes_of(estimate), GRID)
    assert score.errors == {name: errors.get(name, 0) for name in CLASSES}


def test_timing_goes_before_octave_and_a_note_is_in_one_pair():
    truth, found = notes_of((1.0, 60), (1.02, 72)), notes_of((1.1, 60), (1.1, 72), (1.0, 61))
    assert score_clip(truth, found, GRID).errors == {"timing": 2, "octave": 0, "neighbour": 0, "missed": 0, "invented": 1}


@pytest.mark.parametrize("seed", range(8))
def test_every_wrong_note_is_counted_once(seed):
    rng = np.random.default_rng(seed)
    truth = random_notes(rng, 10.0, per_key=2)
    found = shifted(truth.take(rng.random(len(truth)) < 0.7), rng.uniform(-0.15, 0.15))
    score = score_clip(truth, found, GRID)
    in_pairs = sum(score.errors[name] for name in ("timing", "octave", "neighbour"))
    assert in_pairs + score.errors["missed"] == len(truth) - len(score.pairs)
    assert in_pairs + score.errors["invented"] == len(found) - len(score.pairs)


def test_a_side_without_notes():
    truth, none, pairs = notes_of((1.0, 60)), empty_notes(), np.zeros((0, 2), int)
    assert census(truth, none, pairs) == {"timing": 0, "octave": 0, "neighbour": 0, "missed": 1, "invented": 0}
    assert census(none, truth, pairs)["invented"] == 1 and sum(census(none, none, pairs).values()) == 0


def test_an_interval_holds_the_mean_and_has_the_width_of_its_standard_error():
    values = np.random.default_rng(0).normal(0.9, 0.05, 400)
    low, high = bootstrap_interval(values)
    standard_error = values.std() / np.sqrt(len(values))
    assert (high - low) / (2 * 1.96 * standard_error) == pytest.approx(1.0, abs=0.1)
    assert low < values.mean() < high and bootstrap_interval(values) == (low, high)
    assert bootstrap_interval([0.7]) == pytest.approx((0.7, 0.7))
