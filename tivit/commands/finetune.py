"""`tivit finetune`: weights that know one's own piano, from a video and a MIDI file of what was played in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from tivit.commands.parser import count, path_to_write
from tivit.commands.transcribe import DEVICES, add_keyboard, known_keyboard, seconds
from tivit.core.run.libraries import calm_libraries
from tivit.core.run.stage import add_verbose

NOTHING_GAINED = 1
"""Exit status where the weights were not written."""


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "finetune",
        help="teach the network your own piano, from a video and its MIDI file",
        description="Let the network learn from a video and a MIDI file of what was played in it. When the MIDI recording "
        "began, and how much faster or slower its clock ran than the camera's, are found in the pixels. The end of the take is "
        "never learned from: what was gained is measured there. Some minutes on two processor cores.",
        epilog="The weights are used by `tivit transcribe VIDEO --weights FILE`. Exit status 1: nothing was gained on the part "
        "that was kept apart, so nothing was written.",
    )
    command.add_argument("video", type=Path, metavar="VIDEO", help="half a minute or more of the piano, seen from above")
    command.add_argument("midi", type=Path, metavar="MIDI", help="every note that is played in the video")
    command.add_argument(
        "-o", "--output", type=path_to_write, metavar="FILE", help="the weights to write; default: beside the video"
    )
    command.add_argument("--force", action="store_true", help="replace weights that are there")
    command.add_argument("--keep-anyway", action="store_true", help="write the weights also where nothing was gained")
    command.add_argument(
        "--learn-to", type=seconds, metavar="T",
        help="where the part that is learned ends: seconds of the video, or 1:02.5; default: after three quarters of the notes",
    )  # fmt: skip
    command.add_argument("--steps", type=count, metavar="N", help="steps of learning; default: 360")
    add_keyboard(command)
    command.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="earlier weights of this command to go on from; default: those of the project",
    )
    command.add_argument("--device", choices=DEVICES, help="where the network runs; default: cpu")
    command.add_argument("--threads", type=count, metavar="N", help="processor threads of the network; default: 2")
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Learn, print what was gained, and return 0, or 1 where nothing was gained and nothing written."""
    known = known_keyboard(arguments)
    calm_libraries()

    from tivit.core.run.progress import say
    from tivit.finetuning.finetune import Request, finetune, refuse_output
    from tivit.pretrained.files import chosen, weights_of_own
    from tivit.pretrained.recipe import transcription_params

    output = arguments.output or arguments.video.with_suffix(".pt")
    reads = (arguments.video, arguments.midi, *([arguments.weights] if arguments.weights else []))
    refuse_output(output, arguments.force, reads)
    trained = chosen(None, None) if arguments.weights is None else weights_of_own(arguments.weights)
    params = transcription_params(trained, None)
    given = {"device": arguments.device, "threads": arguments.threads}
    params["runtime"] |= {name: value for name, value in given.items() if value is not None}
    request = Request(
        arguments.video, arguments.midi, output, known, arguments.learn_to, arguments.steps, arguments.keep_anyway
    )
    outcome = finetune(request, trained, params)
    if outcome.is_written:
        say(f"{output}: written; use it by `tivit transcribe VIDEO --weights {output}`")
        return 0
    say(f"{output}: not written, because nothing was gained; record a longer take, or say --keep-anyway")
    return NOTHING_GAINED
