"""`tivit transcribe`: the notes of one video as a MIDI file."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import count
from tivit.core.choices import ORIENTATIONS
from tivit.core.errors import InputError
from tivit.core.run.stage import add_verbose
from tivit.pretrained.names import TRAINED_CHECKPOINT, TRAINED_THRESHOLDS

DEVICES = ("cpu", "cuda")


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "transcribe",
        help="write the notes of a video to a MIDI file",
        description="Write the notes of a video to a MIDI file, with the weights that come with the project or with your own.",
    )
    command.add_argument("video", type=Path, help="the video: a piano keyboard, seen from above")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the MIDI file to write")
    command.add_argument(
        "--corners", nargs=4, metavar="X,Y",
        help="corners of the white keys in view, px: top left, top right, bottom right, bottom left, such as 252.5,479 "
        "1794,485 1789,675 -2,665; default: found",
    )  # fmt: skip
    command.add_argument(
        "--first-key", metavar="KEY", help="lowest key in view, a name (C2, F#1) or MIDI number; default: found where it can be"
    )
    command.add_argument("--orientation", choices=ORIENTATIONS, help="how the image shows the keyboard; default: found")
    command.add_argument(
        "--adapt", action="store_true",
        help="let the network learn from the notes it is sure of in this video before it writes them; some twenty seconds more",
    )  # fmt: skip
    command.add_argument(
        "--checkpoint", type=Path, metavar="FILE",
        help=f"weights of your own, such as {TRAINED_CHECKPOINT}; give --thresholds too; default: those of the project",
    )  # fmt: skip
    command.add_argument(
        "--thresholds", type=Path, metavar="FILE", help=f"those chosen for the checkpoint, such as {TRAINED_THRESHOLDS}"
    )
    command.add_argument(
        "--params", type=Path, metavar="FILE",
        help="a params file; with the weights of the project only its sections registration and runtime are used, as the "
        "other values come with the weights; default: all values of the weights, or params.yaml for a checkpoint of your own",
    )  # fmt: skip
    command.add_argument("--device", choices=DEVICES, help="where the network runs; default: runtime.device of the params")
    command.add_argument(
        "--threads", type=count, metavar="N", help="processor threads of the network; default: runtime.threads of the params"
    )
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Transcribe the video, say what came of it, and return 0."""
    from tivit.pretrained.files import chosen
    from tivit.pretrained.recipe import transcription_params
    from tivit.registration.params import Override
    from tivit.transcribe import transcribe

    corners = None if arguments.corners is None else tuple(_point(text) for text in arguments.corners)
    first_key = None if arguments.first_key is None else _key(arguments.first_key)
    known = Override(corners, first_key, arguments.orientation)
    trained = chosen(arguments.checkpoint, arguments.thresholds)
    params = transcription_params(trained, arguments.params)
    given = {"device": arguments.device, "threads": arguments.threads}
    runtime = params["runtime"] | {name: value for name, value in given.items() if value is not None}
    summary = transcribe(
        arguments.video,
        arguments.output,
        params=params | {"runtime": runtime},
        checkpoint=trained.checkpoint,
        thresholds=trained.thresholds,
        known=known,
        adapt=arguments.adapt,
    )
    print(summary.sentence())
    return 0


def _point(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--corners: {text!r} is not a point; write x,y in pixels, such as 252.5,479") from None
    return x, y


def _key(text: str) -> int:
    from tivit.core.keyboard import midi_of_name

    try:
        return midi_of_name(text)
    except InputError as error:
        raise InputError(f"--first-key: {error}") from None
