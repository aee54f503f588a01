"""`tivit export-network`: the network as a file for programs without this project."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import path_to_write
from tivit.core.run.stage import add_verbose
from tivit.pretrained.names import FOLDER, WEIGHTS_NAME

FORMS = ("onnx", "pt2")


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "export-network",
        help="write the network as a file for programs without this project",
        description="Write the network as a file for programs without this project: it takes strips and gives raw logits. "
        "ONNX runs in any ONNX runtime; pt2 is an exported program of PyTorch, which took the place of TorchScript.",
    )
    command.add_argument(
        "-o", "--output", type=path_to_write, required=True, metavar="FILE", help="the file to write; there must be none yet"
    )
    command.add_argument("--format", choices=FORMS, default=FORMS[0], help="what is written (default: %(default)s)")
    command.add_argument(
        "--checkpoint", type=Path, default=FOLDER / WEIGHTS_NAME, metavar="FILE",
        help="the trained weights; default: those that come with the project",
    )  # fmt: skip
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Write the file, say how large it is and what it needs to know, and return 0."""
    from tivit.core.outputs import refuse_file
    from tivit.model.checkpoint import load_checkpoint
    from tivit.pretrained.network import export_network, facts_of

    refuse_file(arguments.output, may_replace=False, force="", reads=[arguments.checkpoint], makes_folder=True)
    checkpoint = load_checkpoint(arguments.checkpoint)
    export_network(checkpoint, arguments.output, arguments.format)
    facts = ", ".join(f"{name} {value}" for name, value in facts_of(checkpoint).items())
    print(f"{arguments.output}: {arguments.output.stat().st_size:,} bytes, {facts}")
    return 0
