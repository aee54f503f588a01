"""`tivit synthesize`: rendered clips in the layout of a public dataset."""

from __future__ import annotations

import argparse

from tivit.commands.parser import add_params, params_of, path_to_write
from tivit.core.errors import InputError
from tivit.core.run.stage import add_verbose

LAYOUTS = ("OMAPS", "OMAPS2", "PianoVAM", "PianoYT", "Synthetic")
RATES = ("25", "29.97", "30", "60", "variable")
OFFSETS = ("key", "pedal")


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "synthesize",
        help="write rendered clips in the layout of a public dataset: the synthesize stage outside the pipeline",
        description="Write rendered clips exactly as a public dataset lies on disk; $TIVIT_DATA_DIR=DIR then finds them. The "
        "synthesize stage of the pipeline writes data/Synthetic with the same renderer.",
    )
    command.add_argument(
        "--layout",
        choices=LAYOUTS,
        required=True,
        help="whose folders and files to write; Synthetic: those of the default dataset",
    )
    command.add_argument("--out", type=path_to_write, required=True, metavar="DIR", help="the dataset's folder is made in it")
    command.add_argument(
        "--clips", type=int, metavar="N", help="clips of each of train, val and test; default: those of params"
    )
    command.add_argument("--seconds", type=float, metavar="S", help="length of each clip; default: that of params")
    command.add_argument("--seed", type=int, metavar="S", help="same seed, same clips in every layout; default: that of params")
    command.add_argument("--rate", choices=RATES, help="frames per second; default: as the dataset has")
    command.add_argument("--size", metavar="WxH", help="size of the picture, px; default: as the dataset has")
    command.add_argument("--start", type=float, default=0.0, metavar="S", help="timestamp of the first frame (default: 0)")
    command.add_argument(
        "--offsets",
        choices=OFFSETS,
        default="key",
        help="where notes of PianoYT's MIDI end: key released, or sound damped, as transcriptions of sound have it",
    )
    add_params(command, "the params file, of which seed and section synth are used")
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Render the clips, say where they are, and return 0."""
    from tivit.core.outputs import refuse_folder
    from tivit.core.params import section
    from tivit.core.run.runtime import RuntimeParams
    from tivit.synth.layouts.write import LayoutRequest, write_layout
    from tivit.synth.params import SynthParams

    refuse_folder(arguments.out, "--out")
    values = params_of(arguments)
    size_px = None if arguments.size is None else _size(arguments.size)
    params = section(values, "synth", SynthParams)
    seed = params.seed if arguments.seed is None else arguments.seed
    request = LayoutRequest(
        arguments.layout, seed, arguments.clips, arguments.seconds, arguments.rate, size_px, arguments.start, arguments.offsets
    )
    workers = section(values, "runtime", RuntimeParams).pool
    root, count = write_layout(arguments.out, params, request, workers)
    print(f"{root}: {count} clips")
    return 0


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"--size: {text!r} is not a size; write WxH in pixels, such as 1280x720")
    return int(width), int(height)
