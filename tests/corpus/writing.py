"""Writing a film into a file: any container, codec and pixel format, with sound, timestamps and entries as a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from tests.corpus.film import Film

TICK_S = Fraction(1, 90_000)
SOUND_HZ = 48_000
FAST = {"libx264": {"preset": "ultrafast", "crf": "18", "x264-params": "threads=1:keyint=30:scenecut=0:bframes=2"},
        "libx265": {"preset": "ultrafast", "crf": "18", "x265-params": "log-level=none:pools=1:frame-threads=1"},
        "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"},
        "libvpx": {"deadline": "realtime", "cpu-used": "8", "crf": "8", "b": "4M"},
        "libsvtav1": {"preset": "12", "crf": "30", "svtav1-params": "lp=1"}}  # fmt: skip
"""Options of encoders: the fastest that keep the pictures good, and with B-frames where there may be any."""


@dataclass(frozen=True)
class Way:
    """How a film is written.

    Attributes
    ----------
    codec : str
        An encoder of FFmpeg.
    format : str or None
        A container of FFmpeg; None: that of the name.
    pix_fmt : str
        Pixel format that is stored.
    rate : Fraction or int
        Rate that the file declares.
    options, mux : mapping
        Options of the encoder and of the container.
    aspect : Fraction or None
        Width of a pixel divided by its height.
    turned : int
        Degrees of the display matrix.
    colour : mapping
        Attributes of the encoder that say what the numbers mean, such as `color_range`.
    sound_s : tuple or None
        Begin and end of a tone (s).
    cover : str
        "first" or "": whether a picture that stands still goes first.
    metadata : mapping
        Entries of the file.
    is_timed : bool
        True: the instants of the film are written; False: the container counts frames.
    """

    codec: str = "libx264"
    format: str | None = None
    pix_fmt: str = "yuv420p"
    rate: Fraction | int = 30
    options: dict = field(default_factory=dict)
    mux: dict = field(default_factory=dict)
    aspect: Fraction | None = None
    turned: int = 0
    colour: dict = field(default_factory=dict)
    sound_s: tuple[float, float] | None = None
    metadata: dict = field(default_factory=dict)
    is_timed: bool = True


def write(path: Path, film: Film, way: Way = Way()) -> Path:  # noqa: B008
    """Write a film; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path.absolute()), "w", format=way.format, options=dict(way.mux)) as container:
        container.metadata.update(way.metadata)
        video = add_video(container, film, way)
        sound = container.add_stream("aac" if path.suffix != ".webm" else "libopus", rate=SOUND_HZ) if way.sound_s else None
        if sound is not None:
            sound.layout = "mono"
        packets = list(video_packets(video, film, way))
        if sound is not None:
            packets += sound_packets(sound, *way.sound_s)
        packets.sort(key=lambda packet: float((packet.dts or 0) * packet.time_base))
        for packet in packets:
            container.mux(packet)
    return path


def add_video(container: av.container.OutputContainer, film: Film, way: Way) -> av.VideoStream:
    """Add a video stream for a film to a container."""
    stream = container.add_stream(way.codec, rate=way.rate, options=FAST.get(way.codec, {}) | way.options)
    stream.height, stream.width = film.pictures[0].shape[:2]
    stream.pix_fmt = way.pix_fmt
    stream.codec_context.thread_count = 1
    if way.is_timed:
        stream.codec_context.time_base = TICK_S
    if way.aspect is not None:
        stream.codec_context.sample_aspect_ratio = way.aspect
    for name, value in way.colour.items():
        setattr(stream.codec_context, name, value)
    if way.turned:
        stream.set_display_rotation(way.turned)
    return stream


def video_packets(stream: av.VideoStream, film: Film, way: Way) -> list[av.Packet]:
    """Return the encoded frames of a film."""
    packets = []
    for number, (picture, time_s) in enumerate(zip(film.pictures, film.times_s, strict=True)):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        if (
            way.codec == "libx264"
            and way.pix_fmt == "yuv420p"
            and not way.colour
            and not any(side % 2 for side in picture.shape[:2])
        ):
            frame = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), format="yuv420p")
        frame.pts = round(Fraction(time_s) / TICK_S) if way.is_timed else number
        frame.time_base = TICK_S if way.is_timed else 1 / Fraction(way.rate)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def sound_packets(stream: av.AudioStream, start_s: float, end_s: float) -> list[av.Packet]:
    """Return an encoded tone."""
    wave = (0.1 * np.sin(np.arange(int((end_s - start_s) * SOUND_HZ)) * 0.06)).astype(np.float32)
    packets = []
    for first in range(0, len(wave) // 960 * 960, 960):
        frame = av.AudioFrame.from_ndarray(wave[None, first : first + 960], format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, first + round(start_s * SOUND_HZ), Fraction(1, SOUND_HZ)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def remuxed(
    source: Path, target: Path, by_s: float = 0.0, from_s: float = 0.0, format: str | None = None, mux: dict | None = None
) -> Path:
    """Copy the packets of a file, from a key frame on and at other instants, into another without decoding them."""
    with av.open(str(source)) as given, av.open(str(target.absolute()), "w", format=format, options=mux or {}) as made:
        streams = {stream.index: made.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            if packet.dts is None or (packet.pts * packet.time_base) < from_s - 1e-6:
                continue
            shift = round(by_s / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream.index]
            made.mux(packet)
    return target


def joined(paths: list[Path], target: Path) -> Path:
    """Write files one after the other into one, byte by byte."""
    target.write_bytes(b"".join(path.read_bytes() for path in paths))
    return target
