"""What moves and tells nothing: above the keys only, smooth, and drawn in the shares asked for."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tivit.core.keyboard import KEY_COUNT
from tivit.core.params import load, section
from tivit.synth.camera import Camera
from tivit.synth.distractors import BARE, BodyShadow, Display, PageTurn, Worn, random_distractors, random_worn, rows_above
from tivit.synth.hands import HandPainter
from tivit.synth.motion import FINGER_COUNT, HandMotion
from tivit.synth.params import SynthParams
from tivit.synth.photometry import tone_curve
from tivit.synth.render import render
from tivit.synth.scene import random_scene

DOWN = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
CAMERA = Camera(1280, 720, 1000.0, np.array([611.0, 75.0, 1100.0]), DOWN, 0.0)
TIMES_S = np.arange(30) / 30.0


@pytest.fixture(scope="module")
def params():
    return section(load(), "synth", SynthParams)


@pytest.mark.parametrize("kind", [Display, partial(PageTurn, exposure=1.0)])
def test_what_moves_above_the_keys_stays_there(kind):
    distractor, frames = kind(np.random.default_rng(1), CAMERA, TIMES_S), np.full((30, 720, 1280, 3), 90, np.uint8)
    for k, frame in enumerate(frames):
        distractor.paint(frame, k)
    rows = rows_above(CAMERA)
    assert 0 < rows < CAMERA.project([611.0, 150.0, 0.0])[1]
    assert (frames[:, rows:] == 90).all() and frames[:, :rows].std(axis=0).max() > 0


def test_a_body_shadow_is_soft_and_moves():
    shadow, frames = BodyShadow(np.random.default_rng(1), CAMERA, TIMES_S), np.full((30, 720, 1280, 3), 200, np.uint8)
    for k, frame in enumerate(frames):
        shadow.paint(frame, k)
    grey = frames[..., 0].astype(int)
    assert grey.min() < 185 and grey.max() <= 200
    assert max(np.abs(np.diff(grey[0], axis=axis)).max() for axis in (0, 1)) <= 3
    assert np.abs(grey[-1] - grey[0]).max() >= 1 and np.abs(np.diff(grey, axis=0)).max() <= 4


def test_shares_decide(params):
    none = replace(params.distractors, display=0.0, page_turn=0.0, body_shadow=0.0, ring=0.0, band=0.0, low_sleeve=0.0)
    every = replace(none, display=1.0, body_shadow=1.0, ring=1.0)
    rng = np.random.default_rng(0)
    assert random_distractors(rng, CAMERA, none, TIMES_S, 1.0) == []
    assert [type(d) for d in random_distractors(rng, CAMERA, every, TIMES_S, 1.0)] == [Display, BodyShadow]
    cropped = replace(CAMERA, height_px=300)
    assert [type(d) for d in random_distractors(rng, cropped, every, TIMES_S, 1.0)] == [BodyShadow]
    assert replace(random_worn(rng, none), metal=BARE.metal) == BARE
    assert random_worn(rng, every).ring_finger in range(1, FINGER_COUNT)


def test_a_band_and_a_low_sleeve_cover_what_lies_below(params):
    scene = replace(
        random_scene(np.random.default_rng(4), params.plain, params.press), noise_levels=0.0, sleeve=(250.0, 10.0, 10.0)
    )
    tips = np.zeros((1, FINGER_COUNT, 3))
    tips[0, :, 0] = 611.0 + np.array([-50.0, -25.0, 0.0, 22.0, 44.0])
    tips[0, :, 1:] = [30.0, 7.0]
    motion = HandMotion(1, np.array([[611.0, 0.0]]), tips, np.zeros(1))
    pictures = [
        next(
            render(
                np.random.default_rng(0),
                CAMERA,
                scene,
                np.zeros((1, KEY_COUNT)),
                [HandPainter(CAMERA, scene, motion, 1.0, 50.0, tone_curve(scene), worn)],
            )
        ).astype(int)
        for worn in (BARE, Worn(band_mm=30.0), Worn(ring_finger=2), Worn(sleeve_mm=20.0, cuff_half_mm=60.0))
    ]
    changed = [int((np.abs(picture - pictures[0]).max(-1) > 20).sum()) for picture in pictures]
    assert changed[0] == 0 < changed[2] < changed[1] < changed[3]


def test_a_rolling_shutter_shears_a_hand_that_moves_and_leaves_one_that_rests(params):
    scene = replace(random_scene(np.random.default_rng(4), params.plain, params.press), readout=0.5)
    tips = np.full((5, FINGER_COUNT, 3), 7.0)
    for speed_mm, is_sheared in ((0.0, False), (20.0, True)):
        x_mm = 600.0 + speed_mm * np.arange(5)
        tips[..., 0] = x_mm[:, None] + np.arange(FINGER_COUNT) * 20.0
        motion = HandMotion(1, np.stack([x_mm, np.zeros(5)], axis=1), tips, np.zeros(5))
        rolling, still = (
            HandPainter(CAMERA, s, motion, 1.0, 50.0, tone_curve(scene)).backs["dark"]
            for s in (scene, replace(scene, readout=0.0))
        )
        assert (not np.array_equal(rolling, still)) == is_sheared
