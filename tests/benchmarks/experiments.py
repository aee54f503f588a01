"""Many experiments at once on the tiny pipeline: are all there, with the metrics of the stages run by hand, and no lock left?

    PYTHONPATH=.:tests/helpers python tests/benchmarks/experiments.py [--count 20] [--workers 2]

Each of the values of `decode.lambda_key` is run three times: by hand, through the queue with some workers, and by `--temp` with
as many commands at a time. It takes about half a minute for each value on two cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dvc.api
from dvc.repo.experiments.executor.base import TaskStatus
from pipeline_cases import change_params, committed_copy, environment, git, make_clone, run, run_beside

VALUES_STEP = 0.25
METRICS = ("evaluate", "sweep")
FINISHED = TaskStatus.FINISHED.value


def by_hand(clone: Path, folder: Path, values: list[float]) -> list[dict]:
    """Return the metrics that the stages after the logits give for each value, run without DVC."""
    shutil.copytree(clone, folder, symlinks=True)
    found = []
    for value in values:
        change_params(folder, decode={"lambda_key": value})
        for stage in ("decode", "sweep", "evaluate"):
            subprocess.run(
                [sys.executable, "-m", f"stages.{stage}"], cwd=folder, env=environment(), check=True, capture_output=True
            )
        files = [json.loads((folder / f"metrics/{name}.json").read_text()) for name in METRICS]
        found.append({key: number for file in files for key, number in file.items()})
    return found


def queued(clone: Path, values: list[float], workers: int) -> list[str]:
    """Run the values through the queue; return the names of the experiments."""
    names = [f"queue-{i}" for i in range(len(values))]
    for name, value in zip(names, values, strict=True):
        run(clone, "dvc", "exp", "run", "--queue", "-n", name, "-S", f"decode.lambda_key={value}")
    run(clone, "dvc", "exp", "run", "--run-all", "--jobs", str(workers))
    return names


def temporary(clone: Path, values: list[float], workers: int) -> list[str]:
    """Run the values by commands with --temp, some at a time; return the names of the experiments."""
    names = [f"temp-{i}" for i in range(len(values))]
    with ThreadPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(run_beside, clone, "-n", name, "-S", f"decode.lambda_key={value}")
            for name, value in zip(names, values, strict=True)
        ]
        for job in jobs:
            job.result()
    return names


def is_over(note: Path) -> bool:
    """Return whether DVC's own note of an experiment, or of the process that ran it, says that it has ended well."""
    noted = json.loads(note.read_text())
    return noted.get("status", FINISHED) == FINISHED and noted.get("returncode", 0) == 0


def faults_of(clone: Path, names: list[str], values: list[float], expected: list[dict]) -> list[str]:
    """Return what is wrong with experiments: those that are lost, other values or metrics, and what is left behind."""
    listed = set(run(clone, "dvc", "exp", "list", "--name-only").split())
    faults = [f"{name}: lost" for name in names if name not in listed]
    for name, value, metrics in zip(names, values, expected, strict=True):
        if name not in listed:
            continue
        if dvc.api.metrics_show(repo=str(clone), rev=name) != metrics:
            faults.append(f"{name}: other metrics than by hand")
        if dvc.api.params_show("params.yaml", repo=str(clone), rev=name)["decode"]["lambda_key"] != value:
            faults.append(f"{name}: another value than {value}")
    temporaries = clone / ".dvc/tmp"
    folders = [*temporaries.glob("exps/tmp*"), *temporaries.glob("exps/standalone/tmp*")]
    faults += [f"left: {path.name}" for path in folders]
    faults += [f"not finished: {path}" for path in temporaries.glob("exps/**/run/*/*.json") if not is_over(path)]
    locks = json.loads((temporaries / "rwlock").read_text() or "{}") if (temporaries / "rwlock").exists() else {}
    faults += [f"locked: {path}" for path in locks]
    faults += [f"workspace: {line}" for line in git(clone, "status", "--porcelain").splitlines()]
    run(clone, "dvc", "repro", "--dry")  # fails where the repository is locked
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="experiments of each kind (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="of the queue, and commands at a time (default: %(default)s)")
    arguments = parser.parse_args()
    values = [round(VALUES_STEP * (i + 1), 4) for i in range(arguments.count)]
    with tempfile.TemporaryDirectory(prefix="tivit-") as folder:
        pristine = Path(folder) / "pristine"
        pristine.mkdir()
        make_clone(pristine)
        clone = committed_copy(pristine, Path(folder) / "clone")
        expected = by_hand(clone, Path(folder) / "by_hand", values)
        print(f"by hand: {len({json.dumps(metrics) for metrics in expected})} different results of {len(values)} values")
        status = 0
        for kind, start in (("queue", queued), ("--temp", temporary)):
            started_s = time.monotonic()
            faults = faults_of(clone, start(clone, values, arguments.workers), values, expected)
            took_s = time.monotonic() - started_s
            title = f"{kind}: {len(values)} experiments, {arguments.workers} at a time, {took_s:.0f} s, {len(faults)} faults"
            print(title, *faults, sep="\n", flush=True)
            status = status or bool(faults)
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main())
