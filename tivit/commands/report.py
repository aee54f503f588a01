"""`tivit report`: pages of clips that were scored, with the notes that were found, missed and invented."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import add_params, count, params_of, path_to_write
from tivit.core.run.stage import add_verbose

SPLITS = ("val", "test")
FOLDER = Path(".tivit/report")
LOWEST = 3


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "report",
        help="write pages that show what was found, missed and invented in clips",
        description="Write a page per clip, from what the pipeline left, on which the notes that were found, missed and "
        "invented are seen over the video and heard. Without a clip those with the lowest onset F1 get one.",
    )
    command.add_argument("clips", nargs="*", metavar="CLIP", help="ids of clips, as metrics/plots/clips.csv has them")
    command.add_argument("--split", choices=SPLITS, default="test", help="the split that they are of (default: %(default)s)")
    command.add_argument(
        "--lowest", type=count, default=LOWEST, metavar="N", help="without clips: how many (default: %(default)s)"
    )
    command.add_argument(
        "-o", "--output", type=path_to_write, default=FOLDER, metavar="DIR", help="the folder (default: %(default)s)"
    )
    command.add_argument("--force", action="store_true", help="replace pages of an earlier run")
    add_params(command)
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Write the pages, say where they are, and return 0."""
    from tivit.core.outputs import refuse_folder
    from tivit.core.run.progress import say
    from tivit.report.clips import Selection, write_clip_pages

    refuse_folder(arguments.output, "-o")
    selection = Selection(arguments.split, tuple(arguments.clips), arguments.lowest)
    for page in write_clip_pages(params_of(arguments), selection, arguments.output, arguments.force):
        say(str(page))
    return 0
