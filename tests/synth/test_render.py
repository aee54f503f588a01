"""Pictures: a press changes its own key and no other, hands cover and darken, the lookup table keeps order."""

from dataclasses import replace

import numpy as np
import pytest
from synth_cases import NO_SINKING

from tivit.core.keyboard import CENTER_MM, IS_BLACK, KEY_COUNT, LEFT_MM, RIGHT_MM, TAIL_LEFT_MM, TAIL_RIGHT_MM
from tivit.core.params import load, section
from tivit.synth.camera import Camera, random_camera
from tivit.synth.hands import HandPainter
from tivit.synth.motion import FINGER_COUNT, HandMotion
from tivit.synth.params import SynthParams
from tivit.synth.photometry import AutoExposure, Noise, tone_curve
from tivit.synth.render import KeyboardPicture, render
from tivit.synth.scene import random_scene, random_sinking, shifted

DOWN = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
CAMERA = Camera(1280, 360, 1000.0, np.array([611.0, 75.0, 1100.0]), DOWN, 0.0)


@pytest.fixture(scope="module")
def params():
    return section(load(), "synth", SynthParams)


@pytest.fixture(scope="module")
def scene(params):
    drawn = random_scene(np.random.default_rng(4), params.plain, params.press)
    return replace(
        drawn,
        sinking=NO_SINKING,
        exposure=1.0,
        contrast=1.0,
        blur_px=0.0,
        noise_levels=0.0,
        glare=0.0,
        gap_mm=1.0,
        gap=(20.0, 20.0, 20.0),
    )


@pytest.fixture(scope="module")
def keyboard(scene):
    return KeyboardPicture(np.random.default_rng(0), CAMERA, scene)


def pressed(key, depth=1.0):
    result = np.zeros(KEY_COUNT)
    result[key] = depth
    return result


def row_at(image, y_mm):
    row = int(round(CAMERA.project([611.0, y_mm, 0.0])[1]))
    return image[row].mean(-1)


def test_white_keys_are_bright_and_gaps_are_visible(keyboard):
    row = row_at(keyboard.at(np.zeros(KEY_COUNT)), 30.0)
    for key in np.flatnonzero(~IS_BLACK)[10:-10]:
        center, edge = (int(round(CAMERA.project([x, 30.0, 0.0])[0])) for x in (CENTER_MM[key], RIGHT_MM[key]))
        assert row[edge - 1 : edge + 2].min() < 0.8 * row[center]


def test_black_keys_are_dark_where_they_should_be(keyboard):
    row = row_at(keyboard.at(np.zeros(KEY_COUNT)), 110.0)
    for key in range(30, 60):
        x_mm = CENTER_MM[key] if IS_BLACK[key] else (TAIL_LEFT_MM[key] + TAIL_RIGHT_MM[key]) / 2
        value = row[int(round(CAMERA.project([x_mm, 110.0, 12.0 if IS_BLACK[key] else 0.0])[0]))]
        assert (value < 90) == bool(IS_BLACK[key])


@pytest.mark.parametrize("key", [20, 39, 40, 60, 0, 87])
def test_a_press_changes_its_own_key_and_not_the_others(keyboard, key):
    released = keyboard.at(np.zeros(KEY_COUNT)).astype(int)
    change = np.abs(keyboard.at(pressed(key)).astype(int) - released).sum((0, 2))
    assert change.sum() > 500
    x_px = np.arange(CAMERA.width_px)
    low, high = CAMERA.project([[LEFT_MM[key], 30.0, 0.0], [RIGHT_MM[key], 30.0, 0.0]])[:, 0]
    margin = 8.0 if IS_BLACK[key] else 4.0
    outside = (x_px < low - margin) | (x_px > high + margin)
    assert change[outside].sum() <= 0.02 * change.sum()


def test_a_released_key_looks_as_before(keyboard):
    before = keyboard.at(np.zeros(KEY_COUNT)).copy()
    keyboard.at(pressed(41))
    assert np.array_equal(keyboard.at(np.zeros(KEY_COUNT)), before)


def test_a_pressed_white_key_gets_dark_lines_at_its_sides_where_light_is_hard(scene):
    keyboard = KeyboardPicture(
        np.random.default_rng(0), CAMERA, replace(scene, sinking=replace(NO_SINKING, edge=0.4, edge_width=0.14), sharpen=0.0)
    )
    key = 39
    released = row_at(keyboard.at(np.zeros(KEY_COUNT)), 25.0).copy()
    change = row_at(keyboard.at(pressed(key)), 25.0) - released
    low, high = (int(round(v)) for v in CAMERA.project([[LEFT_MM[key], 25.0, 0.0], [RIGHT_MM[key], 25.0, 0.0]])[:, 0])
    middle = change[low + 8 : high - 8].mean()
    assert change[low - 2 : low + 5].min() < middle - 8
    assert change[high - 5 : high + 2].min() < middle - 8


def test_what_light_adds_to_a_press_has_either_sign_and_is_missing_in_its_share(params):
    drawn = [random_sinking(np.random.default_rng(seed), params.press) for seed in range(400)]
    for name in ("dim", "tail", "edge", "growth", "black"):
        values, effect = np.array([getattr(sinking, name) for sinking in drawn]), getattr(params.press, name)
        assert (values != 0).mean() == pytest.approx(effect.share, abs=0.08)
        assert (values > 0).sum() == pytest.approx((values < 0).sum(), rel=0.5)
        assert np.abs(np.median(values[values != 0])) < 0.3 * effect.sigma


def test_a_border_swells_outward_and_pushes_the_gap(scene):
    swollen = replace(scene, sharpen=0.0, sinking=replace(NO_SINKING, swell=((0.6, 0.0), (-0.6, 0.0))))
    plain = replace(swollen, sinking=NO_SINKING)
    key, rows = 39, []
    for look in (plain, swollen):
        keyboard = KeyboardPicture(np.random.default_rng(0), CAMERA, look)
        released = row_at(keyboard.at(np.zeros(KEY_COUNT)), 25.0).copy()
        rows.append(row_at(keyboard.at(pressed(key)), 25.0) - released)
    low, high = (int(round(v)) for v in CAMERA.project([[LEFT_MM[key], 25.0, 0.0], [RIGHT_MM[key], 25.0, 0.0]])[:, 0])
    change = rows[1] - rows[0]
    assert change[low - 2 : low + 2].max() > 10 and change[high - 2 : high + 3].min() < -10


def test_a_sunk_tail_opens_the_gap_that_the_camera_sees_and_closes_the_other(scene):
    """D between its black keys, right of the camera: its tail moves to the left in the picture."""
    keyboard = KeyboardPicture(np.random.default_rng(0), CAMERA, replace(scene, sharpen=0.0, cast=0.0, occlusion=0.0))
    key = 65
    left_px, right_px = (CAMERA.project([x, 110.0, 0.0])[0] for x in (TAIL_LEFT_MM[key], TAIL_RIGHT_MM[key]))
    released = row_at(keyboard.at(np.zeros(KEY_COUNT)), 110.0).copy()
    change = row_at(keyboard.at(pressed(key)), 110.0) - released
    assert change[int(right_px) - 3 : int(right_px) + 2].min() < -30
    assert change[int(left_px) - 3 : int(left_px) + 3].min() > -10
    assert np.abs(change[int(left_px) + 3 : int(right_px) - 3]).max() < 10


def test_shadows_lie_on_the_white_tops_alone(scene):
    """A black key that is pressed changes nothing of the white keys but their light, and only next to it."""
    keyboard = KeyboardPicture(np.random.default_rng(0), CAMERA, replace(scene, sharpen=0.0))
    key = 40
    released = keyboard.at(np.zeros(KEY_COUNT)).astype(int)
    change = np.abs(keyboard.at(pressed(key)).astype(int) - released).max(-1)
    front_row = int(round(CAMERA.project([611.0, 25.0, 0.0])[1]))
    assert IS_BLACK[key] and change[front_row].max() == 0


def test_hands_cover_keys_and_leave_the_rest_alone(scene):
    tips = np.zeros((1, FINGER_COUNT, 3))
    tips[0, :, 0] = 611.0 + np.array([-50.0, -25.0, 0.0, 22.0, 44.0])
    tips[0, :, 1:] = [30.0, 7.0]
    motion = HandMotion(1, np.array([[611.0, 0.0]]), tips, np.zeros(1))
    hand = HandPainter(CAMERA, scene, motion, 1.0, 50.0, tone_curve(scene))
    depth = np.zeros((1, KEY_COUNT))
    bare = next(render(np.random.default_rng(0), CAMERA, scene, depth, [])).astype(int)
    covered = next(render(np.random.default_rng(0), CAMERA, scene, depth, [hand])).astype(int)
    x, y = (int(round(v)) for v in CAMERA.project([611.0, 5.0, 20.0]))
    assert np.abs(covered[y, x] - bare[y, x]).sum() > 30
    assert np.array_equal(covered[:, :400], bare[:, :400])


def test_tone_curve_rises_and_darkens(params, scene):
    curve = tone_curve(scene)[0].astype(int)
    assert (np.diff(curve, axis=0) >= 0).all()
    dark = tone_curve(replace(scene, exposure=0.4))[0].astype(int)
    assert (dark[200] < curve[200]).all()


def test_noise_has_the_deviation_asked_for():
    noise = Noise(np.random.default_rng(0), (320, 180), 4.0)
    frame = np.full((180, 320, 3), 128, np.uint8)
    assert noise.apply(frame).std() == pytest.approx(4.0, rel=0.35)
    assert Noise(np.random.default_rng(0), (320, 180), 0.0).apply(frame) is frame


@pytest.mark.parametrize("tier", ["hard", "shift"])
def test_every_drawn_scene_renders(params, tier):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        camera = random_camera(rng, (640, 360), params.camera_of(tier))
        scene = random_scene(rng, params.tier(tier), params.press)
        picture = KeyboardPicture(rng, camera, shifted(rng, scene) if tier == "shift" else scene)
        assert picture.image.shape == (360, 640, 3) and picture.image.std() > 3


def test_a_moving_key_is_blurred_and_a_still_one_is_not(scene):
    """Up, half way, down: the middle frame holds a share of both neighbours, and only around the key."""
    key, depth = 39, np.zeros((4, KEY_COUNT))
    depth[:, key] = [0.0, 0.4, 1.0, 1.0]
    sharp = [next(render(np.random.default_rng(0), CAMERA, scene, depth[[k]], [])).astype(int) for k in range(4)]
    blurred = [f.astype(int) for f in render(np.random.default_rng(0), CAMERA, replace(scene, shutter=0.8), depth, [])]
    expected = 0.9 * (0.9 * sharp[1] + 0.1 * sharp[0]) + 0.1 * sharp[2]
    assert np.abs(blurred[1] - expected).max() <= 2
    assert np.array_equal(blurred[3], sharp[3])
    assert np.array_equal(blurred[1][:, :300], sharp[1][:, :300])


def test_the_gain_stays_with_its_drift_and_flicker():
    times_s, frame = np.arange(300) / 30.0, np.full((64, 64, 3), 200, np.uint8)
    still = AutoExposure(np.random.default_rng(0), times_s, 0.0, 0.5, 0.0)
    assert all(still.apply(frame, k) is frame for k in range(300))
    flickering = AutoExposure(np.random.default_rng(0), times_s, 0.0, 0.0, 0.02)
    levels = [int(flickering.apply(frame, k)[0, 0, 0]) for k in range(300)]
    assert min(levels) == 196 and max(levels) == 204
    drifting = AutoExposure(np.random.default_rng(0), times_s, 0.03, 0.0, 0.0)
    levels = [int(drifting.apply(frame, k)[0, 0, 0]) for k in range(300)]
    assert np.abs(np.diff(levels)).max() <= 2 and max(levels) - min(levels) >= 4


def test_automatic_exposure_takes_back_a_share_of_a_change():
    times_s = np.arange(120) / 30.0
    exposure = AutoExposure(np.random.default_rng(0), times_s, 0.0, 0.5, 0.0)
    bright, dark = (np.full((64, 64, 3), level, np.uint8) for level in (200, 100))
    levels = [int(exposure.apply(bright if k < 10 else dark, k)[0, 0, 0]) for k in range(120)]
    assert levels[9] == 200 and 100 <= levels[10] < 110
    assert levels[-1] == pytest.approx(100 * 2**0.5, abs=2)
