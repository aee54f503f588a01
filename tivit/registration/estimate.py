"""From a few frames to a registration: detect, match, pose, extent, correct, judge.

The steps are dark blobs on one line (`detect`), which key of the pattern each is (`match`), the camera (`pose`), and what such
a reading comes to (`candidates`). What is not believed is searched for again in other ways (`rows.SEARCHES`). Corners, when
given, tell where to look and choose among the readings; everything after is the same. Where two keyboards are in the picture,
the one that is played is taken, and one that is filmed before one that is drawn. A registration that is not believed is refused
with a reason, never returned as usable. Cameras that move are the business of `follow`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tivit.core.keyboard import CENTER_MM, WHITE_LENGTH_MM, WHITE_PITCH_MM, key_of
from tivit.core.registration import Quality, Refusal, Registration, correction_mm
from tivit.core.strip import StripGeometry
from tivit.registration.candidates import SETTLED, SURE, Candidate, best_of, objection
from tivit.registration.find.readings import find_labellings, find_readings
from tivit.registration.find.rows import SEARCHES, Labelling, Search
from tivit.registration.frames import LEAST_REGION_PX, grey_pictures, region_px
from tivit.registration.judge.drawn import corners_px
from tivit.registration.judge.refine import Picture
from tivit.registration.judge.verify import UNREST_FLOOR, unrest_before
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.registration.reasons import GIVE_CORNERS
from tivit.registration.sideways import ACROSS, turned, turned_back, turned_knowledge
from tivit.video.picture import Region

RIVAL_SCORE, RIVALS = 7.0, 2
"""Another row of black keys is looked at when its score is at least so high; so many rows at most."""
BEFORE_MM, BEHIND_MM = 40.0, 90.0
"""It is so far before or behind the keys of the best one: just behind them a polished fallboard mirrors their black keys."""
PLAYED_FACTOR = 3.0
"""Before the one of two keyboards that is played so many times as much moves as before the other one."""
ONLY_DRAWN = (
    f"the keys that were found are drawn and not filmed; if the video shows a piano as well, {GIVE_CORNERS} its keys, or a"
    " video cropped to them"
)
TWO_KEYBOARDS = (
    f"two keyboards are in the picture, and which of them is played is not clear; {GIVE_CORNERS} that one, or a video"
    " cropped to it"
)


def estimate(
    frames: Sequence[np.ndarray],
    params: RegistrationParams,
    geometry: StripGeometry,
    override: Override = NOTHING_KNOWN,
) -> Registration | Refusal:
    """Return where the keyboard is in a few frames.

    Parameters
    ----------
    frames : sequence of ndarray, (height, width, 3) uint8 BGR or (height, width) uint8 grey
        Pictures of one fixed camera, at least one.
    params : RegistrationParams
    geometry : StripGeometry
        Raster of the strip that the homography leads to.
    override : Override
        What is known beforehand (corners as a start, first key, orientation, a region to look in).

    Returns
    -------
    Registration or Refusal
        The registration is without moves, and says in its doubt what is left open. Where no keyboard lies across the picture,
        one is looked for in the picture turned by 90 degrees, unless the orientation is given.

    Raises
    ------
    InputError
        There is no frame, or the frames differ in size.
    """
    source_hw, greys = grey_pictures(frames)
    is_sideways = override.orientation in ACROSS
    if not is_sideways:
        found = _look(greys, source_hw, params, geometry, override, SEARCHES)
        if isinstance(found, Registration) or override.orientation is not None:
            return found
    # Phones held upright. What lies across the picture goes first, so that most pictures are looked at one way only, and only
    # the usual search is made where a sideways keyboard is a mere possibility.
    source_hw, greys = grey_pictures(turned(frames))
    known = turned_knowledge(override, frames[0].shape[1])
    searches = SEARCHES if is_sideways else SEARCHES[:1]
    sideways = turned_back(_look(greys, source_hw, params, geometry, known, searches))
    return sideways if is_sideways or isinstance(sideways, Registration) else found


def _look(
    greys: list[np.ndarray],
    source_hw: tuple[int, int],
    params: RegistrationParams,
    geometry: StripGeometry,
    override: Override,
    searches: Sequence[Search],
) -> Registration | Refusal:
    """Return where a keyboard lies across the picture, in grey pictures of a camera whose frames are of size `source_hw`."""
    scale = greys[0].shape[1] / source_hw[1]
    corners = None if override.corners is None else (np.array(override.corners, float) + 0.5) * scale - 0.5
    region = None if override.region is None else region_px(override.region, scale, greys[0].shape)
    if region is not None and min(region.right - region.left, region.bottom - region.top) < LEAST_REGION_PX:
        bounds = ", ".join(f"{value:g}" for value in override.region)
        return Refusal(f"the region {bounds} lies outside the {source_hw[1]} x {source_hw[0]} picture", source_hw, len(greys))
    picture = Picture(greys)
    best, rows = _search(greys, picture, params, override, searches, corners, region)
    is_free = corners is None and region is None
    if is_free and best is not None and not objection(best, override, params) and best.is_drawn(picture):
        # A film of what is played, as lessons have it: the piano is in the rest of the picture.
        best, rows = _search(greys, picture, params, override, searches, None, _rest(best, picture))
        if best is None or objection(best, override, params) or best.is_drawn(picture):
            return Refusal(ONLY_DRAWN, source_hw, len(greys))
    if best is None:
        where = " between the corners" if corners is not None else " in the region" if region is not None else ""
        return Refusal(f"no row of black keys was found{where}", source_hw, len(greys))
    if is_free and not objection(best, override, params):
        best = _played(best, _rival(best, rows, picture, params, override), picture)
        if best is None:
            return Refusal(TWO_KEYBOARDS, source_hw, len(greys))
    return _registration(best, geometry, scale, source_hw, len(greys), override, params)


def _search(
    greys: list[np.ndarray],
    picture: Picture,
    params: RegistrationParams,
    override: Override,
    searches: Sequence[Search],
    corners: np.ndarray | None,
    region: Region | None,
) -> tuple[Candidate | None, list[Labelling]]:
    """Return the best candidate, and the rows of black keys that were looked at."""
    best, rows = None, []
    for search in searches:
        labellings = find_labellings(greys, params, corners, search, region)
        readings = find_readings(labellings, picture.shape[::-1], params, corners, search)
        candidate = best_of(readings, picture, params, override)
        rows += labellings
        if candidate is not None and (best is None or candidate.weight > best.weight):
            best = candidate
        least = SURE if best is not None and best.is_unusual else SETTLED
        if best is not None and best.verdict.confidence >= least and not objection(best, override, params):
            break
    return best, rows


def _rest(best: Candidate, picture: Picture) -> Region:
    """Return the picture above or below a keyboard, whichever is more."""
    height, width = picture.shape
    y_px = corners_px(best.reading.plane_to_image, best.extent)[..., 1]
    top, bottom = (int(np.clip(value, 0, height)) for value in (y_px.min(), y_px.max() + 1))
    return Region(0, bottom, width, height) if height - bottom >= top else Region(0, 0, width, top)


def _rival(
    best: Candidate, rows: Sequence[Labelling], picture: Picture, params: RegistrationParams, override: Override
) -> Candidate | None:
    """Return another keyboard in the picture that is as sure as the best one, None where there is none.

    It is played from the same side; what a fallboard mirrors is not.
    """
    to_plane = np.linalg.inv(best.reading.plane_to_image)
    others = []
    for row in rows:
        world = np.column_stack([row.row.center_px, np.ones(len(row.row))]) @ to_plane.T
        y_mm = float(np.median(world[:, 1] / world[:, 2]))
        if row.match.score >= RIVAL_SCORE and not -BEFORE_MM < y_mm < WHITE_LENGTH_MM + BEHIND_MM:
            others.append(row)
    readings = (
        reading
        for reading in find_readings(others[:RIVALS], picture.shape[::-1], params)
        if reading.is_rotated == best.reading.is_rotated
    )
    rival = best_of(readings, picture, params, override)
    return rival if rival is not None and not objection(rival, override, params) and not rival.is_drawn(picture) else None


def _played(best: Candidate, rival: Candidate | None, picture: Picture) -> Candidate | None:
    """Return the one of two keyboards before which clearly more moves, None where neither is; the best one without a rival."""
    if rival is None:
        return best
    unrest = [unrest_before(picture, item.reading.plane_to_image, item.extent) for item in (best, rival)]
    if max(unrest) < PLAYED_FACTOR * min(unrest) + UNREST_FLOOR:
        return None
    return best if unrest[0] > unrest[1] else rival


def _registration(
    best: Candidate,
    geometry: StripGeometry,
    scale: float,
    source_hw: tuple[int, int],
    frame_count: int,
    override: Override,
    params: RegistrationParams,
) -> Registration | Refusal:
    """Return the registration that the best candidate comes to, a refusal where something speaks against it."""
    reason = objection(best, override, params)
    if reason:
        return Refusal(reason, source_hw, frame_count)
    # The keyboard was found in a picture `scale` times the size of the frames; pixel centres are at whole numbers in both.
    center = 0.5 * scale - 0.5
    to_work = np.array([[scale, 0, center], [0, scale, center], [0, 0, 1.0]])
    homography = geometry.world_to_strip() @ np.linalg.inv(best.reading.plane_to_image) @ to_work
    homography /= homography[2, 2]
    return Registration(
        doubt=best.doubt,
        homography=tuple(map(tuple, homography.tolist())),
        x_correction=best.correction.coefficients,
        orientation=best.reading.orientation,
        first_midi=best.extent.first_midi,
        last_midi=best.extent.last_midi,
        source_hw=source_hw,
        frames=frame_count,
        quality=Quality(
            confidence=best.verdict.confidence,
            err_before=best.correction.err[0],
            err_after=best.correction.err[1],
            err_black=best.correction.err_black,
            err_white=best.correction.err_white,
            err_across=best.depth.err,
            deviation=_deviation(best),
        ),
        source="pixels" if override.corners is None else "corners",
    )


def _deviation(best: Candidate) -> float:
    """Return how far (median, white-key widths) the keys lie from equal steps between the ends of the keys in view.

    Measured along the line half way down the white keys, as the picture shows it: what a plain scaling of the picture would
    miss.
    """
    keys = np.arange(key_of(best.extent.first_midi), key_of(best.extent.last_midi) + 1)
    ends = best.extent.ends_mm
    x_mm = np.append(CENTER_MM[keys], ends)
    plane_mm = x_mm + correction_mm(best.correction.coefficients, x_mm)
    image = np.column_stack([plane_mm, np.full(len(x_mm), 75.0), np.ones(len(x_mm))]) @ best.reading.plane_to_image.T
    points = image[:, :2] / image[:, 2:]
    along = points[-1] - points[-2]
    share = (points[:-2] - points[-2]) @ along / (along @ along)
    even = (x_mm[:-2] - ends[0]) / (ends[1] - ends[0])
    return float(np.median(np.abs(share - even)) * (ends[1] - ends[0]) / WHITE_PITCH_MM)
