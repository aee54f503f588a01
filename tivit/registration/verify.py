"""Is it really this keyboard, at this place? The rectified picture against the key pattern, and against wrong readings.

A wrong reading is the right picture shifted by whole white keys (an octave is the dangerous one) or read backwards. The
pattern must fit clearly better than all of them, its ends must be seen, and the white keys must be white.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import BLACK_COUNT, CENTER_MM, KEYBOARD_WIDTH_MM, WHITE_KEYS, WHITE_PITCH_MM
from tivit.core.registration import correction_mm
from tivit.registration.pose import black_edges_mm
from tivit.registration.refine import BLACK_ROWS, FRONT_ROWS, STEP_MM, X_MM, Plan

SHIFTS_WHITE = np.arange(-8, 9)
END_KEYS = 3
FIT_RANGE = (0.55, 0.8)
MARGIN_RANGE = (0.015, 0.05)


@dataclass(frozen=True)
class Verdict:
    """`confidence` 0..1 and, when it is low, the `reason`; `fit` and `margin` are correlations."""

    confidence: float
    reason: str
    fit: float
    margin: float


def judge(plan: Plan, place_mm: np.ndarray, correction: tuple[float, ...]) -> Verdict:
    """Return how sure it is that the picture on the plane raster is a full keyboard from A0 to C8."""
    x_mm = np.arange(-WHITE_PITCH_MM, KEYBOARD_WIDTH_MM + WHITE_PITCH_MM, STEP_MM)
    back = _profile(plan, BLACK_ROWS, correction)
    front = _profile(plan, FRONT_ROWS, correction)
    left, right = black_edges_mm(place_mm)
    fit = _correlation(back, x_mm, left, right)
    wrong = [_correlation(back, x_mm, left + d, right + d) for d in SHIFTS_WHITE[SHIFTS_WHITE != 0] * WHITE_PITCH_MM]
    backwards = (KEYBOARD_WIDTH_MM - right[::-1], KEYBOARD_WIDTH_MM - left[::-1])
    wrong += [_correlation(back, x_mm, *(edge + d for edge in backwards)) for d in SHIFTS_WHITE * WHITE_PITCH_MM]
    margin = fit - max(wrong)
    dark = np.array([np.median(back(np.linspace(a + 2, b - 2, 5))) for a, b in zip(left, right, strict=True)])
    white = np.median([front(CENTER_MM[WHITE_KEYS] + d) for d in (-6, 0, 6)], axis=0)
    level = (np.median(dark) + np.median(white)) / 2
    ends = np.concatenate([dark[:END_KEYS], dark[BLACK_COUNT - END_KEYS :]]) < level
    share_white = float((white > level).mean())
    parts = {
        f"the black keys do not fit the pattern (correlation {fit:.2f})": _ramp(fit, *FIT_RANGE),
        f"another reading fits almost as well (margin {margin:.3f})": _ramp(margin, *MARGIN_RANGE),
        "the ends of the keyboard are not in view": float(ends[:END_KEYS].sum() >= 2 and ends[END_KEYS:].sum() >= 2),
        f"only {share_white:.0%} of the white keys look white": _ramp(share_white, 0.6, 0.9),
    }
    reason = min(parts, key=parts.get)
    return Verdict(float(np.prod(list(parts.values()))), reason, fit, margin)


def _profile(plan: Plan, rows: np.ndarray, correction: tuple[float, ...]):
    grey = plan.profile(rows)

    def at(x_mm: np.ndarray) -> np.ndarray:
        return np.interp(x_mm + correction_mm(correction, x_mm), X_MM, grey)

    return at


def _correlation(profile, x_mm: np.ndarray, left: np.ndarray, right: np.ndarray) -> float:
    """Return the correlation of the profile's local contrast with the black-key pattern over the picture."""
    inside = (x_mm[None] > left[:, None]) & (x_mm[None] < right[:, None])
    pattern = np.where(inside.any(0), -1.0, 1.0)
    values = profile(x_mm)
    seen = np.isfinite(values)
    if seen.sum() < 0.8 * len(x_mm):
        return 0.0
    values = np.where(seen, values, np.median(values[seen]))
    return float(np.corrcoef(pattern, values)[0, 1]) * float(seen.mean())


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
