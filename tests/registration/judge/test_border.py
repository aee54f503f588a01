"""Borders beside a picture in a slide, and dark rooms that are none."""

from types import SimpleNamespace

import numpy as np
import pytest

from tivit.registration.judge.border import content_of
from tivit.registration.judge.refine import Picture
from tivit.video.picture import Region

READING = SimpleNamespace(ends_px=np.array([[[100.0, 80], [100, 40]], [[300.0, 80], [300, 40]]]))


def content(level, left=0, right=0, writing=False):
    """Return what is found in a picture of noisy stripes between borders of one level."""
    rng = np.random.default_rng(0)
    picture = (rng.integers(60, 200, (120, 1)) + rng.integers(-8, 9, (120, 400))).astype(np.uint8)
    picture[:, :left] = picture[:, 400 - right :] = level
    if writing:
        picture[5:12, 3:20] = 255 - level
    return content_of(Picture([picture]), READING)


@pytest.mark.parametrize("level", [0, 128, 235])
def test_the_picture_ends_where_its_borders_begin(level):
    assert content(level, 40, 60) == Region(40, 0, 340, 120)
    assert content(level) == Region(0, 0, 400, 120)


def test_a_black_border_is_black_from_top_to_bottom_and_a_bright_one_beside_the_keys():
    assert content(0, 40, writing=True).left == 0
    assert content(235, 40, writing=True).left == 40
