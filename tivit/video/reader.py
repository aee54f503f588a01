"""Frames of a video file, read in order with the file's own timestamps, and a few frames spread over it or over a part of it.

Timestamps are what the container says of each frame, since the start of its video stream. Frame numbers are never turned into
time, because videos have variable frame rates. Grey is the luma (Y', ITU-R BT.601 / BT.709) that the file itself holds, spread
to 0..255: converting each frame to colour and back would cost as much as decoding it. Pictures are turned upright as the file
says (phones store how they were held). Only well-known containers are opened, and no file that refers to other files.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from tivit.core.choices import FPS_RANGE
from tivit.core.errors import InputError
from tivit.core.timegrid import TimeGrid, frames_of, grid_over, seconds_of
from tivit.video.damage import Damage, check_end, check_spread, report

LOG = logging.getLogger(__name__)
SEQUENTIAL_FRAMES_PER_SAMPLE = 125
"""With more, seeking is cheaper: it decodes half of the usual 250 frames between key frames, on average, for each sample."""
SKIPPING_FRAMES_PER_SAMPLE = 16
"""With more frames per sample than this, those that no other frame refers to (1/3 to 2/3 of H.264) are not even decoded."""
END_SHARE = 0.01
"""Share of a video that is left out at either end when frames are spread over it."""
FLAT_STD = 3.0  # standard deviation, of levels 0..255: a picture that varies no more is black or flat
NOT_A_VIDEO = "cannot be opened as a video (damaged, truncated, or of an unknown format)"
NO_FRAME = "no frame can be read; a video with at least one frame is needed"
CONTAINERS = "3g2,3gp,asf,avi,flv,m4a,matroska,mj2,mov,mp4,mpeg,mpegts,ogg,webm"
LUMA_FIRST = ("yuv", "nv12", "nv21", "gray")
FULL_RANGE = 2
"""AVCOL_RANGE_JPEG of FFmpeg: luma 0..255; without it 16 is black and 235 white."""
_SPREAD = np.clip(np.rint((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)  # 16..235 to 0..255
TIME_SLACK_S = 1e-6  # a timestamp that is early by rounding alone counts as in time


@dataclass(frozen=True)
class VideoInfo:
    """What a file declares: size in px, frames per second and their number, duration (s; 0: unsaid), and its pixels' aspect."""

    width_px: int
    height_px: int
    fps: float
    frame_count: int
    duration_s: float
    pixel_aspect: float = 1.0


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels: columns left to right - 1, rows top to bottom - 1."""

    left: int
    top: int
    right: int
    bottom: int

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Return the part of `image` (height, width, ...) inside the region, as a view."""
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
    """Return what a video file declares about itself; raise InputError for a file that cannot be opened as a video."""
    with opened(path) as source:
        return source.info


def read_frames(path: Path | str, region: Region | None = None) -> Iterator[VideoFrame]:
    """Yield every frame in order, grey and cropped to `region`; timestamps strictly ascend.

    Raises
    ------
    InputError
        The file is missing, is no video, declares a frame rate outside 1..240, has no frame, ends more than a second (and 5 %)
        before the duration it declares, or has too many damaged frames (`video.damage`; fewer are warned about at the end).
    """
    with opened(path) as source:
        first_s, time_s, count = 0.0, -np.inf, 0
        for count, frame in enumerate(source.frames(), start=1):
            frame_time_s = source.time_s(frame)
            if frame_time_s <= time_s:
                LOG.debug("%s: frame %d at %.3f s is not later than the one before: left out", path, count, frame_time_s)
                continue
            first_s = frame_time_s if count == 1 else first_s
            time_s = frame_time_s
            yield VideoFrame(time_s, grey_picture(frame, region))
        if count == 0:
            raise InputError(f"{path}: {NO_FRAME}")
        check_end(path, (source.info.frame_count, source.info.duration_s), count, time_s - first_s)
        report(path, source.damage)


def frames_on_grid(frames: Iterator[VideoFrame], fps: float) -> Iterator[tuple[int, VideoFrame]]:
    """Yield (grid frame, nearest video frame) for a grid of `fps` instants per second that starts at the first video frame.

    The rule is that of `core.timegrid.grid_over` and `nearest_frames`, but in one pass with two frames in memory.
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
    """Return up to `count` frames spread over a video, in time order, without black and other flat ones.

    Whether they are reached in order or by seeking depends only on the number of frames declared, so two runs give the same.

    Parameters
    ----------
    between_s : two instants (s of the video clock); the frames then lie strictly between them, and there may be none. Without
        it, frames that are all flat are returned as they are.

    Raises
    ------
    InputError
        As `read_frames`, and also for a truncated file (without `between_s`).
    """
    with opened(path) as source:
        if between_s is not None:
            return [frame for frame in _between(source, count, *between_s) if not is_flat(frame)]
        info = source.info
        total = max(info.frame_count, 1)
        shares = np.linspace(END_SHARE, 1 - END_SHARE, count) if count > 1 else np.array([0.5])
        numbers = np.unique((shares * total).astype(int))
        wanted_s = np.array([seconds_of(int(number), info.fps) for number in numbers])
        if total > SKIPPING_FRAMES_PER_SAMPLE * count:
            source.skip_unreferenced()
        frames = list((_seek if total > SEQUENTIAL_FRAMES_PER_SAMPLE * count else _pick)(source, wanted_s))
    if not frames:
        raise InputError(f"{path}: {NO_FRAME}")
    check_spread(path, len(frames), len(wanted_s), info.duration_s)
    return [frame for frame in frames if not is_flat(frame)] or frames


class Source:
    """An open file: what it declares, and its frames from wherever it was last moved to."""

    def __init__(self, path: Path, container: av.container.InputContainer) -> None:
        self.path, self.container, self.damage = path, container, Damage()
        self.stream = container.streams.video[0]
        self.stream.thread_type = "AUTO"
        self.stream.codec_context.thread_count = cv2.getNumThreads()
        self._rest = self._decoded()
        self.unread = next(self._rest, None)
        self.info = self._info()

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yield the frames from here on, in order."""
        if self.unread is not None:
            first, self.unread = self.unread, None
            yield first
        yield from self._rest

    def _packets(self) -> Iterator[av.Packet]:
        return self.container.demux(self.stream)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Yield what can be decoded and has a timestamp: a damaged part is passed over, a damaged container ends the file."""
        packets = self._packets()
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self.damage.broken_off = error.strerror
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                LOG.debug("%s: %s", self.path, error)
                self.damage.lost += 1
                self._note_time(packet)
                continue
            self.damage.timeless += sum(frame.pts is None for frame in frames)
            for frame in (frame for frame in frames if frame.pts is not None):
                self.damage.read += 1
                if frame.is_corrupt:
                    self.damage.guessed += 1
                    self._note_time(frame)
                yield frame

    def _note_time(self, damaged: av.Packet | av.VideoFrame) -> None:
        if damaged.pts is not None:
            self.damage.times_s.append(self.time_s(damaged))

    def time_s(self, frame: av.Packet | av.VideoFrame) -> float:
        """Return the time of a frame, or of what is in a packet, since the start of the video stream."""
        return float((frame.pts - self._start) * frame.time_base)

    def seek(self, time_s: float) -> None:
        """Go on at the last key frame at or before an instant.

        Raises
        ------
        InputError
            The file has no way to be entered in the middle.
        """
        self.unread, self._rest = None, self._decoded()
        try:
            self.container.seek(self._start + int(time_s / self.stream.time_base), stream=self.stream)
        except av.FFmpegError as error:
            raise InputError(f"{self.path}: cannot go to {time_s:.1f} s ({error.strerror}); is it damaged?") from None

    def skip_unreferenced(self) -> None:
        """From now on leave out frames that no other frame refers to."""
        self.stream.codec_context.skip_frame = "NONREF"

    @property
    def _start(self) -> int:
        return self.stream.start_time or 0

    def _info(self) -> VideoInfo:
        rate = self.stream.average_rate or self.stream.guessed_rate or 0
        fps, (low, high) = float(rate), FPS_RANGE
        if not low <= fps <= high:
            raise InputError(f"{self.path}: declares {fps:g} frames a second, allowed are {low:g}..{high:g}")
        if self.unread is None:
            raise InputError(f"{self.path}: {NO_FRAME}")
        duration_s = float(self.stream.duration * self.stream.time_base) if self.stream.duration else 0.0
        duration_s = duration_s or (self.container.duration or 0) / av.time_base
        count = self.stream.frames or frames_of(duration_s, fps)
        height_px, width_px = grey_picture(self.unread).shape
        aspect = float(self.stream.sample_aspect_ratio or 1) ** (-1 if round(self.unread.rotation / 90) % 2 else 1)
        return VideoInfo(width_px, height_px, fps, count, seconds_of(count, fps), aspect)


@contextmanager
def opened(path: Path | str) -> Iterator[Source]:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such video file")
    try:
        container = av.open(str(path), options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"})
    except av.FFmpegError:
        raise InputError(f"{path}: {NOT_A_VIDEO}") from None
    with container:
        if not container.streams.video:
            raise InputError(f"{path}: {NOT_A_VIDEO}")
        yield Source(path, container)


def grey_picture(frame: av.VideoFrame, region: Region | None = None) -> np.ndarray:
    """Return the luma of a frame, or of a region of it, uint8 (height, width), upright, 0 black and 255 white."""
    is_luma_first = frame.format.name.startswith(LUMA_FIRST) and frame.format.components[0].bits == 8
    if not is_luma_first:
        grey, is_full = frame.to_ndarray(format="gray"), True
    else:
        plane = frame.planes[0]
        grey = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
        is_full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    grey = _upright(grey, frame)
    grey = region.crop(grey) if region else grey
    return np.ascontiguousarray(grey) if is_full else cv2.LUT(grey, _SPREAD)


def _upright(picture: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def is_flat(frame: SampledFrame) -> bool:
    return frame.image[::8, ::8].std() <= FLAT_STD


def sampled(source: Source, frame: av.VideoFrame) -> SampledFrame:
    return SampledFrame(source.time_s(frame), _upright(frame.to_ndarray(format="bgr24"), frame))


def _seek(source: Source, wanted_s: np.ndarray) -> Iterator[SampledFrame]:
    """Yield for each wanted instant the first frame from it on."""
    time_s = -np.inf
    for target_s in wanted_s:
        source.seek(float(target_s))
        late = (frame for frame in source.frames() if source.time_s(frame) >= target_s - TIME_SLACK_S)
        frame = next(late, None)
        if frame is not None and source.time_s(frame) > time_s:
            time_s = source.time_s(frame)
            yield sampled(source, frame)


def _pick(source: Source, wanted_s: np.ndarray) -> Iterator[SampledFrame]:
    """Yield for each wanted instant the first frame from it on, decoding in order; beyond the last frame that one."""
    done, last, is_taken = 0, None, True
    for last in source.frames():
        is_taken = done < len(wanted_s) and source.time_s(last) >= wanted_s[done] - TIME_SLACK_S
        if is_taken:
            yield sampled(source, last)
            done = int(np.searchsorted(wanted_s, source.time_s(last) + TIME_SLACK_S, side="right"))
            if done == len(wanted_s):
                return
    if not is_taken and done == len(wanted_s) - 1:
        yield sampled(source, last)


def _between(source: Source, count: int, start_s: float, end_s: float) -> Iterator[SampledFrame]:
    """Yield up to `count` frames strictly between two instants, all of them when there are no more."""
    targets_s = start_s + np.arange(1, count + 1) / (count + 1) * (end_s - start_s)
    number = frames_of(end_s - start_s, source.info.fps)
    if number > SEQUENTIAL_FRAMES_PER_SAMPLE * count:
        yield from (frame for frame in _seek(source, targets_s) if start_s < frame.time_s < end_s)
        return
    if number <= count:
        targets_s[:] = start_s
    source.seek(max(start_s, 0.0))
    done = 0
    for frame in source.frames():
        time_s = source.time_s(frame)
        if time_s >= end_s:
            return
        if time_s > start_s and time_s >= targets_s[done]:
            yield sampled(source, frame)
            done += 1
            if done == count:
                return
