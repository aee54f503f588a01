"""From a few frames to a registration: detect, match, pose, correct, judge.

Steps: dark blobs on one line (`detect`), which key each is (`match`), the camera (`pose`), the x correction (`refine`), and
whether to believe it (`verify`). Corners, when given, take the place of the first two steps; everything after is the same.
A registration that is not believed is refused with a reason, never returned as usable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, KEYBOARD_WIDTH_MM, LOWEST_MIDI, WHITE_LENGTH_MM, WHITE_PITCH_MM
from tivit.core.registration import Registration, refused
from tivit.core.strip import StripGeometry
from tivit.registration.detect import HAT_THRESHOLDS, Blobs, darkness, find_blobs, on_one_line
from tivit.registration.match import Match, match_row
from tivit.registration.params import RegistrationParams
from tivit.registration.pose import Pose, fit_to_black_keys, fit_to_corners
from tivit.registration.refine import Correction, fit_correction, look_from_above
from tivit.registration.verify import Verdict, judge
from tivit.video.median import temporal_median

MIN_KEYS = 24
GOOD_SCORE = 33.0
RUNNER_UP = 6.0
"""A reading whose score is this much lower than the best is not looked at."""
SURE = 0.9
"""A reading this believable ends the search; it has been held against the shifted and reversed readings."""


@dataclass(frozen=True)
class _Candidate:
    """A pose in full-size pixels of the picture (flipped when `is_mirrored`), with what was found by it."""

    pose: Pose
    is_mirrored: bool
    is_rotated: bool
    correction: Correction
    verdict: Verdict


def estimate(
    frames: Sequence[np.ndarray],
    params: RegistrationParams,
    geometry: StripGeometry,
    corners: np.ndarray | None = None,
) -> Registration:
    """Return where the keyboard is in `frames`, or a refused registration with the reason.

    Parameters
    ----------
    frames : BGR (height, width, 3) or grey (height, width) pictures of one fixed camera, uint8, at least one.
    corners : image px (4, 2) of the white-key area, top left, top right, bottom right, bottom left of the picture; a start.

    Raises
    ------
    InputError
        There is no frame, the frames differ in size, or the corners are not four points.
    """
    greys = _greys(frames)
    height, width = greys[0].shape
    if corners is None:
        readings = _from_pixels(greys, params)
        reason = "no row of black keys was found"
    else:
        readings = _from_corners(np.asarray(corners, float), (width, height), params)
        reason = "no black keys were found between the corners"
    candidates = []
    for reading in readings:
        found = _examine(greys, params, *reading)
        if found is not None:
            candidates.append(found)
            if found.verdict.confidence >= SURE:
                break
    if not candidates:
        return refused(reason, (height, width), len(frames))
    best = max(candidates, key=lambda item: (item.verdict.confidence, item.verdict.fit))
    return _registration(best, geometry, (height, width), len(frames), corners is not None, params)


def _greys(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    if len(frames) == 0:
        raise InputError("registration needs at least one frame")
    if len({frame.shape[:2] for frame in frames}) != 1:
        raise InputError(f"registration needs frames of one size, got {sorted({frame.shape[:2] for frame in frames})}")
    return [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) if frame.ndim == 3 else frame for frame in frames]


def _from_pixels(greys: list[np.ndarray], params: RegistrationParams) -> Iterator[tuple[Pose, bool, bool]]:
    """Yield (pose, is mirrored, is rotated) for each reading of the black keys, likely ones first."""
    height, width = greys[0].shape
    scale = params.work_width_px / width
    size = (params.work_width_px, max(1, int(round(height * scale))))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    work = temporal_median([cv2.resize(grey, size, interpolation=shrink) for grey in greys])
    best: tuple[Blobs, list[Match]] | None = None
    dark = darkness(work)
    for threshold in HAT_THRESHOLDS:
        row = on_one_line(find_blobs(dark, threshold))
        matches = match_row(_along(row)) if len(row) >= MIN_KEYS else []
        if matches and (best is None or matches[0].score > best[1][0].score):
            best = row, matches
        if best and best[1][0].score >= GOOD_SCORE:
            break
    if best is None:
        return
    row, matches = best
    likely_above = _is_player_above(work, row)
    for match, is_rotated in product(matches, (likely_above, not likely_above)):
        if len(match.keys) < MIN_KEYS or match.score < matches[0].score - RUNNER_UP:
            continue
        ends = np.stack([row.lower_px, row.upper_px], axis=1)[match.blobs]
        ends = (ends[:, ::-1] if is_rotated else ends) / scale + (0.5 / scale - 0.5)
        is_mirrored = match.is_reversed != is_rotated
        if is_mirrored:
            ends = np.stack([width - 1 - ends[..., 0], ends[..., 1]], axis=-1)
        pose = fit_to_black_keys(match.keys, ends, (width, height), params.focal_widths, params.focal_sigma)
        yield pose, is_mirrored, is_rotated


def _from_corners(
    corners: np.ndarray, size_wh: tuple[int, int], params: RegistrationParams
) -> Iterator[tuple[Pose, bool, bool]]:
    """Yield a pose for each of the four ways the keyboard may lie between the corners."""
    if corners.shape != (4, 2):
        raise InputError(f"corners have shape {corners.shape}, four points (x, y) are needed")
    right, back = KEYBOARD_WIDTH_MM, WHITE_LENGTH_MM
    upright = np.array([[0, back], [right, back], [right, 0], [0, 0]])
    for is_mirrored in (False, True):
        image = corners.copy()
        if is_mirrored:
            image = np.stack([size_wh[0] - 1 - image[:, 0], image[:, 1]], axis=1)[[1, 0, 3, 2]]
        for is_rotated in (False, True):
            world = upright[[2, 3, 0, 1]] if is_rotated else upright
            pose = fit_to_corners(world, image, size_wh, params.focal_widths, params.focal_sigma)
            yield pose, is_mirrored, is_rotated


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


def _examine(
    greys: list[np.ndarray], params: RegistrationParams, pose: Pose, is_mirrored: bool, is_rotated: bool
) -> _Candidate | None:
    flip = _flip(greys[0].shape[1]) if is_mirrored else np.eye(3)
    plan = look_from_above(greys, flip @ pose.plane_to_image)
    correction = fit_correction(plan, pose.place_mm, params.lens_order)
    if correction is None:
        return None
    return _Candidate(pose, is_mirrored, is_rotated, correction, judge(plan, pose.place_mm, correction.coefficients))


def _registration(
    best: _Candidate,
    geometry: StripGeometry,
    source_hw: tuple[int, int],
    frame_count: int,
    has_corners: bool,
    params: RegistrationParams,
) -> Registration:
    flip = _flip(source_hw[1]) if best.is_mirrored else np.eye(3)
    homography = geometry.world_to_strip() @ np.linalg.inv(flip @ best.pose.plane_to_image)
    homography /= homography[2, 2]
    orientation = ("rotated_" if best.is_rotated else "") + ("mirrored" if best.is_mirrored else "")
    result = Registration(
        status="ok",
        reason="",
        homography=tuple(map(tuple, homography.tolist())),
        x_correction=best.correction.coefficients,
        orientation=orientation.rstrip("_") or "upright",
        first_midi=LOWEST_MIDI,
        last_midi=HIGHEST_MIDI,
        source_hw=source_hw,
        frames=frame_count,
        confidence=best.verdict.confidence,
        err_before=best.correction.err_before,
        err_after=best.correction.err_after,
        source="corners" if has_corners else "pixels",
    )
    reason = _objection(result, best.verdict, geometry, params)
    return refused(reason, source_hw, frame_count) if reason else result


def _objection(result: Registration, verdict: Verdict, geometry: StripGeometry, params: RegistrationParams) -> str:
    """Return why a registration must not be used, "" when it may."""
    if verdict.confidence < params.min_confidence:
        return verdict.reason
    ends = result.image_points(np.array([0.0, KEYBOARD_WIDTH_MM]), np.array([75.0, 75.0]), geometry)
    key_px = np.linalg.norm(ends[1] - ends[0]) * WHITE_PITCH_MM / KEYBOARD_WIDTH_MM
    height, width = result.source_hw
    if (ends < -0.7 * key_px).any() or (ends > np.array([width, height]) - 1 + 0.7 * key_px).any():
        return "the keyboard is cut by the edge of the picture"
    if result.err_after > 0.15:
        return f"the keys lie {result.err_after:.2f} white-key widths (median) from where they should be"
    return ""


def _flip(width: int) -> np.ndarray:
    return np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])
