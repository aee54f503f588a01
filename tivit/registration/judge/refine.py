"""Where the keys really are along the keyboard: black-key edges and white seams in the rectified median picture.

The temporal median of the frames, sampled on a fine raster of the white-key plane, gives the place of each black key (the
middle of its two edges) and of each seam between white keys. A low polynomial in x, fitted robustly to both, is the x
correction (`core.registration`). Black keys appear shifted by their height; by how much is left free within limits, because the
distance of the camera is not known well. No label is used, and the errors are those of points that had no part in the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core.keyboard import KEYBOARD_WIDTH_MM, WHITE_PITCH_MM
from tivit.registration.find.pattern import black_center_mm
from tivit.registration.find.pose import black_edges_mm
from tivit.video.median import temporal_median
from tivit.video.picture import Region

STEP_MM = 1.0
"""Step of the raster along the keys."""
MARGIN_MM = 200.0
"""So far the raster goes on beyond both ends of a whole piano: the keys may lie an octave beside it at first."""
Y_MM = np.concatenate([np.arange(*rows, 2.5) for rows in ((7.5, 44), (80, 135), (162.5, 199))])
"""y of the rows of the raster, (rows,): white fronts, black keys, and behind the keyboard."""
X_MM = np.arange(-MARGIN_MM, KEYBOARD_WIDTH_MM + MARGIN_MM, STEP_MM)
"""x of the columns of the raster, (columns,)."""
BLACK_ROWS = (Y_MM > 78) & (Y_MM < 135)
FRONT_ROWS = (Y_MM > 6) & (Y_MM < 44)
"""Masks (rows,) of the rows that show black keys and the white tails between them, and of those that show white fronts."""
BLACK_BANDS = [np.isin(np.arange(len(Y_MM)), rows) for rows in np.array_split(np.flatnonzero(BLACK_ROWS), 3)]
"""Thirds of BLACK_ROWS: a reflection seldom covers the whole length of the black keys, so a third can be looked at by
itself."""
BEYOND_ROWS = (Y_MM > 161) & (Y_MM < 199)
"""Where the white fronts would be if the player sat on the other side: the black keys are in the same place either way."""
SEARCH_MM = 0.42 * WHITE_PITCH_MM
"""How far from its place a black key is looked for: less than half a white key, or the next one would be found."""
SEAM_SEARCH_MM = 0.3 * WHITE_PITCH_MM
"""How far from its place a seam is looked for."""
BLACK_SIGMA_MM, SEAM_SIGMA_MM = 1.0, 1.0
"""Expected spread of a measured black key and of a measured seam."""
PARALLAX_SIGMA = 0.3
"""How far the shift of the black keys by their height may be wrong, as a share of it (prior)."""
BEND_SIGMA_MM = 6.0
"""Spread of the coefficients of second and higher powers (prior): what a lens does; it matters when few keys are seen."""
KEYS_PER_ORDER = 5
"""The polynomial has one power for so many black keys measured, up to the power asked for."""
MIN_KEYS = 6
"""With fewer black keys measured there is no correction."""
FOLDS = 3
"""Each point is judged by a fit to the points of the other folds."""
REWEIGHTINGS = 15
"""Steps of the robust fit."""
LEAST_RESTLESS = 100
"""So many points of a raster must be in the picture to say how much it changes there."""


@dataclass(frozen=True)
class Plan:
    """The keyboard seen from above.

    Attributes
    ----------
    grey : ndarray, (rows, columns), float
        Grey levels at Y_MM (ascending: the player's side first) and X_MM; NaN outside the picture.
    """

    grey: np.ndarray

    def profile(self, rows: np.ndarray) -> np.ndarray:
        """Return the grey along the keyboard over some rows.

        Parameters
        ----------
        rows : ndarray, (rows,), bool
            Which rows of the raster, such as BLACK_ROWS.

        Returns
        -------
        ndarray, (columns,), float
            Their median at each X_MM; NaN where any of them is outside the picture.
        """
        return np.median(self.grey[rows], axis=0)


class Picture:
    """The temporal median of grey frames, made only where it is looked at.

    Parameters
    ----------
    frames : sequence of ndarray, (height, width), uint8
        Frames of one fixed camera, at least one.
    """

    def __init__(self, frames: Sequence[np.ndarray]) -> None:
        self.frames = frames
        self.shape = frames[0].shape
        self.bounds = Region(0, 0, self.shape[1], self.shape[0])
        self._box = (0, 0, 0, 0)
        self._median = np.zeros((0, 0), np.uint8)

    def within(self, bounds: Region) -> Picture:
        """Return the same picture without what lies beyond some bounds, such as a slide that it is set into."""
        part = copy(self)
        part.bounds = bounds
        return part

    def band(self, top: int, bottom: int) -> np.ndarray:
        """Return the median of whole rows top..bottom - 1, (bottom - top, width), uint8."""
        left, above, median = self._around(0, max(top, 0), self.shape[1], min(bottom, self.shape[0]))
        return median[max(top, 0) - above : min(bottom, self.shape[0]) - above, -left : self.shape[1] - left]

    def look_from_above(self, plane_to_image: np.ndarray) -> Plan:
        """Return the picture sampled on the plane raster.

        Parameters
        ----------
        plane_to_image : ndarray, (3, 3)
            Homography from (x_mm, y_mm, 1) of the white-key plane to image px.

        Returns
        -------
        Plan
        """
        return Plan(self.sampled(plane_to_image, X_MM, Y_MM[:, None]))

    def sampled(self, plane_to_image: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
        """Return grey levels at points of the plane.

        Parameters
        ----------
        plane_to_image : ndarray, (3, 3)
            Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
        x_mm, y_mm : ndarray, mm
            Of shapes that broadcast together to two axes.

        Returns
        -------
        ndarray, float
            Of their common shape; NaN outside the picture.
        """
        height, width = self.shape
        u, v, depth = (row[0] * x_mm + (row[1] * y_mm + row[2]) for row in plane_to_image)
        # What lies behind the camera has an image too, by the formula alone.
        ahead = depth > 1e-9
        depth = np.where(ahead, depth, 1.0)
        x, y = (u / depth).astype(np.float32), (v / depth).astype(np.float32)
        begin, end = self.bounds.left - 0.5, self.bounds.right - 0.5
        inside = ahead & (x >= begin) & (x <= end) & (y >= self.bounds.top - 0.5) & (y <= self.bounds.bottom - 0.5)
        if not inside.any():
            return np.full(inside.shape, np.nan)
        seen_x, seen_y = x[inside], y[inside]
        left, top = max(int(np.floor(seen_x.min())) - 1, 0), max(int(np.floor(seen_y.min())) - 1, 0)
        right, bottom = min(int(np.ceil(seen_x.max())) + 2, width), min(int(np.ceil(seen_y.max())) + 2, height)
        left, top, median = self._around(left, top, right, bottom)
        grey = cv2.remap(median, x - np.float32(left), y - np.float32(top), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.where(inside, grey.astype(float), np.nan)

    def unrest(self, plane_to_image: np.ndarray, y_mm: np.ndarray, x_mm: np.ndarray) -> float:
        """Return how much the picture changes between frames over a raster of the plane.

        Parameters
        ----------
        plane_to_image : ndarray, (3, 3)
            Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
        y_mm, x_mm : ndarray, (r,) and (c,), mm
            Rows and columns of the raster.

        Returns
        -------
        float, grey levels
            Mean distance from the median over time; 0 for a single frame, or where too little of the raster is in the picture.
        """
        height, width = self.shape
        grid = np.stack([*np.meshgrid(x_mm, y_mm), np.ones((len(y_mm), len(x_mm)))], axis=-1).reshape(-1, 3) @ plane_to_image.T
        ahead = grid[:, 2] > 1e-9
        points = np.round(grid[ahead, :2] / grid[ahead, 2:]).astype(int)
        inside = (points >= 0).all(1) & (points < (width, height)).all(1)
        # Nothing is known from a single frame, or where too little of the raster is in the picture.
        if len(self.frames) < 2 or inside.sum() < LEAST_RESTLESS:
            return 0.0
        x, y = points[inside].T
        levels = np.stack([frame[y, x] for frame in self.frames]).astype(float)  # (frames, points)
        return float(np.abs(levels - np.median(levels, axis=0)).mean())

    def _around(self, left: int, top: int, right: int, bottom: int) -> tuple[int, int, np.ndarray]:
        """Return left, top and the median of a box that holds the one asked for; the last box is kept for the next call."""
        x0, y0, x1, y1 = self._box
        if not (x0 <= left and y0 <= top and x1 >= right and y1 >= bottom):
            self._box = (int(left), int(top), int(right), int(bottom))
            self._median = temporal_median([frame[top:bottom, left:right] for frame in self.frames])
        return self._box[0], self._box[1], self._median


@dataclass(frozen=True)
class Correction:
    """The x correction, and what is left of the error with it.

    Every point is judged by a fit that did not use it.

    Attributes
    ----------
    coefficients : tuple of float, mm
        Polynomial of `core.registration.correction_mm`, lowest power first.
    err : tuple of float
        Median distance of black keys and seams from their places without and with the correction, in white-key widths.
    err_black, err_white : tuple of float
        The same of black keys alone and of seams alone; (0, 0) where there are none.
    """

    coefficients: tuple[float, ...]
    err: tuple[float, float]
    err_black: tuple[float, float]
    err_white: tuple[float, float]


def fit_correction(plan: Plan, camera_mm: np.ndarray, blacks: np.ndarray, seams: np.ndarray, order: int) -> Correction | None:
    """Return the x correction of a rectified keyboard.

    Parameters
    ----------
    plan : Plan
        The picture on the raster of the white-key plane.
    camera_mm : ndarray, (3,), mm
        Where the camera is.
    blacks : ndarray, (n,), int
        Numbers of the black keys that are there (`pattern`).
    seams : ndarray, (m,), int
        Numbers of the white keys at whose left edges a seam is looked for; may be empty.
    order : int, at least 1
        Highest power of the polynomial; fewer keys get a lower one.

    Returns
    -------
    Correction or None
        None when fewer than MIN_KEYS, or than 40 % of the black keys, can be measured.

    References
    ----------
    Holland and Welsch, "Robust regression using iteratively reweighted least-squares", Communications in Statistics A6, 1977.
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
    # A black key is seen shifted by its height. A wrong height of the camera makes all these shifts wrong by one share, which
    # is the last unknown of the fit; it is no bend of the picture and is not part of the correction.
    parallax = np.where(is_black, np.append(expected[is_measured] - center, np.zeros(len(seam_x))), 0.0)
    sigma = np.where(is_black, BLACK_SIGMA_MM, SEAM_SIGMA_MM)
    design = np.column_stack([_powers(x, max(1, min(order, count // KEYS_PER_ORDER))), parallax])  # (points, powers + 1)
    coefficients = _robust_fit(design, shift, sigma)
    # Neighbours fall into different folds, so every fold covers the whole keyboard.
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
    """Return where (mm) near `middle` a window of `width` is darkest, and `width`; None at the border of the search."""
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
    # Dark is taken from near the middle, bright from anywhere: the level half way needs no threshold of its own.
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
    """Return true x (mm) of the left edges of white keys that can be seen, and how far each is seen from there (mm), (s,) each.

    A seam is a narrow line darker than both sides 5 mm away; its place is the centre of its darkness.
    """
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
    """Return the powers 0..order of s = 2 x / width - 1, which is -1..1 on the keyboard, (n, order + 1)."""
    return np.vander(2 * x_mm / KEYBOARD_WIDTH_MM - 1, order + 1, increasing=True)


def _robust_fit(design: np.ndarray, values: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return coefficients of least soft-L1 error, by reweighting.

    The columns of `design` are powers 0, 1, .. and the parallax. Priors of mean 0 hold the second and higher powers
    (BEND_SIGMA_MM) and the parallax (PARALLAX_SIGMA); shift and scale are free.
    """
    count = design.shape[1]
    prior = np.diag([0.0, 0.0, *[1 / BEND_SIGMA_MM] * (count - 3), 1 / PARALLAX_SIGMA])
    weight = np.ones(len(values))
    for _ in range(REWEIGHTINGS):
        scale = (weight / sigma)[:, None]
        matrix = np.concatenate([design * scale, prior])
        coefficients = np.linalg.lstsq(matrix, np.append(values * scale[:, 0], np.zeros(count)), rcond=None)[0]
        error = (values - design @ coefficients) / sigma
        # The weight of soft-L1 is (1 + e^2)^-1/2 on squares, so its root on the rows.
        weight = (1 + error**2) ** -0.25
    return coefficients
