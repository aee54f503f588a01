"""Arrays in npz files, written as `artifacts` writes: atomically, equal content as equal bytes. Readers never unpickle."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.errors import InputError

DAMAGE = (
    ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, AttributeError, TypeError, KeyError,
    RuntimeError, OverflowError, MemoryError,
)  # fmt: skip
"""What numpy and zipfile raise at npz files with wrong bytes: RuntimeError at a member that seems encrypted, MemoryError at a
shape beyond the memory, and so on."""


def write_npz(path: Path | str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays (sorted by name) to an uncompressed npz; numpy stamps its members 1980-01-01, so bytes are stable."""
    with atomic_path(path) as temporary:
        members: dict[str, Any] = {name: np.asarray(arrays[name]) for name in sorted(arrays)}
        np.savez(temporary, **members)


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
