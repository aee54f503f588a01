"""Arrays in npz files.

They are written as `artifacts` writes everything: atomically, and equal content gives equal bytes. The reader never unpickles.
Long arrays need not be in memory: they are written in pieces, and may be left in the file when it is read.
"""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import overload

import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.disk_rows import DiskRows, OpenFile
from tivit.core.errors import InputError, quoted

PART_B = 1 << 20
"""Bytes that are checked at a time."""
MOST_SAID = 200
"""Letters of what numpy says of a damaged file, which may hold what stands in it."""
DAMAGE = (
    ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, AttributeError, TypeError, KeyError,
    RuntimeError, OverflowError, MemoryError, SyntaxError, tokenize.TokenError,
)  # fmt: skip
"""What numpy and zipfile raise when an npz file has wrong bytes: RuntimeError for a member that seems to be encrypted,
MemoryError for a shape beyond the memory, and so on."""


@dataclass(frozen=True)
class Pieces:
    """An array that is written piece by piece.

    Attributes
    ----------
    shape : tuple of int
        Shape of the whole array.
    dtype : numpy.dtype
        Type of its numbers.
    pieces : iterable of ndarray, shape (n, ...)
        Its rows in order, of that type.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    pieces: Iterable[np.ndarray]


def write_npz(path: Path | str, arrays: Mapping[str, np.ndarray | Pieces]) -> None:
    """Write arrays to an uncompressed npz file, atomically and with stable bytes.

    Members are sorted by name and stamped with 1980-01-01, so equal arrays give equal bytes: those that `numpy.savez` writes.

    Parameters
    ----------
    path : path-like
        The file to write; folders above it are made.
    arrays : mapping of str to ndarray or Pieces
        Name of a member -> array, of any shape and any type but object.
    """
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                array = arrays[name]
                if isinstance(array, Pieces):
                    descr = np.lib.format.dtype_to_descr(array.dtype)
                    header = {"descr": descr, "fortran_order": False, "shape": array.shape}
                    np.lib.format.write_array_header_1_0(member, header)
                    for piece in array.pieces:
                        member.write(np.ascontiguousarray(piece, array.dtype).reshape(-1).view(np.uint8).data)
                else:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


@overload
def read_npz(path: Path | str) -> dict[str, np.ndarray]: ...
@overload
def read_npz(path: Path | str, on_disk: Collection[str]) -> dict[str, np.ndarray | DiskRows]: ...
def read_npz(path: Path | str, on_disk: Collection[str] = ()) -> Mapping[str, np.ndarray | DiskRows]:
    """Return every array of an npz file.

    Parameters
    ----------
    path : path-like
        The file to read.
    on_disk : collection of str
        Arrays that stay in the file. Each is read once all the same, a part at a time, to see whether it is damaged.

    Returns
    -------
    dict of str to ndarray or DiskRows
        Name of a member -> array, in the order of the file. An array of `on_disk` that does not lie there row by row
        (compressed, or column by column) is in memory as well.

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
            file = OpenFile(FileIO(path)) if on_disk else None
            result: dict[str, np.ndarray | DiskRows] = {}
            for name in archive.files:
                rows = _rows_on_disk(file, archive.zip, name) if file and name in on_disk else None
                result[name] = archive[name] if rows is None else rows
                if not isinstance(result[name], np.ndarray | DiskRows):
                    raise ValueError("no array")
            return result
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except DAMAGE as error:
        where = f", array {quoted(name)}" if name else ""
        raise InputError(f"{path}{where}: not a readable npz file ({str(error)[:MOST_SAID]})") from None


def _rows_on_disk(file: OpenFile, archive: zipfile.ZipFile, name: str) -> DiskRows | None:
    """Return where the rows of a member lie, None where they do not lie in the file row by row; all are read once."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        return None
    with archive.open(info) as member:
        if np.lib.format.read_magic(member) != (1, 0):
            return None
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
        if is_fortran or dtype.hasobject or not shape:
            return None
        # A local header of 30 bytes, whose last two numbers are the lengths of the name and of the extra field behind it.
        lengths = struct.unpack("<HH", file.read(info.header_offset + 26, 4))
        offset_b = info.header_offset + 30 + sum(lengths) + member.tell()
        size_b = info.file_size - member.tell()
        if size_b != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{size_b:,} bytes for the shape {shape}")
        while member.read(PART_B):  # the end is where zipfile compares the checksum
            pass
    return DiskRows(file, offset_b, shape, dtype)


def _refuse_bomb(path: Path | str) -> None:
    """Raise ValueError where a part is larger than the file: nothing is compressed here, so it can only fill the memory."""
    size = Path(path).stat().st_size
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            if part.file_size > size:
                raise ValueError(f"{part.filename} unpacks to {part.file_size:,} bytes, more than the file has")
