"""Frames of a video file, read in order with the file's own timestamps, and a few frames spread over it.

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
from tivit.core.timegrid import FPS_RANGE, TimeGrid, grid_over, seconds_of

LOG = logging.getLogger(__name__)
MISSING_TAIL_S = 1.0
MISSING_TAIL_SHARE = 0.05
SEQUENTIAL_FRAMES_PER_SAMPLE = 125
"""Seeking decodes from the key frame before the target, on average half of x264's 250 frames."""
MIDDLE_FRAMES = 600
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


@dataclass(frozen=True)
class VideoFrame:
    """One frame: its timestamp (s of the video's clock) and its grey picture, uint8 (height, width)."""

    time_s: float
    grey: np.ndarray


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
            frame_time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
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


def sample_frames(path: Path | str, count: int) -> list[np.ndarray]:
    """Return up to `count` BGR frames (uint8) spread over a video; black and other flat frames are left out.

    Of a video of some minutes they are spread over all of it, of a shorter one over its middle 600 frames, which is the cheaper
    way to get at them. Where in time they lie is only approximate. When every frame is flat they are returned as they are.
    Raises InputError as `read_frames` does, for a truncated file too.
    """
    with _opened(path) as (capture, info):
        total = max(info.frame_count, 1)
        is_long = total > SEQUENTIAL_FRAMES_PER_SAMPLE * count
        span = total if is_long else min(total, MIDDLE_FRAMES)
        first = (total - span) // 2
        wanted = first + np.unique(((np.arange(count) + 0.5) * span / count).astype(int))
        images = _seek(capture, wanted) if is_long else _pick(capture, wanted, first)
    if not images:
        raise InputError(f"{path}: {NO_FRAME}")
    if len(images) < READABLE_SHARE * len(wanted):
        raise InputError(
            f"{path}: only {len(images)} of {len(wanted)} frames spread over its declared {info.duration_s:.1f} s can be read; "
            "the file is truncated or damaged"
        )
    return [image for image in images if image[::8, ::8].std() > FLAT_STD] or images


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


def _seek(capture: cv2.VideoCapture, wanted: np.ndarray) -> list[np.ndarray]:
    images = []
    for number in wanted:
        capture.set(cv2.CAP_PROP_POS_FRAMES, float(number))
        is_read, image = capture.read()
        if is_read:
            images.append(image)
    return images


def _pick(capture: cv2.VideoCapture, wanted: np.ndarray, first: int) -> list[np.ndarray]:
    """Return the wanted frames, decoding in order from frame number `first` on."""
    images, number = [], first
    if first:
        capture.set(cv2.CAP_PROP_POS_FRAMES, float(first))
    for target in wanted:
        while number < target and capture.grab():
            number += 1
        is_read, image = capture.read()
        number += 1
        if not is_read:
            break
        images.append(image)
    return images
