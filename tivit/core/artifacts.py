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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tivit.core.errors import InputError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on any error it is removed.

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


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write `content` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path | str, value: object, decimals: int = 6) -> None:
    """Write `value` as JSON: sorted keys, floats rounded to `decimals`, newline at the end.

    Raises
    ------
    ValueError
        A float is NaN or infinite: a metric that has no value is omitted, never written.
    """
    write_bytes(path, (json_text(value, decimals) + "\n").encode())


def json_text(value: object, decimals: int = 6) -> str:
    """Return `value` as `write_json` writes it; raise ValueError when a float is NaN or infinite."""
    return json.dumps(_rounded(value, decimals), indent=2, sort_keys=True, allow_nan=False)


def read_json(path: Path | str) -> Any:
    """Return the content of a JSON file; raise InputError naming the file and line when it is missing or malformed."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file ({error})") from None


def write_csv(path: Path | str, header: Sequence[str], rows: Iterable[Sequence[object]], decimals: int = 6) -> None:
    """Write a comma separated table with `\\n` line ends; floats with at most `decimals` decimals."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value, decimals) for value in row])
    write_bytes(path, buffer.getvalue().encode())


def read_csv(path: Path | str, header: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table written by `write_csv`, checking that its header is `header`."""
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
    """Return the hexadecimal MD5 of a file's content (a content name, as DVC uses it, not a signature)."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def resolve_inside(root: Path | str, relative: str) -> Path:
    """Return `root / relative`, refusing a path that leaves `root` (absolute, or through `..`)."""
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
