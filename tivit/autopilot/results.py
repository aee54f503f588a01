"""The table of rounds: `results.txt`, one row per round, and `summary.md`. Both are read off the experiments themselves.

A row holds no clock and no commit of the experiment (which has a date), so a run that was killed and resumed ends with the same
rows as one that was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean

from tivit.autopilot.plan import FAST_GRID, METRICS, Plan, Rules
from tivit.autopilot.repository import yaml_at
from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError

SCORES, LOCK, PARAMS = "metrics/sweep.json", "dvc.lock", "params.yaml"
WEIGHTS = "data/model/best.pt"


@dataclass(frozen=True)
class Row:
    """One round.

    Attributes
    ----------
    run, round : int
    experiment : str
        Its name, as `dvc exp show` has it.
    baseline : str
        The commit it is attributed to, 7 digits.
    steps : int
        Steps of training that the round ended with.
    calibration : str
        "thorough" or "fast".
    onset_f1, note_f1 : float
        On the validation split: F1 of onsets within 50 ms, and of notes whose offset is right too.
    score : float
        The target metric, rounded as it is written.
    weights_md5 : str
        Of data/model/best.pt.
    """

    run: int
    round: int
    experiment: str
    baseline: str
    steps: int
    calibration: str
    onset_f1: float
    note_f1: float
    score: float
    weights_md5: str

    def line(self) -> str:
        """Return the row as `results.txt` has it."""
        values = (getattr(self, field.name) for field in fields(self))
        return "\t".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in values)


HEADER = "\t".join(field.name for field in fields(Row))


def row_of(plan: Plan, number: int, commit: str) -> Row:
    """Return the row of a round, from the commit of its experiment.

    Raises
    ------
    InputError
        The experiment lacks a figure.
    """
    name = plan.experiment(number)
    scores, lock, params = (yaml_at(commit, path) for path in (SCORES, LOCK, PARAMS))
    try:
        values = {metric: float(scores["val"][metric]) for metric in METRICS["ev_f1_mean"]}
        (weights,) = (out["md5"] for out in lock["stages"]["train"]["outs"] if out["path"] == WEIGHTS)
        is_fast = all(str(params["sweep"][key.split(".")[1]]).replace(" ", "") == grid for key, grid in FAST_GRID.items())
        steps = int(params["train"]["steps"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"experiment {name}: {SCORES}, {LOCK} or {PARAMS} lacks a value of a finished round") from None
    score = round(fmean(values[metric] for metric in METRICS[plan.settings.target_metric]), 4)
    calibration = "fast" if is_fast else "thorough"
    return Row(plan.run, number, name, plan.baseline[:7], steps, calibration, **values, score=score, weights_md5=weights)


def best_of(rows: Sequence[Row]) -> Row:
    """Return the row with the highest score, the first of several."""
    return max(rows, key=lambda row: (row.score, -row.round))


def reason_to_stop(rows: Sequence[Row], rules: Rules) -> str | None:
    """Return why a run ends after its rows, in words, or None where it goes on."""
    if not rows:
        return None
    best = best_of(rows)
    if rules.target is not None and best.score >= rules.target:
        return f"target reached: {best.score:.4f} is at least {rules.target:g}"
    if rows[-1].round - best.round >= rules.patience:
        return f"patience: {rules.patience} rounds without a better score than {best.score:.4f}"
    if len(rows) >= rules.max_rounds:
        return f"max rounds: {rules.max_rounds} done"
    return None


def earlier_runs(path: Path) -> list[int]:
    """Return the numbers of the runs in a table of results."""
    return [int(line.split("\t")[0]) for line in _lines(path)[1:] if line.split("\t")[0].isdecimal()]


def append(path: Path, rows: Sequence[Row]) -> None:
    """Add the rows that a table lacks, in one move; what it holds stays as it is.

    Raises
    ------
    InputError
        The file is another table.
    """
    lines = _lines(path) or [HEADER]
    if lines[0] != HEADER:
        raise InputError(f"{path}: not a table of autopilot rounds; give another file by --results")
    there = {tuple(line.split("\t")[:2]) for line in lines}
    missing = [row.line() for row in rows if (str(row.run), str(row.round)) not in there]
    if missing or not path.exists():
        write_bytes(path, ("\n".join([*lines, *missing]) + "\n").encode())


def write_summary(path: Path, plan: Plan, rows: Sequence[Row], reason: str | None) -> None:
    """Write the rows of a run as a table for a person, with what it aims at and why it stopped."""
    rules = plan.rules
    target = "" if rules.target is None else f" of at least {rules.target:g}"
    lines = [
        f"# Autopilot run {plan.run}",
        "",
        f"Commit {plan.baseline[:7]}. Aim: {plan.settings.target_metric}{target} on the validation split; at most "
        f"{rules.max_rounds} rounds, {rules.patience} without a better score. The test split was not used.",
        "",
        "| round | experiment | steps | calibration | onset F1 @ 50 ms | note F1 | score |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        mark = " (best)" if row == best_of(rows) else ""
        lines.append(
            f"| {row.round}{mark} | {row.experiment} | {row.steps} | {row.calibration} | {row.onset_f1:.4f} | "
            f"{row.note_f1:.4f} | {row.score:.4f} |"
        )
    lines += ["", f"Stopped: {reason}." if reason else "Not ended yet."]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a table of autopilot rounds; give another file by --results") from None
