"""What recordings do to a picture: squeezed, cropped, cut at an edge, set into a slide, two keyboards, light that falls off."""

import cv2
import numpy as np
import pytest
from registration_cases import GEOMETRY, PARAMS, Look, random_view, render, seen

from tivit.core.keyboard import IS_BLACK, KEYBOARD_WIDTH_MM, LEFT_MM, RIGHT_MM
from tivit.registration.estimate import estimate
from tivit.registration.params import Override
from tivit.registration.truth import key_errors


def errors_of(found, view, scale=(1.0, 1.0), shift=(0.0, 0.0)):
    """Return the largest error (white-key widths) where pixels were scaled and then shifted."""
    centers = (view.key_centers_px() + 0.5) * scale - 0.5 + shift
    return np.abs(key_errors(found, centers, GEOMETRY)[found.first_key : found.last_key + 1]).max()


@pytest.mark.parametrize("squeeze", [0.6, 1.33])
def test_a_picture_squeezed_in_height(squeeze):
    view, picture = seen(1)
    found = estimate([cv2.resize(picture, (640, round(360 * squeeze)), interpolation=cv2.INTER_AREA)], PARAMS, GEOMETRY)
    assert (found.status, found.last_midi - found.first_midi) == ("ok", 87)
    assert errors_of(found, view, (1.0, round(360 * squeeze) / 360)) < 0.1
    assert found.quality.err_across[1] < 0.15


def test_a_crop():
    view, picture = seen(2, size_wh=(1280, 720))
    left = int(view.key_centers_px()[:, 0].min()) - 30
    found = estimate([picture[:, left : left + 800]], PARAMS, GEOMETRY, Override(first_key=21, orientation="upright"))
    assert found.status == "ok" and found.last_midi < 108
    assert errors_of(found, view, shift=(-left, 0.0)) < 0.1


def test_keys_that_the_frame_of_a_slide_cuts_are_not_in_view():
    view, picture = seen(2, size_wh=(1280, 720))
    x = view.key_centers_px()[:, 0]
    part = picture[:, int(x[10]) : int(x[75])]
    found, alone = (
        estimate([picture], PARAMS, GEOMETRY)
        for picture in (cv2.copyMakeBorder(part, 200, 20, 90, 60, 0, value=(235,) * 3), part)
    )
    assert (found.first_midi, found.last_midi) == (alone.first_midi, alone.last_midi)
    assert "mirror image cannot be told" in found.doubt


def test_two_keyboards_are_refused_and_corners_say_which_is_meant():
    (_, above), (view, below) = seen(2), seen(4)
    picture, shift = np.concatenate([above, below]), np.array([0.0, 360.0])
    refused = estimate([picture], PARAMS, GEOMETRY)
    assert refused.status == "refused" and "two keyboards" in refused.reason and "give the corners" in refused.reason
    found = estimate([picture], PARAMS, GEOMETRY, Override(tuple(map(tuple, view.corners_px() + shift))))
    assert found.status == "ok" and errors_of(found, view, shift=shift) < 0.1


def drawn_panel(width):
    """Return a keyboard drawn in two colours, 110 px high, (110, width, 3)."""
    panel, scale = np.zeros((110, width, 3), np.uint8), width / KEYBOARD_WIDTH_MM
    for key in np.argsort(IS_BLACK, kind="stable"):
        left, right = int(LEFT_MM[key] * scale), int(RIGHT_MM[key] * scale)
        panel[: 70 if IS_BLACK[key] else 106, left : right - 1] = 25 if IS_BLACK[key] else 240
    return panel


def test_drawn_keys_above_a_piano_are_not_taken_for_it():
    view, picture = seen(4, size_wh=(1280, 720))
    found = estimate([np.concatenate([drawn_panel(1280), picture])], PARAMS, GEOMETRY)
    assert found.status == "ok" and errors_of(found, view, shift=(0.0, 110.0)) < 0.1


def test_drawn_keys_alone_are_refused_and_the_reason_says_so():
    picture = np.concatenate([np.full((300, 1280, 3), 70, np.uint8), drawn_panel(1280), np.full((310, 1280, 3), 40, np.uint8)])
    refused = estimate([picture], PARAMS, GEOMETRY)
    assert refused.status == "refused" and "drawn and not filmed" in refused.reason and "give the corners" in refused.reason


def test_of_two_keyboards_the_one_that_is_played_is_taken():
    (_, above), (view, below) = seen(2), seen(4)
    frames = []
    front = int(view.key_centers_px()[:, 1].max())
    for k in range(7):
        frame = np.concatenate([above, below])
        frame[360 + front : 720, 60 + 60 * k : 150 + 60 * k] = (90, 120, 160)
        frames.append(frame)
    found = estimate(frames, PARAMS, GEOMETRY)
    assert found.status == "ok" and errors_of(found, view, shift=(0.0, 360.0)) < 0.1


def test_the_ends_of_a_keyboard_in_a_spotlight_are_found():
    view = random_view(np.random.default_rng([5, 6]), (1280, 720))
    picture = render(view, np.random.default_rng(1), Look())
    x, y = np.meshgrid(np.arange(1280), np.arange(720))
    light = 0.18 + 0.82 * np.exp(-2.5 * ((x - 640) ** 2 + (y - 360) ** 2) / 550**2)
    found = estimate([(picture * light[..., None]).astype(np.uint8)], PARAMS, GEOMETRY)
    assert (found.status, found.first_midi, found.last_midi) == ("ok", 21, 108)
    assert errors_of(found, view) < 0.1
