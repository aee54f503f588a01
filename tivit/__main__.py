"""Command line: `python -m tivit <command>`. Each command is a thin call; `--help` of each says what it takes."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from tivit.core import params as params_file
from tivit.core.choices import ORIENTATIONS, SPLITS
from tivit.core.errors import InputError
from tivit.core.params import section
from tivit.core.run.stage import add_verbose, exit_status, set_verbose
from tivit.pretrained.files import FOLDER, TRAINED_CHECKPOINT, TRAINED_THRESHOLDS, Trained, chosen
from tivit.synth.layouts.command import add_synthesize

log = logging.getLogger("tivit")


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 faults found, 2 bad input, 130 stopped."""
    parser = argparse.ArgumentParser(prog="python -m tivit", description="Video of a piano keyboard in, notes out.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    checks = commands.add_parser("check", help="look at what the parts of the pipeline make of the data")
    kinds = checks.add_subparsers(dest="check", required=True, metavar="what")
    adders = (_add_transcribe, _add_sweep, _add_score, _add_export_weights, _add_index, _add_compare, add_synthesize)
    checkers = (_add_check_registration, _add_check_dataset, _add_check_lag, _add_check_forward)
    for command in (*(add(commands) for add in adders), *(add(kinds) for add in checkers)):
        command.add_argument("--params", default="params.yaml", help="the params file (default: %(default)s)")
        add_verbose(command)
    arguments = parser.parse_args(argv)
    status = 0

    def work() -> None:
        nonlocal status
        set_verbose(arguments.verbose)
        status = arguments.work(arguments)

    return exit_status(work) or status


def _add_transcribe(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "transcribe",
        help="write the notes of a video to a MIDI file",
        description="Write the notes of a video to a MIDI file, with the weights that come with the project or with your own.",
    )
    command.add_argument("video", type=Path)
    command.add_argument("-o", "--output", type=Path, required=True, help="the MIDI file to write")
    command.add_argument(
        "--checkpoint", type=Path, metavar="PATH",
        help=f"weights of your own, such as {TRAINED_CHECKPOINT}; give --thresholds too; default: those of the project",
    )  # fmt: skip
    command.add_argument(
        "--thresholds", type=Path, metavar="PATH", help=f"those chosen for the checkpoint, such as {TRAINED_THRESHOLDS}"
    )
    command.add_argument(
        "--corners", nargs=4, metavar="X,Y",
        help="corners of the white keys in view, px: top left, top right, bottom right, bottom left; default: found",
    )  # fmt: skip
    command.add_argument(
        "--first-key", metavar="KEY", help="lowest key in view, a name (C2, F#1) or MIDI number; default: found where it can be"
    )
    command.add_argument("--orientation", choices=ORIENTATIONS, help="how the image shows the keyboard; default: found")
    command.set_defaults(work=_transcribe)
    return command


def _transcribe(arguments: argparse.Namespace) -> int:
    from tivit.registration.params import Override
    from tivit.transcribe import transcribe

    corners = None if arguments.corners is None else tuple(_point(text) for text in arguments.corners)
    first_key = None if arguments.first_key is None else _key(arguments.first_key)
    known = Override(corners, first_key, arguments.orientation)
    trained = chosen(arguments.checkpoint, arguments.thresholds)
    summary = transcribe(
        arguments.video,
        arguments.output,
        params=params_file.load(arguments.params),
        checkpoint=trained.checkpoint,
        thresholds=trained.thresholds,
        known=known,
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


def _add_export_weights(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser("export-weights", help="make the weights that come with the project from trained ones")
    command.add_argument("--checkpoint", type=Path, default=TRAINED_CHECKPOINT, metavar="PATH", help="default: %(default)s")
    command.add_argument("--thresholds", type=Path, default=TRAINED_THRESHOLDS, metavar="PATH", help="default: %(default)s")
    command.add_argument(
        "--out", type=Path, default=FOLDER, metavar="FOLDER", help="default: tivit/pretrained, where transcribe looks"
    )
    command.set_defaults(work=_export_weights)
    return command


def _export_weights(arguments: argparse.Namespace) -> int:
    from tivit.pretrained.export import export_weights

    print(export_weights(Trained(arguments.checkpoint, arguments.thresholds), arguments.out).sentence())
    return 0


def _add_index(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser("index", help="write or check the committed index of a dataset")
    command.add_argument("name", help="the dataset, such as Synthetic")
    kinds = command.add_mutually_exclusive_group()
    kinds.add_argument("--check", action="store_true", help="compare sizes with the index, write nothing")
    kinds.add_argument("--quick", action="store_true", help="take files of the size in the index as unchanged, read the others")
    command.add_argument("--full", action="store_true", help="with --check: compare contents (MD5) too")
    command.set_defaults(work=_index)
    return command


def _index(arguments: argparse.Namespace) -> int:
    from tivit.datasets.index import check_index, index_path, read_index
    from tivit.datasets.memo import refresh_index
    from tivit.datasets.params import DataParams
    from tivit.datasets.roots import folder_of, resolve_root

    params = section(params_file.load(arguments.params), "data", DataParams)
    root = resolve_root(folder_of(arguments.name), params.root if params.name == arguments.name else None)
    path = index_path(arguments.name)
    if not arguments.check:
        index = refresh_index(arguments.name, root, path, arguments.quick)
        print(f"{path}: {len(index.files)} files of {root}")
        return 0
    index = read_index(path)
    faults = check_index(index, root, arguments.full)
    print("\n".join([*faults, f"{path}: {len(index.files)} files, {len(faults)} faults"]))
    return 1 if faults else 0


def _add_compare(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser("compare", help="train and score the model and the baselines on the same clips: one table")
    command.add_argument("--minutes", default="6", metavar="M", help="training of each method (default: %(default)s)")
    command.add_argument("--methods", default="key_vivit,vivit,cnn_gru,difference", metavar="LIST", help="default: %(default)s")
    command.add_argument(
        "--steps",
        default="",
        metavar="LIST",
        help="fixed training steps, such as key_vivit=1150,vivit=2000; default: by --minutes",
    )
    command.add_argument("--out", type=Path, default=Path(".tivit/compare"), help="a folder (default: %(default)s)")
    command.set_defaults(work=_compare)
    return command


def _compare(arguments: argparse.Namespace) -> int:
    from tivit.compare.plan import parse_methods, parse_minutes, parse_steps
    from tivit.compare.run import Request, compare

    methods = parse_methods(arguments.methods)
    steps = parse_steps(arguments.steps, methods)
    request = Request(methods, parse_minutes(arguments.minutes), steps, arguments.out)
    compare(params_file.load(arguments.params), request)
    print(f"table: {arguments.out / 'compare.md'}")
    return 0


def _add_sweep(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "sweep",
        help="choose decoding thresholds for any logits file",
        description="Choose decoding thresholds for any logits file, as section sweep of the params says; no model is run.",
    )
    command.add_argument("--logits", type=Path, required=True, metavar="X.npz", help="such as data/logits/val.npz")
    command.add_argument("--notes", type=Path, required=True, metavar="Y.csv", help="such as data/manifest/notes.csv")
    command.add_argument("--out", type=Path, default=Path(".tivit/sweep"), help="a folder (default: %(default)s)")
    command.set_defaults(work=_sweep)
    return command


def _sweep(arguments: argparse.Namespace) -> int:
    from tivit.sweeping.search import SweepParams
    from tivit.sweeping.sweep_files import sweep_files

    params = section(params_file.load(arguments.params), "sweep", SweepParams)
    sweep_files(arguments.logits, arguments.notes, arguments.out, params)
    print(f"thresholds: {arguments.out / 'thresholds.json'}")
    return 0


def _add_score(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "score",
        help="score files of notes against others: MIDI, OMAPS text, TSV",
        description="Score files of notes (MIDI, OMAPS text, TSV) against others, or folders of them, paired by name.",
    )
    command.add_argument("reference", type=Path, help="the true notes: a file or a folder")
    command.add_argument("estimates", type=Path, nargs="+", metavar="estimate", help="one column of the table each")
    command.add_argument("--common", action="store_true", help="folders: leave out files that only one side has")
    command.add_argument("--json", type=Path, metavar="FILE", help="write every value here too")
    command.add_argument("--csv", type=Path, metavar="FILE", help="write a line per file here too")
    command.set_defaults(work=_score)
    return command


def _score(arguments: argparse.Namespace) -> int:
    from tivit.scoring.report import score_table
    from tivit.scoring.score_files import score_files

    comparison = score_files(arguments.reference, arguments.estimates, arguments.common)
    print(score_table(comparison.blocks()))
    comparison.write(arguments.json, arguments.csv)
    return 0


def _add_check_registration(kinds: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = kinds.add_parser(
        "registration",
        help="find the keyboard in the clips of the dataset: a line each, a table, a contact sheet; 1 if any is lost",
    )
    command.add_argument("--split", choices=SPLITS, help="clips of one split only")
    command.add_argument("--clips", type=_count, metavar="N", help="at most N clips of a split")
    command.add_argument("--inspect", type=_count, default=12, metavar="M", help="clips on the sheet (default: %(default)s)")
    command.add_argument("--out", type=Path, default=Path(".tivit/check"), help="where the sheet goes (default: %(default)s)")
    command.set_defaults(work=_check_registration)
    return command


def _check_registration(arguments: argparse.Namespace) -> int:
    from tivit.check.registration import Selection, check_registration

    selection = Selection(arguments.split, arguments.clips, arguments.inspect)
    return check_registration(params_file.load(arguments.params), selection, arguments.out)


def _add_check_lag(kinds: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = kinds.add_parser("lag", help="how early or late the labels of each clip are; 1 if one is surely off by 50 ms")
    command.add_argument("--split", choices=SPLITS, help="clips of one split only")
    command.add_argument("--strips", type=Path, default=Path("data/strips"), help="default: %(default)s")
    command.add_argument("--manifest", type=Path, default=Path("data/manifest"), help="default: %(default)s")
    command.set_defaults(work=_check_lag)
    return command


def _check_lag(arguments: argparse.Namespace) -> int:
    from tivit.check.lag import check_lag
    from tivit.datasets.params import DataParams

    params = section(params_file.load(arguments.params), "data", DataParams)
    return check_lag(params.lag, arguments.split, arguments.strips, arguments.manifest)


def _add_check_dataset(kinds: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = kinds.add_parser(
        "dataset",
        help="count the notes of the dataset, name what is missing or damaged, draw labels on a strip; 1 if any is",
    )
    command.add_argument("--split", choices=SPLITS, help="clips of one split only")
    command.add_argument("--out", type=Path, default=Path(".tivit/check"), help="where the picture goes (default: %(default)s)")
    command.set_defaults(work=_check_dataset)
    return command


def _check_dataset(arguments: argparse.Namespace) -> int:
    from tivit.check.dataset import check_dataset

    return check_dataset(params_file.load(arguments.params), arguments.split, arguments.out)


def _add_check_forward(kinds: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = kinds.add_parser(
        "forward", help="the network on one batch of a split: shapes, logits and losses; 1 if a value is not finite"
    )
    command.add_argument("--split", choices=SPLITS, default="val", help="default: %(default)s")
    command.add_argument("--clips", type=_count, default=2, metavar="N", help="at most N clips (default: %(default)s)")
    command.add_argument(
        "--checkpoint", type=Path, metavar="PATH", help=f"such as {TRAINED_CHECKPOINT}; default: a new network of section model"
    )
    command.set_defaults(work=_check_forward)
    return command


def _check_forward(arguments: argparse.Namespace) -> int:
    from tivit.check.forward import ForwardRequest, check_forward

    request = ForwardRequest(arguments.split, arguments.clips, arguments.checkpoint)
    return check_forward(params_file.load(arguments.params), request)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; write a whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
