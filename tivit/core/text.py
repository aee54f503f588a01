"""Text files: UTF-8, or UTF-16 with a byte order mark, and any of the three line ends."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from tivit.core.errors import InputError

LINE_END = re.compile(r"\r\n|\n|\r")
"""Of Windows, of Unix, and of old Macs. Nothing else ends a line, though Unicode has more that could."""
LARGEST_BYTES = 256 << 20
"""Larger files are refused before they are read: 10^6 notes take 30 MB."""
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""Byte order marks, and how what follows is decoded."""


def read_text(path: Path | str) -> str:
    """Return the text of a file.

    Parameters
    ----------
    path : path-like
        The file, in UTF-8 with or without a byte order mark, or in UTF-16 with one.

    Returns
    -------
    str
        The text, without the mark.

    Raises
    ------
    InputError
        The file cannot be read, is larger than 256 MB, or is no such text.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path}: is larger than {LARGEST_BYTES >> 20} MB, which no text of this project is")
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text; save it as UTF-8") from None


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without their ends and without empty ones at the end; line number i is at index i - 1."""
    lines = LINE_END.split(text)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
