"""`tivit autopilot`: unattended rounds of training, calibration and evaluation on validation; the best is kept."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tivit.commands.parser import add_params, count, params_of, path_to_write
from tivit.core.errors import InputError
from tivit.core.run.stage import add_verbose

RESULTS = Path("metrics/autopilot/results.txt")
MAX_ROUNDS, PATIENCE, TARGET_METRIC = 12, 3, "ev_f1_mean"


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "autopilot",
        help="unattended rounds: a burst of training, calibration, evaluation on val; the best is applied",
        description="Unattended rounds, each of them a DVC experiment: a burst of training that continues the last one, "
        "calibration of the thresholds and evaluation on the validation split. The run ends at a target, when patience is over "
        "or after so many rounds, and the best round is applied to the workspace. It may be killed at any time: --mode resume "
        "goes on. The test split is never used.",
    )
    _add_rounds(command)
    _add_rules(command)
    _add_places(command)
    command.add_argument("--dry-run", action="store_true", help="print each DVC command and run nothing")
    add_params(command, "the params file of the commit, for the steps of an epoch")
    add_verbose(command)
    for name, action in list(command._option_string_actions.items()):  # as the original spells them
        command._option_string_actions["--" + name[2:].replace("-", "_") if name.startswith("--") else name] = action
    return command


def _add_rounds(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mode", choices=("fresh", "resume"), default="fresh",
        help="fresh: begin a new run; resume: go on with the last one, or begin one where there is none (default: fresh)",
    )  # fmt: skip
    command.add_argument(
        "--first-step", choices=("train", "calib"),
        help="calib: the first round calibrates the model that the commit has, without training (default: train)",
    )  # fmt: skip
    command.add_argument("--skip-train-round1", action="store_true", help="the same as --first-step calib")
    command.add_argument(
        "--first-calib", choices=("thorough", "fast"),
        help="thorough: the grids of section sweep; fast: a coarse one, also used where that fails (default: thorough)",
    )  # fmt: skip
    command.add_argument("--fast-first-calib", action="store_true", help="the same as --first-calib fast")
    command.add_argument(
        "--fast-strategy", choices=("classic", "two_stage"),
        help="classic: the coarse grid alone; two_stage: then a finer one around the best (default: classic)",
    )  # fmt: skip
    command.add_argument("--burst-steps", type=count, metavar="N", help="steps of training that each round adds")
    command.add_argument(
        "--burst-epochs", type=count, metavar="N",
        help="the same in epochs (default: 1); an epoch is train.val_every_steps steps, as windows are drawn without end",
    )  # fmt: skip
    command.add_argument("--seed", type=int, metavar="S", help="train.seed of all rounds (default: that of the params file)")
    command.add_argument("--dataset-max-clips", type=count, metavar="N", help="use at most so many clips of each split")
    command.add_argument("--calib-max-clips", type=count, metavar="N", help="calibrate on at most so many clips")
    command.add_argument(
        "-S",
        "--set-param",
        action="append",
        metavar="KEY=VALUE",
        help="another value for all rounds, as `dvc exp run -S` takes it",
    )


def _add_rules(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--target-metric", choices=("ev_f1_mean", "onset_ev_f1", "offset_ev_f1"),
        help="onset_ev_f1: F1 of onsets within 50 ms; offset_ev_f1: of notes whose offset is right too; ev_f1_mean: their mean "
        f"(default: {TARGET_METRIC})",
    )  # fmt: skip
    command.add_argument("--target-ev-f1", type=float, metavar="X", help="end when the target metric reaches this")
    command.add_argument("--max-rounds", type=count, metavar="N", help=f"end after so many rounds (default: {MAX_ROUNDS})")
    command.add_argument(
        "--patience", type=count, metavar="N", help=f"end after so many rounds without a better score (default: {PATIENCE})"
    )
    command.add_argument(
        "--split-eval",
        choices=("val",),
        default="val",
        help="rounds are scored on val alone (default: val)",
    )


def _add_places(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--results", type=path_to_write, default=RESULTS, metavar="PATH",
        help="the table, one row per round; summary.md lies beside it (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--ckpt-dir", type=path_to_write, metavar="DIR", help="also copy weights and thresholds of the best round there"
    )
    command.add_argument(
        "--stdout-dir", type=path_to_write, metavar="DIR", help="logs of the rounds (default: logs, beside the table)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Fly, or say what would be done, and return 0."""
    from tivit.autopilot import rounds
    from tivit.autopilot.plan import read_plan
    from tivit.core.outputs import refuse_file, refuse_folder

    params = params_of(arguments)
    places = rounds.Places(arguments.results, arguments.stdout_dir or arguments.results.parent / "logs", arguments.ckpt_dir)
    refuse_file(arguments.results, may_replace=True, option="--results", makes_folder=True)
    for option, folder in (("--stdout-dir", arguments.stdout_dir), ("--ckpt-dir", arguments.ckpt_dir)):
        if folder is not None:
            refuse_folder(folder, option)
    last = read_plan(places.plan) if arguments.mode == "resume" else None
    plan = _plan(arguments, params, places, last)
    if arguments.dry_run:
        rounds.dry_run(plan, rounds.rows_done(plan) if last else [], _say)
        return 0
    if last is None:
        rounds.clean_workspace()
        if plan.settings.first_step == "calib" and not rounds.trained_already():
            raise InputError(
                "--first-step calib: the commit has no trained model; `dvc repro train` first, or --first-step train"
            )
    rounds.fly(plan, places, _say)
    return 0


def _plan(arguments: argparse.Namespace, params: dict[str, Any], places: Any, last: Any) -> Any:
    """Return the plan: a new one, or the last one with its stopping rules changed as asked for."""
    from dataclasses import asdict, replace

    from tivit.autopilot import rounds
    from tivit.autopilot.plan import Rules, Settings

    steps, val_every = (_steps(params, name) for name in ("steps", "val_every_steps"))
    given = {
        "first_step": "calib" if arguments.skip_train_round1 else arguments.first_step,
        "first_calib": "fast" if arguments.fast_first_calib else arguments.first_calib,
        "fast_strategy": arguments.fast_strategy,
        "burst_steps": arguments.burst_steps or (arguments.burst_epochs and arguments.burst_epochs * val_every),
        "target_metric": arguments.target_metric,
        "seed": arguments.seed,
        "dataset_max_clips": arguments.dataset_max_clips,
        "calib_max_clips": arguments.calib_max_clips,
        "set_params": tuple(arguments.set_param) if arguments.set_param else None,
    }
    rules = {"target": arguments.target_ev_f1, "patience": arguments.patience, "max_rounds": arguments.max_rounds}
    rules = {name: value for name, value in rules.items() if value is not None}
    if last is not None:
        for name, value in given.items():
            kept = asdict(last.settings)[name]
            if value is not None and value != kept:
                option = "--" + name.replace("_", "-")
                raise InputError(f"{option}: run {last.run} has {kept}, not {value}; leave it out, or begin with --mode fresh")
        return replace(last, rules=replace(last.rules, **rules))
    defaults = {
        "first_step": "train", "first_calib": "thorough", "fast_strategy": "classic", "burst_steps": val_every,
        "target_metric": TARGET_METRIC, "set_params": (),
    }  # fmt: skip
    settings = Settings(**{name: defaults.get(name) if value is None else value for name, value in given.items()})
    _check(settings)
    return rounds.begin(
        places, settings, Rules(**{"target": None, "patience": PATIENCE, "max_rounds": MAX_ROUNDS, **rules}), steps
    )


def _steps(params: dict[str, Any], name: str) -> int:
    """Return a number of steps in section `train` of the params."""
    value = params["train"].get(name) if isinstance(params.get("train"), dict) else None
    if not isinstance(value, int) or value < 1:
        raise InputError(f"params: train.{name} must be a whole number from 1 on, found {value!r}")
    return value


def _check(settings: Any) -> None:
    """Raise InputError where settings do not go together."""
    if settings.first_step == "calib" and (settings.seed is not None or settings.dataset_max_clips):
        name = "--seed" if settings.seed is not None else "--dataset-max-clips"
        raise InputError(f"{name}: the model that --first-step calib begins with was trained otherwise; use --first-step train")
    for text in settings.set_params:
        key = text.partition("=")[0]
        if "=" not in text or not key or key.startswith("-"):
            raise InputError(f"-S {text!r}: not KEY=VALUE, such as train.learning_rate=0.002")
        if key in ("train.steps", "logits.splits"):
            raise InputError(f"-S {key}: set by the rounds themselves; use --burst-steps for the steps")


def _say(line: str) -> None:
    print(line, flush=True)
