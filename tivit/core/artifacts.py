"""Atomic, byte-stable writers. Every file a stage leaves behind goes through here.

A file is written to a temporary sibling and renamed (`os.replace`), so a killed process leaves either the old file or the
new one. Equal content gives equal bytes: sorted keys, fixed float format, no timestamps. Arrays are written by `arrays`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tivit.core.errors import InputError
from tivit.core.text import read_text

_TEMPORARY = re.compile(r"\.(\d+)\.tmp(\.[^.]+)?$")
"""The end of the name of a temporary file, with the number of the process that writes it."""


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, and on any error it is removed.

    Parameters
    ----------
    path : path-like
        The file to write; folders above it are made.

    Yields
    ------
    Path
        A hidden sibling of `path` with the same suffix, to be written by the caller.

    Raises
    ------
    OSError
        An error of the system that names no file (a full disk) is raised again with `path` in it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path | str) -> None:
    """Remove the temporary files that killed processes of this machine have left below a folder.

    Parameters
    ----------
    folder : path-like
        It need not be there. Files of processes that are at work stay.
    """
    for path in Path(folder).rglob(".*.tmp*"):
        match = _TEMPORARY.search(path.name)
        if match and not _is_alive(int(match[1])):
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    """Return whether a process is at work: one that has ended, and whose parent has not yet asked how, is not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    state = Path(f"/proc/{process}/stat")
    return not state.is_file() or state.read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write `content` to `path` atomically.

    Parameters
    ----------
    path : path-like
        The file to write; folders above it are made.
    content : bytes
        All of its content.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path | str, value: object, decimals: int = 6) -> None:
    """Write `value` as JSON: sorted keys, rounded floats, a newline at the end.

    Parameters
    ----------
    path : path-like
        The file to write; folders above it are made.
    value : object
        Mappings, lists, tuples, numpy arrays and scalars, and what JSON knows itself, nested in any way.
    decimals : int
        Floats are rounded to so many decimals.

    Raises
    ------
    ValueError
        A float is NaN or infinite: a metric that has no value is omitted, never written.
    """
    write_bytes(path, (json_text(value, decimals) + "\n").encode())


def json_text(value: object, decimals: int = 6) -> str:
    """Return `value` as `write_json` writes it, without the newline at the end.

    Parameters
    ----------
    value : object
        As for `write_json`.
    decimals : int
        Floats are rounded to so many decimals.

    Returns
    -------
    str
        JSON with sorted keys, indented by two spaces.

    Raises
    ------
    ValueError
        A float is NaN or infinite.
    """
    return json.dumps(_rounded(value, decimals), indent=2, sort_keys=True, allow_nan=False)


def read_json(path: Path | str) -> Any:
    """Return the content of a JSON file.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    object
        What the file holds, as Python's own types.

    Raises
    ------
    InputError
        The file cannot be read, is not text, or is not JSON; the message names the file and, for broken syntax, the line.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file ({error})") from None


def write_csv(path: Path | str, header: Sequence[str], rows: Iterable[Sequence[object]], decimals: int = 6) -> None:
    r"""Write a table of comma separated values whose lines end in `\n`.

    Parameters
    ----------
    path : path-like
        The file to write; folders above it are made.
    header : sequence of str
        Names of the columns, the first line.
    rows : iterable of sequences
        One sequence of cells per line; numpy scalars are written as Python's own numbers.
    decimals : int
        Floats have at most so many decimals; zeros at the end are left out.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value, decimals) for value in row])
    write_bytes(path, buffer.getvalue().encode())


def read_csv(path: Path | str, header: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table written by `write_csv`.

    Parameters
    ----------
    path : path-like
        The file to read, in UTF-8.
    header : sequence of str
        The header that the table must have.

    Returns
    -------
    list of list of str
        The cells of every line after the header.

    Raises
    ------
    InputError
        The file is missing or is not a table, its header is another one, or a line has another number of columns.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV table ({error})") from None
    if not rows or rows[0] != list(header):
        raise InputError(f"{path}: the header is {rows[0] if rows else 'missing'}, expected {list(header)}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise InputError(f"{path}, line {number}: {len(row)} columns, expected {len(header)}")
    return rows[1:]


def md5_of(path: Path | str) -> str:
    """Return the MD5 of a file's content, as a name for that content and not as a signature.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    str
        32 hexadecimal digits, as DVC writes them.
    """
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def resolve_inside(root: Path | str, relative: str) -> Path:
    """Return `root / relative` as an absolute path, provided that it lies inside `root`.

    Parameters
    ----------
    root : path-like
        The folder that may not be left.
    relative : str
        A path below it.

    Returns
    -------
    Path
        The resolved path; it need not exist.

    Raises
    ------
    InputError
        The path leaves `root`: it is absolute, or leads out through `..` or a link.
    """
    root = Path(root).resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise InputError(f"{relative!r} leads out of {root}: only paths inside it are allowed")
    return path


def _rounded(value: object, decimals: int) -> object:
    if isinstance(value, Mapping):
        return {str(key): _rounded(item, decimals) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item, decimals) for item in value]
    value = _plain(value)
    if isinstance(value, list):
        return _rounded(value, decimals)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be written to JSON: omit the key")
        return round(value, decimals) + 0.0
    return value


def _cell(value: object, decimals: int) -> object:
    value = _plain(value)
    if isinstance(value, float):
        text = f"{round(value, decimals) + 0.0:.{decimals}f}"
        return text.rstrip("0").rstrip(".") or "0"
    return value


def _plain(value: object) -> object:
    """Return a numpy number or array as Python's own; anything else as it is. (numpy itself takes too long to import here.)"""
    return value.tolist() if hasattr(value, "tolist") else value
