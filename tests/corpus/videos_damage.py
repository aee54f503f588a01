"""Cases: damaged and incomplete files, files that are no video, and odd names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.corpus.boxes import with_codec
from tests.corpus.case import REFUSAL, WARNING, Case, Make, written
from tests.corpus.film import Film, rendered
from tests.corpus.writing import Way, write

FRONT = Way(mux={"movflags": "faststart"}, options={"crf": "12"})
NO_VIDEO = "cannot be opened as a video"


def damages() -> list[Case]:
    """Return one case for each kind of damage."""
    group = "Damaged and incomplete files"
    partial = dict(are_notes_right=False)
    return [
        Case("no-tables.mp4", group, "a recording that was broken off: the tables at the end are missing", _cut(0.7, Way()), REFUSAL, NO_VIDEO, is_fast=True),
        Case("first-frame.mp4", group, "cut in the first frame", _cut(0.03, FRONT), REFUSAL, "no frame can be read|truncated or damaged|at most 5 % may be"),
        Case("half.mp4", group, "cut in the middle", _cut(0.5, FRONT), REFUSAL, "truncated or damaged|at most 5 % may be", is_fast=True),
        Case("most.mp4", group, "cut at 90 %: less than a second is missing", _cut(0.9, FRONT), WARNING, "although it declares 3.0 s", share=0.8, **partial),
        Case("half.mkv", group, "cut in the middle, in Matroska", _cut(0.5, Way()), REFUSAL, "truncated or damaged|frames spread over"),
        Case("half.avi", group, "cut in the middle, in AVI", _cut(0.5, Way("mjpeg", pix_fmt="yuvj420p", is_timed=False)), REFUSAL, "truncated or damaged|frames spread over"),
        Case("half.ts", group, "cut in the middle, in a transport stream, which declares no end", _cut(0.5, Way()), WARNING, "damaged frames", share=0.4, **partial),
        Case("two-percent.mp4", group, "2 % of its bytes overwritten", _overwritten(0.02), WARNING, r"damaged frames: \d+ of \d+", share=0.8, slack_s=0.3, **partial),
        Case("tenth.mp4", group, "10 % of its bytes overwritten", _overwritten(0.10), REFUSAL, "at most 5 % may be", is_fast=True),
        Case("tenth.ts", group, "10 % of a transport stream overwritten", _overwritten(0.10, Way()), REFUSAL, "at most 5 % may be"),
        Case("scratches.ts", group, "single packets of a transport stream lost", _scratched, REFUSAL, "at most 5 % may be|frames spread over"),
        Case("zeros.mp4", group, "the second half filled with zeros, as by a broken download", _zeros(0.5), REFUSAL, "at most 5 % may be|truncated|frames spread"),
        Case("bad-tables.mp4", group, "tables with wrong bytes", _bad_tables, REFUSAL, "damaged|no frame can be read|cannot be opened"),
        Case("codec.mp4", group, "a codec that nobody knows", _codec(b"xyz1"), REFUSAL, "codec is not known", is_fast=True),
        Case("protected.mp4", group, "protected pictures (DRM)", _codec(b"encv"), REFUSAL, "codec is not known|cannot be decoded|no frame can be read"),
        Case("one.mp4", group, "one frame", written(change=lambda film: film.part(0, 1)), WARNING, "has 1 frames", are_notes_right=False, is_fast=True),
        Case("two.mp4", group, "two frames", written(change=lambda film: film.part(0, 2)), WARNING, "has 2 frames", are_notes_right=False),
        Case("ten.mp4", group, "ten frames", written(change=lambda film: film.part(0, 10)), are_notes_right=False),
        Case("metadata.mp4", group, "entries that are not UTF-8", _metadata, is_fast=True),
        Case("tags.mkv", group, "an entry of 200,000 letters", written(Way(metadata={"comment": "x" * 200_000}))),
    ]  # fmt: skip


def strangers() -> list[Case]:
    """Return one case for each kind of file that is no video."""
    group = "Files that are no video"

    def holding(content: bytes) -> Make:
        return lambda path: path.write_bytes(content) and None

    noise = np.random.default_rng(5).integers(0, 256, 100_000, dtype=np.uint8).tobytes()
    return [
        Case("empty.mp4", group, "an empty file", lambda path: path.touch(), REFUSAL, NO_VIDEO),
        Case("text.mp4", group, "text", holding(b"this is no video\n" * 500), REFUSAL, NO_VIDEO),
        Case("noise.mp4", group, "random bytes", holding(noise), REFUSAL, NO_VIDEO),
        Case("zeros.mkv", group, "zeros", holding(bytes(100_000)), REFUSAL, NO_VIDEO),
        Case("page.mp4", group, "the page of a web site instead of the video", holding(b"<!doctype html><html><body>Sign in</body></html>" * 50), REFUSAL, NO_VIDEO),
        Case("archive.mp4", group, "an archive", holding(b"PK\x03\x04" + noise), REFUSAL, NO_VIDEO),
        Case("sound.m4a", group, "sound alone", _sound, REFUSAL, "it holds sound but no pictures", is_fast=True),
        Case("picture.jpg", group, "a photograph", _picture, REFUSAL, NO_VIDEO),
        Case("list.m3u8", group, "a playlist that names a web site", holding(b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://example.org/a.ts\n#EXT-X-ENDLIST\n"), REFUSAL, NO_VIDEO, is_fast=True),
        Case("list.mp4", group, "a playlist that calls itself MP4", holding(b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://example.org/a.ts\n#EXT-X-ENDLIST\n"), REFUSAL, NO_VIDEO),
        Case("join.mp4", group, "a list of files to join", holding(b"ffconcat version 1.0\nfile '/etc/hostname'\n"), REFUSAL, NO_VIDEO),
        Case("stream.sdp", group, "a description of a network stream", holding(b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"), REFUSAL, NO_VIDEO),
        Case("folder.mp4", group, "a folder", lambda path: path.mkdir(), REFUSAL, "is a folder"),
        Case("missing.mp4", group, "no file", lambda path: None, REFUSAL, "no such video file"),
        Case("link.mp4", group, "a link that leads nowhere", lambda path: path.symlink_to("gone.mp4"), REFUSAL, "no such video file"),
        Case("pipe.mp4", group, "a named pipe", lambda path: os.mkfifo(path), REFUSAL, "no such video file|no ordinary file"),
    ]  # fmt: skip


def names() -> list[Case]:
    """Return one case for each odd name."""
    group = "Names"
    odd = [
        ("take:1.mp4", "a colon"), ("100%.mp4", "a per cent sign"), ("%03d.mp4", "a pattern of numbered pictures"),
        ("it's \"mine\".mp4", "quotes"), ("two\nlines.mp4", "a line break"), ("-o.mp4", "a leading dash"),
        ("Этюд № 3.mp4", "Cyrillic letters"), ("練習曲 🎹.mp4", "Chinese letters and a picture"), ("a b  c.mp4", "blanks"),
        ("[1].mp4", "brackets"), ("$(touch x);&|.mp4", "what a shell would run"), ("file:a.mp4", "the name of a protocol"),
        ("http:a.mp4", "the beginning of a web address"), ("CLIP.MP4", "capitals"), ("clip", "no suffix"),
        ("clip.avi", "a suffix of another container"), ("x" * 240 + ".mp4", "240 letters"), (".hidden.mp4", "a leading dot"),
        ("concat:a|b.mp4", "a list of files in the name"), ("back\\slash.mp4", "a backslash"),
    ]  # fmt: skip
    fast = {"take:1.mp4", "two\nlines.mp4"}
    cases = [
        Case(name, group, what, written(Way(format="mp4"), _few), are_notes_right=False, is_fast=name in fast)
        for name, what in odd
    ]
    return [
        *cases,
        Case(os.fsdecode(b"caf\xe9.mp4"), group, "a letter that is not UTF-8", _not_utf8, are_notes_right=False),
        Case("linked.mp4", group, "a link to a video", _linked, are_notes_right=False),
    ]


def _few(film: Film) -> Film:
    return film.part(0, 12)


def _cut(share: float, way: Way) -> Make:
    def make(path: Path) -> Film:
        write(path, rendered()[0], way)
        _change_pictures(path, lambda content: content[: int(share * len(content))], is_cut=True)
        return rendered()[0]

    return make


def _overwritten(share: float, way: Way = FRONT) -> Make:
    def change(content: bytearray) -> bytearray:
        first, count = int(0.4 * len(content)), int(share * len(content))
        content[first : first + count] = np.random.default_rng(1).integers(0, 256, count, dtype=np.uint8).tobytes()
        return content

    def make(path: Path) -> Film:
        write(path, rendered()[0], way)
        _change_pictures(path, change)
        return rendered()[0]

    return make


def _zeros(share: float) -> Make:
    def make(path: Path) -> Film:
        write(path, rendered()[0], FRONT)
        _change_pictures(path, lambda content: content[: int((1 - share) * len(content))] + bytes(int(share * len(content))))
        return rendered()[0]

    return make


def _scratched(path: Path) -> Film:
    write(path, rendered()[0])
    content = bytearray(path.read_bytes())
    for place in np.random.default_rng(2).integers(20, len(content) // 188, len(content) // 188 // 25):
        content[188 * place : 188 * place + 188] = bytes([0x47, 0x1F, 0xFF, 0x10]) + bytes(184)
    path.write_bytes(content)
    return rendered()[0]


def _change_pictures(path: Path, change: Callable[[bytearray], bytes], is_cut: bool = False) -> None:
    """Change what lies behind the word `mdat`, where a file has one, else all of it but the beginning."""
    content = path.read_bytes()
    start = content.index(b"mdat") + 4 if b"mdat" in content else 2000
    path.write_bytes(content[:start] + bytes(change(bytearray(content[start:]))))


def _bad_tables(path: Path) -> None:
    write(path, rendered()[0], FRONT)
    content = bytearray(path.read_bytes())
    place = content.index(b"stsz")
    content[place + 8 : place + 200] = np.random.default_rng(4).integers(0, 256, 192, dtype=np.uint8).tobytes()
    path.write_bytes(content)


def _codec(name: bytes) -> Make:
    def make(path: Path) -> None:
        with_codec(write(path, rendered()[0].part(0, 12)), name)

    return make


def _metadata(path: Path) -> Film:
    write(path, rendered()[0], Way(metadata={"title": "ZZZZZZZZ"}))
    content = path.read_bytes()
    assert b"ZZZZZZZZ" in content
    path.write_bytes(content.replace(b"ZZZZZZZZ", b"Fr\xfchling"))
    return rendered()[0]


def _sound(path: Path) -> None:
    import av

    from tests.corpus.writing import SOUND_HZ, sound_packets

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=SOUND_HZ)
        stream.layout = "mono"
        for packet in sound_packets(stream, 0.0, 2.0):
            container.mux(packet)


def _picture(path: Path) -> None:
    import cv2

    cv2.imwrite(str(path), rendered()[0].pictures[0])


def _linked(path: Path) -> Film:
    film = _few(rendered()[0])
    write(path.with_name("there.mp4"), film)
    path.symlink_to("there.mp4")
    return film


def _not_utf8(path: Path) -> Film:
    film = _few(rendered()[0])
    write(path.with_name("source.mp4"), film).rename(path)
    return film
