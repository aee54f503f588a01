"""`tivit <command>`: finds the command, carries it out, and turns bad input into one sentence and an exit status.

Whatever takes long to import is imported by the `run` of a command, so that `tivit --help` answers at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tivit.commands import (
    autopilot,
    check,
    compare,
    compare_experiments,
    docs,
    doctor,
    export_network,
    export_weights,
    finetune,
    index,
    score,
    sweep,
    synthesize,
    transcribe,
)
from tivit.commands.parser import CommandParser
from tivit.core.errors import InputError
from tivit.core.run.stage import exit_status, set_verbose

COMMANDS: tuple[ModuleType, ...] = (
    transcribe, score, finetune, sweep, compare, compare_experiments, autopilot, check, doctor, index, synthesize,
    export_weights, export_network, docs,
)  # fmt: skip
PACKAGE = "tivit"


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib import metadata

        try:
            version = metadata.version(PACKAGE)
        except metadata.PackageNotFoundError:
            version = "(not installed; run from its folder)"
        print(f"{PACKAGE} {version}\nweights {_shipped_weights()}")
        parser.exit()


def _shipped_weights() -> str:
    """Return the name and the MD5 of the weights that come with the project, by which a report can name them."""
    from tivit.core.artifacts import md5_of
    from tivit.pretrained.files import chosen

    try:
        checkpoint = chosen(None, None).checkpoint
    except InputError as error:
        return f"missing: {error}"
    return f"{checkpoint.name} (MD5 {md5_of(checkpoint)})"


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of `tivit` with every command in it; the namespace it makes has the command's `run`."""
    parser = CommandParser(
        prog=PACKAGE,
        description="Video of a piano keyboard in, notes out.",
        epilog="The stages of the pipeline are no commands of this program: `dvc repro` runs them.",
    )
    parser.add_argument("--version", action=_Version, help="say which version is installed, and with which weights")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command in COMMANDS:
        command.add(commands).set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments behind the name of the program; by default those of the process.

    Returns
    -------
    int
        The exit status: 0 done, 1 faults found, 2 bad input, 130 stopped, 141 nobody reads stdout.
    """
    arguments = command_parser().parse_args(argv)
    status = 0

    def work() -> None:
        nonlocal status
        set_verbose(arguments.verbose)
        status = arguments.run(arguments)

    return exit_status(work) or status
