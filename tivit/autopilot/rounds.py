"""The loop: a round per experiment until a rule says stop, then the best round applied. It may be killed at any moment.

What has been done is never remembered, but read off the clone: a round is done when its experiment is there. So a run that was
killed goes on with the round it was in, whose training goes on from its last saved state, and ends with the same rows and the
same weights as one that was not.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from tivit.autopilot import repair
from tivit.autopilot.plan import LAST_STAGE, Calibration, Plan, Rules, Settings, read_plan, shown, write_plan
from tivit.autopilot.repository import (
    DVC,
    changed_files,
    environment,
    experiments,
    head_commit,
    head_name,
    yaml_at,
)
from tivit.autopilot.results import PARAMS, Row, append, best_of, earlier_runs, reason_to_stop, row_of, write_summary
from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError

log = logging.getLogger(__name__)
LOCK = Path(".tivit/autopilot/lock")
KEPT_FILES = (Path("data/model/best.pt"), Path("metrics/thresholds.json"))
"""What `--ckpt-dir` gets of the best round."""
_EXPERIMENT = re.compile(r"autopilot(\d+)-\d+")
_FAILED_STAGE = re.compile(r"failed to reproduce '(?:[^']*:)?(\w+)'")


@dataclass(frozen=True)
class Places:
    """Where a run leaves what.

    Attributes
    ----------
    results : Path
        The table of rounds; `summary.md` and the plan of the last run lie beside it.
    logs : Path
        Folder of what DVC says in each round.
    checkpoints : Path or None
        Folder that gets the weights and thresholds of the best round.
    """

    results: Path
    logs: Path
    checkpoints: Path | None

    @property
    def plan(self) -> Path:
        """The plan of the last run."""
        return self.results.with_name("plan.json")

    @property
    def summary(self) -> Path:
        """The rounds of the last run, for a person."""
        return self.results.with_name("summary.md")


def begin(places: Places, settings: Settings, rules: Rules, trained_steps: int) -> Plan:
    """Return the plan of a new run, whose number no earlier run in this clone has; nothing is written."""
    taken = [int(match[1]) for name in experiments() if (match := _EXPERIMENT.fullmatch(name))]
    taken += earlier_runs(places.results)
    last = read_plan(places.plan)
    number = max([0, *taken, *([last.run] if last else [])]) + 1
    return Plan(number, head_commit(), head_name(), trained_steps, settings, rules)


def dry_run(plan: Plan, done: list[Row], say: Callable[[str], None]) -> None:
    """Say each command of DVC that a run would give if no rule stopped it before its last round."""
    for number in range(len(done) + 1, plan.rules.max_rounds + 1):
        calibration = plan.calibration(number)
        say(shown(plan.command(number, calibration)))
        if number == len(done) + 1 and calibration == "thorough":
            say(f"  # where {LAST_STAGE} fails, in this round and in each: {shown(plan.command(number, 'fast'))}")
    say(f"dvc exp apply BEST  # after the round that a rule makes the last: the best of {plan.experiment(1)} and on")


def rows_done(plan: Plan) -> list[Row]:
    """Return the rows of the rounds whose experiments are there, from the first on without a gap."""
    there = {name: commit for name, (baseline, commit) in experiments().items() if baseline == plan.baseline}
    rows: list[Row] = []
    for number in count(1):
        if plan.experiment(number) not in there:
            return rows
        rows.append(row_of(plan, number, there[plan.experiment(number)]))
    raise AssertionError("count never ends")


def fly(plan: Plan, places: Places, say: Callable[[str], None]) -> None:
    """Run the rounds of a plan that are not done, apply the best, and say why the run ended.

    Parameters
    ----------
    plan : Plan
        Of a new run, or of one that was interrupted.
    places : Places
        Where its tables and logs lie.
    say : callable
        Gets each line for the user.

    Raises
    ------
    InputError
        The workspace is not clean or not at the plan's commit, another autopilot is at work, or a round fails.
    """
    with _alone() as lock:
        rows = rows_done(plan)
        reason = reason_to_stop(rows, plan.rules)
        if reason and plan.applied == best_of(rows).experiment:
            say(f"run {plan.run} has ended ({reason}) and {plan.applied} is applied; --mode fresh begins another")
            return
        repair.repair(plan)
        write_plan(places.plan, replace(plan, applied=None))
        while True:
            append(places.results, rows)
            reason = reason_to_stop(rows, plan.rules)
            write_summary(places.summary, plan, rows, reason)
            if reason:
                break
            number = len(rows) + 1
            say(
                f"round {number} of at most {plan.rules.max_rounds}: {plan.steps(number)} steps, then calibration on validation"
            )
            _round(plan, number, places, lock, say)
            rows = rows_done(plan)
            if len(rows) < number:
                log_file = _log(plan, number, places)
                raise InputError(f"round {number}: DVC left no experiment {plan.experiment(number)}; see {log_file}")
            say(f"round {number}: {plan.settings.target_metric} {rows[-1].score:.4f}, best {best_of(rows).score:.4f}")
        best = best_of(rows)
        _apply(plan, best, places, lock)
        write_plan(places.plan, replace(plan, applied=best.experiment))
        say(f"stopped: {reason}")
        say(f"best: round {best.round} ({best.experiment}), now in the workspace")
        say(f"to score it on the test split: {shown(plan.test_command(yaml_at(plan.baseline, PARAMS)))}")


def clean_workspace() -> None:
    """Raise InputError unless every tracked file is as in the commit: otherwise a round could not be attributed to one."""
    changed = changed_files()
    if changed:
        raise InputError(f"{changed[0]}: changed since the commit, so no round could be attributed to it; commit or stash it")


def trained_already() -> bool:
    """Return whether the commit has a trained model, by a dry run of DVC."""
    arguments = ["repro", "--dry", "--allow-missing", "train"]
    done = subprocess.run([*DVC, *arguments], env=environment(), capture_output=True, text=True)
    return done.returncode == 0 and "Running stage" not in done.stdout


def _round(plan: Plan, number: int, places: Places, lock: int, say: Callable[[str], None]) -> None:
    """Run a round; where its thorough search fails, once more with the coarse grid, for which nothing is trained again."""
    calibration: Calibration = plan.calibration(number)
    stage = _dvc(plan.command(number, calibration), _log(plan, number, places), lock)
    if stage == LAST_STAGE and calibration == "thorough":
        say(f"round {number}: the thorough calibration failed, falling back to a fast grid ({_log(plan, number, places)})")
        stage = _dvc(plan.command(number, "fast"), _log(plan, number, places), lock)
    if stage is not None:
        raise InputError(f"round {number}: failed in {stage}; DVC's output is in {_log(plan, number, places)}")


def _apply(plan: Plan, best: Row, places: Places, lock: int) -> None:
    """Put the best round into the workspace, and its weights and thresholds where `--ckpt-dir` says."""
    log_file = places.logs / f"run{plan.run}_end.log"
    failed = _dvc(["exp", "apply", best.experiment], log_file, lock)
    if failed is not None:
        raise InputError(f"{best.experiment} could not be applied; DVC's output is in {log_file}")
    if places.checkpoints is not None:
        for path in KEPT_FILES:
            if not path.exists():
                raise InputError(f"{path}: not there after {best.experiment} was applied; is it in the cache of DVC?")
            write_bytes(places.checkpoints / path.name, path.read_bytes())


def _dvc(arguments: list[str], log_file: Path, lock: int) -> str | None:
    """Run DVC, its output at the end of a file; return None when it went well, else the stage that failed ("dvc" for none)."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with open(log_file, "a", encoding="utf-8") as out:
        out.write(f"$ {shlex.join(['dvc', *arguments])}\n")
        out.flush()
        start = out.tell()
        # The lock goes to DVC too: it stays taken where DVC outlives this process.
        done = subprocess.run([*DVC, *arguments], env=environment(), stdout=out, stderr=out, pass_fds=(lock,))
    if done.returncode == 0:
        return None
    with open(log_file, "rb") as said:
        said.seek(start)
        failed = _FAILED_STAGE.search(said.read().decode(errors="replace"))
    return failed[1] if failed else "dvc"


def _log(plan: Plan, number: int, places: Places) -> Path:
    return places.logs / f"run{plan.run}_round{number:02d}.log"


@contextlib.contextmanager
def _alone() -> Iterator[int]:
    """Hold the lock of this clone, which the system releases when its holders die; yield its file descriptor."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("another autopilot, or a command that it began, is at work in this clone; wait for it") from None
        yield descriptor
    finally:
        os.close(descriptor)
