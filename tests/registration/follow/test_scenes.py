"""A keyboard that is shown for a part of a clip only."""

import cv2
import numpy as np
from registration_cases import GEOMETRY, PARAMS, seen

from tivit.core.registration import Refusal
from tivit.registration.estimate import estimate
from tivit.registration.follow.scenes import register_shown, scenes_of
from tivit.registration.truth import key_errors
from tivit.video.reader import SampledFrame


def card(text):
    picture = np.full((360, 640, 3), 235, np.uint8)
    cv2.putText(picture, text, (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 2, (30, 30, 30), 3)
    return picture


def test_a_keyboard_shown_after_a_long_title_is_found():
    view, picture = seen(3)
    frames = [SampledFrame(float(k), card("Sonata in C") if k < 6 else picture) for k in range(10)]
    found = register_shown(frames, GEOMETRY, lambda images: estimate(images, PARAMS, GEOMETRY), lambda *_: [])
    assert found.status == "ok" and found.moves == ()
    assert np.abs(key_errors(found, view.key_centers_px(), GEOMETRY)).max() < 0.08


def test_without_a_keyboard_in_any_scene_the_refusal_is_that_of_the_clip():
    frames = [SampledFrame(float(k), card("one" if k < 4 else "and two of them")) for k in range(8)]
    answers = []
    refused = register_shown(
        frames,
        GEOMETRY,
        lambda images: answers.append(len(images)) or Refusal(f"{len(images)} frames", (360, 640), 8),
        lambda *_: [],
    )
    assert refused.reason == "8 frames" and answers[0] == 8
    assert [len(scene) for scene in scenes_of(frames)] in ([4, 4], [])
