"""Where the keys really are along the keyboard: black-key edges and white seams in the rectified median picture.

The median over time of the frames, sampled on a fine raster of the white-key plane, gives the place of each black key (the
middle of its two edges) and of each seam between white keys. A low polynomial in x, fitted robustly to both, is the x
correction; black keys appear shifted by their height, and how much is left free within limits because the camera's
distance is not known well. No label is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core.keyboard import BLACK_COUNT, BLACK_KEYS, CENTER_MM, KEYBOARD_WIDTH_MM, WHITE_COUNT, WHITE_PITCH_MM
from tivit.registration.pose import black_edges_mm
from tivit.video.median import temporal_median

STEP_MM = 1.0
MARGIN_MM = 200.0
Y_MM = np.arange(5.0, 200.0, 2.5)
X_MM = np.arange(-MARGIN_MM, KEYBOARD_WIDTH_MM + MARGIN_MM, STEP_MM)
BLACK_ROWS = (Y_MM > 78) & (Y_MM < 135)
FRONT_ROWS = (Y_MM > 6) & (Y_MM < 44)
BEYOND_ROWS = (Y_MM > 161) & (Y_MM < 199)
"""Where the white fronts would be if the player sat on the other side: the black keys are in the same place either way."""
SEARCH_MM = 0.42 * WHITE_PITCH_MM
SEAM_SEARCH_MM = 0.3 * WHITE_PITCH_MM
BLACK_SIGMA_MM, SEAM_SIGMA_MM = 1.0, 1.0
PARALLAX_SIGMA = 0.3
"""How far the camera's height may be wrong, as a share of the shift it causes."""
MIN_KEYS = 18


@dataclass(frozen=True)
class Plan:
    """The keyboard seen from above: grey (len(Y_MM), len(X_MM)) with NaN outside the picture, y ascending."""

    grey: np.ndarray

    def profile(self, rows: np.ndarray) -> np.ndarray:
        """Return the median grey of the chosen rows at each X_MM; NaN where any of them is outside the picture."""
        return np.median(self.grey[rows], axis=0)


@dataclass(frozen=True)
class Correction:
    """The x correction (mm, lowest power first) and the median key-centre error without and with it (white-key widths)."""

    coefficients: tuple[float, ...]
    err_before: float
    err_after: float
    keys_seen: int


def look_from_above(frames: Sequence[np.ndarray], plane_to_image: np.ndarray) -> Plan:
    """Return the temporal median of grey frames (height, width) sampled on the plane raster."""
    height, width = frames[0].shape
    x_mm, y_mm = np.meshgrid(X_MM, Y_MM)
    image = np.stack([x_mm, y_mm, np.ones_like(x_mm)], axis=-1) @ plane_to_image.T
    points = (image[..., :2] / image[..., 2:]).astype(np.float32)
    maps = cv2.convertMaps(points[..., 0], points[..., 1], cv2.CV_16SC2)
    views = [cv2.remap(frame, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for frame in frames]
    median = temporal_median(views).astype(float)
    outside = (points < -0.5).any(-1) | (points[..., 0] > width - 0.5) | (points[..., 1] > height - 0.5)
    return Plan(np.where(outside | (image[..., 2] <= 0), np.nan, median))


def fit_correction(plan: Plan, place_mm: np.ndarray, order: int) -> Correction | None:
    """Return the x correction of a rectified keyboard, None when fewer than 18 black keys can be measured."""
    left, right = black_edges_mm(place_mm)
    expected = (left + right) / 2
    measured = _black_centers(plan.profile(BLACK_ROWS), left, right)
    seen = np.isfinite(measured)
    if seen.sum() < MIN_KEYS:
        return None
    seam_x, seam_shift = _seams(plan.profile(FRONT_ROWS))
    x = np.concatenate([CENTER_MM[BLACK_KEYS][seen], seam_x])
    shift = np.concatenate([(measured - expected)[seen], seam_shift])
    parallax = np.concatenate([(expected - CENTER_MM[BLACK_KEYS])[seen], np.zeros(len(seam_x))])
    sigma = np.where(np.arange(len(x)) < seen.sum(), BLACK_SIGMA_MM, SEAM_SIGMA_MM)
    design = np.column_stack([_powers(x, order), parallax])
    coefficients = _robust_fit(design, shift, sigma)
    fold = np.where(np.arange(len(x)) < seen.sum(), np.arange(len(x)) % 3, -1)
    after = []
    for held in range(3):
        kept = fold != held
        after.append(shift[~kept] - design[~kept] @ _robust_fit(design[kept], shift[kept], sigma[kept]))
    before_key = np.abs(shift[: seen.sum()]) / WHITE_PITCH_MM
    after_key = np.abs(np.concatenate(after)) / WHITE_PITCH_MM
    return Correction(
        tuple(float(value) for value in coefficients[:-1]),
        float(np.median(before_key)),
        float(np.median(after_key)),
        int(seen.sum()),
    )


def _black_centers(profile: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the middle (mm) between the half-level crossings of each black key's two edges, NaN where one is missing."""
    centers = np.full(BLACK_COUNT, np.nan)
    for i in range(BLACK_COUNT):
        middle = (left[i] + right[i]) / 2
        guess, width = _darkest(profile, middle, right[i] - left[i])
        if guess is None:
            continue
        edges = [_crossing(profile, guess, side * width) for side in (-1, 1)]
        if None not in edges and abs(edges[1] - edges[0] - width) < 0.5 * width:
            centers[i] = (edges[0] + edges[1]) / 2
    return centers


def _darkest(profile: np.ndarray, middle: float, width: float) -> tuple[float | None, float]:
    """Return where, near `middle`, a window of `width` mm is darkest."""
    places = np.arange(middle - SEARCH_MM, middle + SEARCH_MM + STEP_MM / 2, STEP_MM)
    window = np.arange(-width / 2 + 1, width / 2 - 0.5, STEP_MM)
    values = np.interp(places[:, None] + window[None], X_MM, profile).mean(1)
    if not np.isfinite(values).all():
        return None, width
    best = int(values.argmin())
    return (None, width) if best in (0, len(values) - 1) else (float(places[best]), width)


def _crossing(profile: np.ndarray, middle: float, reach: float) -> float | None:
    """Return where the profile, from `middle` outwards over `reach` mm (signed), crosses half way from dark to bright."""
    x = middle + np.sign(reach) * np.arange(0, abs(reach) + STEP_MM / 4, STEP_MM / 2)
    values = np.interp(x, X_MM, profile)
    dark, bright = values[: len(x) // 4 + 1].min(), values.max()
    if not np.isfinite(values).all() or bright - dark < max(4.0, 0.15 * bright):
        return None
    level = (dark + bright) / 2
    above = np.flatnonzero(values >= level)
    first = int(above[0])
    if first == 0:
        return None
    share = (level - values[first - 1]) / (values[first] - values[first - 1])
    return float(x[first - 1] + share * (x[first] - x[first - 1]))


def _seams(profile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return true x (mm) of the inner white seams that can be seen and how far each is from there (mm)."""
    true, shift = [], []
    for number in range(1, WHITE_COUNT):
        x = number * WHITE_PITCH_MM + np.arange(-SEAM_SEARCH_MM - 6, SEAM_SEARCH_MM + 6.01, STEP_MM / 2)
        values = np.interp(x, X_MM, profile)
        if not np.isfinite(values).all():
            continue
        base = np.minimum(np.interp(x - 5, X_MM, profile), np.interp(x + 5, X_MM, profile))
        depth = np.clip(base - values, 0, None)
        inner = np.abs(x - number * WHITE_PITCH_MM) <= SEAM_SEARCH_MM
        best = int(np.flatnonzero(inner)[depth[inner].argmax()])
        if depth[best] < max(2.0, 0.02 * base[best]) or not 6 <= best < len(x) - 6:
            continue
        near = slice(best - 5, best + 6)
        weight = depth[near]
        true.append(number * WHITE_PITCH_MM)
        shift.append(float((weight * x[near]).sum() / weight.sum()) - true[-1])
    return np.array(true), np.array(shift)


def _powers(x_mm: np.ndarray, order: int) -> np.ndarray:
    return np.vander(2 * x_mm / KEYBOARD_WIDTH_MM - 1, order + 1, increasing=True)


def _robust_fit(design: np.ndarray, values: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return soft-L1 coefficients by reweighting; the last column carries a prior of mean 0 and spread PARALLAX_SIGMA."""
    prior = np.zeros((1, design.shape[1]))
    prior[0, -1] = 1 / PARALLAX_SIGMA
    weight = np.ones(len(values))
    for _ in range(15):
        scale = (weight / sigma)[:, None]
        matrix = np.concatenate([design * scale, prior])
        coefficients = np.linalg.lstsq(matrix, np.append(values * scale[:, 0], 0.0), rcond=None)[0]
        error = (values - design @ coefficients) / sigma
        weight = (1 + error**2) ** -0.25
    return coefficients
