"""Atomic, byte-stable writers. Every file a stage leaves behind goes through here.

A file is written to a temporary sibling and renamed (`os.replace`), so a killed process leaves either the old file or the
new one. Equal content gives equal bytes: sorted keys, fixed float format, no timestamps. Readers never unpickle.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError

DAMAGE = (
    ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, AttributeError, TypeError, KeyError,
    RuntimeError, OverflowError, MemoryError,
)  # fmt: skip
"""What numpy and zipfile raise at npz files with wrong bytes: RuntimeError at a member that seems encrypted, MemoryError at a
shape beyond the memory, and so on."""


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
    text = json.dumps(_rounded(value, decimals), indent=2, sort_keys=True, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path | str) -> object:
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


def write_npz(path: Path | str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays (sorted by name) to an uncompressed npz; numpy stamps its members 1980-01-01, so bytes are stable."""
    with atomic_path(path) as temporary:
        np.savez(temporary, **{name: np.asarray(arrays[name]) for name in sorted(arrays)})


def read_npz(path: Path | str) -> dict[str, np.ndarray]:
    """Return every array of an npz file; raise InputError when it is missing, damaged or holds pickled objects."""
    name = None
    try:
        with np.load(path, allow_pickle=False) as archive:
            result = {}
            for name in archive.files:
                result[name] = archive[name]
                if not isinstance(result[name], np.ndarray):
                    raise ValueError("no array")
            return result
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except DAMAGE as error:
        where = f", array {name!r}" if name else ""
        raise InputError(f"{path}{where}: not a readable npz file ({error})") from None


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
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist(), decimals)
    if isinstance(value, (list, tuple)):
        return [_rounded(item, decimals) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be written to JSON: omit the key")
        return round(float(value), decimals) + 0.0
    return value


def _cell(value: object, decimals: int) -> object:
    if isinstance(value, (float, np.floating)):
        text = f"{round(float(value), decimals) + 0.0:.{decimals}f}"
        return text.rstrip("0").rstrip(".") or "0"
    return value
