"""From a video file to a registration: frames, keyboard, and whether the camera moved.

This is the only module of the package that opens a video, apart from `overrides`, which asks for its width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tivit.core.registration import Refusal, Registration
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.follow.scenes import register_shown
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.video.reader import sample_frames
from tivit.video.stream import stream_frames


@dataclass(frozen=True)
class RegisteredVideo:
    """What came of a video, and a frame of it to draw that on.

    Attributes
    ----------
    registration : Registration or Refusal
    frame : ndarray, (height, width, 3), uint8 BGR
        The middle one of the frames that were looked at.
    time_s : float, s
        Its instant on the clock of the video.
    """

    registration: Registration | Refusal
    frame: np.ndarray
    time_s: float


def register_video(
    video: Path, params: RegistrationParams, geometry: StripGeometry, override: Override = NOTHING_KNOWN
) -> RegisteredVideo:
    """Return where the keyboard is in a video, and where after each move of the camera.

    Parameters
    ----------
    video : Path
        A video file.
    params : RegistrationParams
    geometry : StripGeometry
        Raster of the strip that homographies lead to.
    override : Override
        What is known of its keyboard.

    Returns
    -------
    RegisteredVideo
        With a refusal where the keyboard is not found.

    Raises
    ------
    InputError
        The video cannot be read.
    """
    frames = sample_frames(video, params.frames)
    registration = register_shown(
        frames,
        geometry,
        estimate=partial(estimate, params=params, geometry=geometry, override=override),
        sample=partial(sample_frames, video),
        stream=partial(stream_frames, video),
    )
    middle = frames[len(frames) // 2]
    return RegisteredVideo(registration, middle.image, middle.time_s)
