"""Where the files of a dataset lie, and how one of them is opened.

A folder of this disk is here, a bucket in `tivit.datasets.bucket`. A file of a bucket is copied to this disk while it is worked
on (`tivit.datasets.copies`), so whatever reads it is given a path.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tivit.core.artifacts import md5_of, resolve_inside

SETTLED_NS = 2 * 10**9
"""A file must have been changed this long before it is listed (ns), or its MD5 is not kept: some disks count steps of 2 s."""


@dataclass(frozen=True)
class Listed:
    """A file as its place lists it.

    Attributes
    ----------
    name : str
        Relative POSIX path.
    size : int
        Bytes.
    state : int
        Another number after every change: the time of change in ns, or what stands for it.
    is_settled : bool
        Whether a further change would surely give another `state`.
    """

    name: str
    size: int
    state: int
    is_settled: bool


class DatasetFile(Protocol):
    """One file of a dataset, checked against the index. It can be sent to another process, and is opened there."""

    def opened(self) -> AbstractContextManager[Path]:
        """Return a context in which the file lies on this disk, at the path that it yields.

        Raises
        ------
        InputError
            It cannot be fetched, or has other content than the index says.
        OSError
            The disk has no room for a copy.
        """

    def path(self) -> Path:
        """Return where the file lies on this disk: for good, or until this process has asked for a few more.

        Raises
        ------
        InputError, OSError
            As in `opened`.
        """


class Place(Protocol):
    """Where a dataset lies.

    Attributes
    ----------
    address : str
        Names it in messages, and tells it from other places.
    here : str
        Words for "in this place".
    """

    address: str
    here: str

    def listed(self) -> list[Listed]:
        """Return every visible file in the order of the names: none that is hidden, nor in a hidden folder."""

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None where there is no such file; InputError for a name that leads out."""

    def where(self, name: str) -> str:
        """Return the words for a file in messages; InputError for a name that leads out."""

    def md5(self, name: str) -> str:
        """Return the MD5 of a file, all of which is read."""

    def file(self, name: str, size: int, md5: str) -> DatasetFile:
        """Return a file whose size and MD5 the index says."""


@dataclass(frozen=True)
class LocalFile:
    """A file of this disk.

    Attributes
    ----------
    place : Path
        Where it lies.
    """

    place: Path

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Yield where the file lies."""
        yield self.place

    def path(self) -> Path:
        """Return where the file lies."""
        return self.place


@dataclass(frozen=True)
class Folder:
    """A folder of this disk.

    Attributes
    ----------
    root : Path
        The folder.
    """

    root: Path
    here = "on this disk"

    @property
    def address(self) -> str:
        """The folder without links."""
        return str(self.root.resolve())

    def listed(self) -> list[Listed]:
        """Return every visible file, as `Place.listed` says."""
        result, now_ns = [], time.time_ns()
        for path in visible_files(self.root):
            state = path.stat()
            is_settled = now_ns - state.st_mtime_ns > SETTLED_NS
            result.append(Listed(path.relative_to(self.root).as_posix(), state.st_size, state.st_mtime_ns, is_settled))
        return result

    def size(self, name: str) -> int | None:
        """Return the size of a file, as `Place.size` says."""
        path = resolve_inside(self.root, name)
        return path.stat().st_size if path.is_file() else None

    def where(self, name: str) -> str:
        """Return the path of a file."""
        return str(resolve_inside(self.root, name))

    def md5(self, name: str) -> str:
        """Return the MD5 of a file."""
        return md5_of(resolve_inside(self.root, name))

    def file(self, name: str, size: int, md5: str) -> LocalFile:
        """Return a file of this disk; its content is not compared."""
        del size, md5
        return LocalFile(resolve_inside(self.root, name))


def visible_files(root: Path) -> list[Path]:
    """Return every file below a folder that is not hidden, nor in a hidden folder.

    Parameters
    ----------
    root : Path
        The folder; it need not exist.

    Returns
    -------
    list of Path
        The files, sorted; none when there is no such folder.
    """
    return sorted(item for item in root.rglob("*") if item.is_file() and not is_hidden(item.relative_to(root)))


def is_hidden(relative: Path) -> bool:
    """Return whether a relative path is that of a hidden file, or leads through a hidden folder."""
    return any(part.startswith(".") for part in relative.parts)
