"""Frames of a video file, read in order with the file's own timestamps, and a few frames spread over it or over a part of it.

Timestamps are what the container says of each frame, on the clock of a player, which is 0 where the file begins
(`tivit.video.clock`). Frame numbers are never turned into time, because videos have variable frame rates. How a picture is
shown is said in `tivit.video.picture`, and how a file is opened in `tivit.video.source`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from tivit.core.timegrid import TimeGrid, earlier_stands, frames_of, grid_over, seconds_of
from tivit.video.damage import allowed_tail_s, check_end, check_spread, report
from tivit.video.picture import Region
from tivit.video.source import Source, VideoInfo, opened

SEQUENTIAL_FRAMES_PER_SAMPLE = 125
"""With more, seeking is cheaper: it decodes half of the usual 250 frames between key frames, on average, for each sample."""
SKIPPING_FRAMES_PER_SAMPLE = 16
"""With more frames per sample than this, those that no other frame refers to (1/3 to 2/3 of H.264) are not even decoded."""
END_SHARE = 0.01
"""Share of a video that is left out at either end when frames are spread over it."""
MOST_SAMPLED_BYTES = 800_000_000
"""Of large pictures fewer are sampled, so that all of them together take no more memory; 32 of 4K do."""
FEWEST_SAMPLED = 4
FLAT_STD = 3.0  # standard deviation, of levels 0..255: a picture that varies no more is black or flat
TIME_SLACK_S = 1e-6  # a timestamp that is early by rounding alone counts as in time


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
        As `source.opened`; or the file ends more than a second (and 5 %) before the duration it declares, as a truncated file
        does, shows nothing for minutes, changes the shape of its pictures, or has too many damaged frames
        (`tivit.video.damage`; fewer are warned about, after the last frame).
    """
    with opened(path) as source:
        first_s = time_s = source.first_s
        for time_s, frame in source.frames():
            yield VideoFrame(time_s, source.grey(frame, region))
        check_end(path, (source.info.frame_count, source.info.duration_s), source.damage.read, time_s - first_s)
        source.note_missing()
        report(path, source.damage, source.info.fps)


def frames_on_grid(frames: Iterator[VideoFrame], fps: float) -> Iterator[tuple[int, VideoFrame]]:
    """Yield (grid frame, nearest video frame) for a grid of `fps` instants per second that starts at the first video frame.

    The rule is that of `core.timegrid.grid_over` and `nearest_frames`, but in one pass with two frames in memory.
    """
    first = before = next(frames)
    instants = TimeGrid(fps, first.time_s, 0)
    k, time_s = 0, first.time_s
    for frame in frames:
        while time_s <= frame.time_s:
            yield k, before if earlier_stands(time_s, before.time_s, frame.time_s, fps) else frame
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
        info = source.info
        count = min(count, max(MOST_SAMPLED_BYTES // (3 * info.width_px * info.height_px), FEWEST_SAMPLED))
        if between_s is not None:
            return [frame for frame in _between(source, count, *between_s) if not is_flat(frame)]
        total = max(info.frame_count, 1)
        shares = np.linspace(END_SHARE, 1 - END_SHARE, count) if count > 1 else np.array([0.5])
        numbers = np.unique((shares * total).astype(int))
        wanted_s = source.first_s + np.array([seconds_of(int(number), info.fps) for number in numbers])
        if total > SKIPPING_FRAMES_PER_SAMPLE * count:
            source.skip_unreferenced()
        frames = list((_seek if total > SEQUENTIAL_FRAMES_PER_SAMPLE * count else _pick)(source, wanted_s))
    # Where nothing is shown for a while, one frame stands for several instants.
    reached_s = max((frame.time_s for frame in frames), default=-np.inf) + allowed_tail_s(info.duration_s)
    check_spread(path, int(np.sum(wanted_s <= reached_s)), len(wanted_s), info.duration_s)
    return [frame for frame in frames if not is_flat(frame)] or frames


def is_flat(frame: SampledFrame) -> bool:
    return frame.image[::8, ::8].std() <= FLAT_STD


def sampled(source: Source, time_s: float, frame: av.VideoFrame) -> SampledFrame:
    return SampledFrame(time_s, source.colour(frame))


def _seek(source: Source, wanted_s: np.ndarray) -> Iterator[SampledFrame]:
    """Yield for each wanted instant the first frame from it on."""
    last_s = -np.inf
    for target_s in wanted_s:
        source.seek(float(target_s))
        late = ((time_s, frame) for time_s, frame in source.frames() if time_s >= target_s - TIME_SLACK_S)
        time_s, frame = next(late, (-np.inf, None))
        if frame is not None and time_s > last_s:
            last_s = time_s
            yield sampled(source, time_s, frame)


def _pick(source: Source, wanted_s: np.ndarray) -> Iterator[SampledFrame]:
    """Yield for each wanted instant the first frame from it on, decoding in order; beyond the last frame that one."""
    done, is_taken = 0, True
    for time_s, frame in source.frames():
        is_taken = done < len(wanted_s) and time_s >= wanted_s[done] - TIME_SLACK_S
        if is_taken:
            yield sampled(source, time_s, frame)
            done = int(np.searchsorted(wanted_s, time_s + TIME_SLACK_S, side="right"))
            if done == len(wanted_s):
                return
    if not is_taken and done == len(wanted_s) - 1:
        yield sampled(source, time_s, frame)


def _between(source: Source, count: int, start_s: float, end_s: float) -> Iterator[SampledFrame]:
    """Yield up to `count` frames strictly between two instants, all of them when there are no more."""
    targets_s = start_s + np.arange(1, count + 1) / (count + 1) * (end_s - start_s)
    number = frames_of(end_s - start_s, source.info.fps)
    if number > SEQUENTIAL_FRAMES_PER_SAMPLE * count:
        yield from (frame for frame in _seek(source, targets_s) if start_s < frame.time_s < end_s)
        return
    if number <= count:
        targets_s[:] = start_s
    if start_s > source.first_s:
        source.seek(start_s)
    done = 0
    for time_s, frame in source.frames():
        if time_s >= end_s:
            return
        if time_s > start_s and time_s >= targets_s[done]:
            yield sampled(source, time_s, frame)
            done += 1
            if done == count:
                return
