"""The steps of registration, each on a case with a known answer: blobs and rows, pose, parallax, x correction."""

import numpy as np
import pytest
from registration_cases import Look, drawn_plan, mirrored, random_view, render, rotated

from tivit.core.keyboard import BLACK_COUNT, BLACK_HEIGHT_MM, BLACK_KEYS, CENTER_MM, KEYBOARD_WIDTH_MM, WHITE_PITCH_MM
from tivit.registration.find.detect import MOST_LENGTHENED, Blobs, darkness, find_blobs, lengthened, on_one_line, rows_of
from tivit.registration.find.pose import black_edges_mm, black_ends_mm, fit_to_black_keys, shadow_mm
from tivit.registration.judge.refine import X_MM, Y_MM, Plan, fit_correction

BLACKS = np.arange(BLACK_COUNT)
SEAMS = np.arange(1, 52)


def test_blobs_are_the_dark_bars_and_their_ends():
    picture = np.full((200, 400), 200, np.uint8)
    picture[:60] = 20
    for left in (100, 140, 180, 300):
        picture[60:96, left : left + 6] = 20
    picture[150:156, 50:300] = 20
    found = find_blobs(darkness(picture), 0.4)
    blobs = found.take(on_one_line(found))
    assert blobs.center_px[:, 0] == pytest.approx([102.5, 142.5, 182.5, 302.5], abs=0.3)
    assert blobs.upper_px[:, 1] == pytest.approx(59.5, abs=1)
    assert blobs.lower_px[:, 1] == pytest.approx(95.5, abs=1)
    assert blobs.width_px == pytest.approx(6, abs=1.1)


def test_a_reflection_in_a_dark_fallboard_does_not_lengthen_a_black_key():
    picture = np.full((200, 400), 200, np.uint8)
    picture[30:60] = 60
    for left in (100, 140, 180, 300):
        picture[60:96, left : left + 6] = 20
        picture[44:60, left : left + 6] = 25
    long, short = (find_blobs(darkness(picture, reach_px), 0.3) for reach_px in (1, 31))
    assert long.upper_px[:, 1] == pytest.approx(43.5, abs=1)
    assert short.upper_px[:, 1] == pytest.approx(59.5, abs=1)
    assert short.lower_px[:, 1] == pytest.approx(95.5, abs=1)


def test_a_front_that_catches_light_is_still_part_of_a_black_key():
    picture = np.full((200, 400), 200, np.uint8)
    for left in (100, 140, 180, 300):
        picture[60:96, left : left + 6] = 20
    for left in (140, 180):
        picture[96:104, left : left + 6] = 130
    picture[96:140, 300:306] = 130
    dark = darkness(picture)
    blobs = find_blobs(dark, 0.45)
    blobs = blobs.take(np.argsort(blobs.center_px[:, 0]))
    longer = lengthened(blobs, dark)
    assert blobs.lower_px[:, 1] == pytest.approx(95.5, abs=1)
    assert longer.lower_px[:, 1] == pytest.approx([95.5, 103.5, 103.5, 95.5 + MOST_LENGTHENED * 36], abs=1.5)
    assert longer.upper_px[:, 1] == pytest.approx(59.5, abs=1)


def test_the_largest_blobs_are_kept():
    picture = np.full((200, 400), 200, np.uint8)
    for i in range(6):
        picture[60 : 80 + 6 * i, 50 * i + 40 : 50 * i + 46] = 20
    assert sorted(np.round(find_blobs(darkness(picture), 0.4, most=2).height_px)) == [44, 50]


def test_the_row_leaves_out_what_is_off_the_line_or_of_another_height():
    x = np.arange(10) * 20.0
    upper, lower = np.stack([x, 50 + 0.1 * x], axis=1), np.stack([x, 90 + 0.1 * x], axis=1)
    upper[3], lower[3] = (60, 150), (60, 190)
    upper[6], lower[6] = (120, 75), (120, 90)
    blobs = Blobs(upper, lower, np.full(10, 5.0))
    assert on_one_line(blobs).tolist() == [0, 1, 2, 4, 5, 7, 8, 9]
    assert rows_of(blobs)[0].center_px[:, 0].tolist() == [0, 20, 40, 80, 100, 140, 160, 180]


def test_rows_are_offered_longest_first_and_share_no_blob():
    x = np.concatenate([np.arange(6) * 20.0, np.arange(9) * 15.0])
    upper = np.column_stack([x, np.repeat([50.0, 200.0], [6, 9])])
    rows = rows_of(Blobs(upper, upper + (0, 40), np.full(15, 5.0)))
    assert [len(row) for row in rows] == [9, 6]
    assert rows[0].center_px[:, 1].tolist() == [220.0] * 9 and rows[1].center_px[:, 1].tolist() == [70.0] * 6


def test_two_blobs_are_no_row():
    upper = np.array([[10.0, 10.0], [40.0, 10.0]])
    assert rows_of(Blobs(upper, upper + (0, 30), np.full(2, 5.0))) == []


def test_blobs_on_which_no_camera_fits_do_not_stop_the_search():
    """Ends on one line, as notes of a score may have them, have no homography."""
    ends = np.stack([np.column_stack([np.arange(8) * 20.0, np.full(8, 50.0)])] * 2, axis=1)
    pose = fit_to_black_keys(np.arange(8), ends, (640, 360), 0.95, 0.3)
    assert np.isfinite(pose.plane_to_image).all()


def test_shadow_by_hand():
    camera = np.array([600.0, 0.0, 1212.0])
    assert shadow_mm(np.array([0.0, 100.0]), 12.0, camera).tolist() == pytest.approx([-6.0, 101.0])
    assert shadow_mm(np.array([600.0, 0.0]), 12.0, camera).tolist() == [600.0, 0.0]


def test_black_keys_lean_away_from_the_camera():
    left, right = black_edges_mm(BLACKS, np.array([611.0, 75.0, 1000.0]))
    lean = (left + right) / 2 - CENTER_MM[BLACK_KEYS]
    assert lean[0] < -1 and lean[-1] > 1 and (np.diff(lean) >= -1e-9).all()
    assert lean[0] == pytest.approx((CENTER_MM[1] - 611) * BLACK_HEIGHT_MM / 988 / 2, abs=1.0)


@pytest.mark.parametrize("seed", range(4))
def test_the_pose_of_a_known_camera_is_found(seed):
    rng = np.random.default_rng([3, seed])
    view = random_view(rng)
    ends = black_ends_mm(BLACKS, view.camera_mm)
    seen = view.image_px(np.concatenate([ends, np.zeros((*ends.shape[:2], 1))], axis=-1))
    keys = np.setdiff1d(np.arange(BLACK_COUNT), [4, 5, 17])
    pose = fit_to_black_keys(keys, seen[keys] + rng.normal(0, 0.3, seen[keys].shape), view.size_wh, 0.95, 0.3)
    places = np.array([[0, 0], [0, 150], [1222, 0], [1222, 150.0]])
    image = np.column_stack([places, np.ones(4)]) @ pose.plane_to_image.T
    error = image[:, :2] / image[:, 2:] - view.image_px(np.column_stack([places, np.zeros(4)]))
    assert np.abs(error).max() < 1.0
    assert pose.camera_mm[2] == pytest.approx(view.camera_mm[2], rel=0.35)


@pytest.mark.parametrize("seams", [True, False])
def test_the_x_correction_is_the_shift_of_the_keys(seams):
    camera_mm = np.array([611.0, 0.0, 1300.0])

    def bend(x):
        s = 2 * x / KEYBOARD_WIDTH_MM - 1
        return 2.0 + 3 * s - 4 * s**3

    plan = drawn_plan(camera_mm, shift_mm=bend(X_MM), has_seams=seams)
    correction = fit_correction(plan, camera_mm, BLACKS, SEAMS, 4)
    s = np.linspace(-1, 1, 21)
    found = np.polynomial.polynomial.polyval(s, correction.coefficients)
    assert found == pytest.approx(2 + 3 * s - 4 * s**3, abs=0.6)
    assert correction.err[0] == pytest.approx(2.0 / WHITE_PITCH_MM, abs=0.04)
    assert max(correction.err[1], correction.err_black[1], correction.err_white[1]) < 0.02
    assert (correction.err_white == (0.0, 0.0)) != seams


def test_nothing_is_fitted_to_an_empty_plan():
    assert fit_correction(Plan(np.full((len(Y_MM), len(X_MM)), 90.0)), np.array([611.0, 0.0, 1300.0]), BLACKS, SEAMS, 4) is None


@pytest.mark.parametrize("turn", [lambda view: view, rotated, mirrored, lambda view: rotated(mirrored(view))])
def test_all_black_keys_of_a_view_are_blobs(turn):
    rng = np.random.default_rng(11)
    picture = render(turn(random_view(rng)), rng, Look())[..., 0]
    assert len(rows_of(find_blobs(darkness(picture), 0.3))[0]) == BLACK_COUNT
