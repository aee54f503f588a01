"""docs/files.md: what a user's file may look like, made of the table of cases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.corpus import outputs
from tests.corpus.case import NOTES, REFUSAL, WARNING, Case
from tests.corpus.videos import CASES, KNOWN_FAULTS, NOT_MADE

PAGE = Path("docs/files.md")
WORDS = {NOTES: "right notes", WARNING: "notes, and a warning", REFUSAL: "refused"}
PLACE_WORDS = {REFUSAL: "refused", outputs.BEGINS: "the work begins", outputs.WORKS: "written"}
PLACES = """## Where results go

Everything wrong with the place of a result is said before any work, in one sentence, as far as it can be known then. Nothing
that exists is replaced without `--force` (`--replace` for `export-weights`), and an input, a link, a device or a file of
another kind never is. What a sweep, a comparison or a check leaves in its folder is replaced by the next one into it. The table
is that of a test, as those above: its inputs are files that nothing can be read of, so a sentence about the place shows that it
was looked at first.
"""
OPENING = """# What your file may look like

This page is for whoever has a video that is not quite as usual: each line says what comes of one kind of file. It is made of
the table of a test, which makes every one of these files of one rendered clip with known notes, and reads it. Where it says
*right notes*, pictures and notes come at the instants at which a player shows them, to one frame. This command makes all of
them and says for each what was expected and what came:

<!-- not run: takes several minutes; the tests make a part of the files -->
```bash
python -m tests.corpus
```

A refusal is one sentence that names the file, what is wrong and what to do; nothing is written then. Files of labels are
described in [datasets.md](datasets.md), and what a file from a stranger can do in [security.md](security.md).
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join([OPENING, *_sections()])


def _sections() -> Iterator[str]:
    yield f"{len(CASES)} kinds of files: {', '.join(_counted())}.\n"
    for group, cases in groupby(CASES, lambda case: case.group):
        yield f"## {group}\n\n| the file | what comes of it |\n|---|---|"
        yield from (f"| {_cell(case.what)} | {_outcome(case)} |" for case in cases)
        yield ""
    yield from _places()
    yield "## Known to go wrong\n\n| the file | what to do |\n|---|---|"
    yield from (f"| {what} | {remedy} |" for what, remedy in KNOWN_FAULTS.items())
    yield ""
    yield "## Not in the table\n\n| kind | why |\n|---|---|"
    yield from (f"| {kind} | {why} |" for kind, why in NOT_MADE.items())
    yield ""


def _places() -> Iterator[str]:
    """Yield the part of the page on where results go."""
    yield PLACES
    for command, cases in groupby(outputs.CASES, lambda case: case.command.name):
        yield f"### `tivit {command}`\n\n| where the results are to go | what comes of it |\n|---|---|"
        yield from (f"| {_place(case)} | {PLACE_WORDS[case.outcome]} |" for case in cases)
        yield ""


def _place(case: outputs.OutputCase) -> str:
    options = f" (`{' '.join(case.options)}`)" if case.options and case.options[0] not in case.what else ""
    return f"{_cell(case.what)}{options}"


def _counted() -> Iterator[str]:
    for outcome, words in WORDS.items():
        yield (
            f"{sum(case.outcome == outcome for case in CASES)} with {words}"
            if outcome != REFUSAL
            else (f"{sum(case.outcome == outcome for case in CASES)} refused")
        )


def _outcome(case: Case) -> str:
    if case.outcome == NOTES and not case.are_notes_right:
        return "pictures at the right instants"
    return WORDS[case.outcome]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
