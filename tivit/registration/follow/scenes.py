"""Clips that show the keyboard for a part of the time only: title cards, other cameras and end screens are left out.

The keyboard is looked for in all frames first. Only where that fails, frames that are alike are looked at by themselves: the
median of a title card and a keyboard is neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tivit.core.registration import Refusal, Registration
from tivit.core.strip import StripGeometry
from tivit.registration.follow.moves import Estimate, Sample, Stream, register_moving
from tivit.video.reader import SampledFrame

THUMBNAIL_WH = (32, 18)
"""Frames are compared in this size."""
LIKENESS = 0.8
"""Frames of one scene correlate by so much."""
LEAST_FRAMES = 3
"""Fewer frames are no scene: hands would lie in their median."""


def register_shown(
    frames: Sequence[SampledFrame], geometry: StripGeometry, estimate: Estimate, sample: Sample, stream: Stream | None = None
) -> Registration | Refusal:
    """Return `moves.register_moving` of the frames, or of those among them that show a keyboard.

    Parameters
    ----------
    frames, geometry, estimate, sample, stream
        As in `register_moving`.

    Returns
    -------
    Registration or Refusal
        The refusal is that of all frames together.
    """
    found = register_moving(frames, geometry, estimate, sample, stream)
    if isinstance(found, Registration):
        return found
    for scene in scenes_of(frames):
        shown = register_moving(scene, geometry, estimate, sample, stream)
        if isinstance(shown, Registration):
            return shown
    return found


def scenes_of(frames: Sequence[SampledFrame]) -> list[list[SampledFrame]]:
    """Return the frames that are alike, the largest group first; none where all are.

    Parameters
    ----------
    frames : sequence of SampledFrame
        In time order.

    Returns
    -------
    list of list of SampledFrame
        Groups of LEAST_FRAMES or more.
    """
    groups: list[list[int]] = []
    thumbnails = [_thumbnail(frame.image) for frame in frames]
    for i, thumbnail in enumerate(thumbnails):
        near = next((group for group in groups if float(thumbnails[group[0]] @ thumbnail) >= LIKENESS), None)
        if near is None:
            groups.append([i])
        else:
            near.append(i)
    scenes = [[frames[i] for i in group] for group in sorted(groups, key=len, reverse=True) if len(group) >= LEAST_FRAMES]
    return scenes if len(groups) > 1 else []


def _thumbnail(image: np.ndarray) -> np.ndarray:
    """Return a small grey picture as a vector (pixels,) of mean 0 and length 1, so that a product is a correlation."""
    grey = cv2.cvtColor(cv2.resize(image, THUMBNAIL_WH, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY).astype(float).ravel()
    grey -= grey.mean()
    return grey / max(float(np.linalg.norm(grey)), 1e-9)
