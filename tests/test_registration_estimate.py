"""Registration from pixels against views with a known camera: every orientation, corners, and refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registration_cases import Look, mirrored, random_view, render, rotated

from tivit.core import params as params_file
from tivit.core.errors import InputError
from tivit.core.keyboard import CENTER_MM, KEY_COUNT, WHITE_KEYS
from tivit.core.registration import read_registrations, refused, write_registrations
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.params import Override, RegistrationParams
from tivit.registration.truth import key_errors, summary

PARAMS = params_file.section(params_file.load(Path(__file__).parents[1] / "params.yaml"), "registration", RegistrationParams)
GEOMETRY = StripGeometry(width_px=832, height_px=64, y_front_mm=-22.0, y_back_mm=158.0)
TURNS = {
    "upright": lambda view: view,
    "rotated": rotated,
    "mirrored": mirrored,
    "rotated_mirrored": lambda view: rotated(mirrored(view)),
}


def seen(seed, orientation="upright", look=None, lens=0.08, size_wh=(640, 360)):
    rng = np.random.default_rng([5, seed])
    view = TURNS[orientation](random_view(rng, size_wh, lens))
    return view, render(view, rng, look or Look())


def row_errors_mm(registration, view, y_mm):
    """How far (mm) keys lie from the truth across the keyboard, at `y_mm` of the white-key plane."""
    world = np.stack([CENTER_MM, np.full(KEY_COUNT, y_mm), np.zeros(KEY_COUNT)], axis=1)
    strip = np.column_stack([view.image_px(world), np.ones(KEY_COUNT)]) @ np.array(registration.homography).T
    return GEOMETRY.y_back_mm - strip[:, 1] / strip[:, 2] / GEOMETRY.px_per_mm_y - y_mm


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    st.integers(0, 10_000),
    st.sampled_from(sorted(TURNS)),
    st.sampled_from([Look(), Look(light=0.25, noise=4, blur=0.8), Look(body=200), Look(blur=1.2)]),
)
def test_keys_are_found_whatever_the_orientation(seed, orientation, look):
    view, picture = seen(seed, orientation, look)
    found = estimate([picture], PARAMS, GEOMETRY)
    assert (found.status, found.reason, found.orientation, found.source) == ("ok", "", orientation, "pixels")
    assert np.abs(key_errors(found, view.key_centers_px(), GEOMETRY)).max() < 0.08
    assert max(np.abs(row_errors_mm(found, view, y)).max() for y in (5.0, 75.0, 145.0)) < 6
    assert found.err_after <= 0.05 and found.confidence >= PARAMS.min_confidence
    assert (found.source_hw, found.frames, found.first_midi, found.last_midi) == ((360, 640), 1, 21, 108)


def test_the_temporal_median_looks_through_moving_hands():
    view, picture = seen(1)
    frames = []
    for k in range(9):
        frame = picture.copy()
        x = 40 + 60 * k
        frame[100:320, x : x + 110] = (90, 120, 160)
        frames.append(frame)
    found = estimate(frames, PARAMS, GEOMETRY)
    assert found.is_usable and found.frames == 9
    assert np.abs(key_errors(found, view.key_centers_px(), GEOMETRY)).max() < 0.08


def test_grey_frames_do_as_well_and_twice_gives_the_same():
    _, picture = seen(2)
    grey = picture[..., 0]
    assert estimate([grey], PARAMS, GEOMETRY) == estimate([grey], PARAMS, GEOMETRY)
    assert estimate([grey], PARAMS, GEOMETRY).is_usable


@pytest.mark.parametrize("orientation", sorted(TURNS))
def test_corners_a_few_pixels_off_are_corrected(orientation):
    view, picture = seen(3, orientation)
    corners = view.corners_px() + np.random.default_rng(0).uniform(-3, 3, (4, 2))
    found = estimate([picture], PARAMS, GEOMETRY, Override(tuple(map(tuple, corners))))
    assert (found.status, found.orientation, found.source) == ("ok", orientation, "corners")
    errors = np.abs(key_errors(found, view.key_centers_px(), GEOMETRY))
    assert errors.max() < 0.1
    uncorrected = np.abs(key_errors(replace(found, x_correction=()), view.key_centers_px(), GEOMETRY))
    assert errors.max() < uncorrected.max()


@pytest.mark.parametrize("whites", [2, 5, 7, 8, 14])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_keyboard_cut_by_the_picture_is_refused(whites, side):
    view, picture = seen(whites)
    centers = view.key_centers_px()[WHITE_KEYS, 0]
    cut = picture[:, int(centers[whites]) :] if side == "left" else picture[:, : int(centers[-1 - whites])]
    found = estimate([cut], PARAMS, GEOMETRY)
    assert found.status == "refused" and found.reason


@pytest.mark.parametrize("keys", [(7, 82), (15, 87), (15, 75), (0, 75), (12, 87), (27, 63)])
def test_a_shorter_keyboard_is_refused(keys):
    _, picture = seen(6, look=Look(keys=keys))
    assert estimate([picture], PARAMS, GEOMETRY).status == "refused"


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((360, 640, 3), np.uint8),
        np.random.default_rng(0).integers(0, 256, (360, 640, 3), dtype=np.uint8),
        np.tile(np.repeat(np.array([30, 220], np.uint8), 8), 40)[None].repeat(360, axis=0),
    ],
    ids=["black", "noise", "even stripes"],
)
def test_no_keyboard_is_refused(picture):
    found = estimate([picture], PARAMS, GEOMETRY)
    assert (found.status, found.confidence, found.source_hw) == ("refused", 0.0, (360, 640))


def test_corners_around_nothing_are_refused():
    corners = ((100, 100), (500, 100), (500, 180), (100, 180))
    assert estimate([np.full((360, 640), 120, np.uint8)], PARAMS, GEOMETRY, Override(corners)).status == "refused"


def test_bad_arguments():
    with pytest.raises(InputError, match="at least one frame"):
        estimate([], PARAMS, GEOMETRY)
    with pytest.raises(InputError, match="frames of one size"):
        estimate([np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8)], PARAMS, GEOMETRY)
    with pytest.raises(InputError, match="corners: 3 points, four"):
        Override(((0, 0), (1, 0), (1, 1)))


def test_a_registration_survives_its_file(tmp_path):
    _, picture = seen(4)
    found = {"train/a": estimate([picture], PARAMS, GEOMETRY), "val/b": refused("no reason", (4, 5), 1)}
    write_registrations(tmp_path / "reg.json", found)
    back = read_registrations(tmp_path / "reg.json")
    assert back["val/b"] == found["val/b"]
    points = [item["train/a"].image_points(CENTER_MM, 75.0, GEOMETRY) for item in (found, back)]
    assert np.abs(points[0] - points[1]).max() < 0.02


def test_errors_are_in_white_keys_and_signed():
    view, picture = seen(5)
    found = estimate([picture], PARAMS, GEOMETRY)
    coefficients = list(found.x_correction)
    coefficients[0] += 2.35
    moved = key_errors(replace(found, x_correction=tuple(coefficients)), view.key_centers_px(), GEOMETRY)
    assert moved - key_errors(found, view.key_centers_px(), GEOMETRY) == pytest.approx(-0.1)


def test_summary():
    good = replace(refused("", (4, 5), 1), status="ok")
    errors = [np.full(88, 0.1), np.concatenate([np.full(44, -0.3), np.full(44, 0.6)])]
    assert summary([good, good, refused("why", (4, 5), 1)], errors) == {
        "clips": 3,
        "refused": 1,
        "key_err_median": pytest.approx(0.2),
        "key_err_p95": pytest.approx(0.6),
        "keys_right": pytest.approx(0.75),
    }
    assert summary([good], []) == {"clips": 1, "refused": 0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 0}, "registration.frames: 0 is outside 1..64"),
        ({"focal_sigma": 0.0}, "registration.focal_sigma"),
        ({"first_key": 109}, "registration.first_key: 109 is outside 21..108"),
    ],
)
def test_params_are_checked(changes, message):
    with pytest.raises(InputError, match=message):
        replace(PARAMS, **changes)
