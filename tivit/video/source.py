"""A video file that is open: what it declares, and its frames in order from wherever it was last moved to."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from tivit.core.errors import InputError
from tivit.video.clock import DecodingOrder, ShownClock
from tivit.video.container import open_container, origin_s, video_stream
from tivit.video.damage import Damage
from tivit.video.declared import Declared, declared_by
from tivit.video.edits import edit_count
from tivit.video.picture import UPRIGHT, Region, Turn, colour_picture, grey_picture, square_size, turn_of

LOG = logging.getLogger(__name__)
NO_FRAME = "no frame can be read; a video with at least one frame is needed"
EVENLY_SPACED = ("mpegts", "mpeg")
"""Containers of television and camcorders."""
MOST_PIXELS = 8192 * 4608
"""Larger pictures than those of 8K are refused: sixteen of them do not fit into the memory of a usual machine."""
SHAPE_TOLERANCE = 0.02
"""Pictures of another size are taken, enlarged or reduced, where their sides have the same ratio up to this share."""


@dataclass(frozen=True)
class VideoInfo:
    """What a file declares.

    Attributes
    ----------
    width_px, height_px : int
        Size of the pictures as they are shown.
    fps : float
        Frames per second.
    frame_count : int
        Number of frames.
    duration_s : float
        From the first frame to the end of the last (s).
    """

    width_px: int
    height_px: int
    fps: float
    frame_count: int
    duration_s: float


class Source:
    """An open file.

    Attributes
    ----------
    path : Path
        The file.
    stream : av.VideoStream
        What is read of it.
    info : VideoInfo
        What the file declares.
    first_s : float
        When its first frame is shown (s of the video's clock).
    damage : Damage
        What was wrong with the frames so far.
    """

    def __init__(self, path: Path, container: av.container.InputContainer) -> None:
        self.path, self.container, self.damage = path, container, Damage(parts=edit_count(path))
        self.stream = video_stream(path, container)
        self.stream.thread_type = "AUTO"
        self.stream.codec_context.thread_count = cv2.getNumThreads()
        self._origin_s = origin_s(container, self.stream)
        self._is_sparse, self._suspects = False, 0
        self._turned: tuple[int | None, Turn] = (None, UPRIGHT)
        self._stored_wh = (self.stream.codec_context.width, self.stream.codec_context.height)
        self._check_size(self._stored_wh)
        declared = declared_by(path, container, self.stream)
        self._restart()
        first = next(self._rest, None)
        if first is None:
            raise InputError(f"{path}: {NO_FRAME}")
        self._unread: deque[tuple[float, av.VideoFrame]] = deque([first])
        self.first_s, frame = first
        self._stored_wh = (frame.width, frame.height)
        self._size_wh = square_size(self._stored_wh, self.stream.sample_aspect_ratio)
        self.info = self._info(declared, frame)

    def frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yield the frames from here on with the instants at which they are shown (s of the video's clock, ascending).

        Raises
        ------
        InputError
            The shape of the pictures changes, or nothing is shown for longer than `clock.LONGEST_GAP_S`.
        """
        while self._unread:
            yield self._unread.popleft()
        yield from self._rest

    def grey(self, frame: av.VideoFrame, region: Region | None = None) -> np.ndarray:
        """Return the grey picture of a frame, or of a region of it, uint8 (height, width)."""
        return grey_picture(frame, self._size_wh, self._turn_of(frame), region)

    def colour(self, frame: av.VideoFrame) -> np.ndarray:
        """Return the picture of a frame, uint8 BGR (height, width, 3)."""
        return colour_picture(frame, self._size_wh, self._turn_of(frame))

    def seek(self, time_s: float) -> None:
        """Go on at the last key frame at or before an instant (s of the video's clock).

        Raises
        ------
        InputError
            The file has no way to be entered in the middle.
        """
        self._unread.clear()
        try:
            self.container.seek(int((time_s + self._origin_s) / self.stream.time_base), stream=self.stream)
        except av.FFmpegError as error:
            raise InputError(f"{self.path}: cannot go to {time_s:.1f} s ({error.strerror}); is it damaged?") from None
        self._restart()

    def key_frame(self, later_than_s: float = -np.inf) -> tuple[float, av.VideoFrame] | None:
        """Return the next key frame with its instant (s of the video's clock).

        None where there is none that can be decoded, or where it is no later than a given instant: then it is not decoded.

        A decoder with several threads gives its first picture when it has got as many packets: the rest of a file with few key
        frames would be read for each of them. So it is told that nothing follows; go on with `seek`.
        """
        packet = next((packet for packet in self._packets() if packet.is_keyframe), None)
        ticks = None if packet is None else packet.dts if self._is_unordered else packet.pts
        if ticks is None or self._time_s(ticks) <= later_than_s:
            return None
        try:
            frames = [*packet.decode(), *self.stream.codec_context.decode(None)]
        except av.FFmpegError:
            return None
        return (self._time_s(ticks), frames[0]) if frames else None

    def skip_unreferenced(self) -> None:
        """Leave out frames that no other frame refers to, from now on."""
        self._is_sparse = True
        if not self._is_unordered:  # the order of decoding says nothing where frames are missing
            self.stream.codec_context.skip_frame = "NONREF"
        self._restart()

    def note_missing(self) -> None:
        """Count frames that vanished without a trace as lost, after the last frame of a file.

        Where the bytes of a transport stream are damaged, whole packets are passed over. Its frames are evenly spaced, so that
        those which are missing are known.
        """
        damage = self.damage
        if self.container.format.name in EVENLY_SPACED and damage.count:
            damage.lost += max(self.info.frame_count - damage.read - damage.lost - damage.timeless, 0)

    def _turn_of(self, frame: av.VideoFrame) -> Turn:
        if frame.rotation != self._turned[0]:
            self._turned = frame.rotation, turn_of(frame)
        return self._turned[1]

    @property
    def _is_unordered(self) -> bool:
        return self.container.format.name == "avi"

    def _restart(self) -> None:
        self._rest = self._timed(ShownClock(self.path, self.damage, self._is_sparse))

    def _packets(self) -> Iterator[av.Packet]:
        return self.container.demux(self.stream)

    def _timed(self, clock: ShownClock) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yield the frames that have an instant of their own, with it."""
        for ticks, frame in self._decoded():
            self.damage.read += 1
            time_s = self._time_s(ticks)
            if frame.is_corrupt or self._suspects:
                self._suspects -= bool(self._suspects)
                self.damage.guessed += 1
                self.damage.times_s.append(time_s)
            self.damage.interlaced += frame.interlaced_frame
            self._check_shape(frame, time_s)
            if (shown_s := clock.instant(time_s)) is not None:
                yield shown_s, frame

    def _decoded(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield what can be decoded and has a timestamp: a damaged part is passed over, a damaged container ends the file."""
        packets, order = self._packets(), DecodingOrder()
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self.damage.broken_off = error.strerror
                return
            if packet is None:
                return
            order.add(packet.dts)
            self._suspects += packet.is_corrupt  # the container says so; a decoder may show something wrong for it
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                LOG.debug("%s: %s", self.path, error)
                self.damage.lost += 1
                order.drop(packet.dts)
                if packet.pts is not None:
                    self.damage.times_s.append(self._time_s(packet.pts))
                continue
            for frame in frames:
                ticks = order.next() if self._is_unordered else frame.pts
                if ticks is None:
                    self.damage.timeless += 1
                else:
                    yield ticks, frame

    def _time_s(self, ticks: int) -> float:
        return float(ticks * self.stream.time_base) - self._origin_s

    def _check_size(self, size_wh: tuple[int, int]) -> None:
        if size_wh[0] * size_wh[1] > MOST_PIXELS:
            raise InputError(
                f"{self.path}: its pictures have {size_wh[0]} x {size_wh[1]} px, at most {MOST_PIXELS / 1e6:.0f} million "
                "px are allowed (8K); make it smaller, such as 1920 px wide"
            )

    def _check_shape(self, frame: av.VideoFrame, time_s: float) -> None:
        """Note that the size of the pictures changed, or refuse what cannot be the same view."""
        size_wh = (frame.width, frame.height)
        if size_wh == self._stored_wh or not self.damage.read > 1:
            return
        self._check_size(size_wh)
        (width, height), (first_width, first_height) = size_wh, self._stored_wh
        if abs(width * first_height / (height * first_width) - 1) > SHAPE_TOLERANCE:
            raise InputError(
                f"{self.path}: its pictures have {first_width} x {first_height} px first and {width} x {height} px from "
                f"{time_s:.1f} s on; cut it there, or convert it to one size"
            )
        if self.damage.resized is None:
            self.damage.resized = (time_s, size_wh)

    def _info(self, declared: Declared, frame: av.VideoFrame) -> VideoInfo:
        height_px, width_px = self.grey(frame).shape
        return VideoInfo(width_px, height_px, declared.fps, declared.frame_count, declared.duration_s)


@contextmanager
def opened(path: Path | str) -> Iterator[Source]:
    """Open a video.

    Parameters
    ----------
    path : path-like
        The file.

    Yields
    ------
    Source

    Raises
    ------
    InputError
        The file is missing, is not a video, has no frame, declares a frame rate outside `declared.VIDEO_FPS`, or has
        pictures of more than `MOST_PIXELS`.
    """
    path = Path(path)
    with open_container(path) as container:
        yield Source(path, container)
