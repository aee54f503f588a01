"""Every stage of the pipeline killed, on a full disk, and run twice at once: the next run must make the same bytes.

    PYTHONPATH=.:tests/helpers python tests/benchmarks/stage_kills.py --kills 100

A clone with tiny params is made and run once; then each stage in turn is started without DVC and killed with SIGKILL at a
random moment, or may write no file beyond a random size (which is what a full disk is to a process), or is started twice. After
each, the stage is run whole, and the files that it declares are compared with those of the first run. It says what differs, and
which temporary files are left, which must be nothing.
"""

import argparse
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from pipeline_cases import STAGES, environment, make_clone

MODES = ("kill", "kill", "full", "twice")
LARGEST = 200_000
"""A disk that is full allows between nothing and so many bytes of a file."""


def outputs(clone: Path, stage: str) -> list[Path]:
    """Return the files and folders that a stage declares."""
    found = []
    for file in ("dvc.yaml", "data/dvc.yaml"):
        declared = yaml.safe_load((clone / file).read_text())["stages"].get(stage, {})
        items = [item for kind in ("outs", "metrics", "plots") for item in declared.get(kind, [])]
        found += [(clone / file).parent / (item if isinstance(item, str) else next(iter(item))) for item in items]
    return found


def digest(paths: list[Path]) -> str:
    """Return a digest of the names and the content of files, those in folders included."""
    whole = hashlib.sha256()
    for path in paths:
        for file in sorted([path] if path.is_file() else path.rglob("*")):
            if file.is_file():
                whole.update(f"{file}:".encode() + file.read_bytes())
    return whole.hexdigest()


def leftovers(clone: Path) -> list[str]:
    """Return the temporary files below the folders that stages write to."""
    return [str(path) for folder in ("data", "metrics") for path in (clone / folder).rglob(".*.tmp*")]


def start(clone: Path, stage: str, most_bytes: int | None = None) -> subprocess.Popen:
    """Start a stage in a process group of its own, with a limit of the size of its files where one is given."""

    def limit() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    command = [sys.executable, "-m", f"stages.{stage}"]
    return subprocess.Popen(
        command, cwd=clone, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=limit,
    )  # fmt: skip


def whole_run(clone: Path, stage: str) -> float:
    """Run a stage to its end; return how long it took (s)."""
    started_s = time.monotonic()
    process = start(clone, stage)
    _, said = process.communicate()
    assert process.returncode == 0, f"{stage}: {said}"
    return time.monotonic() - started_s


def disturb(clone: Path, stage: str, mode: str, rng: random.Random, usual_s: float) -> str:
    """Disturb a run of a stage; return what is wrong with how it ended, "" when nothing."""
    if mode == "kill":
        process = start(clone, stage)
        time.sleep(rng.uniform(0.0, usual_s))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return ""
    if mode == "full":
        process = start(clone, stage, rng.randrange(LARGEST))
        _, said = process.communicate()
        lines = [line for line in said.splitlines() if line.startswith(("error:", "Traceback"))]
        is_told = process.returncode == 0 or (process.returncode == 2 and lines and lines[-1].startswith("error: "))
        return "" if is_told and "Traceback" not in said else f"status {process.returncode}: {said[-300:]!r}"
    pair = [start(clone, stage), start(clone, stage)]
    said = [process.communicate()[1] for process in pair]
    return "".join(f"status {p.returncode}: {text[-300:]!r}" for p, text in zip(pair, said, strict=True) if p.returncode)


def main() -> int:
    """Disturb the stages in turn and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="disturbances (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the clone is made; default: a temporary folder")
    arguments = parser.parse_args()
    rng, faults, counts = random.Random(arguments.seed), 0, dict.fromkeys(MODES, 0)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        clone = Path(folder) / "clone"
        clone.mkdir()
        make_clone(clone)
        stages = [stage for stage in STAGES if stage != "code"]
        usual_s = {stage: whole_run(clone, stage) for stage in stages}
        wanted = {stage: digest(outputs(clone, stage)) for stage in stages}
        for number in range(arguments.kills):
            stage, mode = stages[number % len(stages)], MODES[number // len(stages) % len(MODES)]
            wrong = disturb(clone, stage, mode, rng, usual_s[stage])
            whole_run(clone, stage)
            if digest(outputs(clone, stage)) != wanted[stage]:
                wrong += " other bytes"
            counts[mode] += 1
            faults += bool(wrong)
            print(f"{number}: {stage} {mode}: {wrong or 'same bytes'}", flush=True)
        left = leftovers(clone)
    print(f"{', '.join(f'{count} {mode}' for mode, count in counts.items())}; {faults} faults; left over: {left or 'nothing'}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
