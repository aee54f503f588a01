"""A dataset in a bucket (`data.root: s3://bucket/folder`), or on a slow disk (`file:///folder`), through fsspec.

Nothing is fetched but the files that are asked for, each when it is worked on; at most `data.fetched_gb` of them lie in
`.tivit/fetched` at a time. The content of every copy is compared with the index. Who may read a bucket, and on which server it
lies, is said as for any other program (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, `~/.aws`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from tivit.core.errors import InputError
from tivit.core.run.fingerprint import state_folder
from tivit.datasets.copies import GB, Copies
from tivit.datasets.places import Listed, is_hidden

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

PROTOCOLS = ("s3", "file")
"""What was tested. fsspec knows more; each raises errors of its own, which `_errors` must know."""
ADDRESS = re.compile(r"(\w+)://(.+)")
MD5 = re.compile(r"[0-9a-f]{32}")
BLOCK = 1 << 23
"""Bytes that are read at a time: few enough to follow, many enough for one request."""


def is_address(root: str) -> bool:
    """Return whether a value of `data.root` names a protocol, and so no folder of this disk."""
    return "://" in root


@dataclass(frozen=True)
class Bucket:
    """A folder of a bucket.

    Attributes
    ----------
    address : str
        `s3://bucket/folder` or `file:///folder`.
    fetched_gb : float
        At most so many GB of its files lie on this disk at a time.

    Raises
    ------
    InputError
        The address is of another kind, or the package that reads it is not installed.
    """

    address: str
    fetched_gb: float
    here = "in the bucket"

    def __post_init__(self) -> None:
        _system(self.address)

    @cached_property
    def _found(self) -> dict[str, dict[str, Any]]:
        """Relative path -> what the bucket says of a file: one listing, by pages."""
        root = _path_of(self.address)
        with _said(self.address):
            found = _system(self.address).find(root, detail=True)
        return {path.removeprefix(root).lstrip("/"): info for path, info in found.items()}

    def listed(self) -> list[Listed]:
        """Return every visible file, as `Place.listed` says."""
        names = sorted(name for name in self._found if not is_hidden(Path(name)))
        return [Listed(name, int(self._found[name]["size"]), _state(self._found[name]), True) for name in names]

    def size(self, name: str) -> int | None:
        """Return the size of a file, as `Place.size` says."""
        self.where(name)
        return int(self._found[name]["size"]) if name in self._found else None

    def where(self, name: str) -> str:
        """Return the address of a file."""
        if ".." in PurePosixPath(name).parts or name.startswith("/"):
            raise InputError(f"{name!r} leads out of {self.address}: only paths inside it are allowed")
        return f"{self.address.rstrip('/')}/{name}"

    def md5(self, name: str) -> str:
        """Return the MD5 of a file, which is read as a stream and not kept."""
        digest = hashlib.md5(usedforsecurity=False)
        for block in _blocks(self.where(name)):
            digest.update(block)
        return digest.hexdigest()

    def file(self, name: str, size: int, md5: str) -> BucketFile:
        """Return a file that is fetched when it is opened."""
        if not MD5.fullmatch(md5):
            raise InputError(f"{self.where(name)}: its MD5 in the index is {md5!r:.60}, not 32 hexadecimal digits")
        return BucketFile(self.where(name), size, md5, self.fetched_gb)


@dataclass(frozen=True)
class BucketFile:
    """One file of a bucket.

    Attributes
    ----------
    address : str
        Where it lies.
    size, md5 : int, str
        Its bytes, and the MD5 of its content by the index.
    fetched_gb : float
        At most so many GB lie on this disk at a time.
    """

    address: str
    size: int
    md5: str
    fetched_gb: float

    def opened(self) -> AbstractContextManager[Path]:
        """Return a context in which a copy of the file lies on this disk, as `DatasetFile.opened` says."""
        return self._copies.opened(self.md5, PurePosixPath(self.address).name, self.size, partial(_fetch, self))

    def path(self) -> Path:
        """Return where a copy of the file lies, as `DatasetFile.path` says."""
        return self._copies.take(self.md5, PurePosixPath(self.address).name, self.size, partial(_fetch, self))

    @property
    def _copies(self) -> Copies:
        return Copies(state_folder("fetched", "fetched").absolute(), int(self.fetched_gb * GB))


def _fetch(file: BucketFile, to: BinaryIO) -> None:
    """Write the content of a file of a bucket, which must be the one that was indexed."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    for block in _blocks(file.address):
        size += len(block)
        if size > file.size:
            break
        digest.update(block)
        to.write(block)
    if size != file.size or digest.hexdigest() != file.md5:
        raise InputError(f"{file.address}: has other content than when it was indexed; `tivit index` writes the index again")


def _blocks(address: str) -> Iterator[bytes]:
    with _said(address):
        source = _system(address).open(_path_of(address), "rb")
    with source:
        while True:
            with _said(address):
                block = source.read(BLOCK)
            if not block:
                return
            yield block


def _system(address: str) -> AbstractFileSystem:
    """Return what reads an address."""
    match = ADDRESS.fullmatch(address)
    if not match or match[1] not in PROTOCOLS or "::" in address:
        raise InputError(f"data.root: {address!r} cannot be read; allowed are a folder, s3://bucket/folder and file:///folder")
    try:
        from fsspec import filesystem

        return filesystem(match[1])
    except ImportError:
        raise InputError(f"data.root: {address} needs fsspec, and s3fs for s3://; pip install 'tivit[pipeline,s3]'") from None


def _path_of(address: str) -> str:
    """Return an address without its protocol, as fsspec names paths."""
    return _system(address)._strip_protocol(address)


@contextmanager
def _said(address: str) -> Iterator[None]:
    """Turn what the network or the server objects to into a sentence with the address."""
    try:
        yield
    except _errors(address) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{address}: cannot be read ({words:.200}); see data.root, and who may read it") from None


def _errors(address: str) -> tuple[type[Exception], ...]:
    if not address.startswith("s3://"):
        return (OSError,)
    from botocore.exceptions import BotoCoreError

    return OSError, BotoCoreError


def _state(info: dict[str, Any]) -> int:
    """Return a number that is another one after a change, from what a bucket says of a file."""
    said = repr([info.get(name) for name in ("ETag", "LastModified", "VersionId", "mtime")])
    return int(hashlib.sha256(said.encode()).hexdigest()[:15], 16)
