"""The steps of registration, each on a case with a known answer: blobs, match, pose, parallax, x correction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registration_cases import Look, mirrored, random_view, render, rotated

from tivit.core.keyboard import BLACK_COUNT, BLACK_HEIGHT_MM, BLACK_KEYS, CENTER_MM, KEYBOARD_WIDTH_MM, WHITE_PITCH_MM
from tivit.registration.detect import Blobs, darkness, find_blobs, on_one_line
from tivit.registration.match import TEMPLATE_S, match_row
from tivit.registration.pose import black_edges_mm, black_ends_mm, fit_to_black_keys, shadow_mm
from tivit.registration.refine import FRONT_ROWS, X_MM, Y_MM, Plan, fit_correction


def test_blobs_are_the_dark_bars_and_their_ends():
    picture = np.full((200, 400), 200, np.uint8)
    picture[:60] = 20
    for left in (100, 140, 180, 300):
        picture[60:96, left : left + 6] = 20
    picture[150:156, 50:300] = 20
    blobs = on_one_line(find_blobs(darkness(picture), 0.4))
    assert blobs.center_px[:, 0] == pytest.approx([102.5, 142.5, 182.5, 302.5], abs=0.3)
    assert blobs.upper_px[:, 1] == pytest.approx(59.5, abs=1)
    assert blobs.lower_px[:, 1] == pytest.approx(95.5, abs=1)
    assert blobs.width_px == pytest.approx(6, abs=1.1)


def test_the_row_leaves_out_what_is_off_the_line_or_of_another_height():
    x = np.arange(10) * 20.0
    upper, lower = np.stack([x, 50 + 0.1 * x], axis=1), np.stack([x, 90 + 0.1 * x], axis=1)
    upper[3], lower[3] = (60, 150), (60, 190)
    upper[6], lower[6] = (120, 75), (120, 90)
    row = on_one_line(Blobs(upper, lower, np.full(10, 5.0)))
    assert row.center_px[:, 0].tolist() == [0, 20, 40, 80, 100, 140, 160, 180]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_perfect_row_is_read_exactly(is_reversed):
    s = -TEMPLATE_S[::-1] if is_reversed else TEMPLATE_S
    best, other = match_row((300 * s + 340) / (0.2 * s + 1))
    assert best.is_reversed == is_reversed
    expected = np.arange(BLACK_COUNT)
    assert best.keys.tolist() == expected.tolist()
    assert best.blobs.tolist() == (expected[::-1] if is_reversed else expected).tolist()
    assert best.score == pytest.approx(36, abs=0.2) and other.score < best.score - 1.5


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_row_with_gaps_extras_and_jitter_is_still_read(seed):
    rng = np.random.default_rng(seed)
    is_reversed = bool(rng.integers(2))
    s = -TEMPLATE_S[::-1] if is_reversed else TEMPLATE_S
    curve = rng.uniform(-0.35, 0.35)
    white_px = 300 * 2 * WHITE_PITCH_MM / KEYBOARD_WIDTH_MM
    hidden = rng.choice(np.arange(4, 32), 6, replace=False)
    extra = rng.uniform(s[6], s[-6], 2)
    places = np.concatenate([np.delete(s, hidden), extra])
    order = np.argsort(places)
    t = ((300 * places + 340) / (curve * places + 1) + rng.normal(0, 0.04 * white_px, len(places)))[order]
    source = np.concatenate([np.delete(np.arange(BLACK_COUNT), hidden), [-1, -1]])[order]
    match = match_row(t)[0]
    assert match.is_reversed == is_reversed
    found = BLACK_COUNT - 1 - source[match.blobs] if is_reversed else source[match.blobs]
    real = source[match.blobs] >= 0
    assert real.sum() >= 26 and np.array_equal(found[real], match.keys[real])


def test_too_few_blobs_are_not_read():
    assert match_row(np.arange(17.0)) == []


def test_shadow_by_hand():
    camera = np.array([600.0, 0.0, 1212.0])
    assert shadow_mm(np.array([0.0, 100.0]), 12.0, camera).tolist() == pytest.approx([-6.0, 101.0])
    assert shadow_mm(np.array([600.0, 0.0]), 12.0, camera).tolist() == [600.0, 0.0]


def test_black_keys_lean_away_from_the_camera():
    left, right = black_edges_mm(np.array([611.0, 75.0, 1000.0]))
    lean = (left + right) / 2 - CENTER_MM[BLACK_KEYS]
    assert lean[0] < -1 and lean[-1] > 1 and (np.diff(lean) >= -1e-9).all()
    assert lean[0] == pytest.approx((CENTER_MM[1] - 611) * BLACK_HEIGHT_MM / 988 / 2, abs=1.0)


@pytest.mark.parametrize("seed", range(4))
def test_the_pose_of_a_known_camera_is_found(seed):
    rng = np.random.default_rng([3, seed])
    view = random_view(rng)
    ends = black_ends_mm(view.place_mm)
    seen = view.image_px(np.concatenate([ends, np.zeros((*ends.shape[:2], 1))], axis=-1))
    keys = np.setdiff1d(np.arange(BLACK_COUNT), [4, 5, 17])
    pose = fit_to_black_keys(keys, seen[keys] + rng.normal(0, 0.3, seen[keys].shape), view.size_wh, 0.95, 0.3)
    places = np.array([[0, 0], [0, 150], [1222, 0], [1222, 150.0]])
    image = np.column_stack([places, np.ones(4)]) @ pose.plane_to_image.T
    error = image[:, :2] / image[:, 2:] - view.image_px(np.column_stack([places, np.zeros(4)]))
    assert np.abs(error).max() < 1.0
    assert pose.place_mm[2] == pytest.approx(view.place_mm[2], rel=0.35)


def drawn_plan(shift_mm, place_mm, seams=True):
    """Return a keyboard drawn straight on the plane raster, moved along x by `shift_mm(x)`."""
    true_x = np.interp(X_MM, X_MM + shift_mm(X_MM), X_MM)
    left, right = black_edges_mm(place_mm)
    black = ((true_x[:, None] > left) & (true_x[:, None] < right)).any(1)
    grey = np.full((len(Y_MM), len(X_MM)), 200.0)
    grey[:, (true_x < 0) | (true_x > KEYBOARD_WIDTH_MM)] = 30
    grey[np.ix_((Y_MM > 55) & (Y_MM < 150), black)] = 30
    if seams:
        near_seam = np.abs((true_x + WHITE_PITCH_MM / 2) % WHITE_PITCH_MM - WHITE_PITCH_MM / 2) < 0.8
        grey[np.ix_(FRONT_ROWS, near_seam)] = 100
    grey[Y_MM > 150] = 30
    return Plan(grey)


@pytest.mark.parametrize("seams", [True, False])
def test_the_x_correction_is_the_shift_of_the_keys(seams):
    place = np.array([611.0, 0.0, 1300.0])

    def bend(x):
        s = 2 * x / KEYBOARD_WIDTH_MM - 1
        return 2.0 + 3 * s - 4 * s**3

    correction = fit_correction(drawn_plan(bend, place, seams), place, 4)
    s = np.linspace(-1, 1, 21)
    found = np.polynomial.polynomial.polyval(s, correction.coefficients)
    assert found == pytest.approx(2 + 3 * s - 4 * s**3, abs=0.6)
    assert correction.keys_seen == 36
    assert correction.err_before == pytest.approx(2.0 / WHITE_PITCH_MM, abs=0.04)
    assert correction.err_after < 0.02


def test_nothing_is_fitted_to_an_empty_plan():
    assert fit_correction(Plan(np.full((len(Y_MM), len(X_MM)), 90.0)), np.array([611.0, 0.0, 1300.0]), 4) is None


@pytest.mark.parametrize("turn", [lambda view: view, rotated, mirrored, lambda view: rotated(mirrored(view))])
def test_all_black_keys_of_a_view_are_blobs(turn):
    rng = np.random.default_rng(11)
    picture = render(turn(random_view(rng)), rng, Look())[..., 0]
    assert len(on_one_line(find_blobs(darkness(picture), 0.3))) == BLACK_COUNT
