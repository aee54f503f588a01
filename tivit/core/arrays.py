"""Arrays in npz files.

They are written as `artifacts` writes everything: atomically, and equal content gives equal bytes. The reader never unpickles.
"""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.errors import InputError, quoted

MOST_SAID = 200
"""Letters of what numpy says of a damaged file, which may hold what stands in it."""
DAMAGE = (
    ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, AttributeError, TypeError, KeyError,
    RuntimeError, OverflowError, MemoryError, SyntaxError, tokenize.TokenError,
)  # fmt: skip
"""What numpy and zipfile raise when an npz file has wrong bytes: RuntimeError for a member that seems to be encrypted,
MemoryError for a shape beyond the memory, and so on."""


def write_npz(path: Path | str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to an uncompressed npz file, atomically and with stable bytes.

    Members are sorted by name, and numpy stamps each of them with 1980-01-01, so equal arrays give equal bytes.

    Parameters
    ----------
    path : path-like
        The file to write; folders above it are made.
    arrays : mapping of str to ndarray
        Name of a member -> array, of any shape and any type but object.
    """
    with atomic_path(path) as temporary:
        members: dict[str, Any] = {name: np.asarray(arrays[name]) for name in sorted(arrays)}
        np.savez(temporary, **members)


def read_npz(path: Path | str) -> dict[str, np.ndarray]:
    """Return every array of an npz file.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    dict of str to ndarray
        Name of a member -> array, in the order of the file.

    Raises
    ------
    InputError
        The file is missing or damaged, holds pickled objects, or unpacks to more than its size. The message names the array, if
        one is at fault.
    """
    name = None
    try:
        _refuse_bomb(path)
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
        where = f", array {quoted(name)}" if name else ""
        raise InputError(f"{path}{where}: not a readable npz file ({str(error)[:MOST_SAID]})") from None


def _refuse_bomb(path: Path | str) -> None:
    """Raise ValueError where a part is larger than the file: nothing is compressed here, so it can only fill the memory."""
    size = Path(path).stat().st_size
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            if part.file_size > size:
                raise ValueError(f"{part.filename} unpacks to {part.file_size:,} bytes, more than the file has")
