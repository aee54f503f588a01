"""Readings: the places where the keyboard may lie, likely ones first, from black keys found in the picture.

A reading is a camera together with the way the picture has to be turned; whether it is true is decided later (`verify`). The
player may sit on either side of the picture, and both are tried. Pictures are looked at in several sizes, because black keys
are looked for in one (`detect`); corners, when given, bring the keyboard to that size and upright.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tivit.core.keyboard import BLACK_COUNT, KEYBOARD_WIDTH_MM, OCTAVE_MM, WHITE_COUNT, WHITE_LENGTH_MM
from tivit.registration.find.pattern import BLACK_PER_OCTAVE, mirrored_black
from tivit.registration.find.pose import Pose, black_ends_mm, fit_to_black_keys
from tivit.registration.find.rows import GOOD_SCORE, SEARCHES, Labelling, Search, labelled_rows
from tivit.registration.params import RegistrationParams
from tivit.video.median import temporal_median
from tivit.video.picture import Region

WORK_SCALES = ((1.0, 16), (2.0, 9), (0.5, 9))
"""Sizes looked at in turn: the width of the picture in `work_width_px`, and of how many frames the median is taken. They are
for keyboards that fill most of a picture, for smaller ones, and for large keys."""
MIN_KEYS = 7
"""A reading is not cut to fewer black keys than this."""
RUNNER_UP = 0.6
"""Labellings with less than this share of the best score are not looked at."""
CORNER_MARGIN_WHITE = 3.0
"""White keys that a straightened picture shows beyond the corners given, on every side."""
CORNER_WHITE_PX = 15.0
"""Width of a white key in a straightened picture: black keys are then as wide as `detect` wants them."""
CORNER_TOLERANCE_MM = 45.0
"""How far corners given may lie from the front and back edges of the white keys."""


@dataclass(frozen=True)
class Reading:
    """A camera that sees certain black keys.

    Attributes
    ----------
    keys : ndarray, (n,), int
        Numbers of the black keys (`pattern`), ascending; those of a piano are 0..35.
    ends_px : ndarray, (n, 2, 2), px
        Front and back end (x, y) of each, in the picture as it is.
    size_wh : tuple of int
        Width and height of the picture in px.
    is_mirrored : bool
        The picture is a mirror image; the camera is then that of the picture flipped left to right.
    is_rotated : bool
        The player is at the top of the picture.
    pose : Pose
        The camera.
    score : float
        That of the labelling (`match.Match`).
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
        """The name of how the picture shows the keyboard, one of `core.choices.ORIENTATIONS`."""
        parts = ["rotated"] * self.is_rotated + ["mirrored"] * self.is_mirrored
        return "_".join(parts) or "upright"

    def moved(self, octaves: int) -> Reading:
        """Return the same picture read `octaves` higher, negative: lower. Keys and camera move, image points stay."""
        pose = self.pose
        # World x grows by the octaves and the picture stays, so x is moved back before the old map is applied.
        shift = np.array([[1, 0, -OCTAVE_MM * octaves], [0, 1, 0], [0, 0, 1.0]])
        camera_mm = pose.camera_mm + (OCTAVE_MM * octaves, 0, 0)
        moved = replace(pose, plane_to_image=pose.plane_to_image @ shift, camera_mm=camera_mm)
        return replace(self, keys=self.keys + BLACK_PER_OCTAVE * octaves, pose=moved)

    def bent(self, plane_to_plane: np.ndarray) -> Reading:
        """Return the reading with points of the white-key plane seen where a homography (3, 3) of the plane puts them."""
        return replace(self, pose=replace(self.pose, plane_to_image=self.pose.plane_to_image @ plane_to_plane))

    def with_ends_moved(self, plane_to_plane: np.ndarray, params: RegistrationParams) -> Reading:
        """Return the reading with its camera fitted again, to ends moved along their keys to where a homography of the plane
        (3, 3) puts them: what was found there were not the ends of keys."""
        to_image = self.plane_to_image
        ends_mm = _mapped(self.ends_px, np.linalg.inv(to_image))
        wanted_mm = black_ends_mm(self.keys, self.pose.camera_mm)
        y_mm = _mapped(np.stack([ends_mm[..., 0], wanted_mm[..., 1]], axis=-1), plane_to_plane)[..., 1]
        front, back = ends_mm[:, :1], ends_mm[:, 1:]
        share = (y_mm - front[..., 1]) / (back[..., 1] - front[..., 1])
        ends_px = _mapped(front + share[..., None] * (back - front), to_image)
        return self._read(self.keys, ends_px, self.is_mirrored, params)

    def within(self, first: int, end: int, params: RegistrationParams) -> Reading:
        """Return the reading without black keys outside first..end - 1 (`pattern`), its camera fitted again.

        Itself where no key is outside, or where fewer than MIN_KEYS would stay.
        """
        is_inside = (self.keys >= first) & (self.keys < end)
        if is_inside.all() or is_inside.sum() < MIN_KEYS:
            return self
        return self._read(self.keys[is_inside], self.ends_px[is_inside], self.is_mirrored, params)

    def seen_in_mirror(self, params: RegistrationParams) -> Reading:
        """Return the same picture read as the mirror image of what it was read as: keys mirrored, the camera fitted again."""
        keys, ends_px = mirrored_black(self.keys)[::-1], self.ends_px[::-1]
        return self._read(keys, ends_px, not self.is_mirrored, params)

    def _read(self, keys: np.ndarray, ends_px: np.ndarray, is_mirrored: bool, params: RegistrationParams) -> Reading:
        """Return another reading of the same row in the same picture."""
        return read(keys, ends_px, self.size_wh, is_mirrored, self.is_rotated, params, self.score)

    def agrees_with(self, corners_px: np.ndarray) -> bool:
        """Return whether corners given beforehand fit this reading.

        Parameters
        ----------
        corners_px : ndarray, (4, 2), px
            Corners of the white-key area in view.

        Returns
        -------
        bool
            True when all corners lie on the front or back edge of the white keys and more than nine tenths of the black keys
            found lie between them, along the keyboard.
        """
        world = np.column_stack([corners_px, np.ones(4)]) @ np.linalg.inv(self.plane_to_image).T  # (4, 3)
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
    """Return the reading of black-key ends, its camera fitted.

    Parameters
    ----------
    keys : ndarray, (n,), int
        Numbers of the black keys (`pattern`), ascending.
    ends_px : ndarray, (n, 2, 2), px
        Front and back end (x, y) of each, in the picture as it is.
    size_wh : tuple of int
        Width and height of the picture in px.
    is_mirrored, is_rotated : bool
        How the picture shows the keyboard.
    params : RegistrationParams
        For the prior on the focal length.
    score : float
        That of the labelling.

    Returns
    -------
    Reading
    """
    unmirrored_px = ends_px.copy()
    if is_mirrored:
        unmirrored_px[..., 0] = size_wh[0] - 1 - unmirrored_px[..., 0]
    pose = fit_to_black_keys(keys, unmirrored_px, size_wh, params.focal_widths, params.focal_sigma)
    return Reading(keys, ends_px, size_wh, is_mirrored, is_rotated, pose, score)


def _mapped(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return points (..., 2) under a homography (3, 3)."""
    there = points @ matrix[:, :2].T + matrix[:, 2]
    return there[..., :2] / there[..., 2:]


def middle_octaves(first: int, last: int) -> int:
    """Return by how many octaves black keys have to move to lie nearest to the middle of the piano.

    Parameters
    ----------
    first, last : int
        Numbers of the lowest and highest of them (`pattern`).

    Returns
    -------
    int
        Negative: downwards.
    """
    return int(np.round(((BLACK_COUNT - 1) / 2 - (first + last) / 2) / BLACK_PER_OCTAVE))


def find_labellings(
    greys: Sequence[np.ndarray],
    params: RegistrationParams,
    corners: np.ndarray | None,
    search: Search = SEARCHES[0],
    region: Region | None = None,
) -> list[Labelling]:
    """Return the rows of black keys in a few frames, likely ones first.

    Parameters
    ----------
    greys : sequence of ndarray, (height, width), uint8
        Grey frames of one fixed camera, at least one.
    params : RegistrationParams
        For the working width.
    corners : ndarray, (4, 2), px, or None
        Corners of the white-key area in view: top left, top right, bottom right, bottom left.
    search : Search
        How rows are looked for.
    region : Region or None
        Where black keys are looked for without corners; None: in the whole picture.

    Returns
    -------
    list of Labelling
        A row may be in it more than once.
    """
    height, width = greys[0].shape
    region = region or Region(0, 0, width, height)
    candidates: list[Labelling] = []
    if corners is None:
        looks = (_scaled(greys, region, params.work_width_px * scale, frames) for scale, frames in WORK_SCALES)
    else:
        looks = iter([_straightened(greys, corners)])
    for work, to_image in looks:
        candidates += labelled_rows(work, to_image, search)
        if candidates and max(item.match.score for item in candidates) >= GOOD_SCORE:
            break
    return sorted(candidates, key=lambda item: -item.match.score)


def find_readings(
    labellings: Sequence[Labelling],
    size_wh: tuple[int, int],
    params: RegistrationParams,
    corners: np.ndarray | None = None,
    search: Search = SEARCHES[0],
) -> Iterator[Reading]:
    """Yield the readings of rows of black keys, likely ones first.

    Parameters
    ----------
    labellings : sequence of Labelling
        Likely ones first.
    size_wh : tuple of int
        Width and height of the picture in px.
    params : RegistrationParams
        For the prior on the focal length.
    corners : ndarray, (4, 2), px, or None
        Corners given beforehand; readings that do not fit them are left out.
    search : Search
        How many labellings are read.

    Yields
    ------
    Reading
        Not mirrored, in the octave nearest to the middle; mirror image and octave are decided in `octave`.
    """
    for item in labellings[: search.labellings]:
        if item.match.score < RUNNER_UP * labellings[0].match.score:
            return
        for is_rotated in (item.is_player_above, not item.is_player_above):
            keys, ends = item.seen_from(is_rotated)
            keys = keys + BLACK_PER_OCTAVE * middle_octaves(int(keys[0]), int(keys[-1]))
            reading = read(keys, ends, size_wh, False, is_rotated, params, item.match.score)
            if corners is None or reading.agrees_with(corners):
                yield reading


def _scaled(greys: Sequence[np.ndarray], region: Region, work_width: float, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the median over time of a region at a width, (h, w) uint8, and the map (3, 3) from its px to the picture."""
    width, height = region.right - region.left, region.bottom - region.top
    scale = work_width / width
    size = (int(round(work_width)), max(1, int(round(height * scale))))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    few = [greys[i] for i in np.unique(np.linspace(0, len(greys) - 1, min(frames, len(greys))).round().astype(int))]
    pictures = [grey[region.top : region.bottom, region.left : region.right] for grey in few]
    work = temporal_median([cv2.resize(grey, size, interpolation=shrink) for grey in pictures])
    # Pixel centres are at whole numbers: half a pixel is added before scaling and taken away after.
    center = 0.5 / scale - 0.5
    return work, np.array([[1 / scale, 0, center + region.left], [0, 1 / scale, center + region.top], [0, 0, 1.0]])


def _straightened(greys: Sequence[np.ndarray], corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the median over time of what four corners hold, seen straight, and the map (3, 3) from its px to the picture."""
    length = np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])
    depth = np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])
    # The sides of the quadrilateral tell how long the keyboard is for its depth, and so about how many white keys it has.
    whites = float(np.clip(length / depth * WHITE_LENGTH_MM / KEYBOARD_WIDTH_MM * WHITE_COUNT, 5, WHITE_COUNT))
    width = whites * CORNER_WHITE_PX
    height = WHITE_LENGTH_MM / KEYBOARD_WIDTH_MM * WHITE_COUNT * CORNER_WHITE_PX
    margin = CORNER_MARGIN_WHITE * CORNER_WHITE_PX
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]]) + margin
    to_work = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
    size = (int(np.ceil(width + 2 * margin)), int(np.ceil(height + 2 * margin)))
    work = temporal_median([cv2.warpPerspective(grey, to_work, size, flags=cv2.INTER_LINEAR) for grey in greys])
    return work, np.linalg.inv(to_work)
