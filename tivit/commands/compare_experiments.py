"""`tivit compare-experiments`: how far the scores of two experiments differ, with intervals over clips."""

from __future__ import annotations

import argparse

from tivit.core.run.stage import add_verbose


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "compare-experiments",
        help="how far the scores of two experiments differ, clip by clip",
        description="How far the test scores of two experiments differ: means, and paired 95 % intervals over clips.",
    )
    command.add_argument("first", metavar="A", help="the experiment to compare with: its name, or a git revision")
    command.add_argument(
        "second", metavar="B", nargs="?", default="workspace", help="the other one (default: %(default)s, what lies here)"
    )
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Print the table of differences and return 0."""
    from tivit.compare.experiments import clip_scores, differences, table

    titles = (arguments.first, arguments.second)
    print(table(titles, differences(*map(clip_scores, titles))))
    return 0
