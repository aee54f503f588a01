"""`tivit score`: files of notes scored against others."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import path_to_write
from tivit.core.errors import InputError
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
    command.add_argument("--json", type=path_to_write, metavar="FILE", help="write every value here too")
    command.add_argument("--csv", type=path_to_write, metavar="FILE", help="write a line per file here too")
    command.add_argument("--force", action="store_true", help="replace the files of --json and --csv that are there")
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Print the table of scores, write the files that are asked for, and return 0."""
    from tivit.core.outputs import refuse_file
    from tivit.scoring.report import score_table
    from tivit.scoring.score_files import score_files

    reads = [arguments.reference, *arguments.estimates]
    reads = [file for path in reads for file in (path.iterdir() if path.is_dir() else [path])]
    for option, path in (("--json", arguments.json), ("--csv", arguments.csv)):
        if path is not None:
            refuse_file(path, arguments.force, option, reads=reads, makes_folder=True)
    if arguments.json is not None and arguments.csv is not None and arguments.json.resolve() == arguments.csv.resolve():
        raise InputError(f"{arguments.csv}: is named by --json and by --csv; name two files")
    comparison = score_files(arguments.reference, arguments.estimates, arguments.common)
    print(score_table(comparison.blocks()))
    comparison.write(arguments.json, arguments.csv)
    return 0
