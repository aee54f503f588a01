"""The table of odd places for results, and what a command makes of each before it works.

The inputs of a case are files that nothing can be read of, so a sentence about the output shows that it was checked first, and
a sentence about an input that the output was accepted. Nothing that lies in the folder may change, and nothing may be left.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.corpus import places
from tests.corpus.case import REFUSAL
from tests.corpus.places import CannotMakeError, Make
from tivit.commands.main import main

GROUP = "Where results go"
BEGINS, WORKS = "the work begins", "the work is done"
SKIPPED = "not made here"
INPUT = r"(film\.mp4|true\.mid|mine\.pt|x\.npz|thresholds\.json|strips\.json|Synthetic\.json)[^;]*"
"""A sentence about an input, which is read only after the output was accepted."""


@dataclass(frozen=True)
class Command:
    """A command that writes.

    Attributes
    ----------
    words : tuple of str
        Its words up to the name of the output, which follows.
    suffix : str
        Suffix of the file; "" where it is a folder.
    force : str
        The option that lets files be replaced, "" where there is none.
    same : str
        An input whose name may be given as the output too, "" where there is none.
    makes_folder : bool
        Whether a missing folder is made.
    """

    words: tuple[str, ...]
    suffix: str = ""
    force: str = ""
    same: str = ""
    makes_folder: bool = True

    @property
    def name(self) -> str:
        """How the table names it."""
        return " ".join(self.words)


@dataclass(frozen=True)
class OutputCase:
    """One place for the results of a command: what is expected, a pattern that the sentence must fit, and what must be left."""

    command: Command
    what: str
    make: Make
    outcome: str
    says: str
    options: tuple[str, ...] = ()
    is_fast: bool = True
    leaves: tuple[str, ...] = ()


TRANSCRIBE = Command(("transcribe", "film.mp4", "-o"), ".mid", "--force", makes_folder=False)
FILES = (
    TRANSCRIBE,
    Command(
        ("finetune", "film.mp4", "true.mid", "--weights", "mine.pt", "-o"), ".pt", "--force", "mine.pt", makes_folder=False
    ),
    Command(("score", "true.mid", "found.mid", "--json"), ".json", "--force", "found.mid"),
    Command(("score", "true.mid", "found.mid", "--csv"), ".csv", "--force", "found.mid"),
    Command(("export-network", "--checkpoint", "mine.pt", "-o"), ".onnx", "", "mine.pt"),
)
FOLDERS = (
    Command(("report", "-o")),
    Command(("export-weights", "--checkpoint", "mine.pt", "--out")),
    Command(("sweep", "--logits", "x.npz", "--notes", "y.csv", "--out")),
    Command(("compare", "--out")),
    Command(("check", "registration", "--out")),
    Command(("check", "dataset", "--out")),
    Command(("synthesize", "--layout", "OMAPS", "--out")),
)


def _cases() -> Iterator[OutputCase]:
    for command in FILES:
        yield from _file_cases(command)
    for command in FOLDERS:
        yield from _folder_cases(command)
    yield from _cases_of_transcribe()


def _file_cases(command: Command) -> Iterator[OutputCase]:
    name, beside = f"out{command.suffix}", f"there{command.suffix}"
    force = (command.force,) if command.force else ()
    if command.same:
        yield OutputCase(
            command, "an input itself", lambda *_: command.same, REFUSAL, "is a file that is to be read|ends in .pt", force
        )
    yield OutputCase(
        command,
        "an input under another name (a hard link)",
        places.hard_link(name),
        REFUSAL,
        "is a file that is to be read",
        force,
    )
    yield OutputCase(command, "a file that is there", lambda *_: beside, REFUSAL, "exists already")
    if command.force:
        yield OutputCase(command, f"a file that is there, with {command.force}", lambda *_: beside, BEGINS, INPUT, force)
    yield OutputCase(command, "a named pipe", places.pipe(name), REFUSAL, "is no ordinary file", force)
    yield OutputCase(command, "a device", places.link_to(name, "/dev/null"), REFUSAL, "is no ordinary file", force)
    yield OutputCase(
        command,
        "a link to a file",
        places.link_to(name, beside),
        REFUSAL,
        f"is a link to {re.escape(beside)}|exists already",
        force,
    )
    yield OutputCase(
        command, "a link that leads nowhere", places.link_to(name, f"none{command.suffix}"), REFUSAL, "is a link to none", force
    )
    missing = (BEGINS, INPUT) if command.makes_folder else (REFUSAL, "there is no folder")
    yield OutputCase(command, "a folder that is not there", lambda *_: f"none/{name}", *missing)
    yield OutputCase(command, "a file in place of its folder", lambda *_: f"text.txt/{name}", REFUSAL, "text.txt is no folder")
    if command is not TRANSCRIBE:
        yield OutputCase(command, "a folder in place of the file", places.folder_at(name), REFUSAL, "is a folder", force)
    yield OutputCase(command, "an empty name", lambda *_: "", REFUSAL, "the name is empty")
    yield OutputCase(
        command,
        "a name of 250 letters",
        lambda *_: "n" * (250 - len(command.suffix)) + command.suffix,
        REFUSAL,
        "its name is too long",
    )
    yield OutputCase(
        command, "a folder that is read-only", places.inside(places.read_only, name), REFUSAL, "its folder cannot be written to"
    )
    yield OutputCase(command, "a full disk", places.inside(places.full, name), REFUSAL, "its disk is full")


def _folder_cases(command: Command) -> Iterator[OutputCase]:
    if command.words[0] != "synthesize":  # which would render clips for minutes
        yield OutputCase(command, "a folder that is not there", lambda *_: "none/deep", BEGINS, INPUT, is_fast=False)
    else:
        yield OutputCase(command, "a data set that is there", lambda *_: "sets", REFUSAL, "already exists")
    yield OutputCase(command, "a file in place of the folder", lambda *_: "text.txt", REFUSAL, "text.txt is no folder")
    yield OutputCase(command, "a file on the way to the folder", lambda *_: "text.txt/deep", REFUSAL, "text.txt is no folder")
    yield OutputCase(command, "a named pipe", places.pipe("pipe"), REFUSAL, "pipe is no folder")
    yield OutputCase(
        command, "a link that leads nowhere", places.link_to("out", "none"), REFUSAL, "is a link that leads nowhere"
    )
    yield OutputCase(command, "an empty name", lambda *_: "", REFUSAL, "the name is empty")
    yield OutputCase(
        command,
        "a folder that is read-only",
        places.inside(places.read_only, "deep"),
        REFUSAL,
        "its folder cannot be written to",
    )
    yield OutputCase(command, "a full disk", places.inside(places.full, "deep"), REFUSAL, "its disk is full")


def _cases_of_transcribe() -> Iterator[OutputCase]:
    """Yield what only `transcribe` has: names that follow from the video, several files, and disks that become full later."""
    beside = Command(("transcribe", "film.mp4"))
    two = Command(("transcribe", "film.mp4", "mine.pt", "-o"))
    real = Command(("transcribe", "real.mp4", "--report", "-o"), makes_folder=False)
    yield OutputCase(TRANSCRIBE, "the video itself", lambda *_: "film.mp4", REFUSAL, "no MIDI file either", ("--force",))
    yield OutputCase(TRANSCRIBE, "no folder and no MIDI file", lambda *_: "out", REFUSAL, "no such folder")
    yield OutputCase(
        TRANSCRIBE,
        "a MIDI file that is another video",
        places.copy_of("film.mp4", "out.mid"),
        REFUSAL,
        "--force does not replace it",
        ("--force",),
    )
    yield OutputCase(TRANSCRIBE, "a folder", places.folder_at("out.mid"), BEGINS, INPUT)
    for option, name in (
        ("--json", "film.json"),
        ("--csv", "film.csv"),
        ("--score", "film.musicxml"),
        ("--report", "film.html"),
    ):
        yield OutputCase(
            beside, f"{option}: {name} is there", places.copy_of("true.mid", name), REFUSAL, "exists already", (option,)
        )
        yield OutputCase(
            beside,
            f"{option}: {name} is another video",
            places.copy_of("film.mp4", name),
            REFUSAL,
            "--force does not",
            (option, "--force"),
        )
    yield OutputCase(
        beside, "a folder with the name of the notes", places.folder_at("film.mid"), REFUSAL, "is a folder", ("--force",)
    )
    yield OutputCase(two, "one file for two videos", lambda *_: "out.mid", REFUSAL, "is one file, for the notes of 2")
    yield OutputCase(
        real,
        "a disk that becomes full at the page: the notes are there",
        places.becomes_full,
        REFUSAL,
        "full/real.html: No space left",
        is_fast=False,
        leaves=("real.mid",),
    )
    yield OutputCase(
        real,
        "--adapt, and no room in TMPDIR",
        places.no_room,
        REFUSAL,
        "--adapt needs 0.0 GB there",
        ("--adapt",),
        is_fast=False,
    )
    yield OutputCase(
        real,
        "a folder with room",
        places.real_video,
        WORKS,
        r"real\.mid: \d+ notes",
        is_fast=False,
        leaves=("real.html", "real.mid"),
    )


def carried_out(case: OutputCase, folder: Path) -> tuple[str, str]:
    """Return outcome and sentence of a case, in an empty folder; a fault where something was changed, lost or left."""
    before_dir = Path.cwd()
    os.chdir(folder)
    try:
        with ExitStack() as stack:
            _inputs()
            try:
                name = case.make(folder, stack)
            except CannotMakeError as reason:
                return SKIPPED, str(reason)
            words = [*case.command.words, *([name] if case.command.words[-1].startswith("-") else []), *case.options]
            before = _content(folder)
            status, said = _run(words)
            return _outcome(case, status, said, before, _content(folder))
    finally:
        os.chdir(before_dir)


def _outcome(case: OutputCase, status: int, said: str, before: dict, after: dict) -> tuple[str, str]:
    lost = [name for name, content in before.items() if after.get(name) != content]
    new = sorted(Path(name).name for name in after if name not in before)
    if lost or tuple(new) != case.leaves:
        return "WRONG", f"lost: {lost}, new: {new}; {said}"
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    if "Traceback" in said or (status == 0) != (case.outcome == WORKS) or (status != 0 and len(errors) != 1):
        return "WRONG", f"status {status}: {said}"
    if status == 0:
        return WORKS, said
    is_about_input = case.outcome == BEGINS and re.search(INPUT, errors[0]) is not None
    return (BEGINS if is_about_input else REFUSAL), errors[0]


def fits(case: OutputCase, outcome: str, text: str) -> bool:
    """Return whether what came is what is expected."""
    return outcome == SKIPPED or (outcome == case.outcome and re.search(case.says, text) is not None)


def _inputs() -> None:
    """Write the inputs into the current folder: nothing can be read of them."""
    from paths import PARAMS_FILE

    for name in ("film.mp4", "true.mid", "found.mid", "mine.pt", "mine.thresholds.json", "x.npz", "y.csv", "text.txt"):
        Path(name).write_text(f"no {name}\n")
    for suffix in (".mid", ".pt", ".json", ".csv", ".onnx"):
        Path(f"there{suffix}").write_bytes(b"MThd\0\0\0\6" if suffix == ".mid" else b"there")
    Path("sets/OMAPS").mkdir(parents=True)
    shutil.copy(PARAMS_FILE, "params.yaml")


def _run(words: list[str]) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            status = main(words)
        except SystemExit as end:
            status = int(end.code or 0)
    return status, said.getvalue()


def _content(folder: Path) -> dict[str, object]:
    """Return name -> what is there, of everything below a folder."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = os.readlink(path)
        elif path.is_file():
            found[str(path)] = path.read_bytes()
        else:
            found[str(path)] = path.stat().st_mode
    return found


CASES: tuple[OutputCase, ...] = tuple(_cases())
