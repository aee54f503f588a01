"""Cases: edit lists, begins, gaps, joined recordings, several streams, and how a picture is turned."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tests.corpus.boxes import with_edits, with_matrix
from tests.corpus.case import REFUSAL, WARNING, Case, Make, written
from tests.corpus.film import Film, rendered
from tests.corpus.writing import Way, add_video, joined, remuxed, video_packets, write

SOUND = (0.0, 3.0)


def times() -> list[Case]:
    """Return one case for each trick with timestamps."""
    group = "Begin, end and timestamps"
    return [
        Case("trim.mp4", group, "trimmed without coding it again: an edit list hides the begin", _edited([(0.6, 2.4)]), is_fast=True),
        Case("trim-end.mp4", group, "trimmed at its end by an edit list", _edited([(0.0, 2.0)])),
        Case("trim-both.mov", group, "trimmed at both ends in QuickTime, between key frames", _edited([(0.5, 2.0)])),
        Case("two-parts.mov", group, "a middle part cut out in QuickTime: two edits", _edited([(0.0, 1.0), (1.8, 1.2)]), WARNING, "put together of 2 parts", are_notes_right=False, slack_s=0.1),
        Case("delayed.mp4", group, "pictures that an edit list shows half a second later than the sound", _delayed, is_fast=True),
        Case("copied.mkv", group, "a stream copy from a key frame on, its timestamps kept", _copied(1.0, 0.0), are_notes_right=False),
        Case("copied.mp4", group, "a stream copy whose timestamps begin below 0: players hide what lies there", _copied(1.0, -1.3)),
        Case("late-start.mkv", group, "timestamps that begin at 100 s", _copied(0.0, 100.0), is_fast=True),
        Case("late-start.ts", group, "a transport stream that begins at 3600 s", _copied(0.0, 3600.0)),
        Case("wrapped.ts", group, "a transport stream whose clock wraps round (after 26.5 h)", _copied(0.0, 95442.0)),
        Case("negative.mkv", group, "timestamps below 0 in Matroska, which has none", _copied(0.0, -0.5, {"avoid_negative_ts": "disabled"}), REFUSAL, "without a timestamp"),
        Case("sound-first.mkv", group, "sound that begins half a second before the pictures", _with_sound(0.5, (0.0, 3.5))),
        Case("sound-last.mkv", group, "pictures that begin half a second before the sound", _with_sound(0.0, (0.5, 3.0))),
        Case("sound-longer.mkv", group, "sound that goes on 4 s after the pictures", _with_sound(0.0, (0.0, 7.0))),
        Case("sound-shorter.mp4", group, "sound of one second", _with_sound(0.0, (0.0, 1.0))),
        Case("sound.webm", group, "Opus sound, which begins before 0", written(Way("libvpx", sound_s=SOUND))),
        Case("gap.mp4", group, "no picture for 3 s in the middle", _gap(3.0), WARNING, r"nothing is shown at 1\.5 to 4\.5 s", is_fast=True),
        Case("gap.mkv", group, "no picture for 3 s, in Matroska", _gap(3.0), WARNING, r"nothing is shown at 1\.5 to 4\.5 s"),
        Case("long-gap.mp4", group, "no picture for 200 s", _gap(200.0), REFUSAL, "nothing is shown between|frames spread over"),
        Case("last-frame.mp4", group, "the last frame five hours later", _last(20000.0), REFUSAL, "frames spread over|nothing is shown", is_fast=True),
        Case("last-frame.mkv", group, "the last frame ten hours later, in Matroska", _last(36000.0), REFUSAL, "frames spread over|nothing is shown"),
        Case("long-last.mp4", group, "a last frame that is shown for 2 s", _long_last),
        Case("joined.ts", group, "two recordings joined byte by byte: the clock jumps back", _joined(0.0), WARNING, "clock jumps back by 3.0 s at", is_fast=True),
        Case("joined-late.ts", group, "two recordings joined, the second from hour 10 on", _joined(36000.0), REFUSAL, "nothing is shown between|frames spread over"),
        Case("repeated.mkv", group, "every tenth timestamp is that of the frame before", _jittered(lambda k, t: t - (1 / 30 if k % 10 == 5 else 0)), WARNING, "have the timestamp of the frame before", share=0.85),
        Case("backward.mkv", group, "three timestamps earlier than the frame before", _jittered(lambda k, t: t - (0.1 if k in (20, 40, 60) else 0)), WARNING, "with an earlier timestamp than the frame before", share=0.9),
        Case("mixed-up.mkv", group, "every fourth timestamp earlier than the frame before", _jittered(lambda k, t: t - (0.1 if k % 4 == 3 else 0)), REFUSAL, "with an earlier timestamp"),
        Case("jitter.mkv", group, "timestamps that tremble by 10 ms", _jittered(lambda k, t: t + 0.01 * np.sin(k * 7.0))),
    ]  # fmt: skip


def displays() -> list[Case]:
    """Return one case for each way in which a picture is turned, and for several streams."""
    group = "Turned pictures and several streams"
    turns = [
        (90, lambda p: np.rot90(p, -1)), (180, lambda p: np.rot90(p, 2)), (-90, lambda p: np.rot90(p, 1)),
    ]  # fmt: skip
    # What is stored is the shown picture put through the inverse of the display matrix a, b, c, d.
    flips = [
        ("flip-h", "mirrored left to right by the display matrix", (-1, 0, 0, 1), lambda p: p[:, ::-1]),
        ("flip-v", "mirrored top to bottom by the display matrix", (1, 0, 0, -1), lambda p: p[::-1]),
        ("transposed", "turned and mirrored by the display matrix", (0, 1, 1, 0), lambda p: p.swapaxes(0, 1)),
        ("anti-transposed", "turned and mirrored the other way", (0, -1, -1, 0), lambda p: p[::-1, ::-1].swapaxes(0, 1)),
    ]
    return [
        *(
            Case(f"turned{angle}.mp4", group, f"turned by {angle} degrees, as phones store it", _turned(angle, change), is_fast=angle == 90)
            for angle, change in turns
        ),
        *(Case(f"{name}.mov", group, what, _flipped(matrix, change), is_fast=name == "flip-h") for name, what, matrix, change in flips),
        Case("interlaced.mkv", group, "interlaced", _interlaced, WARNING, "is interlaced", has_numbers=False, are_notes_right=False),
        Case("cover-first.mp4", group, "a cover picture before the video", _two_streams(True, True), is_fast=True),
        Case("thumbnail-first.mkv", group, "a small moving preview before the video", _two_streams(True, False), WARNING, "of its 2 video streams number 2 is read"),
        Case("preview-last.mkv", group, "a small moving preview after the video", _two_streams(False, False), WARNING, "of its 2 video streams number 1 is read"),
        Case("smaller.ts", group, "pictures that become smaller half way, as calls over the net do", _resized((320, 180)), WARNING, r"have 320 x 180 px from 1\.5 s on", are_notes_right=False),
        Case("other-shape.ts", group, "pictures that change from 16:9 to 4:3 half way", _resized((480, 360)), REFUSAL, r"640 x 360 px first and 480 x 360 px from 1\.5 s on"),
        Case("sound.mp4", group, "with sound", written(Way(sound_s=SOUND))),
    ]  # fmt: skip


def _edited(edits: list[tuple[float, float]]) -> Make:
    def make(path: Path) -> Film:
        film = rendered()[0]
        with_edits(write(path, film), edits)
        parts = [film.part(round(at_s * 30), round((at_s + length_s) * 30)) for at_s, length_s in edits]
        for part in parts[1:]:
            parts[0] = parts[0].then(part)
        return parts[0]

    return make


def _delayed(path: Path) -> Film:
    with_edits(write(path, rendered()[0], Way(sound_s=SOUND)), [(-1.0, 0.5), (0.0, 3.0)])
    return rendered()[0].later(0.5)


def _copied(from_s: float, by_s: float, mux: dict | None = None) -> Make:
    def make(path: Path) -> Film:
        source = write(path.with_name("source.mp4"), rendered()[0])
        remuxed(source, path, by_s, from_s, mux=mux)
        first_s = -by_s if from_s + by_s < 0.0 and mux is None else from_s
        return rendered()[0].part(round(first_s * 30), 90)

    return make


def _with_sound(later_s: float, sound_s: tuple[float, float]) -> Make:
    return written(Way(sound_s=sound_s), lambda film: film.later(later_s))


def _gap(gap_s: float) -> Make:
    def make(path: Path) -> Film:
        first, second = rendered()[0].part(0, 46), rendered()[0].part(46, 90).later(1.5 + gap_s)
        film = Film(first.pictures + second.pictures, first.times_s + second.times_s, first.clip_s + second.clip_s)
        write(path, film)
        return film

    return make


def _last(at_s: float) -> Make:
    def make(path: Path) -> None:
        film = rendered()[0]
        write(path, Film(film.pictures, (*film.times_s[:-1], at_s), film.clip_s))

    return make


def _long_last(path: Path) -> Film:
    """The table of a file says how long its last frame is shown."""
    film = rendered()[0].part(0, 75)
    write(path, film, Way(sound_s=(0.0, 4.5)))
    return film


def _joined(later_s: float) -> Make:
    def make(path: Path) -> Film:
        film = rendered()[0]
        first = write(path.with_name("one.ts"), film)
        second = write(path.with_name("two.ts"), film.later(later_s))
        joined([first, second], path)
        return film.then(film)

    return make


def _jittered(at) -> Make:
    """Timestamps that no encoder would write, put on packets."""

    def make(path: Path) -> Film:
        film = rendered()[0]
        source = write(path.with_name("source.mkv"), film, Way("mjpeg", pix_fmt="yuvj420p", options={"qscale": "3"}))
        # Instants of decoding are not kept in Matroska; here they only keep the writer from refusing those of showing.
        with av.open(str(source)) as given, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as made:
            stream = made.add_stream_from_template(given.streams.video[0])
            for k, packet in enumerate(p for p in given.demux(video=0) if p.size):
                packet.pts = round(max(at(k, k / 30), 0.0) / packet.time_base)
                packet.dts = round((k / 30 - 1.0) / packet.time_base)
                packet.stream = stream
                made.mux(packet)
        return film

    return make


def _turned(angle: int, stored) -> Make:
    def make(path: Path) -> Film:
        film = rendered()[0]
        write(path, film.drawn(lambda picture: np.ascontiguousarray(stored(picture))), Way(turned=angle))
        return film

    return make


def _flipped(matrix: tuple[int, int, int, int], stored) -> Make:
    def make(path: Path) -> Film:
        film = rendered()[0]
        write(path, film.drawn(lambda picture: np.ascontiguousarray(stored(picture))))
        with_matrix(path, matrix)
        return film

    return make


def _interlaced(path: Path) -> Film:
    """Even lines of one picture and odd lines of the next, stored as the fields of one frame."""
    film = rendered()[0]
    woven = []
    for k in range(0, 88, 2):
        picture = film.pictures[k].copy()
        picture[1::2] = film.pictures[k + 1][1::2]
        woven.append(picture)
    half = Film(tuple(woven), tuple(k / 15 for k in range(44)), film.clip_s[:88:2])
    write(path, half, Way(rate=15, options={"x264-params": "tff=1:threads=1:keyint=30", "flags": "+ildct+ilme"}))
    return half


def _two_streams(is_first: bool, is_still: bool) -> Make:
    def make(path: Path) -> Film:
        film = rendered()[0]
        small = film.resized(160, 90)
        small = small.part(0, 1) if is_still else small
        jobs = [(small, Way("mjpeg", pix_fmt="yuvj420p")), (film, Way())][:: 1 if is_first else -1]
        with av.open(str(path), "w") as container:
            streams = [(add_video(container, part, way), part, way) for part, way in jobs]
            if is_still:
                streams[0][0].disposition = av.stream.Disposition.attached_pic
            packets = [packet for stream, part, way in streams for packet in video_packets(stream, part, way)]
            for packet in sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
                container.mux(packet)
        return film

    return make


def _resized(size_wh: tuple[int, int]) -> Make:
    def make(path: Path) -> Film:
        film = rendered()[0]
        first = write(path.with_name("one.ts"), film.part(0, 45).later(1.0))
        second = write(path.with_name("two.ts"), film.part(45, 90).resized(*size_wh).later(2.5))
        joined([first, second], path)
        return film

    return make
