"""`tivit transcribe`: the notes of videos as MIDI files, and as scores, tables and pages."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tivit.commands.parser import count
from tivit.core.choices import ORIENTATIONS
from tivit.core.errors import InputError
from tivit.core.run.libraries import calm_libraries
from tivit.core.run.stage import add_verbose
from tivit.pretrained.names import TRAINED_CHECKPOINT, TRAINED_THRESHOLDS

if TYPE_CHECKING:
    from tivit.pretrained.files import Trained
    from tivit.registration.params import Override

DEVICES = ("cpu", "cuda")
FORMATS = ("json", "csv", "score", "report")


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "transcribe",
        help="write the notes of videos to MIDI files",
        description="Write the notes of videos to MIDI files, with the weights that come with the project or with your own. "
        "The notes of clip.mp4 go to clip.mid beside it. Nothing that exists is overwritten without --force, and a video "
        "never. Ctrl-C leaves what is finished in clip.partial.mid.",
        epilog="Memory does not grow with the video, and nothing of it is kept on disk; only --adapt needs a temporary file "
        "(5.7 GB for an hour, in the folder that TMPDIR names). The exit status for several videos is the number of those that "
        "failed; for a single one, and for a wrong argument, it is 2.",
    )
    command.add_argument(
        "videos", nargs="+", metavar="VIDEO",
        help="a piano keyboard, seen from above: a file, a folder of videos, or a pattern such as 'takes/*.mp4'",
    )  # fmt: skip
    _add_outputs(command)
    _add_span(command)
    add_keyboard(command)
    command.add_argument(
        "--adapt", action="store_true",
        help="let the network learn from the notes it is sure of in this video before it writes them; some twenty seconds more",
    )  # fmt: skip
    add_network(command)
    command.add_argument(
        "--workers", type=count, default=1, metavar="N",
        help="so many videos are transcribed at a time, each by a process of its own; default: one after the other. With "
        "runtime.engine dask or ray of --params they are spread over the cluster",
    )  # fmt: skip
    add_verbose(command)
    return command


def _add_outputs(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o", "--output", metavar="FILE|DIR", help="the MIDI file to write (OUT.mid), or a folder; default: beside each video"
    )
    command.add_argument("--force", action="store_true", help="replace the files of an earlier transcription")
    command.add_argument(
        "--json", action="store_true", help="also write notes with probabilities, and the keyboard's place, as JSON"
    )
    command.add_argument("--csv", action="store_true", help="also write the notes as a table")
    command.add_argument(
        "--score", action="store_true", help="also write a score of two staves as MusicXML; needs the extra `score`"
    )
    command.add_argument(
        "--report",
        action="store_true",
        help="also write a page, one HTML file, on which the notes are seen, heard and mended; or, where the keyboard is not "
        "found, on which it is marked",
    )
    command.add_argument("--quiet", action="store_true", help="say nothing but warnings, errors and what failed")


def _add_span(command: argparse.ArgumentParser) -> None:
    command.add_argument("--start", type=seconds, default=0.0, metavar="T", help="where to begin: seconds, or 1:02.5")
    command.add_argument(
        "--end", type=seconds, default=float("inf"), metavar="T",
        help="where to end. The times of the MIDI file and of the score then count from --start",
    )  # fmt: skip


def add_keyboard(command: argparse.ArgumentParser) -> None:
    """Add the options that say what is known of the keyboard to a parser; `known_keyboard` reads them."""
    command.add_argument(
        "--corners", nargs=4, metavar="X,Y",
        help="corners of the white keys in view, px: top left, top right, bottom right, bottom left, such as 252.5,479 "
        "1794,485 1789,675 -2,665; default: found",
    )  # fmt: skip
    command.add_argument(
        "--first-key", metavar="KEY", help="lowest key in view, a name (C2, F#1) or MIDI number; default: found where it can be"
    )
    command.add_argument("--orientation", choices=ORIENTATIONS, help="how the image shows the keyboard; default: found")


def add_network(command: argparse.ArgumentParser) -> None:
    """Add the options that say which network reads a video, and where; `network` reads them."""
    command.add_argument(
        "--weights", type=Path, metavar="FILE", help="weights that `tivit finetune` wrote; default: those of the project"
    )
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


def run(arguments: argparse.Namespace) -> int:
    """Transcribe the videos, say what came of each, and return how many failed."""
    known = known_keyboard(arguments)
    if arguments.end <= arguments.start:
        raise InputError(f"--end {arguments.end:g} must lie after --start {arguments.start:g}")
    calm_libraries()

    from tivit.core.run.runtime import Workers
    from tivit.notation.score import require_music21
    from tivit.transcription.batch import Batch, transcribe_all
    from tivit.transcription.outputs import plan_outputs, videos_of

    formats = [name for name in FORMATS if getattr(arguments, name)]
    if arguments.score:
        require_music21()
    videos = videos_of(arguments.videos)
    plans = plan_outputs(videos, arguments.output, formats, arguments.force)
    trained, params = network(arguments)
    runtime = params["runtime"]
    batch = Batch(
        plans, params, trained.checkpoint, trained.thresholds, known, (arguments.start, arguments.end),
        arguments.adapt, arguments.quiet, Workers(arguments.workers, runtime["engine"], runtime["scheduler"]),
        _options(arguments),
    )  # fmt: skip
    return transcribe_all(batch)


def network(arguments: argparse.Namespace) -> tuple[Trained, dict[str, Any]]:
    """Return the files and the params that the options of `add_network` choose.

    Raises
    ------
    InputError
        The options exclude each other, or a file cannot be used.
    """
    from tivit.pretrained.files import chosen, weights_of_own
    from tivit.pretrained.recipe import transcription_params

    if arguments.weights is None:
        trained = chosen(arguments.checkpoint, arguments.thresholds)
    elif arguments.checkpoint or arguments.thresholds:
        raise InputError("--weights brings its own thresholds; leave --checkpoint and --thresholds out")
    else:
        trained = weights_of_own(arguments.weights)
    params = transcription_params(trained, arguments.params)
    given = {"device": arguments.device, "threads": arguments.threads}
    runtime = params["runtime"] | {name: value for name, value in given.items() if value is not None}
    return trained, params | {"runtime": runtime}


def _options(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return what was given besides the videos and the keyboard, as it would be written again."""
    values = {
        name: getattr(arguments, name)
        for name in ("output", "weights", "checkpoint", "thresholds", "params", "device", "threads")
    }
    if arguments.start > 0.0:
        values["start"] = f"{arguments.start:.10g}"
    if arguments.end < float("inf"):
        values["end"] = f"{arguments.end:.10g}"
    words = [f"--{name}={value}" for name, value in values.items() if value is not None]
    return (*words, *(f"--{name}" for name in (*FORMATS, "adapt") if getattr(arguments, name)))


def known_keyboard(arguments: argparse.Namespace) -> Override:
    """Return what the options of `add_keyboard` say; raise InputError where one of them cannot be read."""
    from tivit.registration.params import Override

    corners = None if arguments.corners is None else tuple(_point(text) for text in arguments.corners)
    first_key = None if arguments.first_key is None else _key(arguments.first_key)
    return Override(corners, first_key, arguments.orientation)


def seconds(text: str) -> float:
    """Return the seconds in an argument such as 62.5 or 1:02.5, for `type=` of an option."""
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 3 or not all(0.0 <= value < 1e6 for value in values):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write seconds (62.5) or minutes and seconds (1:02.5)")
    return sum(value * 60.0**place for place, value in enumerate(reversed(values)))


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
