"""Where a picture ends that is set into a slide or between bars: what lies beyond it shows no key.

Borders are looked for to the left and the right only, where they would pass for the surroundings of a keyboard.
"""

from __future__ import annotations

import numpy as np

from tivit.registration.find.readings import Reading
from tivit.registration.judge.refine import Picture
from tivit.video.picture import Region

FLAT_LEVELS = 3
"""Levels of a border differ by at most so much."""
FLAT_SHARE = 0.99
"""Such a share of the pixels of a column of a border is flat."""
BLACK_LEVEL = 24
"""A border that is darker than this must be flat from top to bottom of the picture: a dark room is as black beside the keys."""
LEAST_SHARE = 0.01
"""A border is at least so wide, beside the picture's width."""
EDGE_SHARE = 0.6
"""The first step so high beside the highest one near by is the edge."""
RINGING_PX = 10
"""So far inwards from the last flat column the edge is looked for: compression makes ripples beside an edge."""


def content_of(picture: Picture, reading: Reading) -> Region:
    """Return the part of a picture that is no border to the left or right of the keys of a reading.

    Parameters
    ----------
    picture : Picture
        The frames.
    reading : Reading
        Its black keys say in which rows a border is looked for.

    Returns
    -------
    Region
        The whole picture where there is no border.
    """
    height, width = picture.shape
    rows = reading.ends_px[..., 1]
    tall = float(np.abs(rows[:, 1] - rows[:, 0]).mean())
    band = picture.band(int(rows.min() - tall / 2), int(rows.max() + tall / 2) + 1)
    left = _border_px(picture, band)
    right = width - _border_px(picture, band[:, ::-1], is_right=True)
    return Region(left, 0, right, height)


def _border_px(picture: Picture, band: np.ndarray, is_right: bool = False) -> int:
    """Return the width (px) of a border at the left of a band of rows; 0 where there is none."""
    level = float(np.median(band[:, 0])) if band.size else 0.0
    count = _flat_columns(band, level)
    if level <= BLACK_LEVEL and count:
        whole = picture.band(0, picture.shape[0])
        count = min(count, _flat_columns(whole[:, ::-1] if is_right else whole, level))
    if count < LEAST_SHARE * band.shape[1] or count >= band.shape[1] / 2:
        return 0
    edge = band[:, count - 1 : count + RINGING_PX].astype(int)
    steps = np.abs(np.diff(edge, axis=1)).mean(0)
    return count + int(np.flatnonzero(steps >= EDGE_SHARE * steps.max())[0])


def _flat_columns(band: np.ndarray, level: float) -> int:
    """Return how many columns from the left on are of one level."""
    is_flat = (np.abs(band - level) <= FLAT_LEVELS).mean(0) >= FLAT_SHARE
    return int(np.cumprod(is_flat).sum())
