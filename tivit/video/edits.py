"""How many parts the edit list of an MP4 or QuickTime file puts together: FFmpeg applies the list, and says nothing of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

MOST_TABLE_BYTES = 64_000_000
"""Longer tables are not looked at; those of ten hours have a tenth of it."""
HEADER_BYTES = 8
WITHIN = (b"trak", b"edts", b"mdia", b"minf")


def edit_count(path: Path) -> int:
    """Return of how many parts the pictures of a file are put together.

    Parameters
    ----------
    path : Path
        A file of any kind.

    Returns
    -------
    int
        1 where the file has no edit list, or is no MP4 or QuickTime file.
    """
    counts = [1]
    for kind, body in _boxes(_tables(path)):
        if kind == b"trak":
            inner = dict(_boxes(body, WITHIN))
            if b"vmhd" in inner and b"elst" in inner:
                counts.append(_parts(inner[b"elst"]))
    return max(counts)


def _tables(path: Path) -> bytes:
    """Return the content of the box `moov`; nothing where there is none."""
    with open(path, "rb") as file:
        while len(head := file.read(HEADER_BYTES)) == HEADER_BYTES:
            size, kind = struct.unpack(">I4s", head)
            skipped = HEADER_BYTES
            if size == 1:  # the size is behind it, for boxes of 4 GB and more
                wide = file.read(8)
                size, skipped = (struct.unpack(">Q", wide)[0] if len(wide) == 8 else 0), HEADER_BYTES + 8
            if size < skipped:
                break
            if kind == b"moov":
                return file.read(size - skipped) if size <= MOST_TABLE_BYTES else b""
            file.seek(size - skipped, 1)
    return b""


def _boxes(content: bytes, within: tuple[bytes, ...] = ()) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and body of each box, and of those inside boxes of the kinds `within`."""
    place = 0
    while place + HEADER_BYTES <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        if size < HEADER_BYTES:
            return
        body = content[place + HEADER_BYTES : place + size]
        yield kind, body
        if kind in within:
            yield from _boxes(body, within)
        place += size


def _parts(body: bytes) -> int:
    """Return how many entries of an edit list show something: an empty one only makes the begin later (ISO 14496-12, 8.6.6)."""
    if len(body) < HEADER_BYTES:
        return 1
    version, count = body[0], struct.unpack_from(">I", body, 4)[0]
    size, form, place = (20, ">q", 8) if version == 1 else (12, ">i", 4)
    starts = range(HEADER_BYTES, min(HEADER_BYTES + count * size, len(body) - size + 1), size)
    return sum(struct.unpack_from(form, body, start + place)[0] >= 0 for start in starts)
