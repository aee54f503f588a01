"""Checks of what a command is to write, made before any work: nothing that exists is lost by mistake, and a missing folder,
one that cannot be written to, and a full disk are said at once.

A link is never written through and never replaced: what it leads to can be named instead.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from tivit.core.errors import InputError

LEAST_FREE_BYTES = 2_000_000
"""Less room than this in the folder of an output is said before the work."""
TEMPORARY_BYTES = 20
"""A file is written under a temporary name first, which is longer than its own by a dot, `.tmp` and the number of the process
(`artifacts.atomic_path`)."""


def refuse_file(
    path: Path,
    may_replace: bool,
    option: str = "-o",
    force: str = "--force",
    reads: Iterable[Path] = (),
    makes_folder: bool = False,
) -> None:
    """Raise InputError where a file cannot be written, or would destroy something.

    Parameters
    ----------
    path : Path
        The file to write.
    may_replace : bool
        Whether a file of an earlier run may be replaced.
    option : str
        The option by which the user chooses another name, for the message.
    force : str
        The option that lets a file be replaced; "" where there is none.
    reads : iterable of Path
        Files that the command reads: none of them is ever replaced.
    makes_folder : bool
        Whether the folder is made where it is not there.

    Raises
    ------
    InputError
        One sentence with the file, what is wrong and what to do.
    """
    other = f"choose another name by {option}"
    for read in reads:
        if os.path.realpath(path) == os.path.realpath(read) or _is_same(path, read):
            raise InputError(f"{path}: is a file that is to be read; {other}")
    folder = Path(os.path.realpath(path)).parent
    if makes_folder:
        _refuse_folder_of(path, _nearest(folder), option)
    else:
        _refuse_folder_of(path, folder, option)
    mode = _mode(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder; name a file by {option}")
    if mode is not None and not stat.S_ISREG(mode):
        raise InputError(f"{path}: is no ordinary file; {other}")
    if mode is not None and not may_replace:
        raise InputError(f"{path}: exists already; {f'{force} replaces it, {option} chooses another name' if force else other}")
    if path.is_symlink():
        raise InputError(
            f"{path}: is a link to {os.readlink(path)}, which would be lost; name that by {option}, or delete the link"
        )


def refuse_folder(path: Path, option: str) -> None:
    """Raise InputError where files cannot be written into a folder, which need not be there yet.

    Parameters
    ----------
    path : Path
        The folder.
    option : str
        The option by which the user chooses another one, for the message.

    Raises
    ------
    InputError
        It, or what is there of the way to it, is no folder, cannot be written to, or has no room.
    """
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path}: is a link that leads nowhere; choose another folder by {option}")
    _refuse_folder_of(path, _nearest(Path(os.path.realpath(path))), option)


def temporary_file(needed_bytes: int, what: str, video: Path, otherwise: str) -> BinaryIO:
    """Return a file without a name in the folder for temporary files, which the system removes however the process ends.

    Parameters
    ----------
    needed_bytes : int
        How much will be written; 0 where it is not known.
    what : str
        What needs it, for the message: "--adapt".
    video : Path
        What it is needed for, for the message.
    otherwise : str
        What the user may do besides naming another folder, for the message.

    Returns
    -------
    BinaryIO

    Raises
    ------
    InputError
        There is no room for it.
    """
    folder = tempfile.gettempdir()
    if (free := shutil.disk_usage(folder).free) < needed_bytes:
        raise InputError(
            f"{folder}: {what} needs {needed_bytes / 1e9:.1f} GB there for {video}, {free / 1e9:.1f} GB are free; name another "
            f"folder in TMPDIR, {otherwise}"
        )
    return tempfile.TemporaryFile(prefix="tivit-")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def _mode(path: Path) -> int | None:
    """Return the kind of file a path leads to; None where there is nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _nearest(folder: Path) -> Path:
    """Return the innermost folder of a path that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _refuse_folder_of(path: Path, folder: Path, option: str) -> None:
    if not folder.exists():
        raise InputError(f"{path}: there is no folder {folder}; make it first")
    if not folder.is_dir():
        raise InputError(f"{path}: {folder} is no folder; choose another place by {option}")
    if len(os.fsencode(path.name)) + TEMPORARY_BYTES > os.pathconf(folder, "PC_NAME_MAX"):
        raise InputError(f"{path}: its name is too long; choose a shorter one by {option}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{path}: its folder cannot be written to ({error.strerror})") from None
    if (free := shutil.disk_usage(folder).free) < LEAST_FREE_BYTES:
        raise InputError(f"{path}: its disk is full ({free / 1e6:.1f} MB are free)")
