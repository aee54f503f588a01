"""`tivit sweep`: what the `sweep` stage does for the validation split, for any logits file."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import add_params, params_of, path_to_write
from tivit.core.run.stage import add_verbose


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "sweep",
        help="choose decoding thresholds for any logits file: the sweep stage outside the pipeline",
        description="Choose decoding thresholds for any logits file, as section sweep of the params says; no model is run. The "
        "sweep stage of the pipeline does the same for the decoded validation split.",
    )
    command.add_argument(
        "--logits", type=Path, required=True, metavar="X.npz", help="logits to decode, such as data/logits/val.npz"
    )
    command.add_argument(
        "--notes", type=Path, required=True, metavar="Y.csv", help="the true notes, such as data/manifest/notes.csv"
    )
    command.add_argument(
        "--out",
        type=path_to_write,
        default=Path(".tivit/sweep"),
        metavar="DIR",
        help="where the results go (default: %(default)s)",
    )
    add_params(command, "the params file, of which section sweep is used")
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Choose the thresholds, say where they are, and return 0."""
    from tivit.core.outputs import refuse_folder
    from tivit.core.params import section
    from tivit.sweeping.search import SweepParams
    from tivit.sweeping.sweep_files import sweep_files

    refuse_folder(arguments.out, "--out")
    params = section(params_of(arguments), "sweep", SweepParams)
    sweep_files(arguments.logits, arguments.notes, arguments.out, params)
    print(f"thresholds: {arguments.out / 'thresholds.json'}")
    return 0
