"""Is it really this keyboard, at this place? The rectified picture against the key pattern, and against wrong readings.

A wrong reading is the right picture shifted by whole white keys (an octave is the dangerous one) or read backwards. The
pattern must fit clearly better than all of them, its ends must be seen, the white keys must be white, and their fronts must
lie on the player's side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core.keyboard import (
    BLACK_COUNT,
    CENTER_MM,
    KEYBOARD_WIDTH_MM,
    TAIL_LEFT_MM,
    TAIL_RIGHT_MM,
    WHITE_KEYS,
    WHITE_PITCH_MM,
)
from tivit.core.registration import correction_mm
from tivit.registration.pose import black_edges_mm
from tivit.registration.refine import BEYOND_ROWS, BLACK_ROWS, FRONT_ROWS, STEP_MM, X_MM, Plan

SHIFTS_WHITE = np.arange(-8, 9)
END_KEYS = 3
FIT_RANGE = (0.4, 0.6)
MARGIN_RANGE = (0.15, 0.5)
MIN_VISIBLE = 0.97
CUT = "the keyboard is cut by the edge of the picture"
SIDE_RANGE = (0.2, 0.4)
SEAM_FLOOR = 0.004
"""Depth of the comb of white seams, relative to the keys' brightness, that counts as none."""
WINDOW_MM = 100.0
MIN_CONTRAST_SHARE = 0.3


@dataclass(frozen=True)
class Verdict:
    """`confidence` 0..1 and, when it is low, the `reason`; `fit` and `margin` are -1..1.

    `fit` is the mean agreement of the picture with the key pattern; `margin` the least agreement where the pattern and a wrong
    reading differ.
    """

    confidence: float
    reason: str
    fit: float
    margin: float


def judge(plan: Plan, place_mm: np.ndarray, correction: tuple[float, ...]) -> Verdict:
    """Return how sure it is that the picture on the plane raster is a full keyboard from A0 to C8."""
    x_mm = np.arange(0.0, KEYBOARD_WIDTH_MM, STEP_MM)
    back = _profile(plan, BLACK_ROWS, correction)
    front = _profile(plan, FRONT_ROWS, correction)
    if min(np.isfinite(profile(x_mm)).mean() for profile in (back, front)) < MIN_VISIBLE:
        return Verdict(0.0, CUT, 0.0, 0.0)
    left, right = black_edges_mm(place_mm)
    agreement = _contrast(back, x_mm) * _pattern(x_mm, left, right)
    fit = float(agreement.mean())
    backwards = (KEYBOARD_WIDTH_MM - right[::-1], KEYBOARD_WIDTH_MM - left[::-1])
    margin = fit
    for shift_mm in SHIFTS_WHITE * WHITE_PITCH_MM:
        for edges in ((left, right), backwards) if shift_mm else (backwards,):
            wrong = _pattern(x_mm - shift_mm, *edges)
            margin = min(margin, float(agreement[wrong * _pattern(x_mm, left, right) <= 0].mean()))
    dark = np.array([np.median(back(np.linspace(a + 2, b - 2, 5))) for a, b in zip(left, right, strict=True)])
    white = np.median([front(CENTER_MM[WHITE_KEYS] + d) for d in (-6, 0, 6)], axis=0)
    level = (np.nanmedian(dark) + np.nanmedian(white)) / 2
    ends = np.concatenate([dark[:END_KEYS], dark[BLACK_COUNT - END_KEYS :]]) < level
    share_white = float((white > level).mean())
    side = _side(plan, correction, x_mm, float(np.nanmedian(dark)))
    parts = {
        f"the black keys do not fit the pattern (agreement {fit:.2f})": _ramp(fit, *FIT_RANGE),
        f"another reading fits almost as well (margin {margin:.2f})": _ramp(margin, *MARGIN_RANGE),
        f"which side the player sits on is not clear ({side:.2f})": _ramp(side, *SIDE_RANGE),
        "the ends of the keyboard are not in view": float(ends[:END_KEYS].sum() >= 2 and ends[END_KEYS:].sum() >= 2),
        f"only {share_white:.0%} of the white keys look white": _ramp(share_white, 0.6, 0.9),
    }
    reason = min(parts, key=parts.get)
    return Verdict(float(np.prod(list(parts.values()))), reason, fit, margin)


def _profile(plan: Plan, rows: np.ndarray, correction: tuple[float, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the grey of the chosen rows as a function of true x (mm); NaN outside the picture."""
    grey = plan.profile(rows)

    def at(x_mm: np.ndarray) -> np.ndarray:
        return np.interp(x_mm + correction_mm(correction, x_mm), X_MM, grey)

    return at


def _side(plan: Plan, correction: tuple[float, ...], x_mm: np.ndarray, dark: float) -> float:
    """Return how clearly the white keys' fronts lie before and not behind the black keys, about -1.5..1.5.

    Two signs: the comb of seams between white keys, and the brightness of the white tails between black keys.
    """
    tails = (TAIL_LEFT_MM + TAIL_RIGHT_MM)[WHITE_KEYS] / 2
    bright = float(np.nanmedian(_profile(plan, BLACK_ROWS, correction)(tails)))
    combs, unlikeness = [], []
    for rows in (FRONT_ROWS, BEYOND_ROWS):
        values = _profile(plan, rows, correction)(x_mm)
        values = np.where(np.isfinite(values), values, dark)
        combs.append(max(_comb(values, x_mm), 0.0))
        unlikeness.append(min(abs(float(np.median(values)) - bright) / max(bright - dark, 1.0), 1.0))
    seams = (combs[0] - combs[1]) / (combs[0] + combs[1] + SEAM_FLOOR)
    return seams + 0.5 * (unlikeness[1] - unlikeness[0])


def _comb(values: np.ndarray, x_mm: np.ndarray) -> float:
    """Return the depth of dark lines at the white seams, relative to the local brightness."""
    local = cv2.blur(values[None].astype(np.float32), (int(2 * WHITE_PITCH_MM / STEP_MM), 1))[0]
    relief = np.clip((values - local) / np.maximum(local, 1.0), -0.3, 0.3)
    return float(-2 * np.mean(relief * np.cos(2 * np.pi * x_mm / WHITE_PITCH_MM)))


def _pattern(x_mm: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return -1 on black keys, 1 between them and 0 outside the keyboard."""
    is_black = ((x_mm[None] > left[:, None]) & (x_mm[None] < right[:, None])).any(0)
    return np.where((x_mm < 0) | (x_mm > KEYBOARD_WIDTH_MM), 0.0, np.where(is_black, -1.0, 1.0))


def _contrast(profile: Callable[[np.ndarray], np.ndarray], x_mm: np.ndarray) -> np.ndarray:
    """Return -1 (as dark as the darkest near by) .. 1 (as bright as the brightest); 0 where there is no picture."""
    values = profile(x_mm)
    seen = np.isfinite(values)
    if not seen.any():
        return np.zeros_like(x_mm)
    values = np.where(seen, values, np.median(values[seen])).astype(np.float32)
    window = np.ones((1, int(WINDOW_MM / STEP_MM)), np.uint8)
    dark, bright = cv2.erode(values[None], window)[0], cv2.dilate(values[None], window)[0]
    half = np.maximum((bright - dark) / 2, MIN_CONTRAST_SHARE * np.ptp(values) / 2)
    return np.where(seen, np.clip((values - (dark + bright) / 2) / np.maximum(half, 1e-6), -1, 1), 0.0)


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
