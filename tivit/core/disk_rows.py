"""Rows of numbers that stay on disk and are read a part at a time, so that memory does not grow with them.

Two kinds of files hold such rows: an npz (`tivit/core/arrays.py`), and a `Scratch`, which has no name and is gone with the last
of its rows, also when the process is killed.
"""

from __future__ import annotations

import math
import os
import tempfile
import weakref
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np


class OpenFile:
    """A file that stays open for as long as something refers to this object.

    Parameters
    ----------
    file : io.FileIO
        Open for reading, without a buffer.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        weakref.finalize(self, file.close)

    def read(self, offset_b: int, size_b: int) -> bytes:
        """Return `size_b` bytes from the byte `offset_b` on; fewer where the file ends."""
        self._file.seek(offset_b)
        parts = []
        while size_b and (part := self._file.read(size_b)):  # one call returns 2 GB at most
            parts.append(part)
            size_b -= len(part)
        return b"".join(parts)

    def append(self, content: memoryview) -> int:
        """Write bytes to the end of the file and return where they begin."""
        offset_b = self._file.seek(0, os.SEEK_END)
        while content:
            content = content[self._file.write(content) :]
        return offset_b


@dataclass(frozen=True)
class DiskRows:
    """Rows of an array in a file.

    Attributes
    ----------
    file : OpenFile
        The file.
    offset_b : int
        Where the first row begins (bytes).
    shape : tuple of int
        Shape of the array; its first axis are the rows.
    dtype : numpy.dtype
        Type of the numbers.
    """

    file: OpenFile
    offset_b: int
    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return the rows of a slice of step 1 as an array of their own."""
        first, beyond, _ = part.indices(len(self))
        count, row_b = max(beyond - first, 0), self.dtype.itemsize * math.prod(self.shape[1:])
        content = self.file.read(self.offset_b + first * row_b, count * row_b)
        if len(content) != count * row_b:
            raise OSError(f"rows {first} to {beyond}: the file has become shorter since it was opened")
        return np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])


class Scratch:
    """Arrays that are kept on disk while they are worked on.

    Parameters
    ----------
    folder : Path
        Whose disk takes them; it is made where it is missing. No file is seen in it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        # No `with`: the file stays open for as long as its rows are used.
        self._file = OpenFile(tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115

    def keep(self, array: np.ndarray) -> DiskRows:
        """Return an array as rows on disk.

        Parameters
        ----------
        array : ndarray, shape (N, ...)
            At least one axis; of any type but object.

        Returns
        -------
        DiskRows

        Raises
        ------
        OSError
            The disk is full; it names the folder.
        """
        array = np.ascontiguousarray(array)
        try:
            offset_b = self._file.append(array.reshape(-1).view(np.uint8).data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._folder)) from None
        return DiskRows(self._file, offset_b, array.shape, array.dtype)
