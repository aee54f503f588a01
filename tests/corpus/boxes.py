"""Changes of the tables of an MP4 file, byte by byte: edit lists, display matrices, names of codecs."""

from __future__ import annotations

import struct
from pathlib import Path

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta")
MOVIE_TICKS = 1000
"""Ticks a second of the movie header that FFmpeg writes."""


def rebuilt(content: bytes, change) -> bytes:
    """Return boxes with `change(kind, body)` applied to each; it returns another body, or None to take the box away."""
    parts, place = [], 0
    while place + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[place : place + 8])
        size = len(content) - place if size == 0 else size
        body = content[place + 8 : place + size]
        if kind in CONTAINERS:
            body = rebuilt(body, change)
        body = change(kind, body)
        if body is not None:
            parts.append(struct.pack(">I4s", len(body) + 8, kind) + body)
        place += size
    return b"".join(parts)


def changed(path: Path, change) -> Path:
    """Change boxes of a file whose tables lie behind its pictures, so that no offset moves."""
    path.write_bytes(rebuilt(path.read_bytes(), change))
    return path


def with_edits(path: Path, edits: list[tuple[float, float]]) -> Path:
    """Give the video track of a file an edit list.

    Parameters
    ----------
    path : Path
        An MP4 file whose first track is its video.
    edits : list of tuple of float
        Of each edit its first instant (s of what was filmed, -1 for nothing), and how long it lasts (s).
    """
    ticks, delay = _media_clock(path)

    def change(kind: bytes, body: bytes) -> bytes:
        if kind != b"trak" or b"vmhd" not in body:
            return body
        entries = b"".join(
            struct.pack(">IiI", round(length_s * MOVIE_TICKS), -1 if at_s < 0 else round(at_s * ticks) + delay, 1 << 16)
            for at_s, length_s in edits
        )
        elst = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
        edts = struct.pack(">I4s", 8 + len(elst), b"edts") + elst
        at = struct.unpack(">I", body[:4])[0]  # behind the header of the track
        return body[:at] + edts + rebuilt(body[at:], lambda inner, content: None if inner == b"edts" else content)

    return changed(path, change)


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Give the track of a file a display matrix a, b, c, d (whole numbers)."""

    def change(kind: bytes, body: bytes) -> bytes:
        if kind != b"tkhd":
            return body
        a, b, c, d = (value << 16 for value in matrix)
        return body[:40] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + body[76:]

    return changed(path, change)


def with_codec(path: Path, name: bytes) -> Path:
    """Give the pictures of a file another codec by name alone."""
    return changed(path, lambda kind, body: body[:12] + name + body[16:] if kind == b"stsd" else body)


def _media_clock(path: Path) -> tuple[int, int]:
    """Return the ticks a second of the first track, and the ticks by which its first frame is decoded before it is shown."""
    found = {"delay": 0}

    def look(kind: bytes, body: bytes) -> bytes:
        if kind == b"mdhd" and "ticks" not in found:
            found["ticks"] = struct.unpack(">I", body[12:16])[0]
        if kind == b"elst":
            found["delay"] = struct.unpack(">i", body[12:16])[0]
        return body

    rebuilt(path.read_bytes(), look)
    return found["ticks"], found["delay"]
