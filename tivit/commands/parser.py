"""The parser of every command: strict, with the nearest name in its errors, and the options that several commands share."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tivit.core.errors import InputError
from tivit.core.run.stage import EXIT_BAD_INPUT

DEFAULT_PARAMS = Path("params.yaml")
_NEGATIVE_VALUE = re.compile(r"^-\.?\d")
"""Begins like a negative number, so it is a value and no option: `-2,466` of --corners, not only `-2`."""


class CommandParser(argparse.ArgumentParser):
    """An `ArgumentParser` that is strict.

    It takes no abbreviated options, reads `-2,466` as a value, and names the nearest option or choice in its errors.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        self._negative_number_matcher = _NEGATIVE_VALUE  # argparse's own matches a number and nothing behind it

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, but name an unknown option before a missing one, which it is most often meant to be."""
        if self._subparsers is None and args is not None:
            self._refuse_unknown(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End the program with exit status 2 and one sentence; argparse would print the usage of every option before it."""
        self.exit(EXIT_BAD_INPUT, f"error: {message}; `{self.prog} --help` says what is allowed\n")

    def _refuse_unknown(self, arguments: Sequence[str]) -> None:
        known = self._option_string_actions
        for argument in arguments:
            if argument == "--":
                return
            name = argument.partition("=")[0]
            if name.startswith("--") and name not in known:
                self.error(f"unknown option {name}{_nearest(name, known)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(
                action, f"{str(value)!r} is not one of {', '.join(names)}{_nearest(str(value), names)}"
            )


def _nearest(name: str, known: Iterable[str]) -> str:
    from tivit.core.params import nearest  # here, as it brings the YAML parser, which `--help` does not need

    return nearest(name, known)


def add_params(parser: argparse.ArgumentParser, use: str = "the params file") -> None:
    """Add `--params FILE` (default params.yaml) to a parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of a command.
    use : str
        What the command reads of the file, for `--help`.
    """
    parser.add_argument("--params", type=Path, default=DEFAULT_PARAMS, metavar="FILE", help=f"{use} (default: %(default)s)")


def params_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the content of the file that `--params` names.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of a parser that `add_params` was given.

    Returns
    -------
    dict
        Section -> values, unchecked.

    Raises
    ------
    InputError
        There is no such file, or it cannot be read as a params file.
    """
    from tivit.core import params

    path = arguments.params
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; run the command in the folder of the project, or name a params file by --params"
        )
    return params.load(path)


def count(text: str) -> int:
    """Return the whole number that an argument states, for `type=` of an option.

    Parameters
    ----------
    text : str
        As the user wrote it.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    argparse.ArgumentTypeError
        The text is anything else.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; write a whole number from 1 on")
    return int(text)


def path_to_write(text: str) -> Path:
    """Return the file or folder that an argument names, for `type=` of an option that says where results go.

    Parameters
    ----------
    text : str
        As the user wrote it.

    Returns
    -------
    Path

    Raises
    ------
    argparse.ArgumentTypeError
        The text is empty, which `Path` would take for the current folder.
    """
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; name a file or a folder")
    return Path(text)
