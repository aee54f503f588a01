"""Pictures turned by 90 degrees, as phones held upright make them: turned to lie across, and what was found there turned back.

Pictures are turned counterclockwise: what was at the right comes to the top. Pixel centres are at whole numbers, so the pixel
(x, y) of a picture w px wide comes to (y, w - 1 - x).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tivit.core.registration import Refusal, Registration
from tivit.registration.params import Override

ACROSS = {
    "turned_right": "upright",
    "turned_left": "rotated",
    "turned_right_mirrored": "mirrored",
    "turned_left_mirrored": "rotated_mirrored",
}
"""How a picture shows the keyboard, and how it does after it was turned."""


def turned(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return pictures turned counterclockwise.

    Parameters
    ----------
    frames : sequence of ndarray, (height, width) or (height, width, 3)

    Returns
    -------
    list of ndarray, (width, height) or (width, height, 3)
    """
    return [np.ascontiguousarray(np.rot90(frame)) for frame in frames]


def turned_knowledge(override: Override, width_px: int) -> Override:
    """Return what is known of a picture as it holds after it was turned.

    Parameters
    ----------
    override : Override
        Its orientation is one of ACROSS, or None.
    width_px : int
        Width of the picture before.

    Returns
    -------
    Override
    """
    corners, region = override.corners, override.region
    if corners is not None:
        # Top left, top right, bottom right, bottom left: the corner that was at the top right is at the top left now.
        corners = tuple((y, width_px - 1 - x) for x, y in (*corners[1:], corners[0]))
    if region is not None:
        x0, y0, x1, y1 = region
        region = (y0, width_px - 1 - x1, y1, width_px - 1 - x0)
    aspect = None if override.pixel_aspect is None else 1 / override.pixel_aspect
    return replace(override, corners=corners, region=region, orientation=ACROSS.get(override.orientation), pixel_aspect=aspect)


def turned_back(found: Registration | Refusal) -> Registration | Refusal:
    """Return what was found in a turned picture as it holds for the picture as it is.

    Parameters
    ----------
    found : Registration or Refusal
        Without moves.

    Returns
    -------
    Registration or Refusal
        Its homography maps from the px of the picture as it is.
    """
    width_px, height_px = found.source_hw
    if isinstance(found, Refusal):
        return replace(found, source_hw=(height_px, width_px))
    homography = np.array(found.homography) @ [[0, 1, 0], [-1, 0, width_px - 1], [0, 0, 1]]
    homography /= homography[2, 2]
    orientation = next(name for name, across in ACROSS.items() if across == found.orientation)
    return replace(
        found,
        homography=tuple(map(tuple, homography.tolist())),
        orientation=orientation,
        source_hw=(height_px, width_px),
    )
