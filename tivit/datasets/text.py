"""Text labels and tables read strictly: whatever is wrong ends in a sentence with file and line, nothing is skipped.

Lines end in LF or CRLF, text is UTF-8, numbers are plain ASCII decimals (no `nan`, `inf`, `1_000`). Only empty lines at the end
of a file mean nothing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tivit.core.errors import InputError

NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file without their ends; line i stands at i - 1."""
    lines = [line.removesuffix("\r") for line in _text(path).split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def read_stems(path: Path) -> dict[str, int]:
    """Return stem -> line of a list with one stem per line; `#` starts a comment, blank lines mean nothing."""
    stems: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        stem = line.partition("#")[0].strip()
        if stem in stems:
            raise InputError(f"{path}, line {number}: {stem!r} stands in it twice, first in line {stems[stem]}")
        if stem:
            stems[stem] = number
    return stems


def read_records(path: Path) -> Any:
    """Return the content of a JSON file; repeated keys, NaN and infinity are faults like broken syntax."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{path}, line {line_of_key(text, repeated)}: key {repeated!r} stands twice in one object")
        return result

    def no_number(name: str) -> None:
        line = text.count("\n", 0, text.find(name)) + 1
        raise InputError(f"{path}, line {line}: {name} is not a number")

    text = _text(path)
    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from None
    except RecursionError:
        raise InputError(f"{path}, line 1: not usable JSON (nested too deeply)") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}, line 1: not usable JSON ({error})") from None


def line_of_key(text: str, key: str) -> int:
    """Return the line, from 1 on, of the first place where `key` stands as a key of JSON text; 1 where none does."""
    match = re.search(re.escape(json.dumps(key)) + r"\s*:", text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def number(where: str, name: str, cell: str, low: float, high: float) -> float:
    """Return the number in a cell; raise InputError, which begins with `where`, unless it is one in low..high."""
    text = cell.strip()
    if not NUMBER.fullmatch(text):
        raise InputError(f"{where}: {name} {_short(cell)} is not a number")
    value = float(text)
    if not low <= value <= high:
        raise InputError(f"{where}: {name} {_short(text)} is outside {low:g}..{high:g}")
    return value


def whole(where: str, name: str, cell: str, low: int, high: int) -> int:
    """Return the whole number in a cell ("60" or "60.000"), checked as `number` does."""
    value = number(where, name, cell, low, high)
    if not value.is_integer():
        raise InputError(f"{where}: {name} {_short(cell)} is not a whole number")
    return int(value)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text") from None


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else f"{cell[:37]}...")
