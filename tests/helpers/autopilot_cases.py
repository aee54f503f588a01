"""Runs of the autopilot in a clone, undisturbed or killed with their whole process group at given times."""

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


def commit_all(folder: Path) -> None:
    """Commit everything in a clone, so that its workspace is clean."""
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    name = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *name, "commit", "-qm", "results"], cwd=folder, check=True)


def autopilot(folder: Path, *arguments: str, kill_after_s: float | None = None) -> tuple[int, str]:
    """Run `tivit autopilot` in a clone; return its exit status, -9 where it was killed, and what it said."""
    command = [sys.executable, "-m", "tivit", "autopilot", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, _ = process.communicate(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
    return process.returncode, said


def fly_with_kills(folder: Path, arguments: tuple[str, ...], kills_s: Iterable[float]) -> tuple[int, list[str]]:
    """Run the autopilot to its end, killed after each of the given times; return how many kills there were and what it said."""
    said, kills = [], 0
    for kill_after_s in kills_s:
        status, text = autopilot(folder, "--mode", "resume", *arguments, kill_after_s=kill_after_s)
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


def timed(folder: Path, *arguments: str) -> tuple[float, str]:
    """Run the autopilot undisturbed; return the seconds it took and what it said."""
    started_s = time.monotonic()
    status, said = autopilot(folder, *arguments)
    assert status == 0, said
    return time.monotonic() - started_s, said
