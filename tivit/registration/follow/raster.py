"""The keyboard rectified for comparison: a raster of the white-key plane, sampled from pictures and evened out in brightness.

The raster has a margin around the keyboard, so that a keyboard that moved a little is still in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import KEYBOARD_WIDTH_MM
from tivit.video.picture import Region
from tivit.video.rectify import needed_region

STEP_MM = 2.0
"""Step of the raster on which keyboards are compared, both ways."""
MARGIN_X_MM, MARGIN_Y_MM = 150.0, 75.0
"""How far a keyboard may have moved for the coarse search to find it."""
FRONT_MM, BACK_MM = -25.0, 155.0
"""y of the part of the raster that holds the keyboard: from just before the front lip to just behind the fallboard line."""
GRID_STEP = 20
"""Every so many raster points are projected to see which part of a picture a raster needs, and how finely."""
EVEN_MM = 40.0
"""Brightness is evened out over squares of this size."""
FLOOR = 6.0
"""Grey levels of contrast below which a place is taken for even."""

X_MM = np.arange(-MARGIN_X_MM, KEYBOARD_WIDTH_MM + MARGIN_X_MM, STEP_MM)
Y_MM = np.arange(FRONT_MM - MARGIN_Y_MM, BACK_MM + MARGIN_Y_MM, STEP_MM)
RASTER_TO_WORLD = np.array([[STEP_MM, 0.0, X_MM[0]], [0.0, STEP_MM, Y_MM[0]], [0.0, 0.0, 1.0]])
"""Columns and rows of the raster (mm), and the map from raster points to mm, (3, 3)."""


@dataclass(frozen=True)
class Raster:
    """A raster of the white-key plane, sampled from pictures.

    Attributes
    ----------
    world_to_image : ndarray, (3, 3)
        Homography from the world plane (mm) to the picture (px).
    region : Region
        The part of the picture that the raster lies in.
    blur_px : tuple of int
        Width and height (px, odd) of a mean filter over it, so that thin gaps do not alias.
    """

    world_to_image: np.ndarray
    region: Region
    blur_px: tuple[int, int]

    def rectified(self, image: np.ndarray) -> np.ndarray:
        """Return the raster in a picture.

        Parameters
        ----------
        image : ndarray, (height, width, 3), uint8 BGR

        Returns
        -------
        ndarray, (rows, columns), uint8
            Grey; points outside the picture repeat its edge.
        """
        grey = cv2.cvtColor(self.region.crop(image), cv2.COLOR_BGR2GRAY)
        grey = grey if self.blur_px == (1, 1) else cv2.blur(grey, self.blur_px)
        return self._sampled(grey, (self.region.left, self.region.top), cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)

    def coverage(self, source_hw: tuple[int, int]) -> np.ndarray:
        """Return which raster points lie in the picture.

        Parameters
        ----------
        source_hw : tuple of int
            Height and width of the picture, px.

        Returns
        -------
        ndarray, (rows, columns), uint8
            1 or 0.
        """
        return self._sampled(np.ones(source_hw, np.uint8), (0, 0), cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)

    def _sampled(self, picture: np.ndarray, corner_px: tuple[int, int], interpolation: int, border: int) -> np.ndarray:
        left, top = corner_px
        to_picture = np.array([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]]) @ self.world_to_image @ RASTER_TO_WORLD
        size = (len(X_MM), len(Y_MM))
        return cv2.warpPerspective(picture, to_picture, size, flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=border)


def raster_at(world_to_image: np.ndarray, source_hw: tuple[int, int]) -> Raster | None:
    """Return the raster of a keyboard at a place.

    Parameters
    ----------
    world_to_image : ndarray, (3, 3)
        Homography from the world plane (mm) to the picture (px).
    source_hw : tuple of int
        Height and width of the picture, px.

    Returns
    -------
    Raster or None
        None when no part of it lies in the picture, or when it reaches the horizon.
    """
    x_mm, y_mm = np.meshgrid(X_MM[[*range(0, len(X_MM), GRID_STEP), -1]], Y_MM[[*range(0, len(Y_MM), GRID_STEP), -1]])
    there = np.stack([x_mm, y_mm, np.ones_like(x_mm)], axis=-1) @ world_to_image.T
    if not (there[..., 2] > 0).all() and not (there[..., 2] < 0).all():
        return None
    points = there[..., :2] / there[..., 2:]
    try:
        region = needed_region(points, source_hw)
    except InputError:
        return None
    across, down = np.abs(np.diff(points, axis=1)), np.abs(np.diff(points, axis=0))
    step = np.maximum(np.median(across, axis=(0, 1)), np.median(down, axis=(0, 1))) / GRID_STEP
    blur_px = step.astype(int) // 2 * 2 + 1
    return Raster(world_to_image, region, (int(blur_px[0]), int(blur_px[1])))


def keyboard_area() -> tuple[slice, slice]:
    """Return the part of the raster that holds the keyboard.

    Returns
    -------
    rows, columns : slice
    """
    return (
        slice(*np.searchsorted(Y_MM, (FRONT_MM, BACK_MM)).tolist()),
        slice(*np.searchsorted(X_MM, (0.0, KEYBOARD_WIDTH_MM)).tolist()),
    )


def evened(grey: np.ndarray) -> np.ndarray:
    """Return a raster whose brightness and contrast are about the same everywhere.

    Parameters
    ----------
    grey : ndarray, (rows, columns), uint8

    Returns
    -------
    ndarray, (rows, columns), uint8
        With local mean 128; a local standard deviation is 48 levels.
    """
    size = (int(EVEN_MM / STEP_MM) | 1,) * 2
    values = grey.astype(np.float32)
    relief = values - cv2.blur(values, size)
    spread = np.sqrt(np.maximum(cv2.blur(relief * relief, size), 0.0)) + FLOOR
    return cv2.convertScaleAbs(relief / spread, alpha=48.0, beta=128.0)
