"""What is believed: drawn keyboards read rightly, shifted, from the wrong side, too short, or not keyboards at all."""

import numpy as np
import pytest
from registration_cases import drawn_plan

from tivit.core.keyboard import WHITE_PITCH_MM
from tivit.registration.find.pose import Pose
from tivit.registration.judge.octave import Extent
from tivit.registration.judge.refine import BLACK_ROWS, X_MM, Y_MM, Picture, Plan
from tivit.registration.judge.verify import judge, player_side

CAMERA_MM = np.array([611.0, 0.0, 1300.0])
WHOLE = Extent(21, 108, True, True)
SURE, NOT_BELIEVED = 0.9, 0.5


def verdict_of(plan, extent=WHOLE, motion=0.0, camera_mm=CAMERA_MM, correction=(), aspect=1.0, err_across=0.0):
    pose = Pose(np.eye(3), camera_mm, 1000.0, aspect)
    return judge(plan, pose, correction, extent, motion, err_across)


@pytest.mark.parametrize(
    "extent", [WHOLE, Extent(36, 96, True, True), Extent(48, 72, True, True), Extent(28, 103, True, True)], ids=str
)
def test_a_keyboard_read_rightly_is_believed(extent):
    found = verdict_of(drawn_plan(CAMERA_MM, (extent.first_midi, extent.last_midi)), extent)
    assert found.confidence > SURE and found.fit > 0.9 and found.margin > 0.8


def test_keys_in_view_of_a_cut_keyboard_are_believed():
    plan = drawn_plan(CAMERA_MM, view_mm=(300.0, 900.0))
    assert verdict_of(plan, Extent(45, 83, False, False)).confidence > SURE


def test_black_keys_that_shade_the_tails_beside_them_are_believed():
    """As in light from one side: half of each tail is dim, one flank of a black key is dark, and its top shines."""
    plan = drawn_plan(CAMERA_MM)
    for row in map(plan.grey.__getitem__, np.flatnonzero(BLACK_ROWS)):
        step = np.diff((row < 100).astype(int))
        starts, ends = np.flatnonzero(step == 1), np.flatnonzero(step == -1)[1:]  # the first end is that of the dark case
        for start, end in zip(starts, ends, strict=False):
            row[start + 1 : end - 3] = 95
            row[end + 1 : end + 7] = 110
    found = verdict_of(plan)
    assert found.fit > 0.6 and found.confidence > SURE


@pytest.mark.parametrize("whites", [-3, -2, -1, 1, 2, 3])
def test_a_shift_by_white_keys_is_refused(whites):
    found = verdict_of(drawn_plan(CAMERA_MM, shift_mm=whites * WHITE_PITCH_MM))
    assert found.confidence < NOT_BELIEVED


def test_a_shift_that_the_correction_takes_out_is_believed():
    shift_mm = 3 + 4 * (2 * X_MM / 1222 - 1)
    assert verdict_of(drawn_plan(CAMERA_MM, shift_mm=shift_mm), correction=(3.0, 4.0)).confidence > SURE


def from_the_other_side(plan):
    """Return a plan turned over so that its black keys lie in the same rows and its fronts beyond them."""
    return Plan(np.array([np.interp(205.0 - Y_MM, Y_MM, column) for column in plan.grey.T]).T)


@pytest.mark.parametrize("motion", [-1.0, 0.0])
def test_the_wrong_side_is_refused(motion):
    found = verdict_of(from_the_other_side(drawn_plan(CAMERA_MM)), motion=motion)
    assert found.confidence < NOT_BELIEVED and found.reason.startswith("which side the player sits on is not clear")


@pytest.mark.parametrize("claimed", [(21, 96), (33, 108), (28, 96)])
def test_an_end_beyond_which_the_pattern_goes_on_is_refused(claimed):
    found = verdict_of(drawn_plan(CAMERA_MM), Extent(*claimed, True, True))
    assert (found.confidence, found.reason) == (0.0, "the keyboard goes on where it should end")
    assert verdict_of(drawn_plan(CAMERA_MM), Extent(*claimed, False, False)).confidence > SURE


@pytest.mark.parametrize("drawn", [(21, 96), (33, 108), (36, 96)])
def test_keys_that_are_not_there_are_refused(drawn):
    assert verdict_of(drawn_plan(CAMERA_MM, drawn)).confidence < NOT_BELIEVED


@pytest.mark.parametrize(("tangent", "is_seen"), [(0.5, True), (1.5, True), (2.25, False)])
def test_keys_seen_too_flat_are_refused(tangent, is_seen):
    camera_mm = np.array([611.0, 75.0 - 900 * tangent, 900.0])
    found = verdict_of(drawn_plan(camera_mm), camera_mm=camera_mm)
    assert (found.confidence > SURE) == is_seen
    assert is_seen or found.reason == "the keys are seen too flat (66 degrees off the vertical)"


def test_black_keys_hardly_darker_than_white_ones_are_refused():
    pale = Plan(180 + 0.1 * drawn_plan(CAMERA_MM).grey)
    found = verdict_of(pale)
    assert found.confidence == 0.0 and found.reason.startswith("the black keys are hardly darker than the white ones")


def test_keys_whose_fronts_are_all_out_of_the_picture_are_refused():
    plan = drawn_plan(CAMERA_MM)
    grey = np.where((Y_MM < 50)[:, None], np.nan, plan.grey)
    assert verdict_of(Plan(grey)).confidence == 0.0


def test_over_exposed_fronts_are_told_from_a_case_that_is_less_bright():
    """No seam is seen, and the case is bright too, but not as bright as the keys."""
    grey = drawn_plan(CAMERA_MM).grey.copy()
    grey[grey > 150] = 255
    grey[Y_MM < 50] = np.where(grey[Y_MM < 50] > 100, 255, grey[Y_MM < 50])
    grey[Y_MM > 155] = 165
    assert verdict_of(Plan(grey)).confidence > SURE


def test_nothing_is_no_keyboard():
    for grey in (np.full((len(Y_MM), len(X_MM)), 90.0), np.random.default_rng(0).uniform(0, 255, (len(Y_MM), len(X_MM)))):
        assert verdict_of(Plan(grey)).confidence == 0.0


@pytest.mark.parametrize(("y_px", "expected"), [(120, 1.0), (370, -1.0), (None, 0.0)])
def test_motion_says_where_the_player_sits(y_px, expected):
    """A plane of 1 px per mm whose front edge is at row 200: fronts are above it, something moves before or behind."""
    frames = [np.full((500, 1400), 100, np.uint8) for _ in range(6)]
    for k, frame in enumerate(frames):
        if y_px is not None:
            frame[y_px : y_px + 70, 100 + 150 * k : 500 + 150 * k] = 220
    to_image = np.array([[1.0, 0, 50], [0, 1.0, 200], [0, 0, 1.0]])
    found = player_side(Picture(frames), to_image, WHOLE)
    assert found == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("x_mm", [60.0, 600.0, 1180.0])
@pytest.mark.parametrize("light", [60.0, 150.0])
def test_a_keyboard_under_a_reflection_is_believed(x_mm, light):
    plan = drawn_plan(CAMERA_MM)
    bright = light * np.exp(-(((X_MM - x_mm) / 70) ** 2)) * np.exp(-(((Y_MM - 120) / 30) ** 2))[:, None]
    seen = Plan(np.minimum(plan.grey / 2 + bright, 255.0))
    assert verdict_of(seen).confidence > SURE
    shifted = Plan(np.roll(seen.grey, round(WHITE_PITCH_MM), axis=1))
    assert verdict_of(shifted).confidence < NOT_BELIEVED


def test_keys_off_across_the_keyboard_and_keys_of_an_odd_shape_are_doubted():
    plan = drawn_plan(CAMERA_MM)
    assert verdict_of(plan, err_across=0.1, aspect=0.6).confidence > SURE
    off, odd = verdict_of(plan, err_across=0.5), verdict_of(plan, aspect=2.5)
    assert off.confidence < NOT_BELIEVED and "0.50 white-key widths across" in off.reason
    assert odd.confidence < NOT_BELIEVED and "0.4 times as wide" in odd.reason


@pytest.mark.parametrize(("motion", "is_believed"), [(0.0, True), (-1.0, False)])
def test_an_orientation_given_settles_a_side_that_the_picture_does_not_tell(motion, is_believed):
    """Fronts and what lies behind the keys look alike here; what moves behind the keys still speaks against it."""
    plan = drawn_plan(CAMERA_MM, has_seams=False)
    plan.grey[(Y_MM < 50) | (Y_MM > 160)] = 200.0
    assert "say it with the orientation" in verdict_of(plan).reason and verdict_of(plan).confidence < NOT_BELIEVED
    pose = Pose(np.eye(3), CAMERA_MM, 1000.0, 1.0)
    given = judge(plan, pose, (), WHOLE, motion, 0.0, is_side_given=True)
    assert (given.confidence >= NOT_BELIEVED) == is_believed and "say it" not in given.reason
