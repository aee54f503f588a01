"""The correction across the keyboard: a camera that is wrong there is put right, a right one stays."""

import cv2
import numpy as np
import pytest
from registration_cases import Look, random_view, render

from tivit.core.keyboard import BLACK_FRONT_MM, KEYBOARD_WIDTH_MM
from tivit.registration.judge import depth as depth_module
from tivit.registration.judge.depth import BACK_MM, FRONT_MM, LIP_MM, fit_depth
from tivit.registration.judge.octave import Extent
from tivit.registration.judge.refine import Picture

WHOLE = Extent(21, 108, True, True)
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


@pytest.mark.parametrize(("lip_mm", "is_changed"), [(-8.0, False), (-13.0, True)])
def test_a_lip_that_is_far_off_is_corrected_though_the_other_lines_are_right(monkeypatch, lip_mm, is_changed):
    """A camera may have the back right and the lip wrong; a lip a little off may be the sloping front of the keys."""
    seen_mm = {LIP_MM[0]: lip_mm, FRONT_MM[0]: BLACK_FRONT_MM, BACK_MM[0]: 150.0}
    monkeypatch.setattr(depth_module, "_first_step", lambda levels, y_mm, least: seen_mm[y_mm[0]])
    camera_mm = np.array([611.0, 0.0, 1300.0])
    depth = fit_depth(Picture([np.full((360, 1300), 99, np.uint8)]), np.eye(3), camera_mm, (), WHOLE)
    assert bool((depth.plane_to_plane != np.eye(3)).any()) == is_changed
    assert depth.err[0] < 0.1
