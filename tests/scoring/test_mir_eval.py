"""Scores equal mir_eval's, pitches in Hz: on random notes with every kind of tie, and on MIDI files, real ones too.

mir_eval refuses reference notes without length where offsets count; for it they last a nanosecond.
"""

import numpy as np
import pytest
from decoding_cases import random_notes
from hypothesis import given, settings
from hypothesis import strategies as st
from mir_eval import transcription, transcription_velocity
from mir_eval.util import f_measure
from real_clips import FOLDER, IS_GIVEN

from tivit.core.heads import UNKNOWN
from tivit.core.keyboard import hz_of
from tivit.core.notes import Notes, write_midi
from tivit.core.timegrid import TimeGrid
from tivit.scoring.note_files import read_scored_notes
from tivit.scoring.scores import F1_NAMES, RULES, SIDES, VELOCITY_F1_NAMES, VELOCITY_RULES, match, score_clip

GRID = TimeGrid(30.0, 0.0, 31)
REAL = sorted(FOLDER.glob("*.mid")) if IS_GIVEN else []
EXACT = st.integers(0, 40).map(lambda step: step * 0.025)
ANY = st.floats(0.0, 1.0, width=32)
LENGTHS_S = st.sampled_from([0.0, 0.025, 0.05, 0.2, 0.25, 0.5, 1.0])


def notes_of(rows):
    """Return notes from (onset in s, length in s, MIDI number, velocity), whatever they are: none is refused or cut."""
    table = np.array(sorted(rows, key=lambda row: (row[0], row[2])), np.float64).reshape(-1, 4)
    midi, velocity = table[:, 2:].astype(np.int16).T
    unknown = np.full(len(table), UNKNOWN, np.int16)
    return Notes(table[:, 0], table[:, 0] + table[:, 1], midi, velocity, unknown, unknown)


def some_notes(times_s):
    """Return notes of three keys: crowded, equal, zero-length and at exactly the tolerance from one another."""
    row = st.tuples(times_s, LENGTHS_S, st.sampled_from([60, 61, 72]), st.integers(1, 127))
    return st.lists(row, max_size=25).map(notes_of)


def intervals(notes):
    return np.stack([notes.onset_s, np.maximum(notes.offset_s, notes.onset_s + 1e-9)], axis=1)


def assert_equal_to_mir_eval(reference, estimate):
    """Compare all counts with mir_eval's matching, all precisions, recalls and F1 with what mir_eval makes of the counts."""
    score = score_clip(reference, estimate, GRID)
    values, has_notes = score.values(), len(reference) > 0 and len(estimate) > 0
    sides = intervals(reference), hz_of(reference.midi), intervals(estimate), hz_of(estimate.midi)
    for name, rule in RULES.items():
        how = {"onset_tolerance": rule.onset_s, "offset_ratio": rule.offset_ratio}
        pairs = match(reference, estimate, rule)
        count = len(transcription.match_notes(*sides, **how)) if has_notes else 0
        assert len(pairs) == count == score.counts[name].matched, name
        assert len(set(pairs[:, 0].tolist())) == len(set(pairs[:, 1].tolist())) == count
        assert set(map(tuple, pairs.tolist())) <= edges_of(reference, estimate, rule)
        precision, recall = (count / len(estimate), count / len(reference)) if has_notes else (0.0, 0.0)
        assert values[F1_NAMES[name]] == pytest.approx(f_measure(precision, recall), abs=1e-12)
        assert name not in SIDES or [values[side] for side in SIDES[name]] == [precision, recall]
    velocities = reference.velocity, estimate.velocity
    for name, rule in VELOCITY_RULES.items():
        known = has_notes and all((column != UNKNOWN).all() for column in velocities)
        assert (VELOCITY_F1_NAMES[name] in values) == known
        if known:
            # score_clip calls this very function: what is compared are the columns it is given. test_scores.py
            # works the values out without mir_eval.
            columns = *sides[:2], velocities[0], *sides[2:], velocities[1]
            count = len(transcription_velocity.match_notes(*columns, offset_ratio=rule.offset_ratio))
            assert values[VELOCITY_F1_NAMES[name]] == pytest.approx(2 * count / (len(reference) + len(estimate)), abs=1e-12)


def edges_of(reference, estimate, rule):
    """Return every pair that the rule allows, each looked at alone by mir_eval."""
    allowed = set()
    for i in range(len(reference)):
        for j in np.flatnonzero(estimate.midi == reference.midi[i]).tolist():
            one, other = reference.take([i]), estimate.take([j])
            gap_s = np.around(abs(one.onset_s - other.onset_s), 4)[0]
            if gap_s > rule.onset_s:
                continue
            sides = intervals(one), hz_of(one.midi), intervals(other), hz_of(other.midi)
            if transcription.match_notes(*sides, onset_tolerance=rule.onset_s, offset_ratio=rule.offset_ratio):
                allowed.add((i, j))
    return allowed


@given(some_notes(EXACT), some_notes(EXACT))
@settings(max_examples=700, deadline=None)
def test_on_notes_with_ties_at_the_tolerance(reference, estimate):
    assert_equal_to_mir_eval(reference, estimate)


@given(some_notes(ANY), some_notes(ANY))
@settings(max_examples=300, deadline=None)
def test_on_notes_at_any_time(reference, estimate):
    assert_equal_to_mir_eval(reference, estimate)


@pytest.mark.parametrize("late_s", [0.05, -0.05, 0.05004, 0.05006, 0.1, 0.1001])
def test_exactly_at_the_tolerance(late_s):
    one = notes_of([(1.0, 0.0, 60, 80), (1.0, 0.0, 60, 80), (1.5, 0.3, 61, 80)])
    assert_equal_to_mir_eval(one, one.moved(late_s))


@pytest.mark.parametrize("name", ["made up", *(path.name for path in REAL)])
def test_on_files(name, tmp_path):
    """A file against itself with notes lost, moved, shortened and added; the real ones are those of `real_clips`."""
    path = tmp_path / "made_up.mid"
    if name == "made up":
        write_midi(path, random_notes(np.random.default_rng(3), 20.0, per_key=6))
    else:
        path = next(item for item in REAL if item.name == name)
    notes = read_scored_notes(path)
    assert len(notes) > 20
    for seed in range(3):
        rng = np.random.default_rng(seed)
        rows = np.stack([notes.onset_s, notes.offset_s - notes.onset_s, notes.midi, notes.velocity], axis=1)
        rows[:, 0] = np.maximum(rows[:, 0] + rng.choice([0.0, 0.03, 0.05, -0.05, 0.1], len(rows)), 0.0)
        rows[:, 1] *= rng.choice([0.5, 0.8, 1.0, 1.2], len(rows))
        rows[:, 3] = rng.integers(1, 128, len(rows))
        kept, doubled = rows[rng.random(len(rows)) < 0.8], rows[rng.random(len(rows)) < 0.1]
        assert_equal_to_mir_eval(notes, notes_of([*map(tuple, kept), *map(tuple, doubled)]))
