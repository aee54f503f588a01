"""`tivit doctor`: what is installed and where things lie, in the words that a report of a fault needs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.run.stage import add_verbose

PACKAGES = ("tivit", "torch", "numpy", "av", "opencv-python-headless", "mido", "music21", "dvc")
LOCK_FILES = ("dvc.lock", "data/dvc.lock")
CODECS = ("h264", "hevc", "vp9", "libdav1d", "mpeg4", "prores")


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "doctor",
        help="say what is installed and where things lie",
        description="Say what is installed, on which device the network runs, which videos can be decoded, and where weights, "
        "data sets, the DVC remote and the cache lie. The exit status is 1 when no video can be transcribed.",
    )
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Print what is found and return 0; or 1 where something that a transcription needs is missing."""
    faults = []
    for what, found, is_fault in _findings():
        print(f"{what:<18} {found}")
        if is_fault:
            faults.append(what)
    print(f"missing: {', '.join(faults)}" if faults else "videos can be transcribed")
    return 1 if faults else 0


def _findings() -> Iterator[tuple[str, str, bool]]:
    """Yield a thing, what was found of it, and whether a transcription fails for it."""
    for name in PACKAGES:
        yield name, _version(name), False
    yield from _device()
    yield from _decoders()
    yield from _weights()
    yield from _data()


def _version(name: str) -> str:
    from importlib import metadata  # here, as it takes as long to import as all commands together

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _device() -> Iterator[tuple[str, str, bool]]:
    import torch

    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    yield "device", f"cpu, {os.cpu_count()} cores{''.join(f'; cuda: {name}' for name in names) or '; no cuda'}", False


def _decoders() -> Iterator[tuple[str, str, bool]]:
    import av

    there = [name for name in CODECS if name in av.codecs_available]
    yield "video decoders", ", ".join(there) or "none", "h264" not in there


def _weights() -> Iterator[tuple[str, str, bool]]:
    from tivit.core.artifacts import md5_of
    from tivit.pretrained.files import chosen
    from tivit.pretrained.names import TRAINED_CHECKPOINT

    try:
        shipped = chosen(None, None).checkpoint
        yield "weights", f"{shipped} (MD5 {md5_of(shipped)})", False
    except InputError as error:
        yield "weights", str(error), True
    yield "own weights", str(TRAINED_CHECKPOINT) if TRAINED_CHECKPOINT.is_file() else "none in this folder", False


def _data() -> Iterator[tuple[str, str, bool]]:
    from tivit.core.run.fingerprint import STATE_DIR_VARIABLE, state_folder
    from tivit.core.run.guard import USER_FOLDERS
    from tivit.datasets.roots import FOLDERS, resolve_root

    for name, folder in FOLDERS.items():
        try:
            yield f"data {name}", str(resolve_root(folder, None)), False
        except InputError:
            yield f"data {name}", "not on this disk", False
    yield "DVC remote", _remote(Path(".dvc")), False
    for name in LOCK_FILES:
        if Path(name).is_file() and not Path(name).read_text(errors="replace").strip():
            yield name, f"is empty, as a killed DVC leaves it; run `git checkout {name}` and `dvc repro`", True
    if Path("dvc.yaml").is_file():
        for name in USER_FOLDERS:
            if fault := _fault_of_folder(Path(name)):
                yield name, f"{fault}, and stages depend on it; run `git checkout HEAD -- {name}`, which brings it back", True
    kept = state_folder("registration", "registration")
    count = sum(1 for _ in kept.glob("*.json")) if kept.is_dir() else 0
    yield "cache", f"{kept} ({count} registrations; {STATE_DIR_VARIABLE} moves it)", False


def _fault_of_folder(folder: Path) -> str:
    """Return why a stage cannot read a folder that it depends on, "" where it can."""
    if not folder.exists():
        return "leads nowhere" if folder.is_symlink() else "is not there"
    if not folder.is_dir():
        return "is no folder"
    return "" if os.access(folder, os.R_OK | os.X_OK) else "cannot be read"


def _remote(folder: Path) -> str:
    """Return the names of the remotes in DVC's own files; addresses may hold passwords and are not shown."""
    import re

    names: list[str] = []
    for file in (folder / "config", folder / "config.local"):
        if file.is_file():
            names += re.findall(r"""^\[['"]?remote "([^"\]]+)"['"]?\]""", file.read_text(errors="replace"), re.MULTILINE)
    if not folder.is_dir():
        return "no DVC project in this folder"
    return ", ".join(dict.fromkeys(names)) or "none"
