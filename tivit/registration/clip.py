"""From a video file to a registration: frames, keyboard, and whether the camera moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tivit.core.registration import Registration
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.video.reader import sample_frames


@dataclass(frozen=True)
class RegisteredVideo:
    """A registration and a BGR frame of the video to draw it on."""

    registration: Registration
    frame: np.ndarray


def register_video(
    video: Path, params: RegistrationParams, geometry: StripGeometry, override: Override = NOTHING_KNOWN
) -> RegisteredVideo:
    """Return where the keyboard is in a video; raises InputError when the video cannot be read."""
    frames = sample_frames(video, params.frames)
    return RegisteredVideo(estimate(frames, params, geometry, override), frames[len(frames) // 2])
