"""How many frames a file declares, at what rate, and for how long: from its tables where it has them, else from its packets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from tivit.core.errors import InputError
from tivit.core.timegrid import frames_of, seconds_of
from tivit.video.container import open_container

VIDEO_FPS = (5.0, 1000.0)
"""Frames per second that a video may have: with fewer no press of a key can be placed, and more are a wrong entry."""
MEASURED_PACKETS = 60
"""A rate that the file does not say, or that cannot be, is measured over so many frames."""


@dataclass(frozen=True)
class Declared:
    """What the tables of a file say of its video stream.

    Attributes
    ----------
    fps : float
        Frames per second, on average.
    frame_count : int
        Number of frames that are shown.
    duration_s : float
        From the first to the end of the last (s).
    """

    fps: float
    frame_count: int
    duration_s: float


def declared_by(path: Path, container: av.container.InputContainer, stream: av.VideoStream) -> Declared:
    """Return what a file declares of a video stream.

    Parameters
    ----------
    path : Path
        The file.
    container : av.container.InputContainer
        The same file, open.
    stream : av.VideoStream
        The stream.

    Returns
    -------
    Declared

    Raises
    ------
    InputError
        The rate is outside `VIDEO_FPS`.
    """
    fps = float(stream.average_rate or stream.guessed_rate or 0)
    duration_s = _duration_s(container, stream)
    if duration_s <= 0.0 or not VIDEO_FPS[0] <= fps <= VIDEO_FPS[1]:
        fps, duration_s = _measured(path, stream, fps, duration_s)
    low, high = VIDEO_FPS
    if not low <= fps <= high:
        raise InputError(f"{path}: declares {fps:.4g} frames a second, allowed are {low:g}..{high:g}")
    count = stream.frames or frames_of(duration_s, fps)
    if abs(seconds_of(count, fps) - duration_s) > 1.5 * seconds_of(1, fps) and duration_s > 0.0:
        if seconds_of(count, fps) > duration_s:
            # An edit list hides frames. AVI has none: there the count is in the header, and the duration of a cut file is not.
            count = count if container.format.name == "avi" else frames_of(duration_s, fps)
        else:
            fps = count / duration_s  # the rate varies; what is declared is that of the first frames
    return Declared(fps, count, seconds_of(count, fps))


def _duration_s(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Return the duration that is declared of a stream; 0 where none is."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if tag:
        hours, minutes, seconds = tag.groups()
        end_s = 3600.0 * int(hours) + 60.0 * int(minutes) + float(seconds)
    elif len(container.streams) > 1:
        return 0.0  # what the whole file lasts may be its sound
    else:
        end_s = (container.duration or 0) / av.time_base
    # Matroska counts from 0, whenever the first frame is shown.
    start_s = float((stream.start_time or 0) * stream.time_base)
    return end_s - start_s if container.format.name.startswith("matroska") and 0.0 < start_s < end_s else end_s


def _measured(path: Path, stream: av.VideoStream, fps: float, duration_s: float) -> tuple[float, float]:
    """Return the rate and the duration by the timestamps of all packets, each where it is not known or cannot be."""
    ticks: list[int] = []
    with open_container(path) as container:
        same = container.streams[stream.index]
        try:
            for packet in container.demux(same):
                if (tick := packet.pts if packet.pts is not None else packet.dts) is not None:
                    ticks.append(tick)
        except av.FFmpegError:
            pass  # what cannot be read is found, and said, when the frames are
    if len(ticks) < 2:
        return fps, duration_s
    first, last = min(ticks), max(ticks)
    step_s = float(np.median(np.diff(sorted(ticks[:MEASURED_PACKETS])))) * float(stream.time_base)
    if not VIDEO_FPS[0] <= fps <= VIDEO_FPS[1] and step_s > 0.0:
        fps = 1.0 / step_s  # not the mean: a long time without a frame says nothing of the rate
    if duration_s <= 0.0:
        duration_s = float((last - first) * stream.time_base) + (seconds_of(1, fps) if fps > 0.0 else 0.0)
    return fps, duration_s
