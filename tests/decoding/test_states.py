"""The decoder `states`: its path against every path there is, the oracle, and the cases in which it differs from `peaks`."""

from dataclasses import replace
from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
from decoding_cases import HALF, RULES, THRESHOLDS, noisy_logits, perfect_logits, random_notes
from hypothesis import given, settings
from hypothesis import strategies as st

from tivit.core.keyboard import KEY_COUNT, midi_of
from tivit.core.logits import ClipLogits
from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.decoding import states
from tivit.decoding.decoders import collect_events, decide
from tivit.decoding.notes import decode_notes, spans
from tivit.decoding.states import HOLD, OFF, ONSET, RELEASE, best_path

NEXT = {OFF: {OFF, ONSET}, ONSET: {HOLD, RELEASE, OFF, ONSET}, HOLD: {HOLD, RELEASE, OFF, ONSET}, RELEASE: {OFF, ONSET}}
STATES = replace(THRESHOLDS, rules=replace(RULES, decoder="states"))
GRID, KEY = TimeGrid(30.0, 0.0, 60), 39
SCORE = st.sampled_from([-np.inf, -2.0, -0.5, 0.0, 0.75, 3.0])


def score(path, onset, hold, release):
    columns = {OFF: np.zeros(len(hold)), ONSET: onset, HOLD: hold, RELEASE: release}
    return sum(columns[state][t] for t, state in enumerate(path))


def is_allowed(path):
    return path[0] in (OFF, ONSET) and all(after in NEXT[before] for before, after in zip(path, path[1:], strict=False))


@given(st.lists(st.tuples(SCORE, SCORE.filter(np.isfinite), SCORE), min_size=1, max_size=6), st.sampled_from([1, 2, 256]))
@settings(max_examples=300, deadline=None)
def test_no_other_path_scores_more(scores, block_frames):
    onset, hold, release = (np.array(column) for column in zip(*scores, strict=True))
    with patch.object(states, "BLOCK_FRAMES", block_frames):
        found = best_path(onset[:, None], hold[:, None], release[:, None])[:, 0].tolist()
    paths = [path for path in product((OFF, ONSET, HOLD, RELEASE), repeat=len(hold)) if is_allowed(path)]
    assert is_allowed(found)
    assert score(found, onset, hold, release) == pytest.approx(max(score(path, onset, hold, release) for path in paths))


@pytest.mark.parametrize("length", [1, 255, 256, 257, 700])
def test_the_path_does_not_depend_on_where_blocks_end(length):
    rng = np.random.default_rng(length)
    onset, release = (np.where(rng.random((length, 30)) < 0.1, rng.normal(1, 3, (length, 30)), -np.inf) for _ in range(2))
    hold = rng.normal(-0.1, 1, (length, 30))
    paths = []
    for block_frames in (length, 64, 7):
        with patch.object(states, "BLOCK_FRAMES", block_frames):
            paths.append(best_path(onset, hold, release))
    assert {ONSET, HOLD, RELEASE} <= set(np.unique(paths[0])) or length == 1
    assert all(np.array_equal(path, paths[0]) for path in paths[1:])


@given(st.integers(0, 10_000), st.sampled_from([25.0, 30.0, 60.0]), st.floats(0.0, 1.0), st.sampled_from([0.05, 0.2, 1.0]))
@settings(max_examples=40, deadline=None)
def test_an_oracle_loses_nothing_whatever_a_frame_counts(seed, fps, start_s, weight):
    notes = random_notes(np.random.default_rng(seed), 8.0, per_key=4).moved(start_s)
    grid = TimeGrid(fps, start_s, int(8 * fps) + 1)
    thresholds = replace(STATES, rules=replace(STATES.rules, hold_weight=weight))
    found = decode_notes(perfect_logits(notes, grid), grid, thresholds)
    found, notes = (side.take(np.lexsort((side.onset_s, side.midi))) for side in (found, notes))
    np.testing.assert_array_equal(found.midi, notes.midi)
    np.testing.assert_allclose(found.onset_s, notes.onset_s, atol=2e-3)
    np.testing.assert_allclose(found.offset_s, notes.offset_s, atol=0.02)


def heads_of(onset, pitch, offset=()):
    """Return logits on `GRID`, silent but for key 39 from frame 10 on, from probabilities."""
    heads = {name: np.full((GRID.length, KEY_COUNT), -9.0, np.float32) for name in ("pitch", "onset", "offset")}
    for name, values in (("onset", onset), ("pitch", pitch), ("offset", offset)):
        probability = np.clip(np.array(values, float), 1e-4, 1 - 1e-4)
        heads[name][10 : 10 + len(values), KEY] = np.log(probability / (1 - probability))
    return heads


def test_a_doubtful_peak_begins_a_note_that_is_held_clearly_and_only_then():
    held, short = ([0.0] + [0.95] * count + [0.0] for count in (12, 1))
    onset = [0.1, 0.4, 0.1]
    assert len(decode_notes(heads_of(onset, held), GRID, THRESHOLDS)) == 0
    assert len(decode_notes(heads_of(onset, held), GRID, STATES)) == 1
    assert len(decode_notes(heads_of(onset, short), GRID, STATES)) == 0


def test_a_dip_is_bridged_by_what_surrounds_it():
    pitch = [0] + [0.9] * 6 + [0.3] * 3 + [0.9] * 6 + [0]
    cut = decode_notes(heads_of([0.5, 1.0, 0.5], pitch), GRID, THRESHOLDS)
    whole = decode_notes(heads_of([0.5, 1.0, 0.5], pitch), GRID, STATES)
    assert cut.offset_s[0] < 17.0 / 30 and whole.offset_s[0] == pytest.approx((25 + 0.4 / 0.9) / 30, abs=1e-3)


def test_a_peak_of_the_offset_head_ends_the_note_where_it_lies_between_frames():
    offset = [0, 0, 0, 0, 0.25, 0.75, 0.75, 0.25]
    notes = decode_notes(heads_of([0.5, 1.0, 0.5], [0, 1, 1, 1, 1, 1, 0, 0], offset), GRID, STATES)
    assert notes.offset_s.tolist() == pytest.approx([15.5 / 30], abs=1e-4)
    never = replace(STATES, offset=replace(HALF, threshold=1.0))
    assert decode_notes(heads_of([0.5, 1.0, 0.5], [0, 1, 1, 1, 1, 1, 0, 0], offset), GRID, never).offset_s[0] > 15.4 / 30


def test_a_key_struck_again_while_it_is_held_is_two_notes():
    notes = decode_notes(heads_of([0.5, 1.0, 0.5, 0, 0.5, 1.0, 0.5], [0] + [1] * 10 + [0]), GRID, STATES)
    assert len(notes) == 2 and notes.offset_s[0] == notes.onset_s[1]


def test_many_clips_at_once_are_decoded_as_one_by_one():
    clips = []
    for number, fps in enumerate((25.0, 30.0, 60.0)):
        rng, grid = np.random.default_rng(number), TimeGrid(fps, 0.7 * number, int(6 * fps))
        clips.append(ClipLogits(str(number), grid, noisy_logits(random_notes(rng, 6.0).moved(grid.start_s), grid, rng)))
    events = collect_events(clips, STATES)
    decision = decide(events, STATES)
    onset_s, offset_s = spans(events, decision, STATES)
    row = events.onsets.row[decision.onset_index]
    for number, clip in enumerate(clips):
        alone = decode_notes(clip.heads, clip.grid, STATES)
        together = make_notes(*(column[row // KEY_COUNT == number] for column in (onset_s, offset_s, midi_of(row % KEY_COUNT))))
        np.testing.assert_array_equal(together.midi, alone.midi)
        np.testing.assert_array_equal(together.onset_s, alone.onset_s)
        np.testing.assert_array_equal(together.offset_s, alone.offset_s)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0]), st.sampled_from([0, 1, 2, 50]))
@settings(max_examples=30, deadline=None)
def test_any_logits_and_thresholds_give_valid_notes(seed, threshold, length):
    rng = np.random.default_rng(seed)
    heads = {name: rng.normal(0, 3, (length, KEY_COUNT)).astype(np.float32) for name in ("pitch", "onset", "offset")}
    head = replace(HALF, threshold=threshold, hold=rng.choice([0.0, 0.4, 1.0]), lag_s=float(rng.uniform(-0.1, 0.1)))
    notes = decode_notes(heads, TimeGrid(30.0, 0.5, length), replace(STATES, onset=head, pitch=head, offset=head))
    assert (notes.offset_s > notes.onset_s).all()
