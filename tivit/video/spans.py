"""Frames of a part of a video in order, and a few frames spread over it that cost little to reach.

A frame in the middle of a file can only be reached through all frames since the key frame before it. So frames that only have
to be spread, and not to lie at certain instants, are taken at key frames and, where a file has few of these, shortly after
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.timegrid import seconds_of
from tivit.video.damage import check_end, report
from tivit.video.picture import Region
from tivit.video.reader import TIME_SLACK_S, VideoFrame, read_frames
from tivit.video.source import NO_FRAME, Source, opened

ENOUGH_KEY_FRAMES = 48
"""With so many key frames among those looked for, no other frame is decoded."""
FEWEST_KEY_FRAMES = 10
"""A file with fewer key frames is read from its beginning to its end."""
FRAMES_AFTER_KEYS = 720
"""Frames are looked at as long after key frames as so many are shown, over the whole file; those that no other frame refers to
are not even decoded."""
WHOLE = (0.0, np.inf)


def read_span(path: Path | str, region: Region | None = None, span_s: tuple[float, float] = WHOLE) -> Iterator[VideoFrame]:
    """Yield the frames of a part of a video in order, grey and cropped to `region`; timestamps strictly ascend.

    Parameters
    ----------
    path : path-like
        The video.
    region : Region, optional
        What the pictures are cropped to.
    span_s : tuple of float
        First and last instant (s of the video's clock), both included.

    Yields
    ------
    VideoFrame

    Raises
    ------
    InputError
        As `read_frames`; and when no frame lies in the span.
    """
    if span_s == WHOLE:
        yield from read_frames(path, region)
        return
    start_s, end_s = span_s
    with opened(path) as source:
        if start_s > source.first_s:
            source.seek(start_s)
        time_s = -np.inf
        for shown_s, frame in source.frames():
            if shown_s > end_s + TIME_SLACK_S:
                break
            if shown_s >= start_s - TIME_SLACK_S:
                time_s = shown_s
                yield VideoFrame(time_s, source.grey(frame, region))
        else:
            check_end(path, (source.info.frame_count, source.info.duration_s), 0, max(time_s, start_s) - source.first_s)
        if time_s == -np.inf:
            raise InputError(
                f"{path}: {NO_FRAME.split(';')[0]} between {start_s:g} and {end_s:g} s; the video lasts "
                f"{source.info.duration_s:.1f} s"
            )
        report(path, source.damage, source.info.fps)


def spread_frames(path: Path | str, region: Region, count: int, span_s: tuple[float, float]) -> list[VideoFrame]:
    """Return frames spread over a part of a video, grey and cropped to `region`, in time order.

    Which frames they are depends on the file alone. A file without key frames to go to is read whole.

    Parameters
    ----------
    path : path-like
        The video.
    region : Region
        What the pictures are cropped to.
    count : int
        About so many frames, where there are as many.
    span_s : tuple of float
        First and last instant (s of the video's clock).

    Returns
    -------
    list of VideoFrame
        At least one.

    Raises
    ------
    InputError
        The video cannot be read, or no frame lies in the span.
    """
    with opened(path) as source:
        end_s = min(span_s[1], source.first_s + source.info.duration_s)
        keys = _key_frames(source, region, count, (span_s[0], end_s)) if end_s > span_s[0] else []
    if len(keys) < FEWEST_KEY_FRAMES:
        return _thinned(read_span(path, region, span_s), count)
    if len(keys) >= min(ENOUGH_KEY_FRAMES, count):
        return keys
    with opened(path) as source:
        return list(_after_keys(source, region, [key.time_s for key in keys], count, end_s))


def _key_frames(source: Source, region: Region, count: int, span_s: tuple[float, float]) -> list[VideoFrame]:
    """Return the key frames nearest before evenly spaced instants; none where the file cannot be entered in the middle."""
    found: list[VideoFrame] = []
    last_s = -np.inf
    start_s, end_s = span_s
    for target_s in start_s + (np.arange(count) + 0.5) / count * (end_s - start_s):
        try:
            source.seek(float(target_s))
        except InputError:
            return []
        key = source.key_frame(last_s)
        if key is not None and start_s <= key[0] <= end_s:
            last_s = key[0]
            found.append(VideoFrame(last_s, source.grey(key[1], region)))
    return found


def _after_keys(source: Source, region: Region, keys_s: list[float], count: int, end_s: float) -> Iterator[VideoFrame]:
    """Yield, for each key frame, itself and frames at even distances shortly after it."""
    source.skip_unreferenced()
    all_s = seconds_of(FRAMES_AFTER_KEYS, source.info.fps)
    for key_s, next_s in zip(keys_s, [*keys_s[1:], end_s + TIME_SLACK_S], strict=True):
        source.seek(key_s + TIME_SLACK_S)
        due_s = key_s - TIME_SLACK_S
        for time_s, frame in source.frames():
            if time_s >= min(key_s + all_s / len(keys_s), next_s):
                break
            if time_s >= due_s:
                due_s += all_s / count
                yield VideoFrame(time_s, source.grey(frame, region))


def _thinned(frames: Iterator[VideoFrame], count: int) -> list[VideoFrame]:
    """Return `count` to `2 count` evenly spaced frames of a stream whose length is not known."""
    kept: list[VideoFrame] = []
    step = 1
    for number, frame in enumerate(frames):
        if number % step == 0:
            kept.append(frame)
            if len(kept) == 2 * count:
                kept, step = kept[::2], 2 * step
    return kept
