"""`tivit check registration | dataset | lag | forward`: what the parts of the pipeline make of the data."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import add_params, count, params_of, path_to_write
from tivit.core.choices import SPLITS
from tivit.core.run.stage import add_verbose
from tivit.pretrained.names import TRAINED_CHECKPOINT

CHECKS_FOLDER = Path(".tivit/check")


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command with its four kinds and return its parser."""
    command = commands.add_parser(
        "check",
        help="look at what the parts of the pipeline make of the data",
        description="Look at what the parts of the pipeline make of the data. The exit status is 1 when a fault is found.",
    )
    kinds = command.add_subparsers(dest="kind", required=True, metavar="kind")
    for add_kind, run_kind in (
        (_add_registration, _registration),
        (_add_dataset, _dataset),
        (_add_lag, _lag),
        (_add_forward, _forward),
    ):
        kind = add_kind(kinds)
        add_params(kind)
        add_verbose(kind)
        kind.set_defaults(check=run_kind)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Carry out one kind of check; return 1 if it finds a fault, else 0."""
    return arguments.check(arguments)


def _add_registration(kinds: argparse._SubParsersAction) -> argparse.ArgumentParser:
    kind = kinds.add_parser(
        "registration",
        help="find the keyboard in the clips of the dataset: a line each, a table, a contact sheet; 1 if any is lost",
        description="Find the keyboard in the clips of the dataset, as the register stage does, and show what was found.",
    )
    kind.add_argument("--split", choices=SPLITS, help="clips of one split only")
    kind.add_argument("--clips", type=count, metavar="N", help="at most N clips of a split")
    kind.add_argument("--inspect", type=count, default=12, metavar="M", help="clips on the sheet (default: %(default)s)")
    _add_out(kind, "where the sheet goes")
    return kind


def _registration(arguments: argparse.Namespace) -> int:
    from tivit.check.registration import Selection, check_registration
    from tivit.core.outputs import refuse_folder

    refuse_folder(arguments.out, "--out")
    selection = Selection(arguments.split, arguments.clips, arguments.inspect)
    return check_registration(params_of(arguments), selection, arguments.out)


def _add_dataset(kinds: argparse._SubParsersAction) -> argparse.ArgumentParser:
    kind = kinds.add_parser(
        "dataset",
        help="count the notes of the dataset, name what is missing or damaged, draw labels on a strip; 1 if any is",
        description="Count the notes of the dataset, name what is missing or damaged, and draw labels on a strip.",
    )
    kind.add_argument("--split", choices=SPLITS, help="clips of one split only")
    _add_out(kind, "where the picture goes")
    return kind


def _dataset(arguments: argparse.Namespace) -> int:
    from tivit.check.dataset import check_dataset
    from tivit.core.outputs import refuse_folder

    refuse_folder(arguments.out, "--out")
    return check_dataset(params_of(arguments), arguments.split, arguments.out)


def _add_lag(kinds: argparse._SubParsersAction) -> argparse.ArgumentParser:
    kind = kinds.add_parser(
        "lag",
        help="how early or late the labels of each clip are; 1 if one is surely off by 50 ms",
        description="Say how early or late the labels of each clip still are against its video.",
    )
    kind.add_argument("--split", choices=SPLITS, help="clips of one split only")
    kind.add_argument(
        "--strips",
        type=Path,
        default=Path("data/strips"),
        metavar="DIR",
        help="output of the strips stage (default: %(default)s)",
    )
    kind.add_argument(
        "--manifest", type=Path, default=Path("data/manifest"), metavar="DIR",
        help="output of the manifest stage (default: %(default)s)",
    )  # fmt: skip
    return kind


def _lag(arguments: argparse.Namespace) -> int:
    from tivit.check.lag import check_lag
    from tivit.core.params import section
    from tivit.datasets.params import DataParams

    params = section(params_of(arguments), "data", DataParams)
    return check_lag(params.lag, arguments.split, arguments.strips, arguments.manifest)


def _add_forward(kinds: argparse._SubParsersAction) -> argparse.ArgumentParser:
    kind = kinds.add_parser(
        "forward",
        help="the network on one batch of a split: shapes, logits and losses; 1 if a value is not finite",
        description="Run the network on one batch of a split and print shapes, logits and losses.",
    )
    kind.add_argument("--split", choices=SPLITS, default="val", help="the split of the batch (default: %(default)s)")
    kind.add_argument("--clips", type=count, default=2, metavar="N", help="at most N clips (default: %(default)s)")
    kind.add_argument(
        "--checkpoint", type=Path, metavar="FILE",
        help=f"weights to run, such as {TRAINED_CHECKPOINT}; default: a new network of section model",
    )  # fmt: skip
    return kind


def _forward(arguments: argparse.Namespace) -> int:
    from tivit.check.forward import ForwardRequest, check_forward

    request = ForwardRequest(arguments.split, arguments.clips, arguments.checkpoint)
    return check_forward(params_of(arguments), request)


def _add_out(kind: argparse.ArgumentParser, use: str) -> None:
    kind.add_argument("--out", type=path_to_write, default=CHECKS_FOLDER, metavar="DIR", help=f"{use} (default: %(default)s)")
