"""Overlays and contact sheets: which keys are drawn and named, and what the line above says."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from registration_cases import known_registration, random_view

from tivit.core.keyboard import CENTER_MM, key_of
from tivit.core.registration import Move, Refusal
from tivit.core.strip import StripGeometry
from tivit.registration.overlay import LINE_PX, contact_sheet, describe, draw_overlay, keys_in_view

GEOMETRY = StripGeometry(width_px=832, height_px=64, y_front_mm=-22.0, y_back_mm=158.0)
VIEW = random_view(np.random.default_rng(7))
WHOLE = known_registration(VIEW, GEOMETRY)
GREY = np.full((360, 640, 3), 90, np.uint8)


def colored_columns(picture: np.ndarray) -> np.ndarray:
    """Return the columns in which something is drawn in color, first and last."""
    colored = (np.ptp(picture[LINE_PX:].astype(int), axis=2) > 60).any(axis=0)
    return np.flatnonzero(colored)[[0, -1]]


@pytest.mark.parametrize(("first", "last"), [(21, 108), (36, 96), (42, 70)])
def test_only_keys_in_view_are_drawn(first, last):
    drawn = draw_overlay(GREY, replace(WHOLE, first_midi=first, last_midi=last), GEOMETRY)
    assert drawn.shape[1] == 960 and LINE_PX < drawn.shape[0] < 540
    ends = VIEW.key_centers_px()[[key_of(first), key_of(last)], 0] * 1.5
    assert colored_columns(drawn) == pytest.approx(ends, abs=18)


def test_a_refused_clip_shows_its_frame_and_the_reason():
    dark, light = (draw_overlay(GREY[..., 0], Refusal(reason, (360, 640), 1), GEOMETRY) for reason in ("too dark", "too light"))
    assert dark.shape == (540 + LINE_PX, 960, 3)
    np.testing.assert_array_equal(dark[LINE_PX:], np.full((540, 960, 3), 90))
    assert (dark[:LINE_PX] != light[:LINE_PX]).any()


def test_an_unknown_octave_has_names_without_one():
    part = replace(WHOLE, first_midi=36, last_midi=84)
    unknown = replace(part, doubt="no end in view")
    assert (keys_in_view(part), keys_in_view(unknown)) == ("C2-C6", "C-C")
    assert keys_in_view(replace(unknown, last_midi=85)) == "C-C#"
    known_picture, picture = (draw_overlay(GREY, item, GEOMETRY) for item in (part, unknown))
    assert known_picture.shape == picture.shape and (known_picture[LINE_PX:] != picture[LINE_PX:]).any()


def test_the_line_says_status_orientation_keys_confidence_and_moves():
    assert describe(WHOLE) == "ok: upright, A0-C8 (88 keys), confidence 0.90"
    moved = replace(WHOLE, doubt="no end in view", orientation="mirrored", moves=(Move(1.0, WHOLE.homography, ()),))
    assert describe(moved) == "octave unknown: mirrored, A-C (88 keys), confidence 0.90, 1 camera moves"


def test_a_frame_after_a_move_shows_the_keys_where_they_are_then():
    moved = (np.array(WHOLE.homography) @ [[1.0, 0, -40], [0, 1, 0], [0, 0, 1]]).tolist()
    registration = replace(WHOLE, moves=(Move(2.0, tuple(map(tuple, moved)), ()),))
    early, late = (colored_columns(draw_overlay(GREY, registration, GEOMETRY, time_s)) for time_s in (1.9, 2.0))
    assert late - early == pytest.approx([60, 60], abs=3)


def test_keys_outside_the_picture_do_not_break_it():
    above = tuple(map(tuple, (np.array(WHOLE.homography) @ [[1.0, 0, 0], [0, 1, 5000], [0, 0, 1]]).tolist()))
    assert draw_overlay(GREY, replace(WHOLE, homography=above), GEOMETRY).shape[1] == 960


def test_a_contact_sheet_has_every_picture_under_its_title():
    pictures = [(f"clip {number}", np.full((40 + 20 * number, 960, 3), 50 * number, np.uint8)) for number in (1, 2, 3)]
    sheet = contact_sheet(pictures)
    assert sheet.shape == (60 + LINE_PX + 75 + LINE_PX, 1440, 3)
    assert (sheet[LINE_PX + 30, [100, 1400], 0] == [50, 100]).all() and sheet[60 + 2 * LINE_PX + 30, 100, 0] == 150
    assert contact_sheet(pictures[:1]).shape == (45 + LINE_PX, 1440, 3)


def test_the_truth_of_these_cases_is_right():
    """The drawn keys lie where the camera sees them."""
    seen = WHOLE.image_points(CENTER_MM, np.full(88, 75.0), GEOMETRY)
    np.testing.assert_allclose(seen, VIEW.key_centers_px(), atol=1e-3)
    assert cv2.imencode(".png", draw_overlay(GREY, WHOLE, GEOMETRY))[0]
