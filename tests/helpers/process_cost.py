"""What a command takes: seconds, processor seconds and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WATCH = """
import os, subprocess, sys, time
started_s = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(process.pid, 0)
wall_s = time.perf_counter() - started_s
print(os.waitstatus_to_exitcode(status), wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)
"""
"""Runs a command from a small process: what a command's parent holds counts as the command's own memory until it starts."""


@dataclass(frozen=True)
class Cost:
    """What a command came to: its exit status, what it took, and what it said.

    `work_s` are processor seconds of it and its children, and `memory_mb` is the most that it, or one of them, held.
    """

    status: int
    wall_s: float
    work_s: float
    memory_mb: float
    said: str


def cost_of(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command in a folder, whatever its exit status, and return what it took."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *command], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    status, *costs = done.stdout.split()[-4:]
    return Cost(int(status), *map(float, costs), said=done.stderr)
