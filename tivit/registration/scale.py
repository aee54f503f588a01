"""How large the keys are in a picture, and from what size on they can be read."""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import MIDDLE_MM, WHITE_PITCH_MM
from tivit.core.registration import Registration
from tivit.core.strip import StripGeometry

LEAST_KEY_PX = 8.5
"""Narrower white keys move by less than a pixel when they are pressed: 440 px of a whole keyboard."""


def small_keys(registration: Registration, geometry: StripGeometry) -> str:
    """Return a sentence that says that the keys are too small to be read well; "" where they are not.

    Parameters
    ----------
    registration : Registration
        Where the keyboard is.
    geometry : StripGeometry
        The raster of the strip that its homography leads to.

    Returns
    -------
    str
    """
    edges_mm = MIDDLE_MM + WHITE_PITCH_MM * np.array([-0.5, 0.5])  # of a white key in the middle of the keyboard
    left, right = registration.image_points(edges_mm, 0.0, geometry)
    width_px = float(np.hypot(*(right - left)))
    if width_px >= LEAST_KEY_PX:
        return ""
    return (
        f"its white keys are {width_px:.1f} px wide; below {LEAST_KEY_PX:g} px many notes are missed or wrong: film nearer, or "
        "with more pixels"
    )
