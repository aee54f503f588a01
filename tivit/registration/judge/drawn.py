"""Whether keys are drawn: a keyboard above a film that shows what is played, as lesson videos have.

What is drawn lies exactly across the picture, without perspective, and each colour is of one level from end to end. No camera
looks at a piano so straight, light falls off along its keys, and its black keys shine.
"""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import WHITE_LENGTH_MM, WHITE_PITCH_MM
from tivit.core.registration import correction_mm
from tivit.registration.find.pattern import black_range, white_range
from tivit.registration.find.pose import black_edges_mm
from tivit.registration.judge.octave import Extent
from tivit.registration.judge.refine import Picture

FLAT_LEVELS = 2
"""Points of one colour differ from their median by at most so many levels, after compression."""
DRAWN_SHARE = 0.93
"""Such a share of the white points and of the black ones is of one colour where keys are drawn. In 30 views of pianos the less
flat of the two colours had 0.56 at most (over-exposed white keys are flat, and so are black keys in the dark), and 0.86 in a
picture of the tests that has no light; drawn keys had 0.97 or more."""
STRAIGHT_KEY = 0.3
"""Corners of a drawn keyboard are at most so far (white-key widths) from those of an upright rectangle."""
WHITE_ROWS_MM, BLACK_ROWS_MM = np.arange(15.0, 40.0, 5.0), np.arange(85.0, 125.0, 8.0)
"""y of the points on white fronts and on black keys."""
WHITE_ASIDE_MM, BLACK_ASIDE_MM = np.array([-6.0, 0.0, 6.0]), np.array([-2.5, 0.0, 2.5])
"""x of the points beside the middle of their key."""


def is_drawn(
    picture: Picture, plane_to_image: np.ndarray, camera_mm: np.ndarray, correction: tuple[float, ...], extent: Extent
) -> bool:
    """Return whether the keys in view are drawn in two colours.

    Parameters
    ----------
    picture : Picture
        The frames; keys that are lit in some of them do not show in their median.
    plane_to_image : ndarray, (3, 3)
        Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
    camera_mm : ndarray, (3,), mm
        Where the camera is.
    correction : tuple of float, mm
        The x correction.
    extent : Extent
        The keys in view.

    Returns
    -------
    bool
    """
    if not _is_straight(plane_to_image, extent):
        return False
    whites_mm = (np.arange(*white_range(extent.first_midi, extent.last_midi)) + 0.5) * WHITE_PITCH_MM
    blacks_mm = np.mean(black_edges_mm(np.arange(*black_range(extent.first_midi, extent.last_midi)), camera_mm), axis=0)
    shares = []
    for centers_mm, aside_mm, rows_mm in (
        (whites_mm, WHITE_ASIDE_MM, WHITE_ROWS_MM),
        (blacks_mm, BLACK_ASIDE_MM, BLACK_ROWS_MM),
    ):
        x_mm = (centers_mm[:, None] + aside_mm).ravel()
        levels = picture.sampled(plane_to_image, x_mm + correction_mm(correction, x_mm), rows_mm[:, None])
        levels = levels[np.isfinite(levels)]
        shares.append((np.abs(levels - np.median(levels)) <= FLAT_LEVELS).mean() if len(levels) else 0.0)
    return min(shares) >= DRAWN_SHARE


def corners_px(plane_to_image: np.ndarray, extent: Extent) -> np.ndarray:
    """Return where the corners of the keys in view are in the picture.

    Parameters
    ----------
    plane_to_image : ndarray, (3, 3)
        Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
    extent : Extent
        The keys in view.

    Returns
    -------
    ndarray, (2, 2, 2), px
        By end (low, high) and row (front, back): x and y.
    """
    plane_mm = [[(x_mm, y_mm, 1.0) for y_mm in (0.0, WHITE_LENGTH_MM)] for x_mm in extent.ends_mm]
    corners = np.array(plane_mm) @ plane_to_image.T
    return corners[..., :2] / corners[..., 2:]


def _is_straight(plane_to_image: np.ndarray, extent: Extent) -> bool:
    """Return whether the keys in view fill an upright rectangle of the picture."""
    x_px, y_px = np.moveaxis(corners_px(plane_to_image, extent), -1, 0)  # [end, front or back]
    key_px = abs(x_px[1].mean() - x_px[0].mean()) / np.diff(extent.ends_mm).item() * WHITE_PITCH_MM
    return max(np.abs(np.diff(x_px, axis=1)).max(), np.abs(np.diff(y_px, axis=0)).max()) <= STRAIGHT_KEY * key_px
