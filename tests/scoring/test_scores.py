"""Scores: exact hand-made cases, the sanity figures of jitter and bias, and how clips are put together."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import THRESHOLDS, perfect_logits, random_notes

from tivit.core.heads import UNKNOWN
from tivit.core.notes import empty_notes, make_notes
from tivit.core.rolls import roll
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes
from tivit.scoring.scores import (
    F1_NAMES,
    RULES,
    VELOCITY_RULES,
    Counts,
    headline,
    match,
    pooled,
    score_clip,
    summary,
    summary_by_tier,
    with_refused,
)

GRID = TimeGrid(30.0, 0.0, 301)


def notes_of(*rows, **columns):
    onset_s, offset_s, midi = (np.array(column) for column in zip(*rows, strict=True))
    return make_notes(onset_s, offset_s, midi, **columns)


def test_a_wrong_pitch_scores_nothing():
    reference = random_notes(np.random.default_rng(0), 10.0)
    reference = reference.take(reference.midi % 12 == 0)
    wrong = replace(reference, midi=reference.midi + 1)
    values = score_clip(reference, wrong, GRID).values()
    assert all(values[name] == 0.0 for name in (*F1_NAMES.values(), "frame_f1"))
    assert "hand_acc" not in values


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_an_oracle_scores_one_hundred(fps):
    notes = random_notes(np.random.default_rng(5), 10.0, per_key=4)
    grid = TimeGrid(fps, 0.0, int(10 * fps) + 1)
    values = score_clip(notes, decode_notes(perfect_logits(notes, grid), grid, THRESHOLDS), grid).values()
    for name in (*F1_NAMES.values(), "onset_p_50", "onset_r_50", "hand_acc", "clef_acc"):
        assert values[name] == 1.0
    assert values["frame_f1"] > 0.99
    assert values["onset_velocity_f1"] == values["note_velocity_f1"] == 1.0 and values["velocity_corr"] > 0.999


def test_jitter_and_bias_cost_what_they_should():
    rng = np.random.default_rng(0)
    onset_s = np.arange(20_000) * 0.5 + 1.0
    midi = 21 + np.arange(20_000) % 88
    reference = make_notes(onset_s, onset_s + 0.2, midi)
    late_s = rng.normal(0.0, 0.02, len(onset_s))
    counted = [0, 0]
    for part in np.array_split(np.arange(len(onset_s)), 40):
        for number, bias_s in enumerate((0.0, 0.03)):
            moved = make_notes(onset_s[part] + late_s[part] + bias_s, onset_s[part] + 0.4, midi[part])
            counted[number] += score_clip(reference.take(part), moved, GRID).counts["onset_50"].matched
    shares = np.array(counted) / len(onset_s)
    assert shares[0] == pytest.approx(0.987, abs=0.004)
    assert shares[1] == pytest.approx(0.845, abs=0.01)


def test_offset_rules_differ_as_documented():
    reference = notes_of((1.0, 3.0, 60))
    late = notes_of((1.0, 3.3, 60))
    values = score_clip(reference, late, GRID).values()
    assert (values["note_f1"], values["note_f1_same_tol"]) == (1.0, 0.0)
    short = score_clip(notes_of((1.0, 1.1, 60)), notes_of((1.0, 1.15, 60)), GRID).values()
    assert (short["note_f1"], short["note_f1_same_tol"]) == (1.0, 1.0)


def test_onsets_before_the_clock_starts_are_scored():
    sides = (notes_of((start_s, 1.0, 60), velocity=np.array([80])) for start_s in (0.0, -0.02))
    values = score_clip(*sides, GRID).values()
    assert values["onset_f1_50"] == values["onset_velocity_f1"] == 1.0


def test_of_several_largest_matchings_the_nearest_onsets_are_paired():
    reference, estimate = notes_of((1.0, 1.1, 60)), notes_of((0.96, 0.97, 60), (1.01, 1.02, 60), (1.04, 1.2, 60))
    assert match(reference, estimate, RULES["onset_50"]).tolist() == [[0, 1]]
    both = notes_of((1.0, 1.03, 60), (1.04, 1.1, 60))
    assert match(both, notes_of((1.03, 1.035, 60), (1.08, 1.1, 60)), RULES["onset_50"]).tolist() == [[0, 0], [1, 1]]


def test_precision_and_recall_of_notes_and_frames():
    reference, estimate = notes_of((1.0, 2.0, 60), (3.0, 4.0, 60)), notes_of((1.0, 2.0, 60), (3.0, 3.5, 60), (5.0, 5.5, 61))
    values = score_clip(reference, estimate, GRID).values()
    assert (values["note_p"], values["note_r"]) == (pytest.approx(1 / 3), 0.5)
    assert (values["frame_p"], values["frame_r"]) == (pytest.approx(45 / 60), pytest.approx(45 / 60))


@pytest.mark.parametrize("reference", [empty_notes(), notes_of((1.0, 2.0, 60))])
@pytest.mark.parametrize("estimate", [empty_notes(), notes_of((5.0, 6.0, 60))])
def test_empty_sides_score_nothing_and_are_no_error(reference, estimate):
    values = score_clip(reference, estimate, GRID).values()
    assert set(values.values()) == {0.0}


def test_frames_are_instants_from_onset_to_offset():
    down = roll(notes_of((0.1, 0.2, 21)), TimeGrid(30.0, 0.0, 10))
    assert np.flatnonzero(down[:, 0]).tolist() == [3, 4, 5]
    counts = score_clip(notes_of((0.1, 0.2, 21)), notes_of((0.1, 0.3, 21)), GRID).counts["frame"]
    assert counts == Counts(matched=3, reference=3, estimate=6)
    assert counts.f1 == pytest.approx(2 * 3 / 9)


def test_hand_and_staff_are_scored_on_matched_labelled_notes_beside_the_baseline():
    rows = ((1.0, 1.5, 50), (2.0, 2.5, 55), (3.0, 3.5, 70), (4.0, 4.5, 72))
    reference = notes_of(*rows, hand=np.array([0, 1, 1, UNKNOWN]))
    estimate = notes_of(*rows[:3], (9.0, 9.5, 72), hand=np.array([0, 1, 0, 0]), staff=np.array([0, 0, 0, 0]))
    values = score_clip(reference, estimate, GRID).values()
    assert values["hand_acc"] == pytest.approx(2 / 3)
    assert values["hand_acc_baseline"] == pytest.approx(2 / 3)
    assert "clef_acc" not in values and "clef_acc_baseline" not in values
    silent = score_clip(reference, notes_of(*rows), GRID).values()
    assert "hand_acc" not in silent and "hand_acc_baseline" in silent


@pytest.mark.parametrize("seed", range(5))
def test_velocity_scores_follow_their_definition(seed):
    """Worked out here with numpy: every estimated note can match one reference note alone, so there is one matching.

    `mir_eval` is left out on purpose: `score_clip` calls it.
    """
    rng = np.random.default_rng(seed)
    reference = random_notes(rng, 10.0)
    noisy = np.clip(30 + reference.velocity // 2 + rng.integers(-9, 9, len(reference)), 1, 127)
    length_s = (reference.offset_s - reference.onset_s) * rng.choice([1.0, 1.0, 3.0], len(reference))
    whole = replace(reference, velocity=noisy, offset_s=reference.onset_s + length_s)
    is_kept = rng.random(len(reference)) < 0.8
    values = score_clip(reference, whole.take(is_kept), GRID).values()
    tolerance_s = np.maximum(0.05, 0.2 * (reference.offset_s - reference.onset_s))
    has_end = np.abs(whole.offset_s - reference.offset_s) <= tolerance_s
    scaled = (reference.velocity - reference.velocity.min()) / np.ptp(reference.velocity)
    for name, is_matched in (("onset_velocity_f1", is_kept), ("note_velocity_f1", is_kept & has_end)):
        slope, base = np.polyfit(noisy[is_matched], scaled[is_matched], 1)
        right = np.sum(np.abs(slope * noisy[is_matched] + base - scaled[is_matched]) < 0.1)
        expected = 2 * right / (len(reference) + is_kept.sum())
        assert 0.1 < expected < 0.9 and values[name] == pytest.approx(expected), name


@pytest.mark.parametrize("rule", [*RULES.values(), *VELOCITY_RULES.values()])
def test_a_side_without_notes_matches_nothing_by_any_rule(rule):
    some, none = notes_of((0.5, 1.0, 60), velocity=np.array([80])), empty_notes()
    for sides in ((some, none), (none, some), (none, none)):
        assert match(*sides, rule).shape == (0, 2)


def test_velocity_by_hand():
    """A line turns 30, 40, 50 into 40, 80, 120; the last note is off it by more than a tenth of the range in all fits."""
    rows = ((1.0, 1.5, 60), (2.0, 2.5, 62), (3.0, 3.5, 64))
    reference = notes_of(*rows, velocity=np.array([40, 80, 120]))
    right = score_clip(reference, notes_of(*rows, velocity=np.array([30, 40, 50])), GRID).values()
    assert right["onset_velocity_f1"] == 1.0 and right["velocity_corr"] == pytest.approx(1.0)
    flat = score_clip(reference, notes_of(*rows, velocity=np.array([80, 80, 80])), GRID).values()
    assert flat["onset_velocity_f1"] == pytest.approx(1 / 3) and "velocity_corr" not in flat
    for unknown in (notes_of(*rows), notes_of(*rows, velocity=np.array([40, 80, UNKNOWN]))):
        for pair in ((reference, unknown), (unknown, reference)):
            assert not any("velocity" in name for name in score_clip(*pair, GRID).values())


def test_means_count_clips_and_pooled_counts_notes():
    good = score_clip(notes_of((1.0, 1.5, 60)), notes_of((1.0, 1.5, 60)), GRID)
    many = notes_of((1.0, 1.5, 60), (2.0, 2.5, 60), (3.0, 3.5, 60))
    bad = score_clip(many, notes_of((8.0, 8.5, 60)), GRID)
    assert summary([good, bad])["onset_f1_50"] == 0.5
    assert pooled([good, bad])["pooled_onset_f1_50"] == pytest.approx(2 / (4 + 2))
    assert summary([]) == {"clips": 0} and pooled([]) == {}


def test_tiers_are_reported_and_unnamed_ones_count_in_all_only():
    score = score_clip(notes_of((1.0, 1.5, 60)), notes_of((1.0, 1.5, 60)), GRID)
    blocks = summary_by_tier({"a": score, "b": score, "c": score}, {"a": "plain", "b": "hard", "c": ""})
    assert {name: block["clips"] for name, block in blocks.items()} == {"all": 3, "plain": 1, "hard": 1}
    assert not any(name.startswith("pooled") for name in blocks["plain"])
    assert "pooled_onset_f1_50" in blocks["all"]
    assert list(summary_by_tier({"c": score}, {"c": ""})) == ["all"]


def test_the_headline_is_a_few_numbers_of_the_blocks():
    notes = notes_of((1.0, 1.5, 60), (2.0, 2.5, 62), hand=np.array([0, 1]), staff=np.array([0, 1]))
    score = score_clip(notes, notes.take(np.array([0])), GRID)
    blocks = with_refused(summary_by_tier({"a": score, "b": score}, {"a": "plain", "b": "hard"}), ["hard", ""])
    short = headline(blocks)
    assert list(short) == ["onset_f1", "note_f1", "frame_f1", "hand_acc", "refused", "hard", "plain"]
    every = blocks["all"]
    assert (short["onset_f1"], short["note_f1"], short["refused"]) == (every["onset_f1_50_all"], every["note_f1"], 2)
    assert short["hard"] == short["plain"] / 2 == blocks["plain"]["onset_f1_50"] / 2
    unlabelled = score_clip(notes_of((1.0, 1.5, 60)), notes_of((1.0, 1.5, 60)), GRID)
    assert "hand_acc" not in headline(with_refused(summary_by_tier({"a": unlabelled}, {"a": ""}), []))
