"""Readings: the places where the keyboard may lie, likely ones first, from black keys found or from corners given.

A reading is a camera together with the way the picture has to be turned; whether it is true is decided later (`verify`). The
pattern of the black keys and both player's sides are tried, nothing about the camera's orientation is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from tivit.core.keyboard import KEYBOARD_WIDTH_MM, WHITE_COUNT, WHITE_LENGTH_MM
from tivit.registration.detect import HAT_THRESHOLDS, Blobs, darkness, find_blobs, on_one_line
from tivit.registration.match import Match, match_row
from tivit.registration.params import RegistrationParams
from tivit.registration.pose import Pose, fit_to_black_keys, fit_to_corners
from tivit.video.median import temporal_median

MIN_KEYS = 24
GOOD_SCORE = 33.0
"""A row that explains so much is taken without trying the other darkness thresholds."""
RUNNER_UP = 6.0
"""A labelling whose score is this much lower than the best is not looked at."""
CORNER_TOLERANCE_WHITE = 1.5
"""How far the keyboard's corners may lie from given ones, in white-key widths of the picture."""
CORNERS_MM = np.array([[0, WHITE_LENGTH_MM], [KEYBOARD_WIDTH_MM, WHITE_LENGTH_MM], [KEYBOARD_WIDTH_MM, 0], [0, 0]])


@dataclass(frozen=True)
class Reading:
    """A camera in the picture, which is flipped left to right when `is_mirrored`; `is_rotated`: the player is at the top."""

    pose: Pose
    is_mirrored: bool
    is_rotated: bool
    width_px: int

    @property
    def plane_to_image(self) -> np.ndarray:
        """The map (3, 3) from (x_mm, y_mm, 1) of the white-key plane to px of the picture as it is."""
        flip = np.array([[-1.0, 0, self.width_px - 1], [0, 1, 0], [0, 0, 1]])
        return flip @ self.pose.plane_to_image if self.is_mirrored else self.pose.plane_to_image

    @property
    def orientation(self) -> str:
        """The name of how the picture shows the keyboard, one of `core.registration.ORIENTATIONS`."""
        parts = ["rotated"] * self.is_rotated + ["mirrored"] * self.is_mirrored
        return "_".join(parts) or "upright"

    def agrees_with(self, corners_px: np.ndarray) -> bool:
        """Return True when the corners of the white-key area lie near given ones (4, 2), in whatever order."""
        image = np.column_stack([CORNERS_MM, np.ones(4)]) @ self.plane_to_image.T
        places = image[:, :2] / image[:, 2:]
        white_px = np.linalg.norm(places[1] - places[0]) / WHITE_COUNT
        distance = np.linalg.norm(places[:, None] - corners_px[None], axis=-1)
        return bool((distance.min(axis=0) < CORNER_TOLERANCE_WHITE * white_px).all())


def from_pixels(greys: list[np.ndarray], params: RegistrationParams) -> Iterator[Reading]:
    """Yield the readings of the black keys in grey frames (height, width), likely ones first."""
    height, width = greys[0].shape
    scale = params.work_width_px / width
    size = (params.work_width_px, max(1, int(round(height * scale))))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    work = temporal_median([cv2.resize(grey, size, interpolation=shrink) for grey in greys])
    row, matches = _best_row(work)
    if not matches:
        return
    likely_above = _is_player_above(work, row)
    for match, is_rotated in product(matches, (likely_above, not likely_above)):
        ends = np.stack([row.lower_px, row.upper_px], axis=1)[match.blobs]
        ends = (ends[:, ::-1] if is_rotated else ends) / scale + (0.5 / scale - 0.5)
        is_mirrored = match.is_reversed != is_rotated
        if is_mirrored:
            ends = np.stack([width - 1 - ends[..., 0], ends[..., 1]], axis=-1)
        pose = fit_to_black_keys(match.keys, ends, (width, height), params.focal_widths, params.focal_sigma)
        yield Reading(pose, is_mirrored, is_rotated, width)


def from_corners(corners: np.ndarray, size_wh: tuple[int, int], params: RegistrationParams) -> Iterator[Reading]:
    """Yield the four ways in which the keyboard may lie between corners (4, 2) px: tl, tr, br, bl of the picture."""
    for is_mirrored in (False, True):
        image = corners.copy()
        if is_mirrored:
            image = np.stack([size_wh[0] - 1 - image[:, 0], image[:, 1]], axis=1)[[1, 0, 3, 2]]
        for is_rotated in (False, True):
            world = CORNERS_MM[[2, 3, 0, 1]] if is_rotated else CORNERS_MM
            pose = fit_to_corners(world, image, size_wh, params.focal_widths, params.focal_sigma)
            yield Reading(pose, is_mirrored, is_rotated, size_wh[0])


def _best_row(work: np.ndarray) -> tuple[Blobs, list[Match]]:
    """Return the row of blobs that the template explains best, over the darkness thresholds, and its believable labellings."""
    dark = darkness(work)
    best: tuple[Blobs, list[Match]] = (find_blobs(dark, np.inf), [])
    for threshold in HAT_THRESHOLDS:
        row = on_one_line(find_blobs(dark, threshold))
        matches = [match for match in match_row(_along(row)) if len(match.keys) >= MIN_KEYS] if len(row) >= MIN_KEYS else []
        if matches and (not best[1] or matches[0].score > best[1][0].score):
            best = row, [match for match in matches if match.score > matches[0].score - RUNNER_UP]
        if best[1] and best[1][0].score >= GOOD_SCORE:
            break
    return best


def _along(row: Blobs) -> np.ndarray:
    """Return the places of blobs along their row, px, ascending."""
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
