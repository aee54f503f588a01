"""Rows of black keys in one working picture, each read as a stretch of the key pattern.

Blobs come from `detect`, their keys from `match`. What rows come to in the whole picture, a camera among it, is in `readings`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from tivit.registration.find.detect import HAT_THRESHOLDS, MAX_BLOBS, ROWS, Blobs, darkness, find_blobs, lengthened, rows_of
from tivit.registration.find.match import Match, match_row
from tivit.registration.find.pattern import mirrored_black

GOOD_SCORE = 26.0
"""A row with such a score is taken without looking at other sizes and thresholds; a whole piano has 36 black keys."""


@dataclass(frozen=True)
class Search:
    """How rows of black keys are looked for.

    Attributes
    ----------
    thresholds : tuple of float
        Thresholds on `darkness`, tried in turn.
    blobs, rows : int
        How many blobs, and rows of them, are taken at most at each threshold.
    reach_px : int
        The reach of `darkness`, in rows.
    labellings : int
        How many labellings of rows are made readings at most; each is read from both sides.
    """

    thresholds: tuple[float, ...]
    blobs: int
    rows: int
    reach_px: int
    labellings: int


SEARCHES = (
    Search(HAT_THRESHOLDS, MAX_BLOBS, ROWS, reach_px=1, labellings=4),
    Search((0.3, 0.1), MAX_BLOBS, ROWS, reach_px=31, labellings=2),
    Search((0.3,), 200, 4, reach_px=1, labellings=2),
)
"""Tried in turn until something is believed: the usual search; one that does not see what a fallboard mirrors, and sees
fainter keys; one for small keys beside many other dark things."""


@dataclass(frozen=True)
class Labelling:
    """A row of blobs read as black keys.

    Attributes
    ----------
    row, far : Blobs, px of the picture
        The blobs as they were found, and continued outwards (`detect.lengthened`).
    match : Match
        Which keys they are.
    is_player_above : bool
        A first guess of where the player sits.
    """

    row: Blobs
    far: Blobs
    match: Match
    is_player_above: bool

    def seen_from(self, is_above: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the black keys with the player on one side. Only fronts are continued: behind the keys it is their reflection.

        Parameters
        ----------
        is_above : bool
            The player sits above the keys in the picture.

        Returns
        -------
        keys : ndarray, (n,), int
            Their numbers (`pattern`), ascending.
        ends_px : ndarray, (n, 2, 2), px
            Front and back end (x, y) of each.
        """
        if not is_above:
            return self.match.keys, np.stack([self.far.lower_px, self.row.upper_px], axis=1)[self.match.blobs]
        # From the other side the row runs the other way and fronts are backs.
        ends = np.stack([self.far.upper_px, self.row.lower_px], axis=1)[self.match.blobs]
        return mirrored_black(self.match.keys)[::-1], ends[::-1]


def labelled_rows(work: np.ndarray, to_image: np.ndarray, search: Search) -> list[Labelling]:
    """Return the labellings of each row of black keys in a working picture.

    Parameters
    ----------
    work : ndarray, (height, width), uint8
        Picture in working pixels.
    to_image : ndarray, (3, 3)
        Homography from its px to those of the whole picture.
    search : Search
        How rows are looked for.

    Returns
    -------
    list of Labelling
        At most two of each row.
    """
    dark = darkness(work, search.reach_px)
    candidates = []
    for threshold in search.thresholds:
        for row in rows_of(find_blobs(dark, threshold, search.blobs), search.rows):
            matches = match_row(_along(row))
            if not matches:
                continue
            in_image, far = (_in_image(blobs, to_image) for blobs in (row, lengthened(row, dark)))
            is_above = _is_player_above(work, row)
            candidates += [Labelling(in_image, far, match, is_above) for match in matches[:2]]
        if candidates and max(item.match.score for item in candidates) >= GOOD_SCORE:
            break
    return candidates


def _in_image(blobs: Blobs, to_image: np.ndarray) -> Blobs:
    """Return blobs with their ends under a homography (3, 3)."""
    return replace(blobs, upper_px=_mapped(blobs.upper_px, to_image), lower_px=_mapped(blobs.lower_px, to_image))


def _mapped(points_px: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return points (n, 2) under a homography (3, 3)."""
    mapped = np.column_stack([points_px, np.ones(len(points_px))]) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


def _along(row: Blobs) -> np.ndarray:
    """Return where blobs lie along their row in px, ascending, (n,)."""
    centers = row.center_px
    unit = centers[-1] - centers[0]
    return centers @ (unit / np.linalg.norm(unit))


def _is_player_above(work: np.ndarray, row: Blobs) -> bool:
    """Return True when it is brighter above the black keys than below: a first guess of where the white fronts are."""

    def brightness(ends: np.ndarray, outward: np.ndarray) -> float:
        points = np.concatenate([ends + share * outward for share in (0.15, 0.25, 0.35, 0.45)]).astype(np.float32)
        return float(np.median(cv2.remap(work, points[:, None], None, cv2.INTER_LINEAR, borderValue=0)))

    axis = row.lower_px - row.upper_px
    return brightness(row.upper_px, -axis) > brightness(row.lower_px, axis)
