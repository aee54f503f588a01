"""Copies on this disk of files that lie elsewhere: a folder of bounded size, shared by all processes that use it.

A copy is named by the MD5 of its content. One that is in use is locked (`flock`, shared); when room is needed, copies that no
process uses are removed, those that were used longest ago first. So a copy is never half there, never more than the bound lies
in the folder, and the folder may be deleted at any time when no process is at work.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tivit.core.errors import InputError

GB = 10**9
"""Bytes of a GB, as disks are sold."""
FILL = 0.9
"""Once copies must go, they go until this share of the bound is taken, so the folder is not looked through for every file."""
KEPT = 2
"""So many copies that `take` returned a process keeps locked: whoever reads one may have asked for the next."""
_kept: deque[BinaryIO] = deque()


@dataclass(frozen=True)
class Copies:
    """A folder of copies.

    Attributes
    ----------
    folder : Path
        The folder; it need not exist.
    limit : int
        At most so many bytes lie in it.
    """

    folder: Path
    limit: int

    @contextmanager
    def opened(self, md5: str, name: str, size: int, fill: Callable[[BinaryIO], None]) -> Iterator[Path]:
        """Yield the copy of a file, which stays where it is within this context.

        Parameters
        ----------
        md5 : str
            32 hexadecimal digits of its content.
        name : str
            The last part of its name, for messages; the suffix tells the kind.
        size : int
            Bytes.
        fill : callable
            Writes the content to an open file where there is no copy yet, or raises.

        Yields
        ------
        Path
            The copy.

        Raises
        ------
        InputError
            There is no room for it within the bound.
        OSError
            The disk is full, or cannot be written to.
        """
        path, lock = self._take(md5, name, size, fill)
        with lock:
            yield path

    def take(self, md5: str, name: str, size: int, fill: Callable[[BinaryIO], None]) -> Path:
        """Return the copy of a file, which stays where it is until this process has taken two more.

        Parameters
        ----------
        md5, name, size, fill : str, str, int, callable
            As in `opened`.

        Returns
        -------
        Path
            The copy.

        Raises
        ------
        InputError, OSError
            As in `opened`.
        """
        while len(_kept) >= KEPT:
            _kept.popleft().close()
        path, lock = self._take(md5, name, size, fill)
        _kept.append(lock)
        return path

    def _take(self, md5: str, name: str, size: int, fill: Callable[[BinaryIO], None]) -> tuple[Path, BinaryIO]:
        """Return a copy and the open file that keeps it locked."""
        path = self.folder / md5 / name
        temporary = path.with_name(f".{os.getpid()}.{name}")
        with ExitStack() as undo:
            with self._alone() as ledger:
                lock = _locked(path, size)
                if lock:
                    return path, lock
                self._make_room(ledger, name, size)
                path.parent.mkdir(exist_ok=True)
                file = open(temporary, "w+b")  # noqa: SIM115 - it is closed by whoever holds the lock
                undo.callback(file.close)
                undo.callback(temporary.unlink, missing_ok=True)
                fcntl.flock(file, fcntl.LOCK_EX)
                if size:  # at once, so that others count it, and a full disk is said before anything is fetched
                    os.posix_fallocate(file.fileno(), 0, size)
            fill(file)
            file.flush()
            with self._alone():
                lock = _locked(path, size)
                if lock:  # another process was faster; its copy may be in use, so it is not replaced
                    return path, lock
                os.replace(temporary, path)
                fcntl.flock(file, fcntl.LOCK_SH)
            undo.pop_all()
        return path, file

    @contextmanager
    def _alone(self) -> Iterator[BinaryIO]:
        """Yield the ledger, a file with an upper bound of the bytes in the folder, while no other process has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / ".ledger", "a+b") as ledger:
            fcntl.flock(ledger, fcntl.LOCK_EX)
            yield ledger

    def _make_room(self, ledger: BinaryIO, name: str, size: int) -> None:
        """Enter a new copy into the ledger; where it does not fit, remove copies that are not in use."""
        if size > self.limit:
            raise InputError(
                f"{name}: has {size / GB:.3g} GB, and data.fetched_gb lets only {self.limit / GB:g} lie on this disk; raise it"
            )
        ledger.seek(0)
        text = ledger.read()
        taken = int(text) if text.isdigit() else self.limit  # a ledger that is damaged or new: look
        if taken + size > self.limit:
            taken = self._removed_down_to(max(0, int(FILL * self.limit) - size))
        if taken + size > self.limit:
            raise InputError(
                f"{name}: has {size / GB:.3g} GB, and files in use take {taken / GB:.3g} of the {self.limit / GB:g} GB of "
                "data.fetched_gb; raise it, or lower runtime.workers"
            )
        ledger.truncate(0)
        ledger.write(b"%d" % (taken + size))
        ledger.flush()

    def _removed_down_to(self, wanted: int) -> int:
        """Remove copies that no process uses, those left by killed ones first, and return how many bytes are there still."""
        copies = []
        for path in self.folder.glob("*/*"):
            state = path.stat()
            copies.append((not path.name.startswith("."), state.st_mtime_ns, path, state.st_size))
        taken = sum(size for *_, size in copies)
        for is_whole, _, path, size in sorted(copies):
            if (not is_whole or taken > wanted) and _is_removed(path):
                taken -= size
        return taken


def _locked(path: Path, size: int) -> BinaryIO | None:
    """Return a copy as an open file that keeps it locked; None where there is none of this size."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - it is closed by whoever holds the lock
    except FileNotFoundError:
        return None
    if os.fstat(file.fileno()).st_size != size:
        file.close()
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    os.utime(path)
    return file


def _is_removed(path: Path) -> bool:
    """Remove a copy that no process has locked, and return whether it was."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink()
    with suppress(OSError):  # another copy lies beside it
        path.parent.rmdir()
    return True
