"""Registration from pixels against views with a known camera: every orientation, cut and shorter keyboards, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from params_cases import section_with
from registration_cases import (
    GEOMETRY,
    PARAMS,
    TURNS,
    Look,
    assert_so,
    cut_view,
    keys_in_view,
    known_registration,
    look_at,
    random_view,
    seen,
)

from tivit.core.errors import InputError
from tivit.core.keyboard import (
    CENTER_MM,
    KEY_COUNT,
    KEYBOARD_WIDTH_MM,
    WHITE_PITCH_MM,
    mirrored_midi,
)
from tivit.core.registration import Refusal, read_registrations, write_registrations
from tivit.registration.estimate import estimate
from tivit.registration.params import Override, RegistrationParams
from tivit.registration.truth import key_errors, summary


def row_errors_mm(registration, view, y_mm):
    """How far (mm) keys lie from the truth across the keyboard, at `y_mm` of the white-key plane."""
    world = np.stack([CENTER_MM, np.full(KEY_COUNT, y_mm), np.zeros(KEY_COUNT)], axis=1)
    strip = np.column_stack([view.image_px(world), np.ones(KEY_COUNT)]) @ np.array(registration.homography).T
    return GEOMETRY.y_back_mm - strip[:, 1] / strip[:, 2] / GEOMETRY.px_per_mm_y - y_mm


@pytest.mark.parametrize(
    ("seed", "orientation", "look"),
    [
        (0, "mirrored", Look()),
        (4554, "rotated", Look(light=0.25, noise=4, blur=0.8)),
        (459, "mirrored", Look(blur=1.2)),
        (803, "mirrored", Look()),
        (4186, "rotated", Look()),
        (948, "rotated_mirrored", Look(light=0.25, noise=4, blur=0.8)),
        (300, "upright", Look()),
    ],
)
def test_keys_are_found_whatever_the_orientation(seed, orientation, look):
    view, picture = seen(seed, orientation, look)
    found = estimate([picture], PARAMS, GEOMETRY)
    assert (found.doubt, found.orientation, found.source) == ("", orientation, "pixels")
    assert np.abs(key_errors(found, view.key_centers_px(), GEOMETRY)).max() < 0.08
    assert max(np.abs(row_errors_mm(found, view, y)).max() for y in (5.0, 75.0, 145.0)) < 6
    assert found.quality.err_after <= 0.05 and found.quality.confidence >= PARAMS.min_confidence
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


@pytest.mark.parametrize(
    ("along_mm", "orientation", "status"),
    [(-500, "upright", "ok"), (-300, "rotated", "ok"), (300, "upright", "ok"), (600, "rotated", "octave_unknown")],
)
def test_a_keyboard_cut_at_one_end(orientation, along_mm, status):
    """A low end at A0 tells the octave, a high end only while the keys in view fit on a piano in one place."""
    view = TURNS[orientation](cut_view(1, along_mm))
    found = look_at(view)
    assert (found.status, found.orientation) == (status, orientation)
    assert found.last_midi - found.first_midi + 1 < 86
    assert_so(found, view)
    assert ("fit on a piano in" in found.doubt) == (status == "octave_unknown")


@pytest.mark.parametrize(("zoom", "is_octave_open"), [(1.6, False), (2.2, True)])
def test_a_keyboard_cut_at_both_ends_leaves_the_mirror_image_open(zoom, is_octave_open):
    view = cut_view(2, zoom=zoom)
    found = look_at(view)
    assert found.status == "octave_unknown" and "mirror image cannot be told" in found.doubt
    assert ("fit on a piano in" in found.doubt) == is_octave_open
    assert_so(found, view)
    first = found.first_midi
    given = look_at(view, override=Override(first_key=first, orientation="upright"))
    assert (given.doubt, given.first_midi, given.last_midi) == ("", first, found.last_midi)


@pytest.mark.parametrize(
    ("instrument", "orientation"),
    [
        ((27, 51), "rotated_mirrored"), ((15, 63), "mirrored"), ((15, 75), "upright"), ((15, 75), "rotated"),
        *[(instrument, orientation) for instrument in ((7, 82), (0, 84)) for orientation in sorted(TURNS)],
    ],
)  # fmt: skip
def test_a_shorter_instrument(instrument, orientation):
    """25, 49 and 61 keys from C may lie in several octaves, 76 from E and 85 from A in one."""
    view = TURNS[orientation](cut_view(11))
    found = look_at(view, instrument)
    status = "ok" if instrument[1] - instrument[0] > 70 else "octave_unknown"
    assert (found.status, found.orientation) == (status, orientation)
    assert found.last_midi - found.first_midi == instrument[1] - instrument[0]
    assert_so(found, view, instrument)
    if status == "octave_unknown":
        assert found.first_midi % 12 == 0 and found.doubt.startswith(f"{instrument[1] - instrument[0] + 1} keys are in view")


@pytest.mark.parametrize("instrument", [(3, 75), (7, 79)])
def test_73_keys_may_be_those_from_c_or_a_mirror_image_of_those_from_e(instrument):
    view = cut_view(11)
    found = look_at(view, instrument)
    assert found.status == "octave_unknown" and "mirror image cannot be told" in found.doubt
    first = 21 + instrument[0]
    given = look_at(view, instrument, Override(first_key=first, orientation="upright"))
    assert (given.status, given.first_midi, given.last_midi) == ("ok", first, first + 72)
    assert_so(given, view, instrument)
    other = look_at(view, instrument, Override(orientation="mirrored"))
    assert (other.orientation, other.first_midi % 12) == ("mirrored", int(mirrored_midi(first + 72)) % 12)


@pytest.mark.parametrize(
    ("seed", "orientation", "instrument", "along_mm", "zoom", "status"),
    [
        (0, "mirrored", (0, 87), 0.0, 1.0, "ok"),
        (3305, "upright", (7, 82), 26.0, 1.034, "ok"),
        (108, "upright", (7, 82), 71.7, 1.397, "ok"),
        (692, "mirrored", (0, 87), 0.0, 1.304, "octave_unknown"),
        (10_000, "rotated", (0, 87), -193.7, 1.367, "ok"),
        (444, "upright", (0, 87), 0.0, 1.012, "ok"),
        (109, "upright", (7, 82), 0.0, 1.203, "ok"),
    ],
)
def test_no_key_is_claimed_that_is_not_there_and_most_views_are_usable(seed, orientation, instrument, along_mm, zoom, status):
    view = TURNS[orientation](cut_view(seed, along_mm, zoom))
    found = look_at(view, instrument)
    assert found.status == status
    if found.is_usable:
        assert found.orientation == orientation
        assert_so(found, view, instrument)
    else:
        low, high = keys_in_view(view, instrument, 0.15)
        assert found.last_midi - found.first_midi <= high - low


def test_4k_pictures_are_looked_at_in_half_their_size():
    _, picture = seen(8, size_wh=(1920, 1080))
    half = picture[..., 0]
    small, large = (estimate([grey], PARAMS, GEOMETRY) for grey in (half, half.repeat(2, axis=0).repeat(2, axis=1)))
    assert (small.status, large.status, large.source_hw) == ("ok", "ok", (2160, 3840))
    places = [found.image_points(CENTER_MM, 75.0, GEOMETRY) for found in (small, large)]
    np.testing.assert_allclose(2 * places[0] + 0.5, places[1], atol=1e-3)
    same = ("x_correction", "orientation", "first_midi", "last_midi", "quality")
    assert [getattr(small, name) for name in same] == [getattr(large, name) for name in same]


@pytest.mark.parametrize("seed", [1, 9])
def test_every_error_is_measured(seed):
    """`deviation` is that of the true key centres from equal steps between the ends of the keyboard."""
    view, picture = seen(seed)
    found = estimate([picture], PARAMS, GEOMETRY)
    quality = found.quality
    for before, after in ((quality.err_before, quality.err_after), quality.err_black, quality.err_white):
        assert 0 < after < 0.05 and after < before < 0.5
    ends_px = view.image_px(np.array([[0.0, 75, 0], [KEYBOARD_WIDTH_MM, 75, 0]]))
    along = (ends_px[1] - ends_px[0]) / ((ends_px[1] - ends_px[0]) ** 2).sum()
    share = (view.key_centers_px() - ends_px[0]) @ along
    deviation = np.median(np.abs(share * KEYBOARD_WIDTH_MM - CENTER_MM)) / WHITE_PITCH_MM
    assert quality.deviation == pytest.approx(deviation, abs=0.03)


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
    assert found.status == "refused" and found.reason and found.source_hw == (360, 640)


def test_bad_arguments():
    with pytest.raises(InputError, match="at least one frame"):
        estimate([], PARAMS, GEOMETRY)
    with pytest.raises(InputError, match="frames of one size"):
        estimate([np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8)], PARAMS, GEOMETRY)
    with pytest.raises(InputError, match="corners: 3 points, four"):
        Override(((0, 0), (1, 0), (1, 1)))


def test_a_registration_survives_its_file(tmp_path):
    _, picture = seen(4)
    found = {"train/a": estimate([picture], PARAMS, GEOMETRY), "val/b": Refusal("no reason", (4, 5), 1)}
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
    good = known_registration(random_view(np.random.default_rng(5)), GEOMETRY)
    errors = [np.full(88, 0.1), np.concatenate([np.full(44, -0.3), np.full(44, 0.6)])]
    assert summary([good, good, Refusal("why", (4, 5), 1)], errors) == {
        "clips": 3,
        "refused": 1,
        "key_err_median": pytest.approx(0.2),
        "key_err_p95": pytest.approx(0.6),
        "keys_right": pytest.approx(0.75),
    }
    assert summary([good], []) == {"clips": 1, "refused": 0}


@pytest.mark.parametrize(
    ("name", "value", "allowed"), [("frames", 0, "1..64"), ("focal_sigma", 0.0, "0.01..1"), ("first_key", 109, "21..108")]
)
def test_params_are_checked(name, value, allowed):
    with pytest.raises(InputError, match=f"params: registration.{name}: {value} is outside {allowed}"):
        section_with(RegistrationParams, f"registration.{name}", value)
