"""The keyboard at rest: the median where keys are bare, and the frames without a hand where one rests or holds a key."""

import numpy as np
import pytest

from tivit.core.keyboard import BLACK_FRONT_MM, CENTER_MM, IS_BLACK, KEY_COUNT, LEFT_MM, RIGHT_MM, TAIL_LEFT_MM, TAIL_RIGHT_MM
from tivit.core.strip import StripGeometry
from tivit.model.background import (
    BACKGROUND_SAMPLES,
    COVERED_AREA,
    MIN_CONTRAST,
    background_of,
    covered_areas,
    describe_background,
    sample_frames,
)

GEOMETRY = StripGeometry(832, 64, -22.0, 158.0)
WHITE_LEVEL, BLACK_LEVEL, SKIN_LEVEL, PRESSED = 220, 30, 130, -25
FRONT_ROW = int(GEOMETRY.row_px(BLACK_FRONT_MM))


def columns(key):
    return slice(*np.rint(GEOMETRY.column_px(np.array([LEFT_MM[key], RIGHT_MM[key]]))).astype(int))


def resting_keyboard():
    image = np.full((64, 832), WHITE_LEVEL, np.uint8)
    for key in np.flatnonzero(IS_BLACK):
        image[:FRONT_ROW, columns(key)] = BLACK_LEVEL
    return image


def strip(length=200):
    return np.repeat(resting_keyboard()[None], length, axis=0)


def hold(frames, key, share):
    """Press a key from the first frame on, with a fingertip on its front, for a share of the frames."""
    held = frames[: round(share * len(frames))]
    middle = int(GEOMETRY.column_px((TAIL_LEFT_MM[key] + TAIL_RIGHT_MM[key]) / 2))
    held[:, 20:FRONT_ROW, middle - 2 : middle + 3] = WHITE_LEVEL + PRESSED
    held[:, 44:, columns(key)] = SKIN_LEVEL


def test_bare_keys_are_the_median_over_an_even_subsample():
    frames = strip(1000)
    frames[:300, :, 500:] = SKIN_LEVEL
    np.testing.assert_array_equal(background_of(frames, GEOMETRY).image, resting_keyboard())
    index = sample_frames(1000)
    assert len(index) == BACKGROUND_SAMPLES and np.ptp(np.diff(index)) <= 1
    assert sample_frames(3).tolist() == [0, 1, 2]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("key", [3, 15, 39, 83])
def test_a_key_held_for_most_of_a_clip_is_at_rest_in_the_background(key, share):
    frames = strip()
    hold(frames, key, share)
    np.testing.assert_array_equal(background_of(frames, GEOMETRY).image, resting_keyboard())


def test_a_hand_that_rests_on_five_keys_is_not_part_of_the_keyboard():
    frames = strip()
    for key in (39, 41, 43, 44, 46):
        hold(frames, key, 0.8)
    np.testing.assert_array_equal(background_of(frames, GEOMETRY).image, resting_keyboard())


def test_a_black_key_under_a_finger_is_at_rest_too():
    frames, key = strip(), 40
    frames[:140, 10:FRONT_ROW, columns(key)] = SKIN_LEVEL
    np.testing.assert_array_equal(background_of(frames, GEOMETRY).image, resting_keyboard())


def test_a_camera_that_changes_its_gain_covers_nothing():
    frames = strip().astype(float)
    frames[100:] *= 0.85
    covered = covered_areas(np.rint(frames).astype(np.uint8), GEOMETRY, 80.0)
    assert covered.shape == (200, KEY_COUNT) and (covered <= COVERED_AREA).all()


def test_a_key_that_is_never_bare_is_taken_where_least_covered():
    frames, key = strip(), 39
    frames[:, 44:, columns(key)] = SKIN_LEVEL
    frames[50:70, 44:58, columns(key)] = WHITE_LEVEL
    image = background_of(frames, GEOMETRY).image
    assert (image[44:58, int(GEOMETRY.column_px(CENTER_MM[key]))] == WHITE_LEVEL).all()


def test_one_frame_is_its_own_background():
    np.testing.assert_array_equal(background_of(strip(1), GEOMETRY).image, resting_keyboard())


def test_a_blank_picture_has_the_smallest_contrast():
    background = describe_background(np.full((4, 4), 77, np.uint8))
    assert (background.mean, background.contrast) == (77.0, MIN_CONTRAST)
