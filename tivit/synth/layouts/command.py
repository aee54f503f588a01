"""The subcommand `synthesize`; what it needs is imported when it runs, so that other commands start fast."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.core import params as params_file
from tivit.core.errors import InputError
from tivit.core.params import section

LAYOUTS = ("OMAPS", "OMAPS2", "PianoVAM", "PianoYT", "Synthetic")
RATES = ("25", "29.97", "30", "60", "variable")
OFFSETS = ("key", "pedal")


def add_synthesize(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the subcommand and return its parser."""
    command = commands.add_parser(
        "synthesize",
        help="write rendered clips in the layout of a public dataset",
        description="Write rendered clips exactly as a public dataset lies on disk; $TIVIT_DATA_DIR=DIR then finds them.",
    )
    command.add_argument(
        "--layout", choices=LAYOUTS, required=True, help="Synthetic: the same clips, as the default dataset lies"
    )
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="the dataset's folder is made in it")
    command.add_argument("--clips", type=int, metavar="N", help="of each of train, val and test; default: those of params")
    command.add_argument("--seconds", type=float, metavar="S", help="length of each clip; default: that of params")
    command.add_argument("--seed", type=int, metavar="S", help="same seed, same clips in every layout; default: that of params")
    command.add_argument("--rate", choices=RATES, help="frames a second; default: as the dataset has")
    command.add_argument("--size", metavar="WxH", help="of the picture, px; default: as the dataset has")
    command.add_argument("--start", type=float, default=0.0, metavar="S", help="timestamp of the first frame (default: 0)")
    command.add_argument(
        "--offsets",
        choices=OFFSETS,
        default="key",
        help="where notes of PianoYT's MIDI end: key released, or sound damped, as transcriptions of sound have it",
    )
    command.set_defaults(work=_synthesize)
    return command


def _synthesize(arguments: argparse.Namespace) -> int:
    from tivit.core.run.runtime import RuntimeParams
    from tivit.synth.layouts.write import LayoutRequest, write_layout
    from tivit.synth.params import SynthParams

    values = params_file.load(arguments.params)
    size_px = None if arguments.size is None else _size(arguments.size)
    params = section(values, "synth", SynthParams)
    seed = params.seed if arguments.seed is None else arguments.seed
    request = LayoutRequest(
        arguments.layout, seed, arguments.clips, arguments.seconds, arguments.rate, size_px, arguments.start, arguments.offsets
    )
    workers = section(values, "runtime", RuntimeParams).workers
    root, count = write_layout(arguments.out, params, request, workers)
    print(f"{root}: {count} clips")
    return 0


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"--size: {text!r} is not a size; write WxH in pixels, such as 1280x720")
    return int(width), int(height)
