"""The sweep: equal to decoding and scoring with mir_eval at every point, ties, lag, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import RULES, noisy_logits, perfect_logits, random_notes
from params_cases import section_with

from tivit.core.errors import InputError
from tivit.core.keyboard import IS_BLACK, LOWEST_MIDI
from tivit.core.logits import ClipLogits
from tivit.core.notes import empty_notes
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes
from tivit.scoring.scores import score_clip, summary
from tivit.sweeping.points import Point, best_point
from tivit.sweeping.search import SweepParams, sweep

PARAMS = SweepParams(
    onset_thresholds=(0.2, 0.5, 0.8),
    pitch_thresholds=(0.0, 0.5),
    hold_thresholds=(0.3, 0.6),
    offset_thresholds=(0.4, 1.0),
    objective="onset",
    refine_rounds=0,
    per_colour=False,
    tie_f1=0.0,
    tie_place=0.5,
    remove_lag=True,
    lag_per_colour=False,
    calibrate=False,
    rules=RULES,
)


def cases(count=3, noise=0.8, lag_s=0.0, fps=(30.0, 25.0, 60.0)):
    clips, references = [], []
    for number in range(count):
        rng = np.random.default_rng(number)
        grid = TimeGrid(fps[number % len(fps)], 0.3 * number, int(6 * fps[number % len(fps)]))
        notes = random_notes(rng, 5.8).moved(grid.start_s)
        heads = noisy_logits(notes.moved(lag_s), grid, rng, noise) if noise else perfect_logits(notes.moved(lag_s), grid)
        clips.append(ClipLogits(f"val/{number}", grid, heads))
        references.append(notes)
    return clips, references


def scored(clips, references, thresholds):
    return summary(
        [
            score_clip(notes, decode_notes(clip.heads, clip.grid, thresholds), clip.grid)
            for clip, notes in zip(clips, references, strict=True)
        ]
    )


def test_every_point_equals_decoding_and_mir_eval():
    clips, references = cases()
    references[2] = empty_notes()
    result = sweep(clips, references, PARAMS, "val")
    thresholds = result.thresholds
    assert len(result.points) == 3 * 2 + 2 * 2
    for point in result.points:
        at = replace(
            thresholds,
            onset=replace(thresholds.onset, threshold=point.onset_threshold),
            pitch=replace(thresholds.pitch, threshold=point.pitch_threshold),
        )
        if point.note_f1 is not None:
            single = replace(PARAMS, hold_thresholds=(point.hold,), offset_thresholds=(point.offset_threshold,))
            at = sweep(clips, references, single, "val").thresholds
        values = scored(clips, references, at)
        assert (point.onset_f1_50, point.onset_p_50, point.onset_r_50) == pytest.approx(
            (values["onset_f1_50"], values["onset_p_50"], values["onset_r_50"])
        )
        if point.note_f1 is not None:
            assert point.note_f1 == pytest.approx(values["note_f1"])


def test_the_chosen_point_is_the_best_and_its_thresholds_reproduce_it():
    clips, references = cases()
    result = sweep(clips, references, PARAMS, "val")
    assert result.best.onset_f1_50 == max(point.onset_f1_50 for point in result.points)
    assert result.best.note_f1 == max(point.note_f1 for point in result.points if point.note_f1 is not None)
    values = scored(clips, references, result.thresholds)
    assert values["onset_f1_50"] == pytest.approx(result.best.onset_f1_50)
    assert values["note_f1"] == pytest.approx(result.best.note_f1)
    assert result.thresholds.split == "val"


@pytest.mark.parametrize("lag_s", [0.04, -0.025])
def test_a_constant_lag_is_found_and_removed(lag_s):
    clips, references = cases(noise=0.0, lag_s=lag_s)
    result = sweep(clips, references, PARAMS, "val")
    assert result.thresholds.onset.lag_s == pytest.approx(lag_s, abs=2e-3)
    assert result.thresholds.offset.lag_s == pytest.approx(lag_s, abs=2e-3)
    assert result.best.onset_f1_50 == result.best.note_f1 == 1.0
    kept = sweep(clips, references, replace(PARAMS, remove_lag=False), "val")
    assert kept.thresholds.onset.lag_s == 0.0


def two_colours(clips, references):
    """Return the clips with black keys 40 ms late and less sure, and white keys that seem to be struck at the start."""
    late = []
    for clip, notes in zip(clips, references, strict=True):
        is_black = IS_BLACK[notes.midi - LOWEST_MIDI]
        sides = [notes.take(~is_black), notes.take(is_black).moved(0.04)]
        white, black = (perfect_logits(side, clip.grid) for side in sides)
        heads = {name: np.where(IS_BLACK, black[name] / 2 - 1.0, white[name]).astype(np.float32) for name in white}
        heads["onset"][1, ~IS_BLACK], heads["pitch"][1:3, ~IS_BLACK] = -0.5, 3.0
        late.append(replace(clip, heads=heads))
    return late


def test_black_keys_may_have_a_lag_and_thresholds_of_their_own():
    clips, references = cases(noise=0.0, count=6)
    clips = two_colours(clips, references)
    common = sweep(clips, references, PARAMS, "val")
    apart = sweep(clips, references, replace(PARAMS, per_colour=True, lag_per_colour=True), "val")
    onset = apart.thresholds.onset
    assert onset.lag_s == pytest.approx(0.0, abs=2e-3) and onset.black.lag_s == pytest.approx(0.04, abs=2e-3)
    assert onset.black.threshold < onset.threshold
    assert apart.best.onset_f1_50 == 1.0 > common.best.onset_f1_50
    values = scored(clips, references, apart.thresholds)
    assert (values["onset_f1_50"], values["note_f1"], values["frame_f1"]) == pytest.approx(
        (apart.best.onset_f1_50, apart.best.note_f1, apart.best.frame_f1)
    )


@pytest.mark.parametrize("decoder", ["peaks", "states"])
@pytest.mark.parametrize("objective", ["onset", "note", "frame"])
def test_the_chosen_thresholds_reproduce_their_scores_whatever_the_options(decoder, objective):
    clips, references = cases(noise=1.2)
    rules = replace(RULES, decoder=decoder, median_s=0.1)
    options = replace(PARAMS, objective=objective, refine_rounds=1, per_colour=True, lag_per_colour=True, rules=rules)
    for params in (options, replace(options, per_colour=False, lag_per_colour=False, calibrate=True)):
        result = sweep(clips, references, params, "val")
        values = scored(clips, references, result.thresholds)
        assert (values["onset_f1_50"], values["note_f1"], values["frame_f1"]) == pytest.approx(
            (result.best.onset_f1_50, result.best.note_f1, result.best.frame_f1)
        )
        assert (result.thresholds.onset.temperature == 1.0) is not params.calibrate


@pytest.mark.parametrize(("objective", "metric"), [("note", "note_f1"), ("frame", "frame_f1")])
def test_the_best_of_all_combinations_is_taken(objective, metric):
    clips, references = cases(noise=1.5)
    result = sweep(clips, references, replace(PARAMS, objective=objective), "val")
    assert len(result.points) == 3 * 2 * 2 * 2
    assert getattr(result.best, metric) == max(getattr(point, metric) for point in result.points)
    in_steps = sweep(clips, references, PARAMS, "val")
    assert getattr(result.best, metric) >= getattr(in_steps.best, metric)


def test_refining_looks_between_the_values_of_the_grid():
    clips, references = cases(noise=1.5)
    rough = sweep(clips, references, PARAMS, "val")
    fine = sweep(clips, references, replace(PARAMS, refine_rounds=3), "val")
    assert fine.points[: len(rough.points)] == rough.points
    assert fine.best.onset_f1_50 >= rough.best.onset_f1_50
    tried = {point.onset_threshold for point in fine.points} - set(PARAMS.onset_thresholds)
    assert tried and min(PARAMS.onset_thresholds) < min(tried) and max(tried) < max(PARAMS.onset_thresholds)


def test_a_fixed_head_is_left_alone_and_too_many_combinations_are_refused():
    clips, references = cases()
    result = sweep(clips, references, replace(PARAMS, pitch_thresholds=0.35, offset_thresholds=1.0), "val")
    assert (result.thresholds.pitch.threshold, result.thresholds.offset.threshold) == (0.35, 1.0)
    fine = ("probability", 0.0, 1.0, 2000.0)
    with pytest.raises(InputError, match="4,000,000 combinations of thresholds are more than 1,000,000"):
        sweep(clips, references, replace(PARAMS, onset_thresholds=fine, pitch_thresholds=fine), "val")


def test_wrong_pitches_score_nothing_at_every_point():
    clips, references = cases()
    low = [notes.take(notes.midi < 107) for notes in references]
    wrong = [replace(notes, midi=notes.midi + 1) for notes in low]
    heads = [perfect_logits(notes, clip.grid) for clip, notes in zip(clips, low, strict=True)]
    clips = [replace(clip, heads=head) for clip, head in zip(clips, heads, strict=True)]
    alone = [notes.take(~np.isin(notes.midi, given.midi)) for notes, given in zip(wrong, low, strict=True)]
    result = sweep(clips, alone, PARAMS, "val")
    assert {point.onset_f1_50 for point in result.points} == {0.0}


def test_a_silent_model_scores_zero_and_is_no_error():
    clips, references = cases()
    silent = [replace(clip, heads={name: np.full_like(rows, -20.0) for name, rows in clip.heads.items()}) for clip in clips]
    result = sweep(silent, references, PARAMS, "val")
    assert result.best.onset_f1_50 == result.best.note_f1 == 0.0


def test_ties_go_to_the_middle_of_the_plateau_then_to_the_lower_threshold():
    def chosen(scores, tie=0.0, place=0.5):
        points = [Point(threshold, 0.5, 0.0, 0.0, f1) for threshold, f1 in scores]
        return best_point(
            points, lambda point: (point.onset_f1_50, point.onset_threshold, point.pitch_threshold), tie, place
        ).onset_threshold

    assert chosen([(0.1, 0.5), (0.2, 0.9), (0.3, 0.9), (0.4, 0.9), (0.5, 0.8)]) == 0.3
    assert chosen([(0.2, 0.9), (0.3, 0.9), (0.4, 0.9), (0.5, 0.9)]) == 0.3
    assert chosen([(0.2, 0.9), (0.3, 0.95)]) == 0.3
    assert chosen([(0.1, 0.899), (0.2, 0.9), (0.3, 0.904), (0.4, 0.9)], tie=0.005) == 0.2
    assert chosen([(0.2, 0.898), (0.3, 0.904)], tie=0.005) == 0.3
    plateau = [(0.1, 0.8), (0.2, 0.901), (0.3, 0.904), (0.4, 0.902), (0.5, 0.9), (0.6, 0.8)]
    assert [chosen(plateau, tie=0.005, place=place) for place in (0.0, 0.5, 1.0)] == [0.2, 0.3, 0.5]


def test_the_order_of_clips_changes_nothing():
    clips, references = cases()
    first = sweep(clips, references, PARAMS, "val")
    second = sweep(clips[::-1], references[::-1], PARAMS, "val")
    assert first.thresholds == second.thresholds
    assert first.best.note_f1 == pytest.approx(second.best.note_f1)


def test_a_split_without_notes_is_refused():
    clips, references = cases()
    with pytest.raises(InputError, match="split 'val' has no notes"):
        sweep(clips, [empty_notes() for _ in references], PARAMS, "val")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("onset_thresholds", [], " is empty"),
        ("hold_thresholds", [1.5], ": 1.5 is outside 0..1"),
        ("tie_f1", 0.2, ": 0.2 is outside 0..0.1"),
        ("refine_rounds", 11, ": 11 is outside 0..10"),
    ],
)
def test_params_out_of_range_are_refused(name, value, message):
    with pytest.raises(InputError, match=f"params: sweep.{name}{message}"):
        section_with(SweepParams, f"sweep.{name}", value)
