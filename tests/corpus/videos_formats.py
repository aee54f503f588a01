"""Cases: containers, codecs, pixel formats, sizes, rates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from tests.corpus.case import REFUSAL, WARNING, Case, Make, written
from tests.corpus.film import Film, rendered
from tests.corpus.writing import Way, remuxed, write

SMALL = r"keys are \S+ px wide|keyboard was not found"
HDR = {"color_primaries": 9, "colorspace": 9}


def kinds() -> list[Case]:
    """Return one case for each container and codec that people have."""
    group = "Containers and codecs"
    plain = [
        ("a.mp4", "H.264 in MP4, with B-frames", Way()),
        ("a.mov", "H.264 in QuickTime", Way()),
        ("a.m4v", "an M4V file", Way(format="mp4")),
        ("a.mkv", "H.264 in Matroska", Way()),
        ("front.mp4", "an MP4 whose tables lie in front, as web sites have them", Way(mux={"movflags": "faststart"})),
        ("fragments.mp4", "an MP4 in fragments, as browsers and streams write it", Way(mux={"movflags": "frag_keyframe+empty_moov"})),
        ("dash.mp4", "an MP4 in fragments with an index", Way(mux={"movflags": "dash+frag_keyframe"})),
        ("b-frames.avi", "H.264 with B-frames in AVI, which keeps the order of decoding only", Way(is_timed=False)),
        ("no-b-frames.avi", "H.264 without B-frames in AVI", Way(is_timed=False, options={"x264-params": "bframes=0:keyint=30"})),
        ("divx.avi", "MPEG-4 with B-frames in AVI", Way("mpeg4", is_timed=False, options={"bf": "2", "b": "4M"})),
        ("mjpeg.avi", "Motion JPEG in AVI, as cameras write it", Way("mjpeg", pix_fmt="yuvj420p", is_timed=False, options={"qscale": "3"})),
        ("msmpeg4.avi", "MS MPEG-4 version 3 in AVI", Way("msmpeg4v3", is_timed=False, options={"b": "8M"})),
        ("utvideo.avi", "Ut Video (lossless) in AVI", Way("utvideo", pix_fmt="yuv422p", is_timed=False)),
        ("huffyuv.avi", "HuffYUV in AVI", Way("huffyuv", pix_fmt="yuv422p", is_timed=False)),
        ("ffv1.mkv", "FFV1 (lossless) in Matroska", Way("ffv1")),
        ("raw.mkv", "uncompressed pictures in Matroska", Way("rawvideo")),
        ("vp8.webm", "VP8 in WebM", Way("libvpx")),
        ("vp9.webm", "VP9 in WebM", Way("libvpx-vp9")),
        ("vp9.mp4", "VP9 in MP4", Way("libvpx-vp9")),
        ("av1.mkv", "AV1 in Matroska", Way("libsvtav1")),
        ("av1.mp4", "AV1 in MP4", Way("libsvtav1")),
        ("hevc.mp4", "HEVC in MP4, as phones write it", Way("libx265")),
        ("hevc10.mkv", "HEVC with 10 bits in Matroska", Way("libx265", pix_fmt="yuv420p10le")),
        ("mpeg4.mp4", "MPEG-4 part 2 in MP4", Way("mpeg4", options={"b": "4M"}, is_timed=False)),
        ("prores.mov", "ProRes 422", Way("prores_ks", pix_fmt="yuv422p10le")),
        ("prores4444.mov", "ProRes 4444 with transparency", Way("prores_ks", pix_fmt="yuva444p10le", options={"profile": "4444"})),
        ("photo-jpeg.mov", "Motion JPEG in QuickTime", Way("mjpeg", pix_fmt="yuvj422p", options={"qscale": "3"})),
        ("animation.mov", "QuickTime Animation (RLE)", Way("qtrle", pix_fmt="rgb24")),
        ("png.mov", "PNG pictures in QuickTime", Way("png", pix_fmt="rgb24")),
        ("cineform.mov", "CineForm", Way("cfhd", pix_fmt="yuv422p10le")),
        ("dnxhr.mov", "DNxHR", Way("dnxhd", pix_fmt="yuv422p", options={"profile": "dnxhr_sq"})),
        ("dnxhr.mxf", "DNxHR in MXF", Way("dnxhd", pix_fmt="yuv422p", options={"profile": "dnxhr_sq"}, is_timed=False)),
        ("mpeg1.mpg", "MPEG-1", Way("mpeg1video", options={"b": "4M"}, is_timed=False)),
        ("mpeg2.mpg", "MPEG-2, as on a DVD", Way("mpeg2video", options={"b": "4M", "bf": "2"}, is_timed=False)),
        ("camcorder.mts", "H.264 in a transport stream of a camcorder", Way(format="mpegts")),
        ("bluray.m2ts", "a transport stream with 192-byte packets", Way(format="mpegts", mux={"mpegts_m2ts_mode": "1"})),
        ("recorder.ts", "HEVC in a transport stream", Way("libx265", format="mpegts")),
        ("h264.flv", "H.264 in Flash video", Way()),
        ("old.flv", "Sorenson H.263 in Flash video", Way("flv1", options={"b": "4M"}, is_timed=False)),
        ("windows.wmv", "WMV 2", Way("wmv2", format="asf", options={"b": "4M"}, is_timed=False)),
        ("animated.gif", "an animated GIF", Way("gif", pix_fmt="rgb8", is_timed=False, rate=25)),
    ]  # fmt: skip
    fast = {"b-frames.avi", "fragments.mp4", "mpeg2.mpg", "h264.flv", "vp8.webm"}
    hard = {"msmpeg4.avi": 0.85}  # some numbers of pictures are blurred by the codec
    cases = [
        Case(name, group, what, written(way, _of(way)), share=hard.get(name, 0.95), is_fast=name in fast)
        for name, what, way in plain
    ]
    phone = Way("h263", format="3gp", options={"b": "4M"}, rate=Fraction(30000, 1001), is_timed=False)
    dv = Way("dvvideo", format="dv", pix_fmt="yuv420p", rate=25, aspect=Fraction(64, 45), is_timed=False)
    return [
        *cases,
        Case("old-phone.3gp", group, "H.263 in 3GP, 352 x 288", written(phone, lambda film: _boxed(film, 352, 288)), WARNING, "px wide", are_notes_right=False, has_numbers=False),
        Case("tape.dv", group, "DV of a tape camera, interlaced, 720 x 576 with pixels wider than high", written(dv, _dv), WARNING, "is interlaced"),
        Case("live.webm", group, "a WebM without a duration, as browsers record it", _live, is_fast=True),
    ]  # fmt: skip


def formats() -> list[Case]:
    """Return one case for each way in which pixels are stored."""
    group = "Pixel formats and light"
    formats = [
        ("full.mp4", "full range (0 to 255)", Way(pix_fmt="yuvj420p")),
        ("422.mp4", "4:2:2", Way(pix_fmt="yuv422p")),
        ("444.mp4", "4:4:4", Way(pix_fmt="yuv444p")),
        ("10bit.mp4", "10 bits", Way(pix_fmt="yuv420p10le")),
        ("10bit422.mp4", "10 bits 4:2:2", Way(pix_fmt="yuv422p10le")),
        ("grey.mp4", "grey", Way(pix_fmt="gray")),
        ("grey10.mp4", "grey with 10 bits", Way(pix_fmt="gray10le")),
        ("rgb.mp4", "RGB", Way("libx264rgb", pix_fmt="rgb24", options={"crf": "18", "preset": "ultrafast"})),
        ("nv12.mp4", "NV12", Way(pix_fmt="nv12")),
        ("12bit.mkv", "12 bits", Way("libx265", pix_fmt="yuv420p12le")),
        ("bt601.mp4", "colours of standard definition", Way(colour={"colorspace": 6, "color_primaries": 6})),
    ]
    fast = {"10bit.mp4", "full.mp4"}
    cases = [Case(name, group, what, written(way), is_fast=name in fast) for name, what, way in formats]
    hlg = Way("libx265", pix_fmt="yuv420p10le", colour=HDR | {"color_trc": 18})
    pq = Way("libx265", pix_fmt="yuv420p10le", colour=HDR | {"color_trc": 16})
    return [
        *cases,
        Case("hlg.mov", group, "HLG, as phones film it in high dynamic range", written(hlg, lambda film: film.drawn(_hlg))),
        Case("pq.mp4", group, "PQ (HDR10)", written(pq, lambda film: film.drawn(_pq))),
        Case("dark.mp4", group, "filmed in a dark room", written(change=lambda film: film.drawn(_dark))),
    ]


def sizes() -> list[Case]:
    """Return one case for each odd size and shape of pixels."""
    group = "Sizes and shapes of pictures"

    def sized(width: int, height: int, way: Way = Way()) -> Make:  # noqa: B008
        return written(way, lambda film: film.resized(width, height))

    def uneven(width: int, height: int, aspect: Fraction) -> Make:
        return written(Way(aspect=aspect), lambda film: film.resized(width, height))

    short = lambda film: film.part(0, 12)  # noqa: E731
    return [
        Case("odd.mkv", group, "sides of odd length, 641 x 361", sized(641, 361, Way("ffv1", pix_fmt="bgr0"))),
        Case("even.mp4", group, "a size that no block fits into, 642 x 362", sized(642, 362)),
        Case("720p.mp4", group, "1280 x 720", sized(1280, 720)),
        Case("1080p.mp4", group, "1920 x 1080", sized(1920, 1080)),
        Case("4k.mp4", group, "3840 x 2160", written(change=lambda film: film.resized(3840, 2160))),
        Case("8k.mp4", group, "7680 x 4320 (8K)", written(change=lambda film: short(film).resized(7680, 4320)), are_notes_right=False),
        Case("huge.mkv", group, "16384 x 8192", _huge, REFUSAL, r"16384 x 8192 px, at most 38 million px are allowed"),
        Case("half.mp4", group, "480 x 270: 340 px of keyboard", sized(480, 270), WARNING, "px wide", are_notes_right=False),
        Case("third.mp4", group, "320 x 180: 230 px of keyboard", sized(320, 180), WARNING, SMALL, False, is_fast=True),
        Case("tiny.mp4", group, "160 x 90", sized(160, 90), WARNING, "px wide", are_notes_right=False, has_numbers=False),
        Case("stamp.mp4", group, "16 x 16", sized(16, 16), REFUSAL, "keyboard was not found|black or flat", has_numbers=False),
        Case("wide-pixels.mp4", group, "pixels twice as wide as high (2:1)", uneven(320, 360, Fraction(2)), is_fast=True),
        Case("high-pixels.mp4", group, "pixels twice as high as wide (1:2)", uneven(640, 180, Fraction(1, 2))),
        Case("hdv.mp4", group, "HDV, 1440 x 1080 with pixels of 4:3", uneven(1440, 1080, Fraction(4, 3))),
        Case("wrong-pixels.mp4", group, "pixels said to be 1000 times as wide as high: taken as square", uneven(640, 360, Fraction(1000))),
        Case("upright.mp4", group, "filmed upright: the keyboard in a part of 720 x 1280", written(change=lambda film: _boxed(film, 720, 1280))),
    ]  # fmt: skip


def rates() -> list[Case]:
    """Return one case for each rate."""
    group = "Frames per second"

    def at(fps: float, rate: Fraction | int | None = None) -> Make:
        return written(Way(rate=rate or Fraction(fps).limit_denominator(1001)), lambda film: film.at_rate(fps))

    few = [(fps, WARNING, f"shows {fps} frames a second") for fps in (5, 8, 10, 12)]
    usual = [15, 20, Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 48, 50, Fraction(60000, 1001), 60, 120, 240]
    return [
        Case("2fps.mp4", group, "2", at(2), REFUSAL, "declares 2 frames a second, allowed are 5..1000"),
        Case("4fps.mp4", group, "4", at(4), REFUSAL, "declares 4 frames a second, allowed are 5..1000"),
        *(Case(f"{fps}fps.mp4", group, str(fps), at(fps), outcome, says, False, is_fast=fps == 5) for fps, outcome, says in few),
        *(Case(f"{float(fps):.5g}fps.mp4", group, f"{float(fps):.5g}", at(float(fps), fps)) for fps in usual),
        Case("240.05fps.mp4", group, "240.05, as slow motion of phones has on average", at(240.05, Fraction(24005, 100)), is_fast=True),
        Case("variable.mp4", group, "a variable rate, as phones film in the dark", written(change=_variable)),
        Case("screen.mkv", group, "only frames that differ, as recordings of a screen have", written(change=_sparse)),
        Case("1000fps.webm", group, "a WebM that says 1000 frames a second", written(Way("libvpx", rate=1000))),
    ]  # fmt: skip


def _of(way: Way):
    """Return the change that a container without timestamps needs: its own rate."""
    return (lambda film: film) if way.rate == 30 else (lambda film: film.at_rate(float(way.rate)))


def _live(path: Path) -> Film:
    film = rendered()[0]
    source = write(path.with_name("source.webm"), film, Way("libvpx"))
    remuxed(source, path, mux={"live": "1"})
    return film


def _huge(path: Path) -> None:
    grey = np.zeros((8192, 16384, 3), np.uint8)
    write(path, Film((grey,) * 2, (0.0, 1 / 30), (0.0, 1 / 30)), Way("mjpeg", pix_fmt="yuvj420p"))


def _boxed(film: Film, width: int, height: int) -> Film:
    """Return the film with black borders, so that it fills a size of another shape."""
    wide = film.resized(width, round(width * 9 / 16 / 2) * 2)

    def change(picture: np.ndarray) -> np.ndarray:
        box = np.zeros((height, width, 3), np.uint8)
        top = (height - picture.shape[0]) // 2
        box[top : top + picture.shape[0]] = picture
        side = round(width / 48)
        box[:side] = 0
        box[:side, : 12 * side] = picture[:side, : 12 * side]
        return box

    return wide.drawn(change)


def _dv(film: Film) -> Film:
    return film.at_rate(25).resized(720, 576)


def _variable(film: Film) -> Film:
    steps_s = np.random.default_rng(3).choice([1 / 60, 1 / 30, 1 / 24, 1 / 15], 90)
    times_s = np.concatenate([[0.0], np.cumsum(steps_s)])
    return film.at(times_s[times_s < 2.95].tolist())


def _sparse(film: Film) -> Film:
    return film.at([k / 30 for k in range(90) if k % 7 not in (2, 5)])


def _dark(picture: np.ndarray) -> np.ndarray:
    dark = (picture * 0.3).astype(np.uint8)
    side = round(picture.shape[1] / 48)
    dark[:side, : 12 * side] = picture[:side, : 12 * side]
    return dark


def _hlg(picture: np.ndarray) -> np.ndarray:
    """Return a picture coded by the curve of HLG (ITU-R BT.2100) and not by that of usual video."""
    light = (picture / 255.0) ** 2.2
    coded = np.where(
        light <= 1 / 12, np.sqrt(3 * light), 0.17883277 * np.log(12 * np.maximum(light, 1 / 12) - 0.28466892) + 0.55991073
    )
    return np.clip(coded * 255, 0, 255).astype(np.uint8)


def _pq(picture: np.ndarray) -> np.ndarray:
    """Return a picture coded by the curve of PQ (ITU-R BT.2100), white at 200 cd / m^2."""
    light = ((picture / 255.0) ** 2.2 * 0.02) ** 0.1593017578125
    return np.clip(((0.8359375 + 18.8515625 * light) / (1 + 18.6875 * light)) ** 78.84375 * 255, 0, 255).astype(np.uint8)
