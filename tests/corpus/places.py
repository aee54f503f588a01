"""Odd places for results: links, pipes, folders that are read-only, and disks without room."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from tests.corpus.film import rendered
from tests.corpus.writing import Way, write
from tivit.core.notes import write_midi

Make = Callable[[Path, ExitStack], str]
"""Makes a place below the current folder and returns the name that the user gives; what it puts on the stack is undone."""


class CannotMakeError(Exception):
    """This machine does not allow such a place; the message says why."""


def hard_link(name: str) -> Make:
    """Return a maker of a second name of an input."""

    def make(folder: Path, stack: ExitStack) -> str:
        os.link("film.mp4" if name.endswith((".mid", ".pt")) else "true.mid", name)
        if name.endswith(".onnx"):
            os.unlink(name)
            os.link("mine.pt", name)
        return name

    return make


def link_to(name: str, target: str) -> Make:
    """Return a maker of a link."""

    def make(folder: Path, stack: ExitStack) -> str:
        os.symlink(target, name)
        return name

    return make


def pipe(name: str) -> Make:
    """Return a maker of a named pipe."""

    def make(folder: Path, stack: ExitStack) -> str:
        os.mkfifo(name)
        return name

    return make


def folder_at(name: str) -> Make:
    """Return a maker of a folder."""

    def make(folder: Path, stack: ExitStack) -> str:
        Path(name).mkdir()
        return name

    return make


def copy_of(source: str, name: str) -> Make:
    """Return a maker of a file that differs from another only at its end."""

    def make(folder: Path, stack: ExitStack) -> str:
        Path(name).write_bytes(Path(source).read_bytes() + b"\0")
        return name

    return make


def inside(make_folder: Make, name: str) -> Make:
    """Return a maker of a name in a folder that another maker makes."""
    return lambda folder, stack: f"{make_folder(folder, stack)}/{name}"


def _mounted(name: str, options: str, stack: ExitStack) -> str:
    """Mount a file system in memory at a new folder, until the stack is left."""
    Path(name).mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", name], capture_output=True, text=True)
    if done.returncode:
        raise CannotMakeError(f"no file system can be mounted here: {done.stderr.strip()}")
    stack.callback(subprocess.run, ["umount", str(Path(name).absolute())], check=True)
    return name


def read_only(folder: Path, stack: ExitStack) -> str:
    """Make a folder that cannot be written to."""
    if os.geteuid() == 0:  # who may write everywhere but on a disk that is read-only
        return _mounted("closed", "ro", stack)
    Path("closed").mkdir(mode=0o555)
    return "closed"


def full(folder: Path, stack: ExitStack) -> str:
    """Make a folder on a disk without room."""
    return _mounted("full", "size=1m", stack)


def real_video(folder: Path, stack: ExitStack) -> str:
    """Write a video of known notes whose page is larger than 2.2 MB, and return a folder."""
    write(folder / "real.mp4", rendered()[0], Way(options={"crf": "0"}))
    write_midi(folder / "true.mid", rendered()[1])
    Path("room").mkdir()
    return "room"


def becomes_full(folder: Path, stack: ExitStack) -> str:
    """Make a folder on a disk that has room when the work begins, and not for the page."""
    real_video(folder, stack)
    return _mounted("full", "size=2200k", stack)


def no_room(folder: Path, stack: ExitStack) -> str:
    """Let the folder for temporary files be one without room."""
    real_video(folder, stack)
    place = Path(_mounted("small", "size=1m", stack)).absolute()
    stack.enter_context(patch.object(tempfile, "tempdir", str(place)))
    return "room"
