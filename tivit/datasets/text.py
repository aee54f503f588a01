"""Text labels and tables, read strictly: whatever is wrong is reported with file and line, and nothing is skipped.

Encodings and line ends are those of `core.text`, numbers are plain ASCII decimals (no `nan`, `inf`, `1_000`). Empty lines are
ignored only at the end of a file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tivit.core.errors import InputError
from tivit.core.text import lines_of, read_text

NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of str
        The lines without their ends and without empty ones at the end; line number i of the file is at index i - 1.

    Raises
    ------
    InputError
        The file is missing, or is not text.
    """
    return lines_of(read_text(path))


def read_stems(path: Path) -> dict[str, int]:
    """Return the stems in a list with one stem per line; `#` starts a comment, and blank lines are ignored.

    Parameters
    ----------
    path : Path
        The list.

    Returns
    -------
    dict of str to int
        Stem -> number of its line, from 1 on.

    Raises
    ------
    InputError
        The file is missing or is not UTF-8 text, or a stem stands in it twice.
    """
    stems: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        stem = line.partition("#")[0].strip()
        if stem in stems:
            raise InputError(f"{path}, line {number}: {stem!r} stands in it twice, first in line {stems[stem]}")
        if stem:
            stems[stem] = number
    return stems


def read_records(path: Path) -> Any:
    """Return the content of a JSON file; repeated keys, NaN and infinity are faults like broken syntax.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    object
        What the file holds, as Python's own types.

    Raises
    ------
    InputError
        The file is missing, is not UTF-8 text, or has one of these faults; the message names the line.
    """

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

    text = read_text(path)
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
    """Return the line in which a key stands in JSON text.

    Parameters
    ----------
    text : str
        The JSON text.
    key : str
        The key.

    Returns
    -------
    int
        Number of the line of the first place where it stands as a key, from 1 on; 1 where there is none.
    """
    match = re.search(re.escape(json.dumps(key)) + r"\s*:", text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def number(where: str, name: str, cell: str, low: float, high: float) -> float:
    """Return the number in a cell.

    Parameters
    ----------
    where : str
        File and line, with which a message begins.
    name : str
        What the number is, for messages.
    cell : str
        The cell; spaces around the number are ignored.
    low, high : float
        The range that is allowed, both ends included.

    Returns
    -------
    float
        The number.

    Raises
    ------
    InputError
        The cell is not a plain decimal number in this range.
    """
    text = cell.strip()
    if not NUMBER.fullmatch(text):
        raise InputError(f"{where}: {name} {_short(cell)} is not a number")
    value = float(text)
    if not low <= value <= high:
        raise InputError(f"{where}: {name} {_short(text)} is outside {low:g}..{high:g}")
    return value


def whole(where: str, name: str, cell: str, low: int, high: int) -> int:
    """Return the whole number in a cell, which may be written as "60" or "60.000".

    Parameters
    ----------
    where, name, cell : str
        As for `number`.
    low, high : int
        The range that is allowed, both ends included.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InputError
        The cell is not a whole number in this range.
    """
    value = number(where, name, cell, low, high)
    if not value.is_integer():
        raise InputError(f"{where}: {name} {_short(cell)} is not a whole number")
    return int(value)


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else f"{cell[:37]}...")
