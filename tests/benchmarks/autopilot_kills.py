"""An autopilot run killed with SIGKILL at random moments and resumed each time, against an undisturbed one.

    PYTHONPATH=.:tests/helpers python tests/benchmarks/autopilot_kills.py CLONE --kills 10 -- --burst-steps 30 --max-rounds 3

CLONE is a clone with a clean workspace and a complete cache; it is copied twice and not changed. Files of the cache are linked,
as DVC never writes into one. Options of the autopilot follow `--`. It says what differs, which must be nothing.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autopilot_cases import fly_with_kills, log_lines, outcome, undisturbed

SHORTEST, LONGEST = 0.02, 0.25
"""Shares of the lines of the logs of an undisturbed run after which the next kill comes."""


def copy_of(clone: Path, folder: Path) -> Path:
    """Return a copy of a clone that shares the content of its cache, and none of its memory of runs."""

    def copy(source: str, target: str) -> None:
        (os.link if "/.dvc/cache/files/" in source else shutil.copy2)(source, target)

    return Path(shutil.copytree(clone, folder, symlinks=True, copy_function=copy))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    arguments, options = parser.parse_args(sys.argv[1:end]), tuple(sys.argv[end + 1 :])
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(dir=arguments.clone.parent) as folder:
        whole, killed = (copy_of(arguments.clone, Path(folder) / name) for name in ("whole", "killed"))
        said = undisturbed(whole, *options)
        print(said + f"undisturbed: {log_lines(whole)} lines of logs", flush=True)
        moments = [1 + int(rng.uniform(SHORTEST, LONGEST) * log_lines(whole)) for _ in range(arguments.kills)]
        kills, texts = fly_with_kills(killed, options, moments)
        print("\n".join(f"-- after {lines} lines\n{text}" for lines, text in zip([*moments, "all"], texts, strict=False)))
        before, after = outcome(whole), outcome(killed)
        differing = [name for name in before if before[name] != after[name]]
        status = subprocess.run(["git", "status", "--short", "--branch"], cwd=killed, capture_output=True, text=True).stdout
        print(f"{kills} kills; differing files: {differing or 'none'}\n{status}")
        print((killed / "metrics/autopilot/results.txt").read_text())
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
