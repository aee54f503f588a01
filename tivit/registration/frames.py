"""Frames brought to the form in which keyboards are looked for: grey, of one size, not too wide."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tivit.core.errors import InputError
from tivit.video.picture import Region

MAX_WIDTH_PX = 1920
"""Wider pictures are made this wide first."""
REGION_MARGIN, LEAST_REGION_PX = 0.02, 16
"""A region is widened by this share of its size to each side; what is left of it in the picture must have so many pixels."""


def grey_pictures(frames: Sequence[np.ndarray]) -> tuple[tuple[int, int], list[np.ndarray]]:
    """Return the size of frames, and the frames in grey.

    Parameters
    ----------
    frames : sequence of ndarray, (height, width, 3) uint8 BGR or (height, width) uint8 grey

    Returns
    -------
    size_hw : tuple of int
        Height and width of the frames, px.
    greys : list of ndarray, (h, w), uint8
        At most MAX_WIDTH_PX wide.

    Raises
    ------
    InputError
        There is no frame, or the frames differ in size.
    """
    if len(frames) == 0:
        raise InputError("registration needs at least one frame")
    if len({frame.shape[:2] for frame in frames}) != 1:
        raise InputError(f"registration needs frames of one size, got {sorted({frame.shape[:2] for frame in frames})}")
    greys = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) if frame.ndim == 3 else frame for frame in frames]
    height, width = greys[0].shape
    if width > MAX_WIDTH_PX:
        size = (MAX_WIDTH_PX, round(height * MAX_WIDTH_PX / width))
        greys = [cv2.resize(grey, size, interpolation=cv2.INTER_AREA) for grey in greys]
    return (height, width), greys


def region_px(bounds: Sequence[float], scale: float, size_hw: tuple[int, int]) -> Region:
    """Return a region at another scale of the picture, with a margin.

    Parameters
    ----------
    bounds : sequence of float, px
        x0, y0, x1, y1.
    scale : float
        Size of the picture that is looked at, beside that of the frames.
    size_hw : tuple of int
        Height and width of the picture that is looked at, px.

    Returns
    -------
    Region
        Cut to the picture; empty where it lies outside.
    """
    x0, y0, x1, y1 = scale * np.array(bounds)
    margin_x, margin_y = REGION_MARGIN * (x1 - x0), REGION_MARGIN * (y1 - y0)
    left, right = np.clip([x0 - margin_x, x1 + margin_x], 0, size_hw[1]).round().astype(int).tolist()
    top, bottom = np.clip([y0 - margin_y, y1 + margin_y], 0, size_hw[0]).round().astype(int).tolist()
    return Region(left, top, right, bottom)
