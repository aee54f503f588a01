"""H.264 files as phones and video sites make them: low bit rates skip blocks whose change is small, as that of a pressed key.

Frames are shown at the instants of the clip's grid, the first at 0, with B-frames or without. There is one encoder thread, so
the bytes are the same every time. Files are read in `tivit.video`.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from tivit.core.errors import InputError

CODEC = "libx264"
X264 = "threads=1:no-deblock=0:bframes=2"
"""What real files have and the fastest preset leaves out: smoothed block edges, and frames predicted from both sides."""
TICK_S = Fraction(1, 90000)
"""Unit of timestamps that are not those of a frame rate."""
MAX_DENOMINATOR = 1000
"""Frame rates are kept as fractions with at most this denominator: 29.97 is 2997 / 100."""


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    fps: float,
    size_px: tuple[int, int],
    crf: float,
    times_s: np.ndarray | None = None,
) -> None:
    """Write frames as an H.264 file.

    Parameters
    ----------
    path : Path
        An MP4 file, overwritten.
    frames : iterable of ndarray, (height, width, 3), uint8 BGR
        With even sides.
    fps : float, Hz
        Frame rate that the file declares.
    size_px : (int, int)
        Width and height.
    crf : float, 0..51
        Constant rate factor; 51 is worst.
    times_s : ndarray, (T,), s, or None
        Timestamps of the frames, to `TICK_S`, of a file whose rate is variable or that starts later than 0; `fps` is then a
        declaration alone. None: the grid of `fps` from 0 on.

    Raises
    ------
    InputError
        This PyAV has no H.264 encoder.
    """
    if CODEC not in av.codecs_available:
        raise InputError(f"{path}: PyAV cannot write {CODEC} video here; the wheel of requirements.txt can")
    rate = Fraction(fps).limit_denominator(MAX_DENOMINATOR)
    with av.open(str(path), "w", format="mp4") as container:
        options = {"preset": "ultrafast", "crf": f"{crf:.2f}", "x264-params": X264}
        stream = container.add_stream(CODEC, rate=rate, options=options)
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        time_base = 1 / rate
        if times_s is not None:
            time_base = stream.codec_context.time_base = TICK_S
        for k, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420), format="yuv420p")
            picture.pts = k if times_s is None else round(float(times_s[k]) / TICK_S)
            picture.time_base = time_base
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def frame_count(path: Path) -> int:
    """Return how many frames a file declares.

    Parameters
    ----------
    path : Path
        A file written by `write_video`.

    Returns
    -------
    int
    """
    with av.open(str(path)) as container:
        return container.streams.video[0].frames
