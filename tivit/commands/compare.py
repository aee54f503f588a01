"""`tivit compare`: the model and the baselines, trained and scored on the same clips."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import add_params, params_of, path_to_write
from tivit.core.run.stage import add_verbose


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "compare",
        help="train and score the model and the baselines on the same clips: one table",
        description="Train and score the model and the baselines on the strips and the manifest of the pipeline: one table.",
    )
    command.add_argument(
        "--minutes", default="6", metavar="M", help="how long each method is trained, in minutes (default: %(default)s)"
    )
    command.add_argument(
        "--methods",
        default="key_vivit,vivit,cnn_gru,difference",
        metavar="LIST",
        help="what is compared (default: %(default)s)",
    )
    command.add_argument(
        "--steps",
        default="",
        metavar="LIST",
        help="fixed training steps, such as key_vivit=1150,vivit=2000; default: by --minutes",
    )
    command.add_argument(
        "--out",
        type=path_to_write,
        default=Path(".tivit/compare"),
        metavar="DIR",
        help="where the table goes (default: %(default)s)",
    )
    add_params(command)
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Train and score each method, say where the table is, and return 0."""
    from tivit.compare.plan import parse_methods, parse_minutes, parse_steps
    from tivit.compare.run import Request, compare
    from tivit.core.outputs import refuse_folder

    refuse_folder(arguments.out, "--out")
    methods = parse_methods(arguments.methods)
    steps = parse_steps(arguments.steps, methods)
    request = Request(methods, parse_minutes(arguments.minutes), steps, arguments.out)
    compare(params_of(arguments), request)
    print(f"table: {arguments.out / 'compare.md'}")
    return 0
