"""The shape of a hand at rest: where its fingertips lie naturally, and how a hand that is turned about the vertical lies.

Fingers count from the thumb. Points are in mm, x from the middle of the hand along the keys, y from the front of the keys.
"""

from __future__ import annotations

import numpy as np

SPREAD_MM = np.array([-52.0, -25.0, -1.0, 22.0, 44.0])
"""Natural x of a right hand's fingertips relative to the hand's centre; mirrored for the left."""
NATURAL_Y_MM = np.array([10.0, 36.0, 46.0, 40.0, 22.0])
"""Natural y of the fingertips over white keys, thumb first."""


def natural_mm(side: float, width: float, yaw_rad: np.ndarray) -> np.ndarray:
    """Return where fingertips lie when the hand plays nothing, relative to the middle of the hand.

    Parameters
    ----------
    side : float
        1 for a right hand, -1 for a left one.
    width : float
        Size of the hand.
    yaw_rad : ndarray, (T,)
        How far it is turned, wrist outward.

    Returns
    -------
    ndarray, (T, 5, 2), mm
        x from the middle, y from the front of the keys.
    """
    return turned_mm(np.stack([side * width * SPREAD_MM, NATURAL_Y_MM], axis=1), side, yaw_rad)


def turned_mm(points_mm: np.ndarray, side: float, yaw_rad: np.ndarray) -> np.ndarray:
    """Return points of an unturned hand where the turned hand has them; it turns about the middle of its fingertips.

    Parameters
    ----------
    points_mm : ndarray, (5, 2) or (T, 5, 2), mm
        x from the middle of the hand, y from the front of the keys.
    side : float
        1 for a right hand, -1 for a left one.
    yaw_rad : ndarray, (T,)
        How far it is turned, wrist outward.

    Returns
    -------
    ndarray, (T, 5, 2), mm
    """
    pivot = np.array([0.0, NATURAL_Y_MM.mean()])
    cos, sin = np.cos(yaw_rad)[:, None], side * np.sin(yaw_rad)[:, None]
    x, y = np.moveaxis(points_mm - pivot, -1, 0)
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1) + pivot
