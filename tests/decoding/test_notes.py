"""From logits to notes: the oracle, sub-frame positions, and each rule alone on a hand-made case."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import HALF, RULES, THRESHOLDS, noisy_logits, perfect_logits, random_notes
from hypothesis import given, settings
from hypothesis import strategies as st

from tivit.core.errors import InputError
from tivit.core.heads import HEAD_NAMES, UNKNOWN
from tivit.core.keyboard import KEY_COUNT, keys_between
from tivit.core.logits import ClipLogits, silenced
from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.decoding.events import collect, median_filtered
from tivit.decoding.notes import decode_notes, spans
from tivit.decoding.peaks import choose, end_sources
from tivit.decoding.runs import find_runs
from tivit.decoding.thresholds import KeyValues

GRID = TimeGrid(30.0, 0.0, 90)
KEY, MIDI = 39, 60


def columns(**probability_of_head: list[float]) -> dict[str, np.ndarray]:
    """Return logits on `GRID`, silent but for one key: head -> probabilities from frame 10 on."""
    heads = {name: np.full((GRID.length, KEY_COUNT), -9.0, np.float32) for name in ("pitch", "onset", "offset")}
    for name, values in probability_of_head.items():
        probability = np.clip(values, 1e-4, 1 - 1e-4)
        heads[name][10 : 10 + len(values), KEY] = np.log(probability / (1 - probability))
    return heads


def test_no_note_is_found_out_of_view():
    notes = random_notes(np.random.default_rng(1), 20.0, per_key=6)
    grid, in_view = TimeGrid(30.0, 0.0, 601), keys_between(48, 84)
    heads = silenced(perfect_logits(notes, grid), in_view)
    lowest = replace(HALF, threshold=0.01, hold=0.01, temperature=3.0)
    for thresholds in (THRESHOLDS, replace(THRESHOLDS, onset=lowest, pitch=lowest, offset=lowest)):
        found = decode_notes(heads, grid, thresholds)
        assert len(found) and ((found.midi >= 48) & (found.midi <= 84)).all()
    expected = notes.take((notes.midi >= 48) & (notes.midi <= 84))
    np.testing.assert_array_equal(decode_notes(heads, grid, THRESHOLDS).midi, expected.midi)


@pytest.mark.parametrize("decoder", ["peaks", "states"])
@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
@pytest.mark.parametrize("start_s", [0.0, 3.21])
def test_an_oracle_loses_nothing(fps, start_s, decoder):
    thresholds = replace(THRESHOLDS, rules=replace(RULES, decoder=decoder))
    for seed in range(4):
        notes = random_notes(np.random.default_rng(seed), 20.0, per_key=6).moved(start_s)
        grid = TimeGrid(fps, start_s, int(20 * fps) + 1)
        found = decode_notes(perfect_logits(notes, grid), grid, thresholds)
        np.testing.assert_array_equal(found.midi, notes.midi)
        np.testing.assert_allclose(found.onset_s, notes.onset_s, atol=2e-3)
        np.testing.assert_allclose(found.offset_s, notes.offset_s, atol=0.02)
        np.testing.assert_array_equal(found.hand, notes.hand)
        np.testing.assert_array_equal(found.staff, notes.staff)


@given(st.floats(5.0, 80.0), st.floats(0.2, 1.0), st.floats(1.6, 4.0))
@settings(max_examples=50, deadline=None)
def test_the_apex_of_a_sampled_triangle_is_exact_at_any_height_and_width(apex_frame, height, half_width):
    triangle = height * np.maximum(0.0, 1.0 - np.abs(np.arange(GRID.length) - apex_frame) / half_width)
    heads = columns(pitch=[1.0] * 80)
    heads["pitch"][:, KEY] = 9.0
    probability = np.clip(triangle, 1e-9, 1 - 1e-9)
    heads["onset"][:, KEY] = np.log(probability / (1 - probability))
    low = replace(THRESHOLDS, onset=replace(HALF, threshold=0.05))
    notes = decode_notes(heads, GRID, low)
    assert len(notes) == 1
    assert notes.onset_s[0] == pytest.approx(apex_frame / 30.0, abs=1e-4)


def test_black_keys_may_have_values_of_their_own():
    """Key 39 is a C (MIDI 60): values of black keys do not touch it, and do touch key 40."""
    onset, pitch = [0.5, 0.9, 0.5], [0, 1, 1, 1, 1, 1, 0]
    heads = columns(onset=onset, pitch=pitch)
    for name in heads:
        heads[name][:, KEY + 1] = heads[name][:, KEY]
    late = KeyValues(threshold=0.5, hold=0.5, lag_s=0.02)
    notes = decode_notes(heads, GRID, replace(THRESHOLDS, onset=replace(HALF, black=late)))
    assert notes.midi.tolist() == [MIDI + 1, MIDI]
    assert np.diff(notes.onset_s)[0] == pytest.approx(0.02)
    assert np.ptp(notes.offset_s) == pytest.approx(0.0)
    late_end = decode_notes(heads, GRID, replace(THRESHOLDS, pitch=replace(HALF, black=late)))
    assert np.diff(late_end.offset_s)[0] == pytest.approx(-0.02)
    for head in ("onset", "pitch"):
        higher = replace(HALF, black=replace(late, threshold=1.0))
        assert decode_notes(heads, GRID, replace(THRESHOLDS, **{head: higher})).midi.tolist() == [MIDI]


def test_equal_values_for_both_colours_are_one_value_for_all_keys():
    notes, grid = random_notes(np.random.default_rng(5), 8.0), TimeGrid(30.0, 0.0, 241)
    heads = noisy_logits(notes, grid, np.random.default_rng(2))
    same = replace(HALF, black=KeyValues(threshold=0.5, hold=0.5, lag_s=0.0))
    one, two = (decode_notes(heads, grid, replace(THRESHOLDS, onset=head, pitch=head, offset=head)) for head in (HALF, same))
    np.testing.assert_array_equal(one.onset_s, two.onset_s)
    np.testing.assert_array_equal(one.offset_s, two.offset_s)


def test_the_median_filter_removes_what_is_shorter_than_half_of_it():
    rows = np.zeros((9, 2), np.float32)
    rows[3, 0], rows[3:5, 1] = 5.0, 5.0
    np.testing.assert_array_equal(median_filtered(rows, 3)[:, 0], np.zeros(9))
    np.testing.assert_array_equal(median_filtered(rows, 3)[:, 1], rows[:, 1])
    for frames in (0, 1):
        assert median_filtered(rows, frames) is rows
    np.testing.assert_array_equal(median_filtered(np.arange(5.0)[:, None], 3)[:, 0], np.arange(5.0))
    assert len(median_filtered(np.zeros((0, 2)), 5)) == 0


def test_the_median_filter_bridges_a_dip_of_the_pitch_head():
    heads = columns(onset=[0.5, 1.0, 0.5], pitch=[0, 1, 1, 1, 0, 1, 1, 1, 0])
    whole = decode_notes(heads, GRID, replace(THRESHOLDS, rules=replace(RULES, median_s=0.1)))
    assert decode_notes(heads, GRID, THRESHOLDS).offset_s[0] == pytest.approx(13.5 / 30, abs=1e-3)
    assert whole.offset_s[0] == pytest.approx(17.5 / 30, abs=1e-3)


def test_each_head_has_its_own_lag():
    heads = columns(onset=[0.5, 1.0, 0.5], pitch=[0.0, 1, 1, 1, 1, 1, 0], offset=[0, 0, 0, 0, 0, 0.4, 0.8, 0.4])
    lags = replace(THRESHOLDS, onset=replace(HALF, lag_s=0.02), offset=replace(HALF, lag_s=-0.01))
    notes = decode_notes(heads, GRID, lags)
    assert notes.onset_s[0] == pytest.approx(11 / 30 - 0.02, abs=1e-4)
    assert notes.offset_s[0] == pytest.approx(16 / 30 + 0.01, abs=1e-4)
    without = replace(lags, offset=replace(HALF, threshold=1.0), pitch=replace(HALF, lag_s=0.03))
    assert decode_notes(heads, GRID, without).offset_s[0] == pytest.approx(15.5 / 30 - 0.03, abs=1e-4)


def test_an_onset_without_an_answer_of_the_pitch_head_is_no_note():
    assert len(decode_notes(columns(onset=[0.5, 1.0, 0.5]), GRID, THRESHOLDS)) == 0
    assert len(decode_notes(columns(onset=[0.5, 1.0, 0.5], pitch=[0, 0, 0, 0, 0, 1, 1]), GRID, THRESHOLDS)) == 0
    assert len(decode_notes(columns(onset=[0.5, 1.0, 0.5], pitch=[0, 0, 0, 0, 1, 1]), GRID, THRESHOLDS)) == 1


def test_the_note_lasts_while_the_pitch_head_holds():
    heads = columns(onset=[0.5, 1.0, 0.5], pitch=[0.0, 0.9, 0.9, 0.4, 0.4, 0.1])
    at_half = decode_notes(heads, GRID, THRESHOLDS)
    lower = decode_notes(heads, GRID, replace(THRESHOLDS, pitch=replace(HALF, hold=0.25)))
    assert at_half.offset_s[0] == pytest.approx((12 + 0.8) / 30, abs=1e-4)
    assert lower.offset_s[0] == pytest.approx((14 + 0.5) / 30, abs=1e-4)


def test_a_short_dip_is_bridged_only_if_asked():
    heads = columns(onset=[0.5, 1.0, 0.5], pitch=[0, 1, 1, 1, 0, 1, 1, 1, 0])
    cut = decode_notes(heads, GRID, THRESHOLDS)
    whole = decode_notes(heads, GRID, replace(THRESHOLDS, rules=replace(RULES, bridge_s=1 / 30)))
    assert cut.offset_s[0] == pytest.approx(13.5 / 30, abs=1e-3)
    assert whole.offset_s[0] == pytest.approx(17.5 / 30, abs=1e-3)


def test_the_highest_offset_peak_ends_the_note_unless_too_low_or_too_late():
    onset, pitch = [0.5, 1.0, 0.5], [0, 1, 1, 1, 1, 1, 1, 1, 0]
    offset = [0, 0, 0, 0, 0.3, 0.6, 0.3, 0.4, 0.8, 0.4]
    base = decode_notes(columns(onset=onset, pitch=pitch, offset=offset), GRID, THRESHOLDS)
    assert base.offset_s[0] == pytest.approx(18 / 30, abs=1e-4)
    never = decode_notes(
        columns(onset=onset, pitch=pitch, offset=offset), GRID, replace(THRESHOLDS, offset=replace(HALF, threshold=1.0))
    )
    assert never.offset_s[0] == pytest.approx(17.5 / 30, abs=1e-3)
    late = decode_notes(columns(onset=onset, pitch=pitch, offset=[0] * 11 + [0.4, 0.8, 0.4]), GRID, THRESHOLDS)
    assert late.offset_s[0] == pytest.approx(17.5 / 30, abs=1e-3)


def test_a_repeated_key_ends_where_it_begins_again():
    onset = [0.5, 1.0, 0.5, 0, 0.5, 1.0, 0.5]
    notes = decode_notes(columns(onset=onset, pitch=[0] + [1] * 10 + [0]), GRID, THRESHOLDS)
    assert len(notes) == 2
    assert notes.offset_s[0] == notes.onset_s[1] == pytest.approx(15 / 30, abs=1e-4)


def test_of_two_near_peaks_the_higher_stays():
    heads = columns(onset=[0.5, 0.8, 0.6, 0.9, 0.5], pitch=[1] * 12)
    far = decode_notes(heads, GRID, replace(THRESHOLDS, rules=replace(RULES, min_repeat_s=1 / 30)))
    near = decode_notes(heads, GRID, replace(THRESHOLDS, rules=replace(RULES, min_repeat_s=2 / 30)))
    assert (len(far), len(near)) == (2, 1)
    assert near.onset_s[0] == pytest.approx(13 / 30, abs=0.02)


def test_a_note_has_the_least_length_and_no_more_than_one_peak_on_a_plateau():
    heads = columns(onset=[0.5, 0.9, 0.9, 0.5], pitch=[0, 1, 0])
    notes = decode_notes(heads, GRID, THRESHOLDS)
    assert len(notes) == 1
    assert notes.onset_s[0] == pytest.approx(11.5 / 30, abs=1e-4)
    assert notes.offset_s[0] - notes.onset_s[0] == pytest.approx(RULES.min_length_s)


def test_calibration_moves_a_probability():
    heads = columns(onset=[0.1, 0.4, 0.1], pitch=[1] * 5)
    assert len(decode_notes(heads, GRID, THRESHOLDS)) == 0
    assert len(decode_notes(heads, GRID, replace(THRESHOLDS, onset=replace(HALF, bias=1.0)))) == 1


def test_hand_and_staff_follow_the_mean_logit_of_the_note():
    heads = columns(onset=[0.5, 1.0, 0.5], pitch=[0, 1, 1, 1, 1, 0])
    heads["hand"] = np.full((GRID.length, KEY_COUNT), 9.0, np.float32)
    heads["hand"][11:15, KEY] = [-3.0, -3.0, 1.0, 1.0]
    notes = decode_notes(heads, GRID, THRESHOLDS)
    assert notes.hand.tolist() == [0]
    assert notes.staff.tolist() == [UNKNOWN]


def test_velocity_is_the_mean_share_around_the_onset():
    """The onset lies at frame 11; frames 10 to 12 count, others do not."""
    heads = columns(onset=[0.5, 1.0, 0.5], pitch=[0, 1, 1, 1, 1, 0])
    assert decode_notes(heads, GRID, THRESHOLDS).velocity.tolist() == [UNKNOWN]
    share = np.full((GRID.length, KEY_COUNT), 0.9, np.float32)
    share[10:13, KEY] = [0.25, 0.5, 0.6]
    heads["velocity"] = np.log(share / (1 - share))
    assert decode_notes(heads, GRID, THRESHOLDS).velocity.tolist() == [round(128 * 0.45)]
    for logit, velocity in ((-60_000.0, 1), (60_000.0, 127)):
        heads["velocity"] = np.full((GRID.length, KEY_COUNT), logit, np.float32)
        assert decode_notes(heads, GRID, THRESHOLDS).velocity.tolist() == [velocity]


def test_events_at_the_ends_of_a_clip_are_kept():
    heads = columns()
    heads["onset"][:2, 0], heads["pitch"][:4, 0] = (3.0, 0.0), 5.0
    heads["onset"][-2:, 87], heads["pitch"][-1:, 87] = (0.0, 3.0), 5.0
    notes = decode_notes(heads, GRID, THRESHOLDS)
    assert notes.midi.tolist() == [21, 108]
    assert notes.onset_s.tolist() == pytest.approx([0.0, 89 / 30])


@pytest.mark.parametrize("length", [0, 1, 2])
def test_tiny_clips_have_no_notes_and_no_error(length):
    heads = {name: np.full((length, KEY_COUNT), -5.0, np.float32) for name in HEAD_NAMES}
    assert len(decode_notes(heads, TimeGrid(30.0, 0.0, length), THRESHOLDS)) == 0


@pytest.mark.parametrize("value", [-60_000.0, 0.0, 60_000.0])
def test_flat_logits_of_any_height_give_no_note(value):
    heads = {name: np.full((40, KEY_COUNT), value, np.float32) for name in ("pitch", "onset", "offset")}
    assert len(decode_notes(heads, TimeGrid(30.0, 0.0, 40), THRESHOLDS)) == 0


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0]), st.sampled_from([25.0, 30.0, 60.0]))
@settings(max_examples=30, deadline=None)
def test_any_logits_and_thresholds_give_valid_notes(seed, threshold, fps):
    rng = np.random.default_rng(seed)
    grid = TimeGrid(fps, 0.5, 50)
    heads = {name: rng.normal(0, 3, (50, KEY_COUNT)).astype(np.float32) for name in ("pitch", "onset", "offset", "hand")}
    head = replace(HALF, threshold=threshold, hold=rng.choice([0.0, 0.4, 1.0]), lag_s=float(rng.uniform(-0.1, 0.1)))
    notes = decode_notes(heads, grid, replace(THRESHOLDS, onset=head, pitch=head, offset=head))
    assert (notes.offset_s > notes.onset_s).all()
    assert len(make_notes(notes.onset_s, notes.offset_s, notes.midi)) == len(notes)


def test_shifting_the_keyboard_shifts_the_notes():
    notes = random_notes(np.random.default_rng(3), 8.0)
    grid = TimeGrid(30.0, 0.0, 241)
    heads = noisy_logits(notes.take(notes.midi < 100), grid, np.random.default_rng(1))
    moved = {name: np.roll(values, 1, axis=1) for name, values in heads.items()}
    first, second = decode_notes(heads, grid, THRESHOLDS), decode_notes(moved, grid, THRESHOLDS)
    inside = first.take(first.midi < 108)
    np.testing.assert_array_equal(inside.midi + 1, second.midi[second.midi > 21])
    np.testing.assert_allclose(inside.onset_s, second.onset_s[second.midi > 21], atol=1e-9)


def test_many_clips_at_once_are_decoded_as_one_by_one():
    clips = []
    for number, fps in enumerate((25.0, 30.0, 60.0)):
        rng, grid = np.random.default_rng(number), TimeGrid(fps, 0.7 * number, int(6 * fps))
        notes = random_notes(rng, 6.0).moved(grid.start_s)
        clips.append(ClipLogits(str(number), grid, noisy_logits(notes, grid, rng)))
    events = collect(clips, THRESHOLDS)
    onset_index, runs = choose(events, 0.5, 0.5), find_runs(events, 0.5)
    onset_s, offset_s = spans(events, end_sources(events, onset_index, runs), THRESHOLDS)
    for number, clip in enumerate(clips):
        alone = decode_notes(clip.heads, clip.grid, THRESHOLDS)
        row = events.onsets.row[onset_index]
        together = make_notes(*(column[row // KEY_COUNT == number] for column in (onset_s, offset_s, row % KEY_COUNT + 21)))
        np.testing.assert_array_equal(together.midi, alone.midi)
        np.testing.assert_array_equal(together.onset_s, alone.onset_s)
        np.testing.assert_array_equal(together.offset_s, alone.offset_s)


def test_a_missing_head_and_a_wrong_shape_are_named():
    heads = columns()
    with pytest.raises(InputError, match="no head 'offset'"):
        decode_notes({name: heads[name] for name in ("pitch", "onset")}, GRID, THRESHOLDS)
    with pytest.raises(InputError, match=r"'pitch': shape \(89, 88\), expected \(90, 88\)"):
        decode_notes({**heads, "pitch": heads["pitch"][1:]}, GRID, THRESHOLDS)
