"""Readings: the places where the keyboard may lie, likely ones first, from black keys found in the picture.

A reading is a camera together with the way the picture has to be turned; whether it is true is decided later (`verify`). Both
player's sides are tried, nothing about the camera's orientation is assumed. Pictures are looked at in several sizes, because
black keys are looked for in one (`detect`); corners, when given, bring the keyboard to that size and upright.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tivit.core.keyboard import BLACK_COUNT, KEYBOARD_WIDTH_MM, OCTAVE_MM, WHITE_COUNT, WHITE_LENGTH_MM
from tivit.registration.find.detect import HAT_THRESHOLDS, MAX_BLOBS, ROWS, Blobs, darkness, find_blobs, rows_of
from tivit.registration.find.match import Match, match_row
from tivit.registration.find.pattern import BLACK_PER_OCTAVE, mirrored_black
from tivit.registration.find.pose import Pose, fit_to_black_keys
from tivit.registration.params import RegistrationParams
from tivit.video.median import temporal_median
from tivit.video.reader import Region

WORK_SCALES = ((1.0, 16), (2.0, 9), (0.5, 9))
"""Sizes looked at, in `work_width_px`, and how many frames: keyboards that fill most of a picture, smaller ones, large keys."""
MIN_KEYS = 7
GOOD_SCORE = 26.0
"""A row that explains so much is taken without looking at other sizes and thresholds."""
RUNNER_UP = 0.6
"""Labellings with a smaller share of the best score are not looked at."""
CORNER_MARGIN_WHITE = 3.0
CORNER_WHITE_PX = 15.0
CORNER_TOLERANCE_MM = 45.0


@dataclass(frozen=True)
class Search:
    """How rows are looked for: thresholds in turn, most blobs and rows at each, reach of `darkness`, most labellings taken."""

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
"""One after the other until something is believed: as a rule; without what a fallboard mirrors; small keys beside much else."""


@dataclass(frozen=True)
class Reading:
    """A camera that sees black keys `keys` (numbers of `pattern`, one is expected in 0..35) with their ends at `ends_px`.

    `ends_px` (n, 2, 2): front and back end of each, in the picture as it is. The camera is that of the picture flipped left to
    right when `is_mirrored`; `is_rotated`: the player is at the top. `score` is that of the match.
    """

    keys: np.ndarray
    ends_px: np.ndarray
    size_wh: tuple[int, int]
    is_mirrored: bool
    is_rotated: bool
    pose: Pose
    score: float

    @property
    def plane_to_image(self) -> np.ndarray:
        """The map (3, 3) from (x_mm, y_mm, 1) of the white-key plane to px of the picture as it is."""
        flip = np.array([[-1.0, 0, self.size_wh[0] - 1], [0, 1, 0], [0, 0, 1]])
        return flip @ self.pose.plane_to_image if self.is_mirrored else self.pose.plane_to_image

    @property
    def orientation(self) -> str:
        """The name of how the picture shows the keyboard, one of `core.registration.ORIENTATIONS`."""
        parts = ["rotated"] * self.is_rotated + ["mirrored"] * self.is_mirrored
        return "_".join(parts) or "upright"

    def moved(self, octaves: int) -> Reading:
        """Return the same place read so many octaves higher."""
        pose = self.pose
        shift = np.array([[1, 0, -OCTAVE_MM * octaves], [0, 1, 0], [0, 0, 1.0]])
        camera_mm = pose.camera_mm + (OCTAVE_MM * octaves, 0, 0)
        moved = replace(pose, plane_to_image=pose.plane_to_image @ shift, camera_mm=camera_mm)
        return replace(self, keys=self.keys + BLACK_PER_OCTAVE * octaves, pose=moved)

    def within(self, first: int, end: int, params: RegistrationParams) -> Reading:
        """Return the reading without black keys outside first..end - 1, its camera fitted again; itself when there are none."""
        is_inside = (self.keys >= first) & (self.keys < end)
        if is_inside.all() or is_inside.sum() < MIN_KEYS:
            return self
        return read(
            self.keys[is_inside], self.ends_px[is_inside], self.size_wh, self.is_mirrored, self.is_rotated, params, self.score
        )

    def seen_in_mirror(self, params: RegistrationParams) -> Reading:
        """Return the same picture read as the mirror image of what it was read as."""
        keys, ends_px = mirrored_black(self.keys)[::-1], self.ends_px[::-1]
        return read(keys, ends_px, self.size_wh, not self.is_mirrored, self.is_rotated, params, self.score)

    def agrees_with(self, corners_px: np.ndarray) -> bool:
        """Return True when corners (4, 2) lie on the front and back edges of the white keys and hold the black keys found."""
        world = np.column_stack([corners_px, np.ones(4)]) @ np.linalg.inv(self.plane_to_image).T
        x_mm, y_mm = (world[:, :2] / world[:, 2:]).T
        on_edge = np.minimum(np.abs(y_mm), np.abs(y_mm - WHITE_LENGTH_MM)) < CORNER_TOLERANCE_MM
        tips = np.column_stack([self.ends_px.mean(axis=1), np.ones(len(self.keys))]) @ np.linalg.inv(self.plane_to_image).T
        tips_mm = tips[:, 0] / tips[:, 2]
        holds = (tips_mm > x_mm.min() - CORNER_TOLERANCE_MM) & (tips_mm < x_mm.max() + CORNER_TOLERANCE_MM)
        return bool(on_edge.all() and holds.mean() > 0.9)


def read(
    keys: np.ndarray,
    ends_px: np.ndarray,
    size_wh: tuple[int, int],
    is_mirrored: bool,
    is_rotated: bool,
    params: RegistrationParams,
    score: float,
) -> Reading:
    """Return the reading of black-key ends (front, back) in the picture: its camera fitted."""
    unmirrored_px = ends_px.copy()
    if is_mirrored:
        unmirrored_px[..., 0] = size_wh[0] - 1 - unmirrored_px[..., 0]
    pose = fit_to_black_keys(keys, unmirrored_px, size_wh, params.focal_widths, params.focal_sigma)
    return Reading(keys, ends_px, size_wh, is_mirrored, is_rotated, pose, score)


def middle_octaves(first: int, last: int) -> int:
    """Return by how many octaves black keys first..last have to move to lie nearest to the middle of the piano."""
    return int(np.round(((BLACK_COUNT - 1) / 2 - (first + last) / 2) / BLACK_PER_OCTAVE))


def find_readings(
    greys: Sequence[np.ndarray],
    params: RegistrationParams,
    corners: np.ndarray | None,
    search: Search = SEARCHES[0],
    region: Region | None = None,
) -> Iterator[Reading]:
    """Yield the readings of grey frames (height, width), likely ones first.

    Parameters
    ----------
    corners : (4, 2) px, tl, tr, br, bl, or None.
    region : where black keys are looked for without corners; None: in the whole picture.
    """
    height, width = greys[0].shape
    region = region or Region(0, 0, width, height)
    candidates: list[tuple[float, Blobs, Match, bool]] = []
    if corners is None:
        looks = (_scaled(greys, region, params.work_width_px * scale, frames) for scale, frames in WORK_SCALES)
    else:
        looks = iter([_straightened(greys, corners)])
    for work, to_image in looks:
        candidates += _rows_in(work, to_image, search)
        if candidates and max(item[0] for item in candidates) >= GOOD_SCORE:
            break
    candidates.sort(key=lambda item: -item[0])
    for score, row, match, likely_above in candidates[: search.labellings]:
        if score < RUNNER_UP * candidates[0][0]:
            return
        for is_rotated in (likely_above, not likely_above):
            ends = np.stack([row.lower_px, row.upper_px], axis=1)[match.blobs]
            keys = match.keys
            if is_rotated:
                keys, ends = mirrored_black(keys)[::-1], ends[::-1, ::-1]
            keys = keys + BLACK_PER_OCTAVE * middle_octaves(int(keys[0]), int(keys[-1]))
            reading = read(keys, ends, (width, height), False, is_rotated, params, score)
            if corners is None or reading.agrees_with(corners):
                yield reading


def _scaled(greys: Sequence[np.ndarray], region: Region, work_width: float, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the temporal median of a region of some frames at a width, and the map (3, 3) from its pixels to the picture's."""
    width, height = region.right - region.left, region.bottom - region.top
    scale = work_width / width
    size = (int(round(work_width)), max(1, int(round(height * scale))))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    few = [greys[i] for i in np.unique(np.linspace(0, len(greys) - 1, min(frames, len(greys))).round().astype(int))]
    pictures = [grey[region.top : region.bottom, region.left : region.right] for grey in few]
    work = temporal_median([cv2.resize(grey, size, interpolation=shrink) for grey in pictures])
    center = 0.5 / scale - 0.5
    return work, np.array([[1 / scale, 0, center + region.left], [0, 1 / scale, center + region.top], [0, 0, 1.0]])


def _straightened(greys: Sequence[np.ndarray], corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the temporal median of what lies around four corners, seen straight, and the map from it to the picture."""
    length = np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])
    depth = np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])
    whites = float(np.clip(length / depth * WHITE_LENGTH_MM / KEYBOARD_WIDTH_MM * WHITE_COUNT, 5, WHITE_COUNT))
    width = whites * CORNER_WHITE_PX
    height = WHITE_LENGTH_MM / KEYBOARD_WIDTH_MM * WHITE_COUNT * CORNER_WHITE_PX
    margin = CORNER_MARGIN_WHITE * CORNER_WHITE_PX
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]]) + margin
    to_work = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
    size = (int(np.ceil(width + 2 * margin)), int(np.ceil(height + 2 * margin)))
    work = temporal_median([cv2.warpPerspective(grey, to_work, size, flags=cv2.INTER_LINEAR) for grey in greys])
    return work, np.linalg.inv(to_work)


def _rows_in(work: np.ndarray, to_image: np.ndarray, search: Search) -> list[tuple[float, Blobs, Match, bool]]:
    """Return score, row (px of the picture), labelling and guess of the player's side of the rows in a working picture."""
    dark = darkness(work, search.reach_px)
    candidates = []
    for threshold in search.thresholds:
        for row in rows_of(find_blobs(dark, threshold, search.blobs), search.rows):
            matches = match_row(_along(row))
            if not matches:
                continue
            in_image = Blobs(_mapped(row.upper_px, to_image), _mapped(row.lower_px, to_image), row.width_px)
            is_above = _is_player_above(work, row)
            candidates += [(match.score, in_image, match, is_above) for match in matches[:2]]
        if candidates and max(item[0] for item in candidates) >= GOOD_SCORE:
            break
    return candidates


def _mapped(points_px: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    mapped = np.column_stack([points_px, np.ones(len(points_px))]) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


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
