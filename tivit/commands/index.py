"""`tivit index`: the committed index of a dataset, written or checked."""

from __future__ import annotations

import argparse

from tivit.commands.parser import add_params, params_of
from tivit.core.run.stage import add_verbose


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "index",
        help="write or check the committed index of a dataset",
        description="Write or check data/index/NAME.json, the sizes and MD5 sums of the files of a dataset.",
    )
    command.add_argument("name", help="the dataset, such as Synthetic")
    kinds = command.add_mutually_exclusive_group()
    kinds.add_argument("--check", action="store_true", help="compare sizes with the index, write nothing")
    kinds.add_argument("--quick", action="store_true", help="take files of the size in the index as unchanged, read the others")
    command.add_argument("--full", action="store_true", help="with --check: compare contents (MD5) too")
    add_params(command, "the params file; its data.root says where the dataset lies")
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Write the index, or print the faults that a check finds; return 1 if there are any, else 0."""
    from tivit.core.params import section
    from tivit.datasets.index import check_index, index_path, read_index
    from tivit.datasets.memo import refresh_index
    from tivit.datasets.params import DataParams
    from tivit.datasets.roots import folder_of, place_of

    params = section(params_of(arguments), "data", DataParams)
    place = place_of(folder_of(arguments.name), params.root if params.name == arguments.name else None, params.fetched_gb)
    path = index_path(arguments.name)
    if not arguments.check:
        index = refresh_index(arguments.name, place, path, arguments.quick)
        print(f"{path}: {len(index.files)} files of {place.address}")
        return 0
    index = read_index(path)
    faults = check_index(index, place, arguments.full)
    print("\n".join([*faults, f"{path}: {len(index.files)} files, {len(faults)} faults"]))
    return 1 if faults else 0
