"""Frames of a video file, read in order with the file's own timestamps, and a few frames spread over it or a part of it.

Timestamps are what the container says of each frame (`CAP_PROP_POS_MSEC` after a sequential read is exact). Frame numbers
are never turned into time: videos have variable frame rates and seeking lands beside the wanted frame. Grey is OpenCV's
luma of the decoded BGR picture; a region is cropped before the conversion.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tivit.core.errors import InputError
from tivit.core.timegrid import FPS_RANGE, TimeGrid, frames_of, grid_over, seconds_of

LOG = logging.getLogger(__name__)
MISSING_TAIL_S = 1.0
MISSING_TAIL_SHARE = 0.05
SEQUENTIAL_FRAMES_PER_SAMPLE = 125
"""Seeking decodes from the key frame before the target, on average half of the usual 250 frames between key frames. Measured:
in 1080p HEVC a seek costs as much as decoding 110 frames in order; with key frames every 12 frames it costs about 20."""
END_SHARE = 0.01
"""So much of a video is left out at either end when frames are spread over it."""
FLAT_STD = 3.0
READABLE_SHARE = 0.9
NO_FRAME = "no frame can be read; a video with at least one frame is needed"


@dataclass(frozen=True)
class VideoInfo:
    """What a file declares: size in px, nominal frame rate, number of frames and duration (0 when it does not say)."""

    width_px: int
    height_px: int
    fps: float
    frame_count: int
    duration_s: float


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels: columns left..right - 1, rows top..bottom - 1."""

    left: int
    top: int
    right: int
    bottom: int

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Return the view of `image` inside the region."""
        return image[self.top : self.bottom, self.left : self.right]

    def joined(self, other: Region) -> Region:
        """Return the smallest region that holds both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Region(left, top, max(self.right, other.right), max(self.bottom, other.bottom))


@dataclass(frozen=True)
class VideoFrame:
    """One frame: its timestamp (s of the video's clock) and its grey picture, uint8 (height, width)."""

    time_s: float
    grey: np.ndarray


@dataclass(frozen=True)
class SampledFrame:
    """One frame in colour: its timestamp (s of the video's clock) and its picture, uint8 BGR (height, width, 3)."""

    time_s: float
    image: np.ndarray


def probe(path: Path | str) -> VideoInfo:
    """Return what a video file declares about itself; raises InputError as `read_frames` does."""
    with _opened(path) as (_, info):
        return info


def read_frames(path: Path | str, region: Region | None = None) -> Iterator[VideoFrame]:
    """Yield every frame in order, grey and cropped to `region`; timestamps strictly ascend.

    Raises
    ------
    InputError
        The file is missing, is not a video, declares a frame rate outside 1..240, has no frame, or ends more than a second
        (and 5 %) before the duration it declares, as a truncated file does.
    """
    with _opened(path) as (capture, info):
        first_s, time_s, count = 0.0, -np.inf, 0
        while True:
            is_read, image = capture.read()
            if not is_read:
                break
            frame_time_s = _position_s(capture)
            count += 1
            if frame_time_s <= time_s:
                LOG.debug("%s: frame %d at %.3f s is not later than the one before: left out", path, count, frame_time_s)
                continue
            first_s = frame_time_s if count == 1 else first_s
            time_s = frame_time_s
            picture = region.crop(image) if region else image
            yield VideoFrame(time_s, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        if count == 0:
            raise InputError(f"{path}: {NO_FRAME}")
        _check_end(path, info, count, time_s - first_s)


def frames_on_grid(frames: Iterator[VideoFrame], fps: float) -> Iterator[tuple[int, VideoFrame]]:
    """Yield (grid frame, nearest video frame) for a grid of rate `fps` that starts at the first frame.

    The same rule as `core.timegrid.grid_over` and `nearest_frames`, but in one pass with two frames in memory.
    """
    first = before = next(frames)
    instants = TimeGrid(fps, first.time_s, 0)
    k, time_s = 0, first.time_s
    for frame in frames:
        while time_s <= frame.time_s:
            yield k, before if time_s - before.time_s <= frame.time_s - time_s + 1e-6 else frame
            k, time_s = k + 1, float(instants.time_s(k + 1))
        before = frame
    for last in range(k, grid_over(np.array([first.time_s, before.time_s]), fps).length):
        yield last, before


def sample_frames(path: Path | str, count: int, between_s: tuple[float, float] | None = None) -> list[SampledFrame]:
    """Return up to `count` frames spread over a video with their times, in time order; black and other flat ones are left out.

    Whether they are reached in order or by seeking depends on the number of frames declared alone, so two runs give the same.
    When every frame is flat they are returned as they are.

    Parameters
    ----------
    between_s : two instants (s of the video clock); the frames then lie strictly between them, there may be none.

    Raises
    ------
    InputError
        As `read_frames`, for a truncated file too (without `between_s`).
    """
    with _opened(path) as (capture, info):
        if between_s is not None:
            return [frame for frame in _between(capture, info, count, *between_s) if not _is_flat(frame)]
        total = max(info.frame_count, 1)
        shares = np.linspace(END_SHARE, 1 - END_SHARE, count) if count > 1 else np.array([0.5])
        wanted = np.unique((shares * total).astype(int))
        frames = list((_seek if total > SEQUENTIAL_FRAMES_PER_SAMPLE * count else _pick)(capture, wanted))
    if not frames:
        raise InputError(f"{path}: {NO_FRAME}")
    if len(frames) < READABLE_SHARE * len(wanted):
        raise InputError(
            f"{path}: only {len(frames)} of {len(wanted)} frames spread over its declared {info.duration_s:.1f} s can be read; "
            "the file is truncated or damaged"
        )
    return [frame for frame in frames if not _is_flat(frame)] or frames


@contextmanager
def _opened(path: Path | str) -> Iterator[tuple[cv2.VideoCapture, VideoInfo]]:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such video file")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "8")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise InputError(f"{path}: cannot be opened as a video (damaged, truncated, or of an unknown format)")
        yield capture, _info(path, capture)
    finally:
        capture.release()


def _info(path: Path, capture: cv2.VideoCapture) -> VideoInfo:
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    low, high = FPS_RANGE
    if not low <= fps <= high:
        raise InputError(f"{path}: declares {fps:g} frames a second, allowed are {low:g}..{high:g}")
    count = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    return VideoInfo(*size, fps, count, seconds_of(count, fps))


def _check_end(path: Path | str, info: VideoInfo, count: int, span_s: float) -> None:
    missing_s = info.duration_s - span_s
    if count < info.frame_count and missing_s > max(MISSING_TAIL_S, MISSING_TAIL_SHARE * info.duration_s):
        raise InputError(
            f"{path}: ends after {span_s:.1f} s ({count} frames) although it declares {info.duration_s:.1f} s "
            f"({info.frame_count} frames); the file is truncated or damaged"
        )


def _is_flat(frame: SampledFrame) -> bool:
    return frame.image[::8, ::8].std() <= FLAT_STD


def _taken(capture: cv2.VideoCapture) -> Iterator[SampledFrame]:
    """Yield the frame that was grabbed last, unless it cannot be decoded."""
    is_read, image = capture.retrieve()
    if is_read:
        yield SampledFrame(_position_s(capture), image)


def _position_s(capture: cv2.VideoCapture) -> float:
    return capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0


def _seek(capture: cv2.VideoCapture, wanted: np.ndarray) -> Iterator[SampledFrame]:
    """Yield the frames at or near the wanted numbers."""
    time_s = -np.inf
    for number in wanted:
        capture.set(cv2.CAP_PROP_POS_FRAMES, float(number))
        if capture.grab() and _position_s(capture) > time_s:
            time_s = _position_s(capture)
            yield from _taken(capture)


def _pick(capture: cv2.VideoCapture, wanted: np.ndarray) -> Iterator[SampledFrame]:
    """Yield the wanted frames of a file just opened, decoding in order."""
    number = -1
    for target in wanted:
        while number < target:
            if not capture.grab():
                return
            number += 1
        yield from _taken(capture)


def _between(capture: cv2.VideoCapture, info: VideoInfo, count: int, start_s: float, end_s: float) -> Iterator[SampledFrame]:
    """Yield up to `count` frames strictly between two instants, all of them when there are no more."""
    targets_s = start_s + np.arange(1, count + 1) / (count + 1) * (end_s - start_s)
    number = frames_of(end_s - start_s, info.fps)
    if number > SEQUENTIAL_FRAMES_PER_SAMPLE * count:
        numbers = np.unique([frames_of(float(target_s), info.fps) for target_s in targets_s])
        yield from (frame for frame in _seek(capture, numbers) if start_s < frame.time_s < end_s)
        return
    if number <= count:
        targets_s[:] = start_s
    capture.set(cv2.CAP_PROP_POS_MSEC, 1000.0 * max(start_s, 0.0))
    done = 0
    while done < count and capture.grab():
        time_s = _position_s(capture)
        if time_s >= end_s:
            return
        if time_s > start_s and time_s >= targets_s[done]:
            yield from _taken(capture)
            done += 1
