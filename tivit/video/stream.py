"""Every frame of a video in colour, decoded once: for what has to be followed from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tivit.video.reader import SampledFrame, is_flat, sampled
from tivit.video.source import opened


def stream_frames(path: Path | str, between_s: tuple[float, float] = (-np.inf, np.inf)) -> Iterator[SampledFrame]:
    """Yield the frames of a video in order, without black and other flat ones.

    Parameters
    ----------
    path : path-like
        A video file.
    between_s : tuple of float, s
        Two instants of the video clock; the frames lie strictly between them.

    Yields
    ------
    SampledFrame
        Timestamps ascend strictly.

    Raises
    ------
    InputError
        The file is missing, or is not a video.
    """
    with opened(path) as source:
        if between_s[0] > 0:
            source.seek(between_s[0])
        last_s = between_s[0]
        for time_s, picture in source.frames():
            if time_s >= between_s[1]:
                return
            if time_s > last_s and not is_flat(frame := sampled(source, time_s, picture)):
                last_s = time_s
                yield frame
