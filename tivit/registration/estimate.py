"""From a few frames to a registration: detect, match, pose, extent, correct, judge.

The steps are dark blobs on one line (`detect`), which key of the pattern each is (`match`), the camera (`pose`), which keys are
in view and which octave they are (`extent`, `octave`), the x correction (`refine`), and whether to believe it (`verify`). What
is not believed is searched for again in other ways (`rows.SEARCHES`). Corners, when given, tell where to look and choose
among the readings; everything after is the same. A registration that is not believed is refused with a reason, never returned
as usable. Cameras that move are the business of `follow`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tivit.core.keyboard import CENTER_MM, WHITE_LENGTH_MM, WHITE_PITCH_MM, key_of, name_of
from tivit.core.registration import Quality, Refusal, Registration, correction_mm
from tivit.core.strip import StripGeometry
from tivit.registration.find.pattern import black_range, key_edges_mm, white_range
from tivit.registration.find.readings import Reading, find_labellings, find_readings
from tivit.registration.find.rows import SEARCHES, Labelling, Search
from tivit.registration.frames import LEAST_REGION_PX, grey_pictures, region_px
from tivit.registration.judge.border import content_of
from tivit.registration.judge.depth import Depth, fit_depth
from tivit.registration.judge.extent import find_extent
from tivit.registration.judge.octave import Alignment, Extent, align_to_piano
from tivit.registration.judge.refine import Correction, Picture, fit_correction
from tivit.registration.judge.verify import UNREST_FLOOR, Verdict, judge, player_side, unrest_before
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.registration.sideways import ACROSS, turned, turned_back, turned_knowledge

SURE = 0.9
"""A reading with this confidence ends the search; it has been held against the shifted readings and the other side."""
SETTLED = 0.6
"""With less confidence than this, or with an objection, the keyboard is searched for again in other ways."""
DOUBTFUL = 0.6
"""Weight of a reading that leaves something open (octave or mirror image), beside one that does not."""
MAX_ERROR_KEY = 0.15
"""A clip is refused when its keys lie farther than this from their places (median, white-key widths)."""
LEAST_HEIGHT_MM = 100.0
"""A camera nearer to the plane of the white keys sees no keyboard; at the height of the black keys shadows have no end."""
MISLED_KEY = 0.2
"""A camera whose keys lie farther than this across the keyboard (median, white-key widths) is fitted again."""
KEYS_PER_POWER = 9
"""The x correction with which the keyboard is followed outwards has one power for so many black keys found."""
RIVAL_SCORE, RIVALS = 7.0, 2
"""Another row of black keys is looked at when its score is at least so high; so many rows at most."""
APART_MM = 40.0
"""It is so far from the keys of the best one, across them."""
PLAYED_FACTOR = 3.0
"""Before the one of two keyboards that is played so many times as much moves as before the other one."""
TWO_KEYBOARDS = (
    "two keyboards are in the picture, and which of them is played is not clear; give the corners of that one, or a video"
    " cropped to it"
)
FIRST_KEY_TOLERANCE = 4
"""By how many semitones a first key given may differ from the one found: a key that the picture cuts may count or not."""


@dataclass(frozen=True)
class _Candidate:
    """A reading with what was measured by it; `doubt` says what is not known of it, "" when nothing."""

    reading: Reading
    extent: Extent
    correction: Correction
    depth: Depth
    verdict: Verdict
    doubt: str

    @property
    def weight(self) -> float:
        """How much the reading is worth beside others: more if it explains more black keys, and if it leaves nothing open."""
        return self.verdict.confidence * max(self.reading.score, 0.0) * (DOUBTFUL if self.doubt else 1.0)


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
    picture, size_wh = Picture(greys), greys[0].shape[::-1]
    best, rows = None, []
    for search in searches:
        labellings = find_labellings(greys, params, corners, search, region)
        candidate = _best_of(find_readings(labellings, size_wh, params, corners, search), picture, params, override)
        rows += labellings
        if candidate is not None and (best is None or candidate.weight > best.weight):
            best = candidate
        if best is not None and best.verdict.confidence >= SETTLED and not _objection(best, override, params):
            break
    if best is None:
        where = " between the corners" if corners is not None else " in the region" if region is not None else ""
        return Refusal(f"no row of black keys was found{where}", source_hw, len(greys))
    if corners is None and region is None and not _objection(best, override, params):
        best = _played(best, _rival(best, rows, picture, params, override), picture)
        if best is None:
            return Refusal(TWO_KEYBOARDS, source_hw, len(greys))
    return _registration(best, geometry, scale, source_hw, len(greys), override, params)


def _rival(
    best: _Candidate, rows: Sequence[Labelling], picture: Picture, params: RegistrationParams, override: Override
) -> _Candidate | None:
    """Return another keyboard in the picture that is as sure as the best one, None where there is none.

    It is played from the same side; what a fallboard mirrors is not.
    """
    to_plane = np.linalg.inv(best.reading.plane_to_image)
    others = []
    for row in rows:
        world = np.column_stack([row.row.center_px, np.ones(len(row.row))]) @ to_plane.T
        y_mm = float(np.median(world[:, 1] / world[:, 2]))
        if row.match.score >= RIVAL_SCORE and not -APART_MM < y_mm < WHITE_LENGTH_MM + APART_MM:
            others.append(row)
    readings = (
        reading
        for reading in find_readings(others[:RIVALS], picture.shape[::-1], params)
        if reading.is_rotated == best.reading.is_rotated
    )
    rival = _best_of(readings, picture, params, override)
    return rival if rival is not None and not _objection(rival, override, params) else None


def _played(best: _Candidate, rival: _Candidate | None, picture: Picture) -> _Candidate | None:
    """Return the one of two keyboards before which clearly more moves, None where neither is; the best one without a rival."""
    if rival is None:
        return best
    unrest = [unrest_before(picture, item.reading.plane_to_image, item.extent) for item in (best, rival)]
    if max(unrest) < PLAYED_FACTOR * min(unrest) + UNREST_FLOOR:
        return None
    return best if unrest[0] > unrest[1] else rival


def _best_of(
    readings: Iterable[Reading], picture: Picture, params: RegistrationParams, override: Override
) -> _Candidate | None:
    """Return the reading that is worth most, None when there is none; a sure one ends the search."""
    candidates = []
    for reading in readings:
        candidate = _examine(picture, params, reading, override)
        if candidate is not None:
            candidates.append(candidate)
            if candidate.verdict.confidence >= SURE and not candidate.doubt:
                break
    return max(candidates, key=lambda item: (item.weight, item.verdict.fit), default=None)


def _examine(picture: Picture, params: RegistrationParams, reading: Reading, override: Override) -> _Candidate | None:
    """Return what a reading comes to, None when the picture does not bear it out."""
    if override.orientation is not None and reading.is_rotated != ("rotated" in override.orientation):
        return None
    if reading.pose.camera_mm[2] < LEAST_HEIGHT_MM:
        return None
    # First with what the matched black keys alone tell: a correction of low order is enough to follow the keyboard outwards.
    keys = np.arange(reading.keys.min(), reading.keys.max() + 1)
    picture = picture.within(content_of(picture, reading))
    plan = picture.look_from_above(reading.plane_to_image)
    no_seams = np.zeros(0, int)
    order = min(params.lens_order, max(1, len(reading.keys) // KEYS_PER_POWER))
    first = fit_correction(plan, reading.pose.camera_mm, keys, no_seams, order)
    if first is None:
        return None
    camera_mm, to_image = reading.pose.camera_mm, reading.plane_to_image
    extent = find_extent(plan, camera_mm, to_image, first.coefficients, reading.keys, picture.bounds)
    if extent is None:
        return None
    reading = reading.within(*black_range(extent.first_midi, extent.last_midi), params)
    # Now the ends are known, and with them the octave and the mirror image. The reading is turned and moved to match.
    is_mirrored = None if override.orientation is None else "mirrored" in override.orientation
    alignment = align_to_piano(extent, override.first_key, is_mirrored)
    if alignment is None:
        return None
    if alignment.is_mirrored:
        reading = reading.seen_in_mirror(params)
    if reading.pose.camera_mm[2] < LEAST_HEIGHT_MM:
        return None
    reading, extent = reading.moved(alignment.octaves), alignment.extent
    # A mirror image of the keys or a sloping front misleads the camera across the keyboard.
    depth = fit_depth(picture, reading.plane_to_image, reading.pose.camera_mm, first.coefficients, extent)
    if depth.err[0] > MISLED_KEY:
        reading = reading.with_ends_moved(depth.plane_to_plane, params)
        if reading.pose.camera_mm[2] < LEAST_HEIGHT_MM:
            return None
        depth = fit_depth(picture, reading.plane_to_image, reading.pose.camera_mm, first.coefficients, extent)
    candidate = _measured(picture, params, reading.bent(depth.plane_to_plane), alignment, depth)
    if candidate is not None and candidate.verdict.confidence >= SETTLED:
        return candidate
    # Glare can pass for a line across the keyboard, so the reading without that correction may be the better one.
    other = _measured(picture, params, reading, alignment, replace(depth, err=(depth.err[0], depth.err[0])))
    return max(filter(None, (candidate, other)), key=lambda item: item.verdict.confidence, default=None)


def _measured(
    picture: Picture, params: RegistrationParams, reading: Reading, alignment: Alignment, depth: Depth
) -> _Candidate | None:
    """Return a reading that lies on the piano as it does, with what all of its keys say, black and white."""
    extent = alignment.extent
    # The camera may have been fitted again, so the picture is sampled anew.
    plan = picture.look_from_above(reading.plane_to_image)
    blacks = np.arange(*black_range(extent.first_midi, extent.last_midi))
    low, high = white_range(extent.first_midi, extent.last_midi)
    correction = fit_correction(plan, reading.pose.camera_mm, blacks, np.arange(low + 1, high), params.lens_order)
    if correction is None:
        return None
    motion = player_side(picture, reading.plane_to_image, extent)
    verdict = judge(plan, reading.pose, correction.coefficients, extent, motion, depth.err[1])
    return _Candidate(reading, extent, correction, depth, verdict, alignment.doubt)


def _registration(
    best: _Candidate,
    geometry: StripGeometry,
    scale: float,
    source_hw: tuple[int, int],
    frame_count: int,
    override: Override,
    params: RegistrationParams,
) -> Registration | Refusal:
    """Return the registration that the best candidate comes to, a refusal where something speaks against it."""
    reason = _objection(best, override, params)
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


def _objection(best: _Candidate, override: Override, params: RegistrationParams) -> str:
    """Return why a registration must not be used; "" when it may."""
    if best.verdict.confidence < params.min_confidence:
        return best.verdict.reason
    if best.correction.err[1] > MAX_ERROR_KEY:
        return f"the keys lie {best.correction.err[1]:.2f} white-key widths (median) from where they should be"
    first, given = best.extent.first_midi, override.first_key
    if given is not None and abs(first - given) > FIRST_KEY_TOLERANCE:
        return f"the first key is given as {name_of(given)}, but the lowest key in view is a {name_of(first)}"
    return ""


def _deviation(best: _Candidate) -> float:
    """Return how far (median, white-key widths) the keys lie from equal steps between the ends of the keys in view.

    Measured along the line half way down the white keys, as the picture shows it: what a plain scaling of the picture would
    miss.
    """
    keys = np.arange(key_of(best.extent.first_midi), key_of(best.extent.last_midi) + 1)
    ends = [key_edges_mm(best.extent.first_midi)[0], key_edges_mm(best.extent.last_midi)[1]]
    x_mm = np.append(CENTER_MM[keys], ends)
    plane_mm = x_mm + correction_mm(best.correction.coefficients, x_mm)
    image = np.column_stack([plane_mm, np.full(len(x_mm), 75.0), np.ones(len(x_mm))]) @ best.reading.plane_to_image.T
    points = image[:, :2] / image[:, 2:]
    along = points[-1] - points[-2]
    share = (points[:-2] - points[-2]) @ along / (along @ along)
    even = (x_mm[:-2] - ends[0]) / (ends[1] - ends[0])
    return float(np.median(np.abs(share - even)) * (ends[1] - ends[0]) / WHITE_PITCH_MM)
