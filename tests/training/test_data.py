"""Windows, augmentation and batches: exact effects of each change, and batches that depend on seed and step alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from model_cases import GEOMETRY, NO_AUGMENT, OCTAVE_PX, batch_of, noisy_strip, played_clip, three_notes, train_params

from tivit.core.errors import InputError
from tivit.core.keyboard import CENTER_MM, keys_between
from tivit.core.manifest import Clip, Manifest
from tivit.core.notes import make_notes
from tivit.core.strip import open_strips, write_strip_index
from tivit.core.timegrid import TimeGrid
from tivit.training.augment import (
    Augmentation,
    add_noise,
    damage_background,
    draw_augmentation,
    draw_exposure,
    draw_shake,
    draw_turn,
)
from tivit.training.data import content_digest, fixed_batches, load_clips, sampler_of
from tivit.training.loader import StepBatches, batches_from
from tivit.training.params import TurnParams

SHAPE = (GEOMETRY.height_px, GEOMETRY.width_px)
NOTHING = Augmentation(
    is_mirrored=False,
    octaves=0,
    speed=1.0,
    columns_px=np.arange(SHAPE[1], dtype=np.float32),
    rows_px=np.arange(SHAPE[0], dtype=np.float32),
    table=np.arange(256, dtype=np.uint8),
    light=np.ones(SHAPE, np.float32),
    blur_px=0.0,
    noise_levels=0.0,
)


def test_a_turn_changes_what_is_small_and_leaves_hands():
    background = np.full(SHAPE, 150.0, np.float32)
    turn_params = TurnParams(share=1.0, apart=0.0, no_tails=0.0, no_fronts=0.0)
    turn = draw_turn(np.random.default_rng(1), turn_params, SHAPE, 20.0, contrast=80.0)
    frames = np.stack([background + 20.0, background - 20.0, background + 90.0])
    turn.apply(frames, background)
    change = frames - background
    np.testing.assert_allclose(change[0], 20.0 * (1.0 + turn.factor), atol=1e-3)
    np.testing.assert_allclose(change[1], -change[0], atol=1e-3)
    np.testing.assert_array_equal(change[2], 90.0)
    assert turn.factor.min() < -1.2 and turn.factor.max() > -0.5


def test_tails_or_fronts_may_not_change_at_all():
    background = np.full(SHAPE, 150.0, np.float32)
    for values, rows in (((1.0, 0.0), slice(0, 8)), ((0.0, 1.0), slice(-4, None))):
        turn = draw_turn(np.random.default_rng(0), TurnParams(1.0, 1.0, *values), SHAPE, 20.0, contrast=80.0)
        frames = (background + 20.0)[None].copy()
        turn.apply(frames, background)
        np.testing.assert_array_equal(frames[0, rows], background[rows])
        assert np.abs(frames - background).max() > 1.0
    assert draw_turn(np.random.default_rng(0), TurnParams(0.0, 1.0, 0.0, 0.0), SHAPE, 20.0, 80.0) is None


def test_no_augmentation_is_the_identity():
    images = noisy_strip(3)
    drawn = draw_augmentation(np.random.default_rng(0), NO_AUGMENT, SHAPE)
    np.testing.assert_array_equal(drawn.apply(images), images)
    assert (drawn.noise_levels, drawn.speed) == (0.0, 1.0)
    notes, seen = three_notes(), drawn.apply_to_notes(three_notes())
    assert all(np.array_equal(getattr(seen, name), column) for name, column in vars(notes).items())
    np.testing.assert_array_equal(NOTHING.apply(images), images)


def test_a_shift_by_whole_pixels_is_exact():
    images = noisy_strip(2)
    moved = replace(NOTHING, columns_px=NOTHING.columns_px + 2, rows_px=NOTHING.rows_px - 1)
    np.testing.assert_array_equal(moved.apply(images)[:, 1:, :-2], images[:, :-1, 2:])


def test_the_table_and_the_light_act_on_every_pixel():
    images = noisy_strip(2)
    table = (255 - np.arange(256)).astype(np.uint8)
    np.testing.assert_array_equal(replace(NOTHING, table=table).apply(images), 255 - images)
    np.testing.assert_array_equal(replace(NOTHING, light=NOTHING.light / 2).apply(images), images / 2)


def test_a_mirror_moves_a_key_to_the_key_of_its_note():
    """A dark stripe at each key's centre is found, in the mirror, at the centre of the mirrored note's key."""
    drawn = draw_augmentation(np.random.default_rng(0), replace(NO_AUGMENT, mirror=1.0), SHAPE)
    for midi in (30, 49, 62, 66, 68, 90, 103):
        notes = make_notes([0.0], [1.0], [midi], None, [0], [1])
        seen = drawn.apply_to_notes(notes)
        assert (int(seen.midi[0]), int(seen.hand[0]), int(seen.staff[0])) == (124 - midi, 1, 0)
        first = int(GEOMETRY.column_px(CENTER_MM[midi - 21])) - 1
        stripe = np.full((1, *SHAPE), 200, np.uint8)
        stripe[:, :, first : first + 2] = 0
        dark = 200 - drawn.apply(stripe)[0, 0]
        found_px = dark @ (np.arange(SHAPE[1]) + 0.5) / dark.sum()
        beside_px = first + 1 - GEOMETRY.column_px(CENTER_MM[midi - 21])
        assert found_px == pytest.approx(GEOMETRY.column_px(CENTER_MM[124 - midi - 21]) - beside_px, abs=0.05)


def test_a_move_by_an_octave_is_one_of_seven_white_keys():
    images = noisy_strip(1)
    moves = set()
    for seed in range(8):
        drawn = draw_augmentation(np.random.default_rng(seed), replace(NO_AUGMENT, octave=1.0), SHAPE)
        assert drawn.apply_to_notes(three_notes()).midi.tolist() == [midi + 12 * drawn.octaves for midi in (40, 60, 67)]
        assert (drawn.apply_to_notes(three_notes()).staff == -1).all()
        np.testing.assert_array_equal(
            drawn.apply(images)[..., 60:-60], np.roll(images, OCTAVE_PX * drawn.octaves, -1)[..., 60:-60]
        )
        moves.add(drawn.octaves)
    assert moves == {-1, 1}


def test_a_mirror_leaves_unknown_hands_unknown_and_drops_keys_beyond_the_keyboard():
    drawn = replace(NOTHING, is_mirrored=True)
    notes = make_notes([0.0, 0.0], [1.0, 1.0], [60, 108])
    seen = drawn.apply_to_notes(notes)
    assert seen.midi.tolist() == [64]
    assert seen.hand.tolist() == seen.staff.tolist() == [-1]


def test_draws_stay_within_their_limits():
    limits = replace(NO_AUGMENT, shift_px=2.0, row_shift_px=1.0, gain=0.2, light=0.3, blur_px=0.7, noise_levels=3.0, speed=0.25)
    for seed in range(50):
        drawn = draw_augmentation(np.random.default_rng(seed), limits, SHAPE)
        assert np.abs(drawn.columns_px - NOTHING.columns_px).max() <= 2.0
        assert np.abs(drawn.rows_px - NOTHING.rows_px).max() <= 1.0
        assert 100 / 1.2 - 1 <= drawn.table[100] <= 100 * 1.2 + 1
        assert 0.7 <= drawn.light.min() <= drawn.light.max() <= 1.3
        assert 0 <= drawn.blur_px <= 0.7
        assert 0 <= drawn.noise_levels <= 3.0
        assert 0.8 <= drawn.speed <= 1.25


def test_shake_moves_each_frame_by_itself_and_is_off_at_zero():
    assert draw_shake(np.random.default_rng(0), 0.0, 8) is None
    shakes = [draw_shake(np.random.default_rng(seed), 0.2, 34) for seed in range(40)]
    assert all(shake.shape == (34, 2) and shake.std() < 0.3 for shake in shakes)
    assert np.std(shakes) > 0.02
    ramp = np.broadcast_to(np.arange(SHAPE[1], dtype=np.uint8), (2, *SHAPE)).copy()
    moved = NOTHING.apply(ramp, np.array([[0.0, 0.0], [1.0, 0.0]]))
    np.testing.assert_array_equal(moved[0], ramp[0])
    np.testing.assert_array_equal(moved[1, :, 1:], ramp[1, :, :-1])


def test_exposure_drifts_within_its_limit_and_is_off_at_zero():
    assert draw_exposure(np.random.default_rng(0), 0.0, 8) is None
    drifts = np.array([draw_exposure(np.random.default_rng(seed), 0.1, 32)[:, 0, 0] for seed in range(60)])
    assert 0.07 < np.abs(drifts - 1.0).max() <= 0.1
    assert np.abs(drifts[:, -1] - drifts[:, 0]).max() > 0.05
    assert np.abs(np.diff(drifts, n=2, axis=1)).max() < 1e-6


def test_noise_has_the_sigma_asked_for_and_differs_from_frame_to_frame():
    images = np.full((4, *SHAPE), 100, np.float32)
    noisy = images.copy()
    add_noise(np.random.default_rng(0), noisy, 3.0)
    assert noisy.dtype == np.float32
    assert noisy.std() == pytest.approx(3.0, rel=0.05)
    assert np.abs(noisy[0] - noisy[1]).mean() > 1.0
    same = images.copy()
    add_noise(np.random.default_rng(0), same, 0.0)
    np.testing.assert_array_equal(same, images)


def test_a_damaged_background_shows_the_frame_somewhere():
    background, frame = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 9, np.uint8)
    damaged = damage_background(np.random.default_rng(3), background, frame)
    shown = (damaged == 9).all(axis=0)
    assert 0 < shown.sum() < SHAPE[1] / 2
    assert not background.any()


def test_a_batch_depends_on_seed_and_step_alone():
    clips, params = [played_clip("a"), played_clip("b", 24, 1)], train_params()
    first, again = batch_of(clips, params, 5, 3), batch_of(clips, params, 5, 3)
    assert torch.equal(first.windows, again.windows)
    assert torch.equal(first.targets["onset"], again.targets["onset"])
    for other in (batch_of(clips, params, 5, 4), batch_of(clips, params, 6, 3)):
        assert not torch.equal(first.windows, other.windows)


def test_a_faster_window_has_its_notes_closer_together():
    clip = played_clip("a", 40)
    params = train_params(augment=replace(NO_AUGMENT, speed=0.5))
    seen = set()
    for step in range(30):
        batch = batch_of([clip], params, 1, step)
        for window, pitch in zip(batch.windows, batch.targets["pitch"], strict=True):
            dark = window[2:, 20, int(GEOMETRY.column_px(CENTER_MM[67 - 21]))] < 140
            assert (dark != pitch[:, 67 - 21].bool()).sum() <= 1
            seen.add(int(dark.sum()))
    assert len(seen) > 3


def test_shapes_of_a_batch():
    batch = batch_of([played_clip("a")], train_params(clips_per_step=3), 0, 0)
    assert batch.windows.shape == (3, 10, *SHAPE)
    assert batch.backgrounds.shape == (3, *SHAPE)
    assert batch.targets["onset"].shape == batch.masks["hand"].shape == (3, 8, 88)


def test_fixed_batches_are_plain_windows_with_their_own_targets():
    clip = played_clip("a", 30)
    batches = fixed_batches([clip], window_frames=8, total_frames=24, ramp_frames=2.0)
    assert len(batches) == 3
    first = next(i for i in range(3, 22) if np.array_equal(clip.frames[i], batches[0].windows[0, 2]))
    pitch = batches[0].targets["pitch"][0, :, 40 - 21]
    down = [bool(0.1 <= (first + k) / 30 < 0.3) for k in range(8)]
    assert pitch.bool().tolist() == down


def folder_with(tmp_path, lengths):
    grids = {}
    for name, length in lengths.items():
        (tmp_path / "train").mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", noisy_strip(length))
        grids[name] = TimeGrid(30.0, 0.0, length)
    write_strip_index(tmp_path, GEOMETRY, grids)
    clips = tuple(Clip(name, "train", "", "x.mp4", 21, 108) for name in lengths)
    return open_strips(tmp_path), Manifest(clips, {name: three_notes() for name in lengths})


def test_a_clip_shorter_than_a_window_is_named_and_left_out(tmp_path, caplog):
    strips, manifest = folder_with(tmp_path, {"train/long": 20, "train/short": 7})
    clips = load_clips(strips, manifest, "train", 8)
    assert [clip.clip_id for clip in clips] == ["train/long"]
    assert "train/short" in caplog.text
    with pytest.raises(InputError, match="train.window_frames"):
        load_clips(strips, manifest, "train", 32)


def test_the_share_of_own_clips_changes_no_batch_without_any():
    clips = [played_clip("a"), played_clip("b", 24, 1)]
    few, many = (batch_of(clips, train_params(own_share=share), 5, 3) for share in (0.1, 0.9))
    assert torch.equal(few.windows, many.windows)
    dark = replace(clips[1], is_own=True, frames=np.zeros_like(clips[1].frames))
    for share in (0.0, 1.0):
        params = train_params(own_share=share, augment=NO_AUGMENT)
        drawn = torch.cat([batch_of([clips[0], dark], params, 5, step).windows for step in range(5)])
        assert [bool(window.any()) for window in drawn] == [share == 0.0] * len(drawn)


def test_own_clips_are_known_by_their_tier_and_need_a_note_in_their_video(tmp_path):
    strips, manifest = folder_with(tmp_path, {"train/a": 20, "train/b": 20})
    manifest = replace(manifest, clips=(manifest.clips[0], replace(manifest.clips[1], tier="own")))
    assert [clip.is_own for clip in load_clips(strips, manifest, "train", 8)] == [False, True]
    late = replace(manifest, notes=manifest.notes | {"train/b": three_notes().moved(5.0)})
    with pytest.raises(InputError, match="clip 'train/b': none of its 3 notes lies in its video .0.00 to 0.63 s.; is offset_s"):
        load_clips(strips, late, "train", 8)


def test_the_digest_sees_pictures_and_notes():
    clip = played_clip("a")
    assert content_digest([clip]) == content_digest([played_clip("a")])
    assert content_digest([clip]) != content_digest([played_clip("a", seed=5)])
    assert content_digest([clip]) != content_digest([replace(clip, notes=clip.notes.moved(0.01))])
    assert content_digest([clip]) != content_digest([replace(clip, in_view=clip.in_view & (np.arange(88) > 3))])


@pytest.mark.parametrize(
    ("is_mirrored", "octaves", "seen"),
    [(False, 0, (36, 96)), (True, 0, (28, 88)), (False, 1, (48, 108)), (False, -1, (24, 84)), (True, 1, (40, 100))],
)
def test_the_keys_in_view_move_with_the_notes(is_mirrored, octaves, seen):
    drawn = replace(NOTHING, is_mirrored=is_mirrored, octaves=octaves)
    in_view = drawn.apply_to_keys(keys_between(36, 96))
    assert (np.flatnonzero(in_view)[[0, -1]] + 21).tolist() == list(seen) and in_view.sum() == 61
    lowest, highest = np.arange(2.0), np.arange(2.0) + 0.5
    notes = drawn.apply_to_notes(make_notes(lowest, highest, [36, 96]))
    assert in_view[notes.midi - 21].all() and sorted(notes.midi.tolist()) == list(seen)


def test_what_lay_beyond_the_keyboard_is_not_in_view_after_a_move():
    everything = np.ones(88, bool)
    assert np.flatnonzero(~replace(NOTHING, octaves=1).apply_to_keys(everything)).tolist() == list(range(12))
    assert np.flatnonzero(~replace(NOTHING, is_mirrored=True).apply_to_keys(everything)).tolist() == [83, 84, 85, 86, 87]


def test_masks_leave_out_keys_out_of_view_in_every_head():
    clip = replace(played_clip("a"), in_view=keys_between(50, 66))
    params = train_params(augment=NO_AUGMENT)
    for batch in (batch_of([clip], params, 0, 0), *fixed_batches([clip], 8, 16, 2.0)):
        for name, mask in batch.masks.items():
            assert mask[..., :29].sum() == mask[..., 46:].sum() == 0, name
        assert batch.masks["onset"][..., 29:46].all()
    assert any(batch.targets["pitch"][..., 67 - 21].any() for batch in fixed_batches([clip], 8, 24, 2.0))


def test_processes_that_draw_ahead_change_no_byte():
    clips, params = [played_clip("a"), played_clip("b", seed=1)], train_params(steps=5)
    batches = StepBatches(clips, sampler_of(clips, params), params)
    here, ahead = (list(batches_from(2, batches, loaders)) for loaders in (0, 2))
    assert len(here) == len(ahead) == 3
    for one, other in zip(here, ahead, strict=True):
        assert torch.equal(one.windows, other.windows)
        assert all(torch.equal(value, other.targets[name]) for name, value in one.targets.items())
