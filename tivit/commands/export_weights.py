"""`tivit export-weights`: the weights that come with the project, made from trained ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import add_params, params_of, path_to_write
from tivit.core.run.stage import add_verbose
from tivit.pretrained.names import EXPORTED, TRAINED_CHECKPOINT, TRAINED_THRESHOLDS


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "export-weights",
        help="make the weights that come with the project from trained ones",
        description="Make the weights that come with the project from trained ones: checkpoint, thresholds, the params that "
        "a transcription with them needs, and a card that says where they come from: commit, params, seeds, data and scores.",
    )
    command.add_argument(
        "--checkpoint", type=Path, default=TRAINED_CHECKPOINT, metavar="FILE",
        help="the trained checkpoint (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--thresholds", type=Path, default=TRAINED_THRESHOLDS, metavar="FILE",
        help="those chosen for the checkpoint (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--out", type=path_to_write, default=EXPORTED, metavar="FOLDER",
        help="where the files go (default: %(default)s); tivit/pretrained is where transcribe looks",
    )  # fmt: skip
    command.add_argument("--replace", action="store_true", help="replace files that are there already")
    add_params(command, "the params the checkpoint was made with")
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Write the files, say how large they are, and return 0."""
    from tivit.pretrained.export import export_weights
    from tivit.pretrained.files import Trained

    source = Trained(arguments.checkpoint, arguments.thresholds)
    print(export_weights(source, params_of(arguments), arguments.out, replacing=arguments.replace).sentence())
    return 0
