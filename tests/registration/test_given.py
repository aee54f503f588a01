"""What is known of a keyboard beforehand: corners, first key, orientation, a region to look in; what cannot be is refused."""

from dataclasses import replace

import numpy as np
import pytest
from registration_cases import GEOMETRY, PARAMS, TURNS, assert_so, cut_view, drawn_corners, keys_in_view, look_at, seen

from tivit.core.errors import InputError
from tivit.core.keyboard import KEY_COUNT, midi_of_name
from tivit.registration.estimate import estimate
from tivit.registration.params import Override
from tivit.registration.truth import key_errors


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


@pytest.mark.parametrize(("given", "first"), [(36, 36), (33, 36), (39, 36), (48, 48)])
def test_the_first_key_given_decides_the_octave(given, first):
    """It may be off by a few semitones: whoever counts may count a key that the picture cuts, or not."""
    found = look_at(cut_view(4), (15, 75), Override(first_key=given))
    assert (found.doubt, found.first_midi, found.last_midi) == ("", first, first + 60)


@pytest.mark.parametrize(("given", "names"), [(41, ("F2", "C2")), (60, ("C4", "C3"))])
def test_a_first_key_that_cannot_be_is_refused(given, names):
    found = look_at(cut_view(4), (15, 75), Override(first_key=given))
    sentence = "the first key is given as {}, but the lowest key in view is a {}".format(*names)
    assert (found.status, found.reason) == ("refused", sentence)
    assert look_at(cut_view(4), (15, 75), Override(first_key=midi_of_name(names[1]))).status == "ok"


@pytest.mark.parametrize(("orientation", "turns"), [("turned_right", -1), ("turned_left", 1)])
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_a_picture_turned_by_90_degrees(orientation, turns, is_mirrored):
    """As a phone held upright shows it; the places of the keys are those of the same picture lying across."""
    view, picture = seen(3, "mirrored" if is_mirrored else "upright")
    orientation += "_mirrored" * is_mirrored
    height, width = picture.shape[:2]
    standing = np.rot90(picture, turns)
    x, y = view.key_centers_px().T
    centers_px = np.stack([height - 1 - y, x] if turns == -1 else [y, width - 1 - x], axis=1)
    by_itself = estimate([standing], PARAMS, GEOMETRY)
    assert (by_itself.status, by_itself.orientation, by_itself.source_hw) == ("ok", orientation, (width, height))
    corners = [(height - 1 - y, x) if turns == -1 else (y, width - 1 - x) for x, y in view.corners_px()]
    corners = corners[turns:] + corners[:turns]
    box = (*np.min(corners, axis=0) - 60, *np.max(corners, axis=0) + 60)
    for known in (
        Override(orientation=orientation),
        Override(tuple(corners), orientation=orientation),
        Override(tuple(corners)),
        Override(region=box),
    ):
        given = estimate([standing], PARAMS, GEOMETRY, known)
        assert given.status == "ok" and given.orientation == orientation
        assert np.abs(key_errors(given, centers_px, GEOMETRY)).max() < 0.1
    assert np.abs(key_errors(by_itself, centers_px, GEOMETRY)).max() < 0.1
    assert estimate([standing], PARAMS, GEOMETRY, Override(orientation="upright")).status == "refused"
    across = estimate([picture], PARAMS, GEOMETRY, Override(orientation=orientation))
    assert (across.status, across.source_hw) == ("refused", (height, width))


@pytest.mark.parametrize("orientation", ["rotated", "rotated_mirrored"])
def test_the_wrong_side_is_not_believed_even_when_given(orientation):
    assert look_at(cut_view(4), override=Override(orientation=orientation)).status == "refused"


def test_corners_of_a_part_of_the_keyboard_are_a_start():
    view = cut_view(2, zoom=1.6)
    first, last = keys_in_view(view, (0, KEY_COUNT - 1), -0.3)
    corners = drawn_corners(view, first, last) + np.random.default_rng(0).uniform(-3, 3, (4, 2))
    found = look_at(view, override=Override(tuple(map(tuple, corners)), orientation="upright"))
    assert (found.status, found.source) == ("ok", "corners")
    assert_so(found, view)


def test_keys_are_looked_for_in_the_region_given():
    """Two keyboards one above the other: without a region either may be found."""
    (_, above), (view, below) = seen(2), seen(4)
    picture, shift = np.concatenate([above, below]), np.array([0.0, 360.0])
    found = estimate([picture], PARAMS, GEOMETRY, Override(region=(0, 360, 640, 720)))
    assert (found.status, found.source, found.source_hw) == ("ok", "pixels", (720, 640))
    assert np.abs(key_errors(found, view.key_centers_px() + shift, GEOMETRY)).max() < 0.08


def test_a_region_that_holds_the_keyboard_changes_little():
    view, picture = seen(4)
    x, y = view.key_centers_px().T
    region = (x.min() - 60, y.min() - 90, x.max() + 60, y.max() + 150)
    found = estimate([picture], PARAMS, GEOMETRY, Override(region=tuple(region)))
    assert found.status == "ok"
    errors = key_errors(found, view.key_centers_px(), GEOMETRY)
    np.testing.assert_allclose(
        errors, key_errors(estimate([picture], PARAMS, GEOMETRY), view.key_centers_px(), GEOMETRY), atol=0.02
    )


@pytest.mark.parametrize(("region", "reason"), [
    ((700, 0, 900, 300), "the region 700, 0, 900, 300 lies outside the 640 x 360 picture"),
    ((0, 0, 640, 40), "no row of black keys was found in the region"),
])  # fmt: skip
def test_a_region_without_keys_is_refused(region, reason):
    _, picture = seen(4)
    found = estimate([picture], PARAMS, GEOMETRY, Override(region=region))
    assert (found.status, found.reason) == ("refused", reason)


def test_a_region_is_a_rectangle():
    with pytest.raises(InputError, match=r"region: x 5\.\.1, y 0\.\.9 is no rectangle"):
        Override(region=(5, 0, 1, 9))


def test_corners_around_nothing_are_refused():
    corners = ((100, 100), (500, 100), (500, 180), (100, 180))
    assert estimate([np.full((360, 640), 120, np.uint8)], PARAMS, GEOMETRY, Override(corners)).status == "refused"
