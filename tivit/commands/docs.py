"""`tivit docs`: the pages that are made from the repository itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.core.run.stage import add_verbose


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "docs",
        help="write the pages that list the folders and files of the project",
        description="Write docs/REPO_TREE.md and docs/FILE_INDEX.md from the files of a clone: run it after a file was added, "
        "moved, or given another first line.",
    )
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Write the pages into the current folder, say their names, and return 0."""
    from tivit.check.repository import write_pages

    for page in write_pages(Path()):
        print(page)
    return 0
