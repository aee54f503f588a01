"""From a few frames to a registration: detect, match, pose, correct, judge.

Steps: dark blobs on one line (`detect`), which key each is (`match`), the camera (`pose`), the x correction (`refine`), and
whether to believe it (`verify`). Corners, when given, choose among the readings of the black keys and stand in for them where
there are none; everything after is the same.
A registration that is not believed is refused with a reason, never returned as usable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, KEYBOARD_WIDTH_MM, LOWEST_MIDI, WHITE_PITCH_MM
from tivit.core.registration import Registration, refused
from tivit.core.strip import StripGeometry
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.registration.readings import Reading, from_corners, from_pixels
from tivit.registration.refine import Correction, fit_correction, look_from_above
from tivit.registration.verify import CUT, Verdict, judge

SURE = 0.9
"""A reading this believable ends the search; it has been held against the shifted and reversed readings."""
MAX_ERROR_KEY = 0.15
OUTSIDE_KEY = 0.7
"""By how much of a white key the keyboard's ends may stick out of the picture."""


@dataclass(frozen=True)
class _Candidate:
    """A reading with what was measured by it."""

    reading: Reading
    correction: Correction
    verdict: Verdict


def estimate(
    frames: Sequence[np.ndarray],
    params: RegistrationParams,
    geometry: StripGeometry,
    override: Override = NOTHING_KNOWN,
) -> Registration:
    """Return where the keyboard is in `frames`, or a refused registration with the reason.

    Parameters
    ----------
    frames : BGR (height, width, 3) or grey (height, width) pictures of one fixed camera, uint8, at least one.
    override : what is known beforehand (corners as a start, first key, orientation).

    Raises
    ------
    InputError
        There is no frame, or the frames differ in size.
    """
    greys = _greys(frames)
    height, width = greys[0].shape
    readings: Iterable[Reading] = from_pixels(greys, params)
    reason = "no row of black keys was found"
    corners = None if override.corners is None else np.array(override.corners, float)
    if corners is not None:
        given = from_corners(corners, (width, height), params)
        readings = chain((reading for reading in readings if reading.agrees_with(corners)), given)
        reason = "no black keys were found between the corners"
    candidates = []
    for reading in readings:
        found = _examine(greys, params, reading)
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


def _examine(greys: list[np.ndarray], params: RegistrationParams, reading: Reading) -> _Candidate | None:
    place_mm = reading.pose.place_mm
    plan = look_from_above(greys, reading.plane_to_image)
    correction = fit_correction(plan, place_mm, params.lens_order)
    if correction is None:
        return None
    return _Candidate(reading, correction, judge(plan, place_mm, correction.coefficients))


def _registration(
    best: _Candidate,
    geometry: StripGeometry,
    source_hw: tuple[int, int],
    frame_count: int,
    has_corners: bool,
    params: RegistrationParams,
) -> Registration:
    homography = geometry.world_to_strip() @ np.linalg.inv(best.reading.plane_to_image)
    homography /= homography[2, 2]
    result = Registration(
        status="ok",
        reason="",
        homography=tuple(map(tuple, homography.tolist())),
        x_correction=best.correction.coefficients,
        orientation=best.reading.orientation,
        first_midi=LOWEST_MIDI,
        last_midi=HIGHEST_MIDI,
        source_hw=source_hw,
        frames=frame_count,
        confidence=best.verdict.confidence,
        err_before=best.correction.err_before,
        err_after=best.correction.err_after,
        err_black=(best.correction.err_before, best.correction.err_after),
        err_white=(0.0, 0.0),
        deviation=0.0,
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
    if (ends < -OUTSIDE_KEY * key_px).any() or (ends > np.array([width, height]) - 1 + OUTSIDE_KEY * key_px).any():
        return CUT
    if result.err_after > MAX_ERROR_KEY:
        return f"the keys lie {result.err_after:.2f} white-key widths (median) from where they should be"
    return ""
