"""Where the keyboard is at instants of a clip: found from the places at which it was estimated, and smoothed over frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tivit.core.keyboard import KEYBOARD_WIDTH_MM, WHITE_LENGTH_MM
from tivit.core.registration import Registration
from tivit.registration.follow.track import Tracker, distance_key
from tivit.video.reader import SampledFrame

SMOOTH_S = 0.1
"""Frames within so much to either side have a part in where the keyboard is at an instant."""
SMOOTH_SIGMA_S = 0.035
"""Their weight falls off with this standard deviation."""
JUMP_KEY = 0.1
"""A frame in which the keyboard is farther than this away (white-key widths) has none: there the camera was bumped."""
SOON_S = 0.15
"""Within so much a camera in a hand does not get far, so the keyboard is looked for where it was."""
CORNERS_MM = np.array([[0, 0], [KEYBOARD_WIDTH_MM, 0], [KEYBOARD_WIDTH_MM, WHITE_LENGTH_MM], [0, WHITE_LENGTH_MM]], np.float32)
"""Corners of the keyboard: four points stand for a homography."""


@dataclass(frozen=True)
class Anchor:
    """A registration that holds in some frames, and what follows the keyboard from there."""

    registration: Registration
    tracker: Tracker


@dataclass(frozen=True)
class Sighting:
    """Where the keyboard is at an instant.

    Attributes
    ----------
    time_s : float, s
        The instant, on the clock of the video.
    world_to_image : ndarray, (3, 3)
        World mm -> image px.
    x_correction : tuple of float, mm
        The x correction there.
    """

    time_s: float
    world_to_image: np.ndarray
    x_correction: tuple[float, ...]

    @property
    def corners_px(self) -> np.ndarray:
        """Where CORNERS_MM are in the picture, (4, 2), px."""
        return cv2.perspectiveTransform(CORNERS_MM[None], self.world_to_image)[0]


def sightings(frames: Iterable[SampledFrame], anchors: Sequence[Anchor]) -> list[Sighting]:
    """Return the keyboard's place in each frame in which it can be found from one of the anchors.

    Parameters
    ----------
    frames : iterable of SampledFrame
        In time order.
    anchors : sequence of Anchor
        Tried in order.

    Returns
    -------
    list of Sighting
    """
    track: list[Sighting] = []
    last: Anchor | None = None
    for frame in frames:
        is_soon = bool(track) and frame.time_s - track[-1].time_s <= SOON_S
        for anchor in anchors:
            near = track[-1].world_to_image if is_soon and anchor is last else None
            homography = anchor.tracker.locate(frame.image, near)
            if homography is not None:
                track.append(Sighting(frame.time_s, homography, anchor.registration.x_correction))
                last = anchor
                break
    return track


def gap_key(one: Sighting, other: Sighting) -> float:
    """Return the distance between two sightings in white-key widths."""
    return distance_key(one.world_to_image, other.world_to_image)


def place_of(corners_px: np.ndarray) -> np.ndarray:
    """Return the homography (3, 3), world mm -> image px, that puts CORNERS_MM at corners (4, 2), px."""
    return cv2.getPerspectiveTransform(CORNERS_MM, corners_px.astype(np.float32))


def smoothed(track: Sequence[Sighting]) -> list[Sighting]:
    """Return the track of a clip in which every frame was looked at, without the jitter of single frames.

    Parameters
    ----------
    track : sequence of Sighting
        In time order.

    Returns
    -------
    list of Sighting
        At the same instants: each the weighted mean of the corners near by, of those that belong together.
    """
    times_s, corners_px = np.array([item.time_s for item in track]), np.array([item.corners_px for item in track])
    result = []
    for item in track:
        low, high = np.searchsorted(times_s, [item.time_s - SMOOTH_S, item.time_s + SMOOTH_S])
        near = [
            k for k in range(low, high) if track[k].x_correction == item.x_correction and gap_key(item, track[k]) <= JUMP_KEY
        ]
        weight = np.exp(-0.5 * ((times_s[near] - item.time_s) / SMOOTH_SIGMA_S) ** 2)
        corners = np.tensordot(weight / weight.sum(), corners_px[near], axes=1)
        result.append(replace(item, world_to_image=place_of(corners)))
    return result
