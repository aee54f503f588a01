"""From a video file to a registration: frames, keyboard, and whether the camera moved.

This is the only module of the package that opens a video, apart from `overrides`, which asks for its width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.registration import Refusal, Registration
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.follow.scenes import register_shown
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.video.reader import probe, sample_frames
from tivit.video.spans import WHOLE
from tivit.video.stream import stream_frames

SLACK_S = 1e-3
"""Frames at the very ends of a part of a video belong to it."""


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
    video: Path,
    params: RegistrationParams,
    geometry: StripGeometry,
    override: Override = NOTHING_KNOWN,
    span_s: tuple[float, float] = WHOLE,
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
    span_s : tuple of float
        First and last instant (s of the video's clock) of the part that counts: a title card shows no keyboard.

    Returns
    -------
    RegisteredVideo
        With a refusal where the keyboard is not found.

    Raises
    ------
    InputError
        The video cannot be read, or nothing lies in the part.
    """
    between_s = None if span_s == WHOLE else _just_around(video, span_s)
    frames = sample_frames(video, params.frames, between_s)
    if not frames:
        raise InputError(f"{video}: every picture between {span_s[0]:.1f} and {between_s[1]:.1f} s is black or flat")
    registration = register_shown(
        frames,
        geometry,
        estimate=partial(estimate, params=params, geometry=geometry, override=override),
        sample=partial(sample_frames, video),
        stream=partial(stream_frames, video, *([between_s] if between_s else [])),
    )
    middle = frames[len(frames) // 2]
    return RegisteredVideo(registration, middle.image, middle.time_s)


def _just_around(video: Path, span_s: tuple[float, float]) -> tuple[float, float]:
    """Return instants just outside a part of a video, so that frames at its ends lie strictly between them."""
    start_s, end_s = span_s[0], min(span_s[1], probe(video).duration_s)
    if start_s >= end_s:
        raise InputError(f"{video}: lasts {end_s:.1f} s, so nothing lies behind --start {start_s:g}")
    return start_s - SLACK_S, end_s + SLACK_S
