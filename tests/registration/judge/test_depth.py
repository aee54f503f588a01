"""The correction across the keyboard: a camera that is wrong there is put right, a right one stays."""

import cv2
import numpy as np
import pytest
from registration_cases import Look, random_view, render

from tivit.core.keyboard import BLACK_FRONT_MM, KEYBOARD_WIDTH_MM
from tivit.registration.find.pattern import black_range
from tivit.registration.find.pose import black_edges_mm
from tivit.registration.judge import depth as depth_module
from tivit.registration.judge.depth import BACK_MM, FRONT_MM, LIP_MM, fit_depth
from tivit.registration.judge.octave import Extent
from tivit.registration.judge.refine import Picture

WHOLE = Extent(21, 108, True, True)
CAMERA_MM = np.array([611.0, 0.0, 1300.0])
CORNERS_MM = np.array([[0, 0], [KEYBOARD_WIDTH_MM, 0], [KEYBOARD_WIDTH_MM, 150], [0, 150]], float)


@pytest.mark.parametrize(
    ("shift_mm", "scale", "skew_mm"), [(0.0, 1.0, 0.0), (6.0, 1.0, 0.0), (0.0, 1.2, 0.0), (-3.0, 0.85, 0.0), (0.0, 1.0, 6.0)]
)
def test_lines_across_are_put_where_they_are(shift_mm, scale, skew_mm):
    view = random_view(np.random.default_rng(2), (1280, 720))
    picture = Picture([render(view, np.random.default_rng(0), Look())[..., 0]])
    seen_px = view.image_px(np.column_stack([CORNERS_MM, np.zeros(4)]))
    wrong_mm = CORNERS_MM.copy()
    wrong_mm[:, 1] = 75 + scale * (CORNERS_MM[:, 1] - 75) + shift_mm + skew_mm * np.sign(CORNERS_MM[:, 0] - 600)
    to_image = cv2.getPerspectiveTransform(wrong_mm.astype(np.float32), seen_px.astype(np.float32))
    depth = fit_depth(picture, to_image, view.camera_mm, (), WHOLE)
    there = cv2.perspectiveTransform(CORNERS_MM[None].astype(np.float32), (to_image @ depth.plane_to_plane).astype(np.float32))
    mm_per_px = KEYBOARD_WIDTH_MM / np.linalg.norm(seen_px[1] - seen_px[0])
    assert np.abs(there[0] - seen_px).max() * mm_per_px < 5
    assert depth.err[1] < 0.1 and depth.err[1] <= depth.err[0] + 0.05


def test_without_a_step_nothing_is_changed():
    view = random_view(np.random.default_rng(2), (640, 360))
    depth = fit_depth(Picture([np.full((360, 640), 99, np.uint8)]), np.eye(3), view.camera_mm, (), WHOLE)
    assert depth.err == (0.0, 0.0) and (depth.plane_to_plane == np.eye(3)).all()


@pytest.mark.parametrize(("lip_mm", "back_mm", "is_changed"), [(-8.0, 150.0, False), (-13.0, 150.0, True), (0.0, 174.0, False)])
def test_a_lip_that_is_far_off_is_corrected_though_the_other_lines_are_right(monkeypatch, lip_mm, back_mm, is_changed):
    """A lip a little off may be the sloping front of the keys, and a back far off alone that of an upper manual."""
    seen_mm = {LIP_MM[0]: lip_mm, FRONT_MM[0]: BLACK_FRONT_MM, BACK_MM[0]: back_mm}
    monkeypatch.setattr(depth_module, "_first_step", lambda levels, y_mm, least, share: seen_mm[y_mm[0]])
    depth = fit_depth(Picture([np.full((360, 1300), 99, np.uint8)]), np.eye(3), CAMERA_MM, (), WHOLE)
    assert bool((depth.plane_to_plane != np.eye(3)).any()) == is_changed
    assert depth.err[0] < 0.1


def seen_across(levels_at):
    """Return a picture, 1 px per mm, of keys whose levels depend on true y (mm), and the map to it."""
    y_mm = 300.0 - np.arange(400)
    image = np.repeat(levels_at["white"](y_mm)[:, None], 1330, axis=1)
    left, right = black_edges_mm(np.arange(*black_range(21, 108)), CAMERA_MM)
    for begin, end in zip(left, right, strict=True):
        image[:, round(begin) + 50 : round(end) + 50] = levels_at["black"](y_mm)[:, None]
    picture = Picture([cv2.GaussianBlur(image, (0, 0), 0.8).astype(np.uint8)])
    return picture, np.array([[1.0, 0, 50.0], [0, -1.0, 300.0], [0, 0, 1.0]])


def rows_mm(registered_mm, levels_at):
    """Return where front and back are put, y (mm, true), when a registration has true y 0 and 150 at `registered_mm`."""
    picture, to_image = seen_across(levels_at)
    front, back = registered_mm
    scale = 150.0 / (back - front)
    to_true = np.array([[1.0, 0, 0], [0, scale, -front * scale], [0, 0, 1.0]])
    depth = fit_depth(picture, to_image @ to_true, CAMERA_MM, (), WHOLE)
    put = cv2.perspectiveTransform(CORNERS_MM[None], to_true @ depth.plane_to_plane)[0]
    return put[1, 1], put[2, 1]


def test_of_two_steps_before_the_keys_the_lip_is_the_one_that_agrees_with_the_other_lines():
    """A fallboard mirrors the black keys, so that they seem twice as long; a bright case before the keys has a deeper edge."""
    levels_at = {
        "white": lambda y: np.select([y < -45, y < 0, abs(y - 151) < 2, y < 152], [30.0, 145.0, 90.0, 175.0], 155.0),
        "black": lambda y: np.select([y < -45, y < 0, y < 55, y < 247], [30.0, 145.0, 175.0, 40.0], 155.0),
    }
    front, back = rows_mm((27.0, 103.0), levels_at)
    assert abs(front) < 6 and abs(back - 150) < 6


def test_black_keys_whose_fronts_are_washed_out_are_as_long_as_they_darken():
    washed = ([48.0, 56.0, 75.0, 78.0], [254.0, 225.0, 205.0, 150.0])
    levels_at = {
        "white": lambda y: np.select([y < 0, y < 150], [120.0, 254.0], 100.0),
        "black": lambda y: np.select([y < 0, y < 150], [120.0, np.interp(y, *washed)], 100.0),
    }
    front, back = rows_mm((-46.0, 150.0), levels_at)
    assert abs(front) < 12 and abs(back - 150) < 8


def test_a_lip_that_a_case_as_bright_as_the_keys_hides_is_not_the_edge_of_the_case():
    levels_at = {
        "white": lambda y: np.select([y < -45, y < 150], [30.0, 200.0], 60.0),
        "black": lambda y: np.select([y < -45, y < 55, y < 150], [30.0, 200.0, 40.0], 60.0),
    }
    assert np.allclose(rows_mm((0.0, 150.0), levels_at), (0.0, 150.0))
