"""Where the keyboard lies in another frame of the same camera, given where it lies in a reference picture.

Frames are rectified by the homography of the reference, with a margin, and evened out in brightness (`raster`). Corners of the
keyboard in the reference are then followed into the frame (coarse shift by correlation, pyramidal Lucas-Kanade, robust
homography); hands, pressed keys and shadows are outliers of the fit. Where the keyboard was a moment before is looked at first,
because there no search is needed. Everything is in millimetres of the white-key plane, so that it works alike at any
resolution; "raster points" are steps of STEP_MM on it. What is a move and when it happens is decided in `moves`.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tivit.core.keyboard import KEYBOARD_WIDTH_MM, OCTAVE_MM, WHITE_PITCH_MM
from tivit.registration.follow.raster import RASTER_TO_WORLD, STEP_MM, Raster, evened, keyboard_area, raster_at
from tivit.video.median import temporal_median

COARSE = 2
"""The coarse search works on every second raster point."""
REACH_MM = 350.0
"""How far it may have moved along the keys when that is a few octaves beside what the coarse search found."""
END_SHARE = 0.5
"""An outermost octave must look at least this share as much like the reference as the whole keyboard does."""
FAR_COST = 0.05
"""Of two readings that fit alike, the nearer one by an octave is preferred by this much correlation."""
CORNERS, CORNER_QUALITY, CORNER_DISTANCE = 250, 0.02, 5
"""Corners looked for: how many at most, how good beside the best one (share), how far apart at least (raster points)."""
WINDOW, LEVELS = (15, 15), 2
"""Window of Lucas-Kanade (raster points), and levels of its pyramid above the full resolution."""
INLIER_PX = 0.75
"""A corner agrees with a motion when it is at most so far (raster points, 1.5 mm) from it."""
MIN_INLIERS, MIN_SHARE = 40, 0.3
"""Corners that must agree on a motion: this number, and this share of all."""
MIN_STEADY = 4
"""So many frames that show the whole picture at one place are enough; the others are then left out."""
PICTURE_PX, PICTURE_LEVELS, PICTURE_MOVED_PX = 640, 4, 2.0
"""Whole pictures are compared at this width (px), over so many pyramid levels; a shift below so many px is none."""
LEAST_LIKENESS, NEAR_LEVELS = 0.5, 1
"""A frame whose coarse raster correlates with the reference by so much shows the keyboard where it is expected, within a few
raster points, if it has its ends there too; corners are then followed over so many pyramid levels."""
REPEAT_KEY = 0.3
"""A keyboard found farther away than this (white-key widths) is rectified anew and followed once more."""
GRID_MM = np.array([(x, y, 1.0) for x in np.linspace(0, KEYBOARD_WIDTH_MM, 9) for y in (10.0, 75.0, 140.0)])
"""World points at which two places of the keyboard are compared."""


def distance_key(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far apart two places of the keyboard are.

    Parameters
    ----------
    one, other : ndarray, (3, 3)
        Homographies from the world plane (mm) to the image (px). The distance is measured in the plane of `one`.

    Returns
    -------
    float
        Root mean square over the area of the keyboard, in white-key widths.
    """
    there = _project(GRID_MM, np.linalg.inv(one) @ other)
    return float(np.sqrt(((there - GRID_MM[:, :2]) ** 2).sum(-1).mean()) / WHITE_PITCH_MM)


class Tracker:
    """Follows a keyboard from reference pictures, in which it lies at one place, into other frames."""

    def __init__(self, world_to_image: np.ndarray, images: Sequence[np.ndarray]) -> None:
        """Prepare the reference: the rectified temporal median of pictures, and corners on its keyboard.

        Parameters
        ----------
        world_to_image : ndarray, (3, 3)
            Homography from the world plane (mm) to the pictures (px).
        images : sequence of ndarray, (height, width, 3), uint8 BGR
            Pictures that show the keyboard there, at least one. Where no part of the raster lies in them there is nothing to
            follow, and `locate` finds the keyboard in no frame.
        """
        self.world_to_image = np.asarray(world_to_image, float)
        self._source_hw = images[0].shape[:2]
        self._corners: np.ndarray | None = None
        raster = raster_at(self.world_to_image, self._source_hw)
        if raster is None:
            return
        self._raster = raster
        self._reference = evened(temporal_median([raster.rectified(image) for image in images]))
        rows, columns = keyboard_area()
        self._inside = cv2.erode(raster.coverage(self._source_hw), np.ones(WINDOW, np.uint8))
        mask = np.zeros_like(self._inside)
        mask[rows, columns] = self._inside[rows, columns]
        self._corners = cv2.goodFeaturesToTrack(self._reference, CORNERS, CORNER_QUALITY, CORNER_DISTANCE, mask=mask)
        self._elsewhere: Raster | None = None
        self._template = np.ascontiguousarray(self._reference[rows, columns][::COARSE, ::COARSE])

    def locate(self, image: np.ndarray, near: np.ndarray | None = None) -> np.ndarray | None:
        """Return where the keyboard is in a frame.

        Parameters
        ----------
        image : ndarray, (height, width, 3), uint8 BGR
            Of the size of the reference.
        near : ndarray, (3, 3), or None
            Where it was a moment before, so that it is looked for there first; None: where it is in the reference.

        Returns
        -------
        ndarray, (3, 3), or None
            Homography from the world plane (mm) to the frame (px); None where the keyboard is not found, or only so far off
            that no part of the raster lies in the frame.

        References
        ----------
        Shi and Tomasi, "Good features to track", CVPR 1994; Lucas and Kanade, "An iterative image registration technique with
        an application to stereo vision", IJCAI 1981; Fischler and Bolles, "Random sample consensus", Communications of the ACM
        24(6), 1981.
        """
        if self._corners is None:
            return None
        raster = self._raster if near is None else raster_at(near, self._source_hw)
        if raster is not None:
            homography = self._place_near(raster, image)
            if homography is not None:
                return homography
        homography = self._place_by(self._raster, image)
        if homography is None or distance_key(self.world_to_image, homography) <= REPEAT_KEY:
            return homography
        # Far away, the raster of the reference shows the keyboard at an angle or cut off. It is rectified anew where it was
        # found; that raster is kept, since the frames after it are mostly there too.
        if self._elsewhere is None or distance_key(self._elsewhere.world_to_image, homography) > REPEAT_KEY:
            raster = raster_at(homography, self._source_hw)
            if raster is None:
                return None
            self._elsewhere = raster
        return self._place_by(self._elsewhere, image)

    def _place_near(self, raster: Raster, image: np.ndarray) -> np.ndarray | None:
        """Return where the keyboard is if it is within REPEAT_KEY of where a raster expects it, None otherwise."""
        frame = evened(raster.rectified(image))
        rows, columns = keyboard_area()
        whole, ends = self._likeness(frame[rows, columns][::COARSE, ::COARSE])
        if whole < LEAST_LIKENESS or ends < END_SHARE * whole:
            return None
        motion = _motion(self._reference, frame, self._corners, self._corners, NEAR_LEVELS)
        if motion is None:
            return None
        homography = raster.world_to_image @ _in_mm(motion)
        return homography if distance_key(raster.world_to_image, homography) <= REPEAT_KEY else None

    def _place_by(self, raster: Raster, image: np.ndarray) -> np.ndarray | None:
        """Return where the keyboard is, looked for all over a raster of the frame; None when too few corners agree."""
        frame = evened(raster.rectified(image))
        motions = [
            _motion(self._reference, frame, self._corners, self._corners + shift, LEVELS)
            for shift in self._coarse_shifts(frame)
        ]
        motions = [motion for motion in motions if motion is not None]
        if not motions:
            return None
        best = motions[0] if len(motions) == 1 else max(motions, key=lambda motion: self._agreement(frame, motion))
        return raster.world_to_image @ _in_mm(best)

    def _coarse_shifts(self, frame: np.ndarray) -> list[np.ndarray]:
        """Return by how many raster points (x, y) the whole keyboard may be shifted, (2,) each, to about two points.

        The black keys repeat every octave. So unless the keyboard stands where it was, with both of its ends, these are the
        best shift and those one and two octaves beside it.
        """
        rows, columns = keyboard_area()
        small = np.ascontiguousarray(frame[::COARSE, ::COARSE])
        score = cv2.matchTemplate(small, self._template, cv2.TM_CCOEFF_NORMED)
        row, column = np.unravel_index(score.argmax(), score.shape)
        best = np.array([column * COARSE - columns.start, row * COARSE - rows.start], np.float32)
        height, width = self._template.shape
        whole, ends = self._likeness(small[row : row + height, column : column + width])
        if np.abs(best).max() <= 2 * COARSE and ends >= END_SHARE * whole:
            return [best]
        octave = np.array([OCTAVE_MM / STEP_MM, 0], np.float32)
        shifts = [best + number * octave for number in range(-2, 3)]
        return [shift for shift in shifts if abs(shift[0]) * STEP_MM <= REACH_MM]

    def _likeness(self, small: np.ndarray) -> tuple[float, float]:
        """Return how a coarse raster of the keyboard correlates with the reference: as a whole, and in the worse end octave."""
        end = int(OCTAVE_MM / STEP_MM) // COARSE
        whole, *ends = (
            cv2.matchTemplate(
                np.ascontiguousarray(small[:, part]), np.ascontiguousarray(self._template[:, part]), cv2.TM_CCOEFF_NORMED
            )[0, 0]
            for part in (slice(None), slice(end), slice(self._template.shape[1] - end, None))
        )
        return float(whole), float(min(ends))

    def _agreement(self, frame: np.ndarray, motion: np.ndarray) -> float:
        """Return the correlation of a frame with the reference under a motion, less a little for each octave of shift."""
        size = frame.shape[::-1]
        back = cv2.warpPerspective(frame, motion, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        coverage = cv2.warpPerspective(np.ones_like(frame), motion, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        rows, _ = keyboard_area()
        common = (coverage[rows] & self._inside[rows]) > 0
        if common.sum() < MIN_INLIERS:
            return -1.0
        likeness = float(np.corrcoef(back[rows][common], self._reference[rows][common])[0, 1])
        octaves = float(np.abs(cv2.perspectiveTransform(self._corners, motion) - self._corners).mean()) * STEP_MM / OCTAVE_MM
        return likeness - FAR_COST * octaves


def steadied(images: Sequence[np.ndarray], target: int) -> list[np.ndarray] | None:
    """Return frames that show the whole picture where one of them does, for frames in which the keyboard cannot be found yet.

    Parameters
    ----------
    images : sequence of ndarray, (height, width, 3), uint8 BGR
        Frames in time order.
    target : int
        Index of the frame whose place counts.

    Returns
    -------
    list of ndarray or None
        The frames that show it there. When they are fewer than MIN_STEADY the others are warped there too, which is coarse,
        since hands and things at another distance take part. None when all frames show it there, or when the frame has too few
        corners.
    """
    height, width = images[0].shape[:2]
    scale = PICTURE_PX / width
    smalls = [cv2.cvtColor(cv2.resize(image, None, fx=scale, fy=scale), cv2.COLOR_BGR2GRAY) for image in images]
    corners = cv2.goodFeaturesToTrack(smalls[target], CORNERS, CORNER_QUALITY, CORNER_DISTANCE)
    if corners is None or len(corners) < MIN_INLIERS:
        return None
    motions = {target: np.eye(3)}
    # From the target outwards, each frame is looked for from where its neighbour was: a drift grows slowly.
    for i in (*range(target + 1, len(images)), *range(target - 1, -1, -1)):
        neighbour = motions.get(i - 1 if i > target else i + 1, np.eye(3))
        motion = _motion(smalls[target], smalls[i], corners, cv2.perspectiveTransform(corners, neighbour), PICTURE_LEVELS)
        if motion is not None:
            motions[i] = motion
    still = [i for i in motions if np.abs(cv2.perspectiveTransform(corners, motions[i]) - corners).max() < PICTURE_MOVED_PX]
    if len(still) == len(motions):
        return None
    if len(still) >= MIN_STEADY:
        return [images[i] for i in sorted(still)]
    # A motion is of small pictures and leads away from the target; here it is wanted in full size and back.
    to_small = np.diag([scale, scale, 1.0])
    back = {i: np.linalg.inv(to_small) @ np.linalg.inv(motions[i]) @ to_small for i in sorted(motions)}
    return [
        cv2.warpPerspective(images[i], matrix, (width, height), borderMode=cv2.BORDER_REPLICATE) for i, matrix in back.items()
    ]


def _motion(reference: np.ndarray, frame: np.ndarray, corners: np.ndarray, start: np.ndarray, levels: int) -> np.ndarray | None:
    """Return the homography from the reference to the frame by its corners (n, 1, 2), None when too few agree."""
    points_px, status, _ = cv2.calcOpticalFlowPyrLK(
        reference, frame, corners, start.astype(np.float32), winSize=WINDOW, maxLevel=levels, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    good = status[:, 0] > 0
    if good.sum() < MIN_INLIERS:
        return None
    matrix, inliers = cv2.findHomography(corners[good], points_px[good], cv2.RANSAC, INLIER_PX)
    if matrix is None or inliers.sum() < max(MIN_INLIERS, MIN_SHARE * len(corners)):
        return None
    return matrix


def _project(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return points (..., 2) of homogeneous points (..., 3) under a homography."""
    there = points @ matrix.T
    return there[..., :2] / there[..., 2:]


def _in_mm(motion: np.ndarray) -> np.ndarray:
    """Return a motion of raster points, (3, 3), in millimetres: its conjugate."""
    return RASTER_TO_WORLD @ motion @ np.linalg.inv(RASTER_TO_WORLD)
