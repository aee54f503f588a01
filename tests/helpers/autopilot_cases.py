"""Runs of the autopilot in a clone, undisturbed or killed with their whole process group at given points of their progress."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from pipeline_cases import environment

RESULTS = Path("metrics/autopilot/results.txt")
KEPT = (Path("data/model/best.pt"), Path("data/model/state.pt"), Path("metrics/thresholds.json"), Path("params.yaml"))
"""What the best round leaves in the workspace."""
POLL_S = 0.02


def commit_all(folder: Path) -> None:
    """Commit everything in a clone, so that its workspace is clean."""
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    name = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *name, "commit", "-qm", "results"], cwd=folder, check=True)


def log_lines(folder: Path) -> int:
    """Return how many lines the logs of all rounds have: a measure of progress that no load of the machine changes."""
    return sum(path.read_bytes().count(b"\n") for path in (folder / RESULTS).parent.glob("logs/*.log"))


def autopilot(folder: Path, *arguments: str, kill_after_lines: int | None = None) -> tuple[int, str]:
    """Run `tivit autopilot` in a clone; return its exit status, -9 where it was killed, and what it said.

    With `kill_after_lines` it is killed as soon as the logs have so many more lines than at its start.
    """
    command = [sys.executable, "-m", "tivit", "autopilot", *arguments]
    before = log_lines(folder)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment() | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while kill_after_lines is not None and process.poll() is None:
        if log_lines(folder) - before >= kill_after_lines:
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(POLL_S)
    said, _ = process.communicate()
    return process.returncode, said


def fly_with_kills(folder: Path, arguments: tuple[str, ...], kill_lines: Iterable[int]) -> tuple[int, list[str]]:
    """Run the autopilot to its end, killed after each of the given lines; return how many kills there were and what it said."""
    said, kills = [], 0
    for kill_after_lines in kill_lines:
        status, text = autopilot(folder, "--mode", "resume", *arguments, kill_after_lines=kill_after_lines)
        said.append(text)
        if status == 0:
            return kills, said
        assert status == -signal.SIGKILL, text
        kills += 1
    status, text = autopilot(folder, "--mode", "resume", *arguments)
    assert status == 0, text
    return kills, [*said, text]


def outcome(folder: Path) -> dict[str, bytes]:
    """Return what a run leaves that must not depend on whether it was killed: its rows, and the files of the best round."""
    return {str(path): (folder / path).read_bytes() for path in (RESULTS, *KEPT)}


def undisturbed(folder: Path, *arguments: str) -> str:
    """Run the autopilot to its end; return what it said."""
    status, said = autopilot(folder, *arguments)
    assert status == 0, said
    return said
