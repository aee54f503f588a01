"""Where the keys really are across the keyboard: the front edges of white and black keys, and where the white tails end.

The camera is fitted to the ends of black blobs, and a polished fallboard that mirrors the keys, a sloping front or a picture
that ends there puts such an end in the wrong place. So three lines are looked for in the rectified median, in a few stretches
of the keyboard each: the lip of the white keys, the fronts of the black keys, and the back, each the first clear step from the
inside outwards. What they come to is a homography of the plane, held by priors; it is to y what the x correction is to x.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core.keyboard import BLACK_FRONT_MM, BLACK_HEIGHT_MM, KEYBOARD_WIDTH_MM, WHITE_LENGTH_MM, WHITE_PITCH_MM
from tivit.core.registration import correction_mm
from tivit.registration.find.pattern import black_range, tail_mm, white_range
from tivit.registration.find.pose import black_edges_mm, shadow_mm
from tivit.registration.judge.octave import Extent
from tivit.registration.judge.refine import Picture

STEP_MM = 2.0
STRETCHES = 5
"""The keyboard is looked at in so many stretches, each by the median over its keys: hands hide some of them."""
LIP_MM, FRONT_MM, BACK_MM = (32.0, -32.0), (18.0, 84.0), (92.0, 205.0)
"""Where each line is looked for, y from the inside outwards."""
WASHED_MM, FAR_LIP_MM = 10.0, (-20.0, -80.0)
"""Where black keys begin to darken so far before the line of their fronts, over-exposure washes these out, and the keys seem
shorter than they are: the beginning is the front then, and a lip that is not seen at its usual place is looked for here."""
LEAST_DROP = {"lip": 0.12, "front": 0.35, "back": 0.12}
"""A step is clear when it is so deep, as a share of the difference between white and black keys."""
SHARE_OF_DEEPEST = 0.5
"""It is also so deep beside the deepest one on the way."""
LESS_OFF = 0.5
"""Another lip, which need not be deep beside the deepest step, must leave the worst line off by less than this share."""
STEP_REACH_MM = 3.0
"""A step is what changes within so much to either side."""
LEAST_LINES = 2
"""So many of the three lines must be seen to say anything."""
LINE_SIGMA_MM = 2.0
"""Expected spread of a measured line."""
RIGHT_KEY = 0.1
"""Lines within this of where the camera expects them (median, white-key widths) are left alone: on twelve plain views with no
fault across the keys a correction put the worst key 1.6 to 10.7 mm off, and the camera alone 1.7 to 3.6 mm."""
FAR_KEY, LEAST_SEEN = 0.5, 3
"""Unless the lip is farther off than this, seen in so many stretches: where glare hides the fronts of black keys, the camera
may have the back right and the lip 12 mm off. A back far off alone is that of something else, such as an upper manual."""
PRIOR_SIGMA_MM = (6.0, 15.0, 5.0, 0.5)
"""Priors: of a shift of the whole, of how far its edges move apart, of a shift that differs between left and right, and of
edges that move apart on one side only. The last one is perspective: it moves keys along the keyboard by four times as much, and
there the places of keys say more.
"""
FITS = 8
"""Steps of the robust fit."""


Levels = tuple[float, np.ndarray, np.ndarray]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Depth:
    """The correction across the keyboard.

    Attributes
    ----------
    plane_to_plane : ndarray, (3, 3)
        Homography from where points of the white-key plane are, in mm, to where the registration had them.
    err : tuple of float
        Median distance of the lines from their places without and with it, in white-key widths; (0, 0) where too few are seen.
    """

    plane_to_plane: np.ndarray
    err: tuple[float, float]


def fit_depth(
    picture: Picture, plane_to_image: np.ndarray, camera_mm: np.ndarray, correction: tuple[float, ...], extent: Extent
) -> Depth:
    """Return the correction across a rectified keyboard.

    Parameters
    ----------
    picture : Picture
        The frames.
    plane_to_image : ndarray, (3, 3)
        Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
    camera_mm : ndarray, (3,), mm
        Where the camera is.
    correction : tuple of float, mm
        The x correction.
    extent : Extent
        The keys in view.

    Returns
    -------
    Depth
        Without a change where fewer than LEAST_LINES lines are seen, or the lines are where they should be (RIGHT_KEY).

    References
    ----------
    Holland and Welsch, "Robust regression using iteratively reweighted least-squares", Communications in Statistics A6, 1977.
    """
    blacks = np.arange(*black_range(extent.first_midi, extent.last_midi))
    whites = np.arange(*white_range(extent.first_midi, extent.last_midi))
    fronts_mm = (whites + 0.5) * WHITE_PITCH_MM
    tails_mm = np.array([sum(tail_mm(int(white))) / 2 for white in whites])
    blacks_mm = np.mean(black_edges_mm(blacks, camera_mm), axis=0)
    top_mm = shadow_mm(np.array([0.0, BLACK_FRONT_MM]), BLACK_HEIGHT_MM, camera_mm)[1]
    contrast = _contrast(picture, plane_to_image, correction, fronts_mm, blacks_mm)
    least = {name: share * contrast for name, share in LEAST_DROP.items()}
    front_mm = min(float(top_mm), BLACK_FRONT_MM)

    def levels(x_mm: np.ndarray, between_mm: tuple[float, float]) -> list[Levels]:
        return _levels(picture, plane_to_image, correction, x_mm, between_mm)

    near_lip, near_front = levels(fronts_mm, LIP_MM), levels(blacks_mm, FRONT_MM)
    lip, front = _seen(near_lip, 0.0, least["lip"]), _seen(near_front, front_mm, least["front"])
    back = _seen(levels(tails_mm, BACK_MM), WHITE_LENGTH_MM, least["back"])
    if not lip and front and contrast > 0:
        onset = _seen(near_front, front_mm, least["lip"], 0.0)
        if np.median(_off(front)) - np.median(_off(onset)) > WASHED_MM:
            lip, front = _seen(levels(fronts_mm, FAR_LIP_MM), 0.0, least["lip"]), onset
    if len({y_mm for _, y_mm, _ in lip + front + back}) < LEAST_LINES:
        return Depth(np.eye(3), (0.0, 0.0))
    x, y, off, values = _fitted(lip + front + back)
    if front and back and contrast > 0 and _worst(x, y, off, values) > RIGHT_KEY * WHITE_PITCH_MM:
        # Before a bright case the edge of that is deeper than the lip; of the two, the one that lies where the others say.
        other = _fitted(_seen(near_lip, 0.0, least["lip"], 0.0) + front + back)
        if _worst(*other) < LESS_OFF * _worst(x, y, off, values):
            x, y, off, values = other
    errors = np.abs(np.stack([off, off - _design(x, y) @ values])) / WHITE_PITCH_MM
    before = float(np.median(errors[0]))
    after = float(np.median(errors[1]))
    at_lip = errors[0][y == 0.0]
    is_lip_far = len(at_lip) >= LEAST_SEEN and np.median(at_lip) > FAR_KEY
    if before <= RIGHT_KEY and not is_lip_far:
        return Depth(np.eye(3), (before, before))
    ends_mm = fronts_mm[[0, -1]]
    corners = np.array([(x_mm, y_mm) for x_mm in ends_mm for y_mm in (0.0, WHITE_LENGTH_MM)])
    moved = corners + np.column_stack([np.zeros(4), _design(*corners.T) @ values])
    plane_to_plane = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    return Depth(plane_to_plane, (before, after))


def _levels(
    picture: Picture,
    plane_to_image: np.ndarray,
    correction: tuple[float, ...],
    x_mm: np.ndarray,
    between_mm: tuple[float, float],
) -> list[Levels]:
    """Return, for each stretch, its place, y from the inside outwards (n,), and the median level of its keys there (n,)."""
    start_mm, end_mm = between_mm
    y_mm = start_mm + np.sign(end_mm - start_mm) * np.arange(0.0, abs(end_mm - start_mm), STEP_MM)
    profiles = []
    for stretch in filter(len, np.array_split(x_mm, STRETCHES)):
        x_plane = stretch + correction_mm(correction, stretch)
        profile = np.median(picture.sampled(plane_to_image, x_plane, y_mm[:, None]), axis=1)
        profiles.append((float(np.median(stretch)), y_mm, profile))
    return profiles


def _seen(profiles: list[Levels], expected_mm: float, least: float, share: float = SHARE_OF_DEEPEST) -> list[Point]:
    """Return where a line is seen, in each stretch that shows it: x, y of its place, and how far from it it is."""
    seen = ((x_mm, _first_step(profile, y_mm, least, share)) for x_mm, y_mm, profile in profiles)
    return [(x_mm, expected_mm, y_mm - expected_mm) for x_mm, y_mm in seen if y_mm is not None]


def _off(points: list[Point]) -> list[float]:
    return [off_mm for _, _, off_mm in points]


def _fitted(points: list[Point]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the points as x, y and how far they are off, (n,) each, and the coefficients (4,) of `_design` that explain that,
    robustly and held by priors."""
    x, y, off = np.array(points).T
    design, prior, weight = _design(x, y), np.diag(1 / np.array(PRIOR_SIGMA_MM)), np.ones(len(x))
    for _ in range(FITS):
        scale = weight / LINE_SIGMA_MM
        matrix = np.concatenate([design * scale[:, None], prior])
        values = np.linalg.lstsq(matrix, np.append(off * scale, np.zeros(4)), rcond=None)[0]
        weight = (1 + ((off - design @ values) / LINE_SIGMA_MM) ** 2) ** -0.25
    return x, y, off, values


def _worst(x: np.ndarray, y: np.ndarray, off: np.ndarray, values: np.ndarray) -> float:
    """Return how far (median, mm) the line that is explained least by `_fitted` lies from its place."""
    left = np.abs(off - _design(x, y) @ values)
    return max(float(np.median(left[y == line])) for line in np.unique(y))


def _design(x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
    """Return the columns shift, scale, skew and perspective of points (n,), (n, 4); each is up to 1 on a keyboard."""
    along, across = 2 * x_mm / KEYBOARD_WIDTH_MM - 1, 2 * y_mm / WHITE_LENGTH_MM - 1
    return np.column_stack([np.ones_like(along), across, along, along * across])


def _contrast(
    picture: Picture, plane_to_image: np.ndarray, correction: tuple[float, ...], whites_mm: np.ndarray, blacks_mm: np.ndarray
) -> float:
    """Return how many levels white fronts are brighter than black keys."""
    white, black = (
        np.nanmedian(picture.sampled(plane_to_image, x_mm + correction_mm(correction, x_mm), y_mm[:, None]))
        for x_mm, y_mm in ((whites_mm, np.array([15.0, 25.0, 35.0])), (blacks_mm, np.array([90.0, 100.0, 110.0])))
    )
    return float(white - black)


def _first_step(levels: np.ndarray, y_mm: np.ndarray, least: float, share: float) -> float | None:
    """Return where the levels (n,) first step down clearly on their way outwards, None where they do not."""
    reach = int(STEP_REACH_MM / STEP_MM + 0.5)
    drop = np.full(len(levels), -np.inf)
    drop[reach:-reach] = levels[: -2 * reach] - levels[2 * reach :]
    drop = np.where(np.isfinite(drop), drop, -np.inf)
    deepest = drop.max()
    if not deepest > max(least, 0.0):
        return None
    clear = np.flatnonzero(drop >= max(least, share * deepest))
    # The top of the first clear step, and the centre of what steps down there.
    first = int(clear[0])
    while first + 1 < len(drop) and drop[first + 1] > drop[first]:
        first += 1
    near = slice(max(first - reach, 0), first + reach + 1)
    weight = np.clip(drop[near], 0.0, None)
    return float((weight * y_mm[near]).sum() / weight.sum())
