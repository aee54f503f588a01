"""Black keys in a picture: dark upright blobs between bright neighbours, and the lines they stand on.

A black-hat with a flat horizontal window answers to dark runs narrower than the window (black keys, seams) and not to wide
dark areas (fallboard, room), so blobs end where the black keys end. Everything here is in working pixels, and made for black
keys 3 to 20 px wide; other sizes are reached by scaling the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

HAT_WINDOW_PX = 23
"""Window of the black-hat: wider than a black key."""
HAT_THRESHOLDS = (0.45, 0.3, 0.18)
"""Darkness of a blob relative to its surround, tried in this order."""
MIN_HEIGHT_PX, MAX_WIDTH_PX = 12, 60
MIN_SLENDERNESS = 1.6
LINE_TOLERANCE_HEIGHTS = 0.22
MAX_SLOPE = 0.7
MAX_BLOBS = 120
ROWS = 3
"""How many rows of blobs are offered: stripes elsewhere can make a longer row than the keyboard."""


@dataclass(frozen=True)
class Blobs:
    """Dark blobs: upper and lower end (n, 2) of each one's axis, and its width in px (n,)."""

    upper_px: np.ndarray
    lower_px: np.ndarray
    width_px: np.ndarray

    def __len__(self) -> int:
        return len(self.width_px)

    @property
    def center_px(self) -> np.ndarray:
        """Middle of each axis, (n, 2)."""
        return (self.upper_px + self.lower_px) / 2

    @property
    def height_px(self) -> np.ndarray:
        """Length of each axis, (n,)."""
        return np.linalg.norm(self.lower_px - self.upper_px, axis=1)

    def take(self, index: np.ndarray) -> Blobs:
        """Return the blobs at `index` (integers or a mask), in that order."""
        return Blobs(self.upper_px[index], self.lower_px[index], self.width_px[index])


def darkness(grey: np.ndarray, reach_px: int = 1) -> np.ndarray:
    """Return how much darker each pixel is than the brightest of its near horizontal surround, 0..1, float32.

    It is a share of the brightest surround within `reach_px` rows: with more than one a reflection in a dark fallboard is not
    as dark as the black key that it continues.
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.7)
    closed = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((1, HAT_WINDOW_PX), np.uint8))
    brightest = cv2.dilate(closed, np.ones((reach_px, 1), np.uint8))
    return (closed.astype(np.float32) - smooth) / (brightest.astype(np.float32) + 8.0)


def find_blobs(dark: np.ndarray, threshold: float, most: int = MAX_BLOBS) -> Blobs:
    """Return the slender upright blobs, the `most` largest, where `dark` (height, width) exceeds `threshold`."""
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


def rows_of(blobs: Blobs, most: int = ROWS) -> list[Blobs]:
    """Return up to `most` rows of blobs, the longest first; a blob is in one row only."""
    rows = []
    for _ in range(most):
        members = on_one_line(blobs)
        if len(members) < 3:
            break
        rows.append(blobs.take(members))
        blobs = blobs.take(np.setdiff1d(np.arange(len(blobs)), members))
    return rows


def on_one_line(blobs: Blobs) -> np.ndarray:
    """Return the largest set of blobs of like height whose middles lie on one line, as indices from left to right."""
    if len(blobs) < 3:
        return np.zeros(0, int)
    centers, heights = blobs.center_px, blobs.height_px
    i, j = np.triu_indices(len(blobs), 1)
    along = centers[j] - centers[i]
    length = np.linalg.norm(along, axis=1)
    good = (length > 1.5 * np.maximum(heights[i], heights[j])) & (np.abs(along[:, 1]) < MAX_SLOPE * np.abs(along[:, 0]))
    i, j, along, length = i[good], j[good], along[good], length[good]
    if len(i) == 0:
        return np.zeros(0, int)
    unit = along / length[:, None]
    relative = centers[None] - centers[i][:, None]
    across = np.abs(relative[..., 0] * unit[:, None, 1] - relative[..., 1] * unit[:, None, 0])
    share = (relative * unit[:, None]).sum(-1) / length[:, None]
    expected = heights[i][:, None] + share * (heights[j] - heights[i])[:, None]
    alike = np.abs(heights[None] - expected) < 0.25 * expected
    inlier = (across < LINE_TOLERANCE_HEIGHTS * expected) & alike
    quality = np.where(inlier, 1 - across / np.maximum(LINE_TOLERANCE_HEIGHTS * expected, 1e-9), 0).sum(1)
    members = np.flatnonzero(inlier[np.argmax(inlier.sum(1) + 0.3 * quality)])
    return members[np.argsort(centers[members, 0], kind="stable")]


def _axis(labels: np.ndarray, stat: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Return upper end, lower end and width of one component, None when it is not slender."""
    left, top, width, height = (int(value) for value in stat[:4])
    mask = labels[top : top + height, left : left + width] == label
    rows = mask.sum(1).astype(float)
    middles = (mask * np.arange(width)).sum(1) / np.maximum(rows, 1)
    usual = float(np.median(rows[rows > 0]))
    solid = np.flatnonzero(rows >= 0.5 * usual)
    if len(solid) < 3 or len(solid) < MIN_SLENDERNESS * usual:
        return None
    slope, offset = np.polyfit(solid, middles[solid], 1)
    y = np.array([solid[0] - 0.5, solid[-1] + 0.5])
    ends = np.stack([slope * y + offset + left, y + top], axis=1)
    return ends[0], ends[1], usual
