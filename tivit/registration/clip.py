"""From a video file to a registration: frames, keyboard, and whether the camera moved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tivit.core.registration import Registration
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.follow.moves import register_moving
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.video.reader import sample_frames


@dataclass(frozen=True)
class RegisteredVideo:
    """A registration, and a BGR frame of the video to draw it on (as it holds at `time_s` of the video clock)."""

    registration: Registration
    frame: np.ndarray
    time_s: float


def register_video(
    video: Path, params: RegistrationParams, geometry: StripGeometry, override: Override = NOTHING_KNOWN
) -> RegisteredVideo:
    """Return where the keyboard is in a video, and where after each move of the camera.

    Raises
    ------
    InputError
        The video cannot be read.
    """
    frames = sample_frames(video, params.frames)
    registration = register_moving(
        frames,
        geometry,
        estimate=partial(estimate, params=params, geometry=geometry, override=override),
        sample=partial(sample_frames, video),
    )
    middle = frames[len(frames) // 2]
    return RegisteredVideo(registration, middle.image, middle.time_s)
