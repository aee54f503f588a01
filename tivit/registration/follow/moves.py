"""A camera that is bumped or drifts inside a clip: whether, when, and where the keyboard is afterwards.

The frames that a clip is registered by are followed one by one (`track`). A keyboard within `MOVED_KEY` of its place in all of
them stands still, and nothing more is done. Otherwise their median was a mixture of places. The keyboard is then estimated
again at a place that many frames share, more frames are looked at wherever two neighbours differ, and the clip is cut into
pieces within which the keyboard stays put. A camera that never rests is followed through all frames instead. The file is not
opened here: `sample` gives frames between two instants, `stream` all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from tivit.core.registration import Move, Refusal, Registration, is_usable
from tivit.core.strip import StripGeometry
from tivit.registration.follow.sightings import Anchor, Sighting, gap_key, place_of, sightings, smoothed
from tivit.registration.follow.track import Tracker, distance_key, steadied
from tivit.registration.reasons import UNSTEADY
from tivit.video.reader import SampledFrame

log = logging.getLogger(__name__)
MOVED_KEY = 0.06
"""A keyboard farther than this (white-key widths) from its registration in any frame has moved."""
GAP_KEY = 0.02
"""Between two frames that differ by more, more frames are looked at."""
PIECE_KEY = 0.04
"""Within a piece the keyboard stays within this distance of where it starts; the piece's place lies about half way."""
LOST_KEY, MAX_LOST = 0.3, 0.05
"""A clip in which the keyboard cannot be placed within this distance for more than this share of the time is refused."""
PROBES = 8
"""Frames looked at between two that differ."""
QUIET_S = 0.5
"""Beside a move a longer gap whose ends agree is looked into as well: a shaking camera may come back by chance."""
MAX_FRAMES = 600
"""So many frames are looked at; what is not clear by then remains so."""
MIN_GROUP = 4
"""When fewer frames share a place, the others are warped to it before the keyboard is estimated."""
HANDHELD_STEPS = 4
"""A camera that is elsewhere in so many of the first frames than in the one before is followed through all frames."""
GROUPS_TRIED = 2
"""The keyboard is estimated anew at so many of the places that most frames share."""
MIN_FOLLOWED = 0.5
"""Share of the frames in which the keyboard must be found."""

Estimate = Callable[[Sequence[np.ndarray]], Registration | Refusal]
"""BGR frames of a fixed camera -> registration, or why there is none."""
Sample = Callable[[int, tuple[float, float]], Sequence[SampledFrame]]
"""(count, (start_s, end_s)) -> up to `count` frames strictly between two instants, in time order."""
Stream = Callable[[], Iterator[SampledFrame]]
"""-> all frames of the clip, in time order."""


def register_moving(
    frames: Sequence[SampledFrame],
    geometry: StripGeometry,
    estimate: Estimate,
    sample: Sample,
    stream: Stream | None = None,
) -> Registration | Refusal:
    """Return the registration of a clip, with `moves` where the camera moved, or a refusal with the reason.

    Parameters
    ----------
    frames : sequence of SampledFrame
        Frames spread over the clip, in time order, at least one.
    geometry : StripGeometry
        Raster of the strip that homographies lead to.
    estimate : Estimate
        Finds the keyboard in frames of a fixed camera.
    sample : Sample
        Gives more frames of the same video.
    stream : Stream or None
        Gives all of them; a clip in which the camera never rests is read once by it.

    Returns
    -------
    Registration or Refusal
        After moves the `quality` and `frames` of the registration are those of the place at which the keyboard was estimated.

    Raises
    ------
    InputError
        `sample` cannot read the video.
    """
    # First a rough place, from all frames or, when they show none, from frames brought to the place of one of them.
    images = [frame.image for frame in frames]
    registration = rough = estimate(images)
    steady = images
    for target in (len(images) // 2, len(images) - 1, 0):
        if isinstance(rough, Refusal):
            steady = steadied(images, target)
            if steady is None:
                return registration
            rough = estimate(steady)
    if isinstance(rough, Refusal):
        return registration
    tracker = Tracker(_world_to_image(rough, geometry), steady)
    homographies = [tracker.locate(image) for image in images]
    if isinstance(registration, Registration) and _stands_still(tracker, homographies):
        return registration
    # The camera moved: estimate the keyboard where it stands still, then follow it through all frames from there.
    anchors = _anchors(images, Anchor(rough, tracker), homographies, geometry, estimate)
    track = sightings(frames, anchors)
    main = anchors[0].registration
    if len(track) < MIN_FOLLOWED * len(frames):
        # Too little was seen to speak of moves. Frames that agree are as good as a camera that stands still, but some there
        # must be: otherwise nothing bears the registration out.
        agree = len(track) > 0 and all(gap_key(track[0], sighting) <= MOVED_KEY for sighting in track)
        if isinstance(registration, Registration) and agree:
            return registration
        reason = f"{UNSTEADY[0]}, and the keyboard can be followed in only {len(track)} of {len(frames)} frames"
        return Refusal(reason, main.source_hw, len(frames))
    is_handheld = stream is not None and _is_handheld(track)
    track, step_key, lost_share = _followed(anchors, stream) if is_handheld else _densified(track, anchors, sample)
    if lost_share > MAX_LOST:
        reason = f"{UNSTEADY[1]}: for {lost_share:.0%} of the time the keyboard jumps by up to {step_key:.1f} white-key widths"
        return Refusal(reason, main.source_hw, len(frames))
    pieces = _pieces(track)
    if len(pieces) == 1 and isinstance(registration, Registration):
        return registration
    # The place changes between the last frame of one piece and the first of the next, so no rounding of times matters.
    starts_s = [(one[-1].time_s + other[0].time_s) / 2 for one, other in zip(pieces, pieces[1:], strict=False)]
    moves = [_move(piece, start_s, geometry) for piece, start_s in zip(pieces, [pieces[0][0].time_s, *starts_s], strict=True)]
    return replace(main, homography=moves[0].homography, x_correction=moves[0].x_correction, moves=tuple(moves[1:]))


def _world_to_image(registration: Registration, geometry: StripGeometry) -> np.ndarray:
    """Return the homography (3, 3) from the world plane (mm) to the image (px), without the x correction."""
    return np.linalg.inv(np.array(registration.homography)) @ geometry.world_to_strip()


def _homography(world_to_image: np.ndarray, geometry: StripGeometry) -> tuple[tuple[float, ...], ...]:
    matrix = geometry.world_to_strip() @ np.linalg.inv(world_to_image)
    return tuple(map(tuple, (matrix / matrix[2, 2]).tolist()))


def _stands_still(tracker: Tracker, homographies: Sequence[np.ndarray | None]) -> bool:
    """True when no frame shows the keyboard elsewhere; frames that do not show it say nothing unless two follow each other."""
    here = tracker.world_to_image
    is_near = all(there is None or distance_key(here, there) <= MOVED_KEY for there in homographies)
    return is_near and not _lost_runs(homographies)


def _lost_runs(homographies: Sequence[np.ndarray | None]) -> list[list[int]]:
    """Return the indices of two or more neighbouring frames in which the keyboard was not found."""
    runs: list[list[int]] = [[]]
    for i, homography in enumerate(homographies):
        if homography is None:
            runs[-1].append(i)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]


def _anchors(
    images: Sequence[np.ndarray],
    rough: Anchor,
    homographies: Sequence[np.ndarray | None],
    geometry: StripGeometry,
    estimate: Estimate,
) -> list[Anchor]:
    """Return where the keyboard was estimated anew: the best place first, then those that cannot be followed from there."""
    middle, homography = len(images) // 2, rough.tracker.world_to_image
    groups = _groups(homographies)
    if groups:
        middle = groups[0][len(groups[0]) // 2]
        homography = homographies[middle]
    rough = Anchor(rough.registration, Tracker(homography, [images[middle]]))
    homographies = [rough.tracker.locate(image) for image in images]
    candidates = [_anchor_at(group, images, homographies, geometry, estimate) for group in _groups(homographies)[:GROUPS_TRIED]]
    candidates = [candidate for candidate in candidates if candidate is not None]
    anchors = [max(candidates, key=_trust) if candidates else rough]
    for run in _lost_runs([anchors[0].tracker.locate(image) for image in images]):
        lost = [images[i] for i in run]
        registration = estimate(lost)
        if is_usable(registration):
            anchors.append(Anchor(registration, Tracker(_world_to_image(registration, geometry), lost)))
    return anchors


def _trust(anchor: Anchor) -> tuple[bool, int, float]:
    """Return what anchors are ranked by: whether every key is known, then the number of keys in view, then confidence."""
    registration = anchor.registration
    return registration.is_usable, registration.last_midi - registration.first_midi, registration.quality.confidence


def _groups(homographies: Sequence[np.ndarray | None]) -> list[list[int]]:
    """Return the indices of places that agree, the largest group first."""
    groups: list[list[int]] = []
    for i, homography in enumerate(homographies):
        if homography is None:
            continue
        near = (group for group in groups if distance_key(homographies[group[0]], homography) <= MOVED_KEY)
        group = next(near, None)
        if group is None:
            groups.append([i])
        else:
            group.append(i)
    return sorted(groups, key=len, reverse=True)


def _anchor_at(
    group: list[int],
    images: Sequence[np.ndarray],
    homographies: Sequence[np.ndarray | None],
    geometry: StripGeometry,
    estimate: Estimate,
) -> Anchor | None:
    """Return the keyboard estimated where the frames of `group` show it, None when it is refused there."""
    steady = [images[i] for i in group]
    if len(group) < MIN_GROUP:
        target = homographies[group[0]]
        height, width = steady[0].shape[:2]
        steady = [
            cv2.warpPerspective(image, target @ np.linalg.inv(homography), (width, height), borderMode=cv2.BORDER_REPLICATE)
            for image, homography in zip(images, homographies, strict=True)
            if homography is not None
        ]
    registration = estimate(steady)
    if isinstance(registration, Refusal):
        return None
    return Anchor(registration, Tracker(_world_to_image(registration, geometry), steady))


def _is_handheld(track: Sequence[Sighting]) -> bool:
    """Return whether the keyboard is elsewhere from one frame to the next so often that bumps do not explain it."""
    return sum(gap_key(one, other) > GAP_KEY for one, other in zip(track, track[1:], strict=False)) >= HANDHELD_STEPS


def _followed(anchors: Sequence[Anchor], stream: Stream) -> tuple[list[Sighting], float, float]:
    """Return what `_densified` does, of every frame of the clip, which is read once."""
    log.info("the camera never rests: the keyboard is followed frame by frame")
    times_s: list[float] = []

    def noted() -> Iterator[SampledFrame]:
        for frame in stream():
            times_s.append(frame.time_s)
            yield frame

    track = sightings(noted(), anchors)
    lost_s = np.setdiff1d(times_s, [sighting.time_s for sighting in track])
    open_steps = [
        (gap_key(one, other), other.time_s - one.time_s)
        for one, other in zip(track, track[1:], strict=False)
        if gap_key(one, other) > LOST_KEY and ((lost_s > one.time_s) & (lost_s < other.time_s)).any()
    ]
    return smoothed(track), *_largest_step(open_steps, track)


def _densified(track: list[Sighting], anchors: Sequence[Anchor], sample: Sample) -> tuple[list[Sighting], float, float]:
    """Return the track with more frames where the keyboard moves, the largest step over LOST_KEY left open, and for how long.

    A step between two frames that follow each other in the video is not open: that is where the camera was bumped. One whose
    frames between cannot be followed is, and so is one that nobody came to. The time is a share of the clip's.
    """
    closed: set[tuple[float, float]] = set()
    is_empty: set[tuple[float, float]] = set()
    ends = [sample(PROBES, gap) for gap in _open_ends(track)]
    beyond = sightings([frame for end in ends for frame in end], anchors)
    track = sorted([*track, *beyond], key=lambda sighting: sighting.time_s)
    looked_at = sum(map(len, ends))
    # Every gap whose ends differ gets frames inside, which make smaller gaps, until all are quiet, empty or cannot be followed.
    while looked_at < MAX_FRAMES:
        gaps = [gap for gap in _open_gaps(track) if gap[:2] not in closed]
        if not gaps:
            break
        for start_s, end_s, count in gaps:
            frames = sample(count, (start_s, end_s))
            looked_at += len(frames)
            more = sightings(frames, anchors)
            if not more:
                closed.add((start_s, end_s))
            if not frames:
                is_empty.add((start_s, end_s))
            track = sorted([*track, *more], key=lambda sighting: sighting.time_s)
    open_steps = [
        (gap_key(one, other), other.time_s - one.time_s)
        for one, other in zip(track, track[1:], strict=False)
        if gap_key(one, other) > LOST_KEY and (one.time_s, other.time_s) not in is_empty
    ]
    return track, *_largest_step(open_steps, track)


def _largest_step(open_steps: Sequence[tuple[float, float]], track: Sequence[Sighting]) -> tuple[float, float]:
    """Return the largest of some steps (white-key widths, s), and which share of a track's time they take together."""
    if not open_steps:
        return 0.0, 0.0
    return max(open_steps)[0], sum(step_s for _, step_s in open_steps) / (track[-1].time_s - track[0].time_s)


def _open_ends(track: Sequence[Sighting]) -> list[tuple[float, float]]:
    """Return the time before the first frame and after the last one where the keyboard moves there."""
    ends = []
    for last, inner, sign in ((0, 1, -1.0), (-1, -2, 1.0)):
        if len(track) > 1 and gap_key(track[last], track[inner]) > GAP_KEY:
            time_s = track[last].time_s
            beyond_s = time_s + sign * abs(time_s - track[inner].time_s)
            ends.append((min(time_s, beyond_s), max(time_s, beyond_s)))
    return ends


def _open_gaps(track: Sequence[Sighting]) -> list[tuple[float, float, int]]:
    """Return (start_s, end_s, frames wanted) between neighbours that differ, and of long gaps beside these."""
    times_s = [sighting.time_s for sighting in track]
    spans = list(zip(times_s, times_s[1:], strict=False))
    is_step = [gap_key(one, other) > GAP_KEY for one, other in zip(track, track[1:], strict=False)]
    gaps = []
    for i, (start_s, end_s) in enumerate(spans):
        if is_step[i]:
            gaps.append((start_s, end_s, PROBES))
        elif end_s - start_s > QUIET_S and any(is_step[max(i - 1, 0) : i + 2]):
            gaps.append((start_s, end_s, 1))
    return gaps


def _pieces(track: Sequence[Sighting]) -> list[list[Sighting]]:
    """Return the track cut where the keyboard is no longer where the piece started; excursions of one frame are left out."""
    pieces = _cut(track)
    lone = {
        piece[0].time_s
        for before, piece, after in zip(pieces, pieces[1:], pieces[2:], strict=False)
        if len(piece) == 1 and _agree(before[0], after[0])
    }
    return _cut([sighting for sighting in track if sighting.time_s not in lone])


def _cut(track: Sequence[Sighting]) -> list[list[Sighting]]:
    """Return the track in pieces, each as long as the keyboard stays within PIECE_KEY of where the piece starts."""
    pieces: list[list[Sighting]] = []
    for sighting in track:
        if not pieces or not _agree(pieces[-1][0], sighting):
            pieces.append([])
        pieces[-1].append(sighting)
    return pieces


def _agree(one: Sighting, other: Sighting) -> bool:
    return one.x_correction == other.x_correction and gap_key(one, other) <= PIECE_KEY


def _move(piece: Sequence[Sighting], start_s: float, geometry: StripGeometry) -> Move:
    """Return the place that a piece stands for: the median, over its frames, of where the corners of the keyboard are."""
    place = place_of(np.median([sighting.corners_px for sighting in piece], axis=0))
    return Move(start_s, _homography(place, geometry), piece[0].x_correction)
