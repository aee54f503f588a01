"""Black keys in a picture: dark upright blobs between bright neighbours, and the lines they stand on.

A black-hat with a flat horizontal window answers to dark runs narrower than the window (black keys, seams) and not to wide dark
areas (fallboard, room), so blobs end where the black keys end. Which key a blob is, is decided in `match`.

All lengths here are in working pixels, and all limits are made for black keys 3 to 20 px wide; keys of other sizes are reached
by scaling the picture before it comes here (`readings`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

HAT_WINDOW_PX = 23
"""Width of the window of the black-hat: wider than a black key."""
HAT_THRESHOLDS = (0.45, 0.3, 0.18)
"""How dark a blob must be relative to its surround (`darkness`); tried in this order."""
FAINT = 0.25
"""What continues a blob is at least so dark: the front of a black key slopes and catches light, so it is often fainter than the
top, and a blob that ends with the top puts the keys 20 mm (of 150) from where they are."""
BLUR_PX = 1.0
"""So much farther a sharp end of a blob reaches by blur alone."""
MOST_LENGTHENED = 0.35
"""By so much of its length a blob is continued at most at each end."""
MIN_HEIGHT_PX, MAX_WIDTH_PX = 12, 60
"""Least height and greatest width of the box around a blob. The box is wider than the blob where the blob leans."""
MIN_SLENDERNESS = 1.6
"""A blob has at least so many solid rows for each pixel of its usual width."""
LINE_TOLERANCE_HEIGHTS = 0.22
"""How far the middle of a blob may lie from the line of its row, as a share of the height that is expected there."""
MAX_SLOPE = 0.7
"""Steepest line that is tried, rise over run: 35 degrees."""
MAX_BLOBS = 120
"""So many blobs are kept, the largest first: every pair of them is tried as a line."""
ROWS = 3
"""How many rows of blobs are offered: stripes elsewhere can make a longer row than the keyboard."""


@dataclass(frozen=True)
class Blobs:
    """Dark blobs, each as the axis through its middle.

    Attributes
    ----------
    upper_px, lower_px : ndarray, (n, 2)
        Upper and lower end (x, y) of each axis.
    width_px : ndarray, (n,)
        Width of each blob across its axis.
    """

    upper_px: np.ndarray
    lower_px: np.ndarray
    width_px: np.ndarray

    def __len__(self) -> int:
        return len(self.width_px)

    @property
    def center_px(self) -> np.ndarray:
        """The middle (x, y) of each axis in px, shape (n, 2)."""
        return (self.upper_px + self.lower_px) / 2

    @property
    def height_px(self) -> np.ndarray:
        """The length of each axis in px, shape (n,)."""
        return np.linalg.norm(self.lower_px - self.upper_px, axis=1)

    def take(self, index: np.ndarray) -> Blobs:
        """Return some of the blobs, in the order asked for.

        Parameters
        ----------
        index : ndarray, (m,) integers or (n,) bool
            Which ones.

        Returns
        -------
        Blobs
            The blobs at `index`.
        """
        return Blobs(self.upper_px[index], self.lower_px[index], self.width_px[index])


def darkness(grey: np.ndarray, reach_px: int = 1) -> np.ndarray:
    """Return how much darker each pixel is than its near horizontal surround.

    Parameters
    ----------
    grey : ndarray, (height, width), uint8
        Picture in working pixels.
    reach_px : int, at least 1
        Over how many rows the brightest surround is taken. With more than one, a reflection in a dark fallboard is not as dark
        as the black key that it continues.

    Returns
    -------
    ndarray, (height, width), float32
        0 (as bright as its surround) to 1: the black-hat as a share of the brightest surround.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982 (closing and top-hats).
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.7)
    # A closing fills every dark run that is narrower than the window with the level of its surround.
    closed = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((1, HAT_WINDOW_PX), np.uint8))
    brightest = cv2.dilate(closed, np.ones((reach_px, 1), np.uint8))
    # The 8 levels added keep the noise of nearly black places from counting as contrast.
    return (closed.astype(np.float32) - smooth) / (brightest.astype(np.float32) + 8.0)


def find_blobs(dark: np.ndarray, threshold: float, most: int = MAX_BLOBS) -> Blobs:
    """Return the slender upright blobs of a picture, the largest first.

    Parameters
    ----------
    dark : ndarray, (height, width), float32
        As `darkness` returns it.
    threshold : float, 0..1
        A blob is a connected area in which `dark` is greater.
    most : int
        How many are kept.

    Returns
    -------
    Blobs
        At most `most` blobs in working pixels; none where nothing is slender enough.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((dark > threshold).astype(np.uint8), connectivity=4)
    tall = stats[:, cv2.CC_STAT_HEIGHT] >= MIN_HEIGHT_PX
    narrow = stats[:, cv2.CC_STAT_WIDTH] <= MAX_WIDTH_PX
    full = stats[:, cv2.CC_STAT_AREA] >= 0.3 * stats[:, cv2.CC_STAT_HEIGHT] * 2
    slender = np.flatnonzero(tall & narrow & full)
    slender = slender[slender != 0]
    axes = [blob for label in slender if (blob := _axis(labels, stats[label], label)) is not None]
    if not axes:
        return Blobs(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    upper, lower, across = map(np.array, zip(*axes, strict=True))
    blobs = Blobs(upper, lower, across)
    return blobs.take(np.argsort(-blobs.height_px * blobs.width_px, kind="stable")[:most])


def lengthened(blobs: Blobs, dark: np.ndarray) -> Blobs:
    """Return blobs with both ends moved outwards for as long as it is at least FAINT there.

    Parameters
    ----------
    blobs : Blobs, n of them
        In working pixels.
    dark : ndarray, (height, width), float32
        The picture that they were found in, as `darkness` returns it.

    Returns
    -------
    Blobs
        Each at most MOST_LENGTHENED of its length longer at each end.

    References
    ----------
    J. Canny, "A computational approach to edge detection", IEEE Transactions on Pattern Analysis and Machine Intelligence 8(6),
    1986 (hysteresis: a high threshold finds, a low one follows).
    """
    axis = blobs.lower_px - blobs.upper_px
    unit = axis / blobs.height_px[:, None]
    across = np.column_stack([-unit[:, 1], unit[:, 0]])
    steps = np.arange(int(np.ceil(MOST_LENGTHENED * blobs.height_px.max()))) + 0.5
    ends = []
    for end_px, outward in ((blobs.upper_px, -unit), (blobs.lower_px, unit)):
        points = end_px[:, None] + outward[:, None] * steps[:, None]  # (n, steps, 2)
        shades = [
            cv2.remap(dark, (points + side * across[:, None]).astype(np.float32), None, cv2.INTER_LINEAR, borderValue=0)
            for side in (-1.0, 0.0, 1.0)
        ]
        is_faint = (np.median(shades, axis=0) > FAINT) & (steps < MOST_LENGTHENED * blobs.height_px[:, None])
        farther = np.maximum(np.cumprod(is_faint, axis=1).sum(1) - BLUR_PX, 0.0)
        ends.append(end_px + outward * farther[:, None])
    return replace(blobs, upper_px=ends[0], lower_px=ends[1])


def rows_of(blobs: Blobs, most: int = ROWS) -> list[Blobs]:
    """Return rows of blobs that stand on one line each, the longest first.

    Parameters
    ----------
    blobs : Blobs
        All blobs of a picture.
    most : int
        How many rows are wanted.

    Returns
    -------
    list of Blobs
        At most `most` rows of three blobs or more, each from left to right. A blob is in one row only.
    """
    rows = []
    for _ in range(most):
        members = on_one_line(blobs)
        if len(members) < 3:
            break
        rows.append(blobs.take(members))
        blobs = blobs.take(np.setdiff1d(np.arange(len(blobs)), members))
    return rows


def on_one_line(blobs: Blobs) -> np.ndarray:
    """Return the largest set of blobs of like height whose middles lie on one line.

    Parameters
    ----------
    blobs : Blobs, n of them

    Returns
    -------
    ndarray, (m,), int
        Indices from left to right; empty when no line holds.

    Notes
    -----
    As in RANSAC lines through two blobs are tried, but here every pair is. Heights change linearly along a line, from that of
    the one blob to that of the other, as perspective has it.

    References
    ----------
    Fischler and Bolles, "Random sample consensus", Communications of the ACM 24(6), 1981.
    """
    if len(blobs) < 3:
        return np.zeros(0, int)
    centers, heights = blobs.center_px, blobs.height_px
    i, j = np.triu_indices(len(blobs), 1)  # the pairs, (p,) each
    along = centers[j] - centers[i]
    length = np.linalg.norm(along, axis=1)
    good = (length > 1.5 * np.maximum(heights[i], heights[j])) & (np.abs(along[:, 1]) < MAX_SLOPE * np.abs(along[:, 0]))
    i, j, along, length = i[good], j[good], along[good], length[good]
    if len(i) == 0:
        return np.zeros(0, int)
    unit = along / length[:, None]
    relative = centers[None] - centers[i][:, None]  # (p, n, 2)
    across = np.abs(relative[..., 0] * unit[:, None, 1] - relative[..., 1] * unit[:, None, 0])  # (p, n) px off the line
    share = (relative * unit[:, None]).sum(-1) / length[:, None]  # (p, n), 0 at i and 1 at j
    expected = heights[i][:, None] + share * (heights[j] - heights[i])[:, None]
    alike = np.abs(heights[None] - expected) < 0.25 * expected
    inlier = (across < LINE_TOLERANCE_HEIGHTS * expected) & alike
    # The count of blobs on a line decides; between equal counts, how near to it they are.
    quality = np.where(inlier, 1 - across / np.maximum(LINE_TOLERANCE_HEIGHTS * expected, 1e-9), 0).sum(1)
    members = np.flatnonzero(inlier[np.argmax(inlier.sum(1) + 0.3 * quality)])
    return members[np.argsort(centers[members, 0], kind="stable")]


def _axis(labels: np.ndarray, stat: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Return the upper end (x, y), the lower end and the width of one component in px, None when it is not slender."""
    left, top, width, height = (int(value) for value in stat[:4])
    mask = labels[top : top + height, left : left + width] == label
    rows = mask.sum(1).astype(float)
    middles = (mask * np.arange(width)).sum(1) / np.maximum(rows, 1)
    usual = float(np.median(rows[rows > 0]))
    # Rows of less than half the usual width are frayed ends; they would tilt the axis and lengthen the key.
    solid = np.flatnonzero(rows >= 0.5 * usual)
    if len(solid) < 3 or len(solid) < MIN_SLENDERNESS * usual:
        return None
    slope, offset = np.polyfit(solid, middles[solid], 1)
    y = np.array([solid[0] - 0.5, solid[-1] + 0.5])
    ends = np.stack([slope * y + offset + left, y + top], axis=1)
    return ends[0], ends[1], usual
