"""Where the keys really are along the keyboard: black-key edges and white seams in the rectified median picture.

The temporal median of the frames, sampled on a fine raster of the white-key plane, gives the place of each black key (the
middle of its two edges) and of each seam between white keys. A low polynomial in x, fitted robustly to both, is the x
correction; black keys appear shifted by their height, and how much is left free within limits because the camera's
distance is not known well. No label is used, and the errors are those of points that had no part in the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core.keyboard import KEYBOARD_WIDTH_MM, WHITE_PITCH_MM
from tivit.registration.find.pattern import black_center_mm
from tivit.registration.find.pose import black_edges_mm
from tivit.video.median import temporal_median

STEP_MM = 1.0
MARGIN_MM = 200.0
Y_MM = np.concatenate([np.arange(*rows, 2.5) for rows in ((7.5, 44), (80, 135), (162.5, 199))])
"""Rows of the raster: white fronts, black keys, and behind the keyboard."""
X_MM = np.arange(-MARGIN_MM, KEYBOARD_WIDTH_MM + MARGIN_MM, STEP_MM)
BLACK_ROWS = (Y_MM > 78) & (Y_MM < 135)
FRONT_ROWS = (Y_MM > 6) & (Y_MM < 44)
BLACK_BANDS = [np.isin(np.arange(len(Y_MM)), rows) for rows in np.array_split(np.flatnonzero(BLACK_ROWS), 3)]
"""A reflection seldom covers the whole length of the black keys, so a third of it can be looked at by itself."""
BEYOND_ROWS = (Y_MM > 161) & (Y_MM < 199)
"""Where the white fronts would be if the player sat on the other side: the black keys are in the same place either way."""
SEARCH_MM = 0.42 * WHITE_PITCH_MM
SEAM_SEARCH_MM = 0.3 * WHITE_PITCH_MM
BLACK_SIGMA_MM, SEAM_SIGMA_MM = 1.0, 1.0
PARALLAX_SIGMA = 0.3
"""How far the camera's height may be wrong, as a share of the shift it causes."""
BEND_SIGMA_MM = 6.0
"""Spread of the coefficients of second and higher powers: what a lens does; it matters when few keys are seen."""
KEYS_PER_ORDER = 5
MIN_KEYS = 6
FOLDS = 3
REWEIGHTINGS = 15
LEAST_RESTLESS = 100


@dataclass(frozen=True)
class Plan:
    """The keyboard seen from above: grey (len(Y_MM), len(X_MM)) with NaN outside the picture, y ascending."""

    grey: np.ndarray

    def profile(self, rows: np.ndarray) -> np.ndarray:
        """Return the median grey of the chosen rows at each X_MM; NaN where any of them is outside the picture."""
        return np.median(self.grey[rows], axis=0)


class Picture:
    """The temporal median of grey frames (height, width), made only where it is looked at."""

    def __init__(self, frames: Sequence[np.ndarray]) -> None:
        self.frames = frames
        self.shape = frames[0].shape
        self._box = (0, 0, 0, 0)
        self._median = np.zeros((0, 0), np.uint8)

    def look_from_above(self, plane_to_image: np.ndarray) -> Plan:
        """Return the picture sampled on the plane raster."""
        height, width = self.shape
        u, v, depth = (row[0] * X_MM + (row[1] * Y_MM[:, None] + row[2]) for row in plane_to_image)
        ahead = depth > 1e-9
        depth = np.where(ahead, depth, 1.0)
        x, y = (u / depth).astype(np.float32), (v / depth).astype(np.float32)
        inside = ahead & (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
        if not inside.any():
            return Plan(np.full(inside.shape, np.nan))
        seen_x, seen_y = x[inside], y[inside]
        left, top = max(int(np.floor(seen_x.min())) - 1, 0), max(int(np.floor(seen_y.min())) - 1, 0)
        right, bottom = min(int(np.ceil(seen_x.max())) + 2, width), min(int(np.ceil(seen_y.max())) + 2, height)
        left, top, median = self._around(left, top, right, bottom)
        grey = cv2.remap(median, x - np.float32(left), y - np.float32(top), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return Plan(np.where(inside, grey.astype(float), np.nan))

    def unrest(self, plane_to_image: np.ndarray, y_mm: np.ndarray, x_mm: np.ndarray) -> float:
        """Return how much the picture changes between frames over a raster of the plane (mean deviation, levels)."""
        height, width = self.shape
        grid = np.stack([*np.meshgrid(x_mm, y_mm), np.ones((len(y_mm), len(x_mm)))], axis=-1).reshape(-1, 3) @ plane_to_image.T
        ahead = grid[:, 2] > 1e-9
        points = np.round(grid[ahead, :2] / grid[ahead, 2:]).astype(int)
        inside = (points >= 0).all(1) & (points < (width, height)).all(1)
        # Nothing is known from a single frame, or where too little of the raster is in the picture.
        if len(self.frames) < 2 or inside.sum() < LEAST_RESTLESS:
            return 0.0
        x, y = points[inside].T
        levels = np.stack([frame[y, x] for frame in self.frames]).astype(float)
        return float(np.abs(levels - np.median(levels, axis=0)).mean())

    def _around(self, left: int, top: int, right: int, bottom: int) -> tuple[int, int, np.ndarray]:
        x0, y0, x1, y1 = self._box
        if not (x0 <= left and y0 <= top and x1 >= right and y1 >= bottom):
            self._box = (int(left), int(top), int(right), int(bottom))
            self._median = temporal_median([frame[top:bottom, left:right] for frame in self.frames])
        return self._box[0], self._box[1], self._median


@dataclass(frozen=True)
class Correction:
    """The x correction (mm, lowest power first) and what is left of the error with it.

    `err*` are (before, after), median distances from place in white-key widths: of black keys and seams, and of each alone.
    Every point is judged by a fit that did not use it.
    """

    coefficients: tuple[float, ...]
    err: tuple[float, float]
    err_black: tuple[float, float]
    err_white: tuple[float, float]
    keys_seen: int


def fit_correction(plan: Plan, camera_mm: np.ndarray, blacks: np.ndarray, seams: np.ndarray, order: int) -> Correction | None:
    """Return the x correction of a rectified keyboard, None when too few of its black keys can be measured.

    Parameters
    ----------
    camera_mm : where the camera is, (3,).
    blacks : numbers (`pattern`) of the black keys that are there, (n,).
    seams : white keys at whose left edges a seam is looked for, (m,).
    order : highest power; fewer keys get a lower one.
    """
    left, right = black_edges_mm(blacks, camera_mm)
    expected = (left + right) / 2
    measured = _black_centers(plan.profile(BLACK_ROWS), left, right)
    is_measured = np.isfinite(measured)
    count = int(is_measured.sum())
    if count < max(MIN_KEYS, 0.4 * len(blacks)):
        return None
    center = black_center_mm(blacks)[is_measured]
    seam_x, seam_shift = _seams(plan.profile(FRONT_ROWS), seams)
    x = np.concatenate([center, seam_x])
    shift = np.concatenate([(measured - expected)[is_measured], seam_shift])
    is_black = np.arange(len(x)) < count
    parallax = np.where(is_black, np.append(expected[is_measured] - center, np.zeros(len(seam_x))), 0.0)
    sigma = np.where(is_black, BLACK_SIGMA_MM, SEAM_SIGMA_MM)
    design = np.column_stack([_powers(x, max(1, min(order, count // KEYS_PER_ORDER))), parallax])
    coefficients = _robust_fit(design, shift, sigma)
    fold = np.arange(len(x)) % FOLDS
    left_over = np.empty(len(x))
    for held in range(FOLDS):
        fit = _robust_fit(design[fold != held], shift[fold != held], sigma[fold != held])
        left_over[fold == held] = (shift - design @ fit)[fold == held]
    errors = np.abs(np.stack([shift, left_over], axis=1)) / WHITE_PITCH_MM
    return Correction(
        tuple(float(value) for value in coefficients[:-1]),
        _medians(errors),
        _medians(errors[is_black]),
        _medians(errors[~is_black]),
        count,
    )


def _medians(errors: np.ndarray) -> tuple[float, float]:
    """Return the median of each column, 0 when there are no rows (no seam can be seen)."""
    return (float(np.median(errors[:, 0])), float(np.median(errors[:, 1]))) if len(errors) else (0.0, 0.0)


def _black_centers(profile: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the middle (mm) between the half-level crossings of each black key's two edges, NaN where one is missing."""
    centers = np.full(len(left), np.nan)
    for i in range(len(left)):
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
    candidates_mm = np.arange(middle - SEARCH_MM, middle + SEARCH_MM + STEP_MM / 2, STEP_MM)
    window = np.arange(-width / 2 + 1, width / 2 - 0.5, STEP_MM)
    values = np.interp(candidates_mm[:, None] + window[None], X_MM, profile).mean(1)
    if not np.isfinite(values).all():
        return None, width
    best = int(values.argmin())
    return (None, width) if best in (0, len(values) - 1) else (float(candidates_mm[best]), width)


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


def _seams(profile: np.ndarray, seams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return true x (mm) of the left edges of white keys that can be seen and how far each is from there (mm)."""
    true, shift = [], []
    for number in seams:
        x = number * WHITE_PITCH_MM + np.arange(-SEAM_SEARCH_MM - 6, SEAM_SEARCH_MM + 6.01, STEP_MM / 2)
        values = np.interp(x, X_MM, profile)
        base = np.minimum(np.interp(x - 5, X_MM, profile), np.interp(x + 5, X_MM, profile))
        if not (np.isfinite(values).all() and np.isfinite(base).all()):
            continue
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
    """Return soft-L1 coefficients by reweighting.

    Columns are powers 0, 1, .. and the parallax. Priors of mean 0: BEND_SIGMA_MM on second and higher powers, PARALLAX_SIGMA.
    """
    count = design.shape[1]
    prior = np.diag([0.0, 0.0, *[1 / BEND_SIGMA_MM] * (count - 3), 1 / PARALLAX_SIGMA])
    weight = np.ones(len(values))
    for _ in range(REWEIGHTINGS):
        scale = (weight / sigma)[:, None]
        matrix = np.concatenate([design * scale, prior])
        coefficients = np.linalg.lstsq(matrix, np.append(values * scale[:, 0], np.zeros(count)), rcond=None)[0]
        error = (values - design @ coefficients) / sigma
        weight = (1 + error**2) ** -0.25
    return coefficients
