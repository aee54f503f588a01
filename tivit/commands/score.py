"""`tivit score`: files of notes scored against others."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.core.run.stage import add_verbose


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "score",
        help="score files of notes against others: MIDI, OMAPS text, TSV",
        description="Score files of notes (MIDI, OMAPS text, TSV) against others, or folders of them, paired by name.",
    )
    command.add_argument("reference", type=Path, help="the true notes: a file or a folder")
    command.add_argument(
        "estimates", type=Path, nargs="+", metavar="estimate", help="a file or folder to score; each is one column of the table"
    )
    command.add_argument("--common", action="store_true", help="folders: leave out files that only one side has")
    command.add_argument("--json", type=Path, metavar="FILE", help="write every value here too")
    command.add_argument("--csv", type=Path, metavar="FILE", help="write a line per file here too")
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Print the table of scores, write the files that are asked for, and return 0."""
    from tivit.scoring.report import score_table
    from tivit.scoring.score_files import score_files

    comparison = score_files(arguments.reference, arguments.estimates, arguments.common)
    print(score_table(comparison.blocks()))
    comparison.write(arguments.json, arguments.csv)
    return 0
