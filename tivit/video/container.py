"""A container that is open, which of its streams is read, and where the clock of a player is 0 in it.

Only well-known containers are opened, and no file that refers to other files. Of several video streams the one with the largest
pictures is read; pictures that stand still (covers, thumbnails) are none.
"""

from __future__ import annotations

import logging
from pathlib import Path

import av
from av.stream import Disposition

from tivit.core.errors import InputError

LOG = logging.getLogger(__name__)
CONTAINERS = "3g2,3gp,asf,avi,dv,flv,gif,m4a,matroska,mj2,mov,mp4,mpeg,mpegts,mxf,ogg,webm"
KINDS = "MP4, MOV, MKV, WebM, AVI, MPEG, MTS, FLV, WMV, OGV, MXF, DV and GIF"
NOT_A_VIDEO = "cannot be opened as a video"
STANDS_STILL = Disposition.attached_pic | Disposition.still_image


def open_container(path: Path) -> av.container.InputContainer:
    """Return an open container.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    av.container.InputContainer
        To be closed by the caller.

    Raises
    ------
    InputError
        The file is missing, may not be read, or is of none of the `KINDS`.
    """
    if not path.is_file():
        raise InputError(f"{path}: is a folder; name a video file" if path.is_dir() else f"{path}: no such video file")
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        # Absolute, because a relative name such as `take:1.mp4` would be read as that of a protocol.
        return av.open(str(path.absolute()), options=options, metadata_errors="replace")
    except PermissionError:
        raise InputError(f"{path}: may not be read; change its permissions") from None
    except UnicodeEncodeError:
        raise InputError(f"{str(path)!a}: the name is not text in UTF-8; rename the file") from None
    except av.FFmpegError:
        raise InputError(f"{path}: {NOT_A_VIDEO} (damaged, truncated, or of an unknown format); known are {KINDS}") from None


def video_stream(path: Path, container: av.container.InputContainer) -> av.VideoStream:
    """Return the video stream to read, and warn where there was a choice.

    Parameters
    ----------
    path : Path
        The file, for messages.
    container : av.container.InputContainer
        The file.

    Returns
    -------
    av.VideoStream

    Raises
    ------
    InputError
        There is none but pictures that stand still, or its codec is not known.
    """
    streams = [stream for stream in container.streams.video if not _stands_still(container, stream)]
    if not streams:
        what = "only a picture that stands still" if container.streams.video else "sound but no pictures"
        raise InputError(f"{path}: {NOT_A_VIDEO}: it holds {what}")
    if not (known := [stream for stream in streams if stream.codec_context is not None]):
        raise InputError(f"{path}: {NOT_A_VIDEO}: its codec is not known here; convert it to H.264 in an MP4 file")
    best = max(known, key=lambda stream: stream.codec_context.width * stream.codec_context.height)
    if len(streams) > 1:
        size = f"{best.codec_context.width} x {best.codec_context.height} px"
        number = streams.index(best) + 1
        LOG.warning("%s: of its %d video streams number %d is read, the one with the largest pictures (%s)", path, len(streams),
                    number, size)  # fmt: skip
    return best


def origin_s(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Return where the clock of a player is 0.

    It is where the first stream begins. Sound that begins a little before 0 does not count, because players cut off what the
    encoder of sound needs to start.

    Parameters
    ----------
    container : av.container.InputContainer
        The file.
    stream : av.VideoStream
        Its video stream.

    Returns
    -------
    float
        Seconds of the file's timestamps.
    """
    video_s = float((stream.start_time or 0) * stream.time_base)
    if container.start_time is None:
        return video_s
    return min(video_s, max(container.start_time / av.time_base, 0.0))


def _stands_still(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    is_thumbnail = stream.frames == 1 and len(container.streams.video) > 1
    return is_thumbnail or bool(Disposition(stream.disposition) & STANDS_STILL)
