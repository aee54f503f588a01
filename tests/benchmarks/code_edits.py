"""How many commits would have re-run each stage: by the bytes of the packages it imports, and by the code it reaches.

    PYTHONPATH=. python tests/benchmarks/code_edits.py [--commits 50] [--stages train sweep]

Run it in a clone with history. The last commits that are no merges are compared with their parents, and both ways of counting
are applied to the sources of each. A commit that lacks the stage, or whose sources today's rules refuse, is left out.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.run.code import listing

STAGES = ("synthesize", "register", "strips", "manifest", "train", "logits", "decode", "sweep", "evaluate")


def git(*arguments: str) -> bytes:
    """Return what git prints."""
    return subprocess.run(["git", *arguments], capture_output=True, check=True).stdout


@cache
def digests(commit: str, stages: tuple[str, ...]) -> dict[str, tuple[str, str] | None]:
    """Return stage -> (digest of the packages it imports, listing of the code it reaches) of a commit; None: it has none."""
    with tempfile.TemporaryDirectory(prefix="tivit-") as name:
        root = Path(name)
        with tarfile.open(fileobj=io.BytesIO(git("archive", commit, "tivit", "stages"))) as archive:
            archive.extractall(root, filter="data")
        return {stage: _digests(root, stage) for stage in stages}


def _digests(root: Path, stage: str) -> tuple[str, str] | None:
    try:
        reached = listing(stage, root)
    except InputError:
        return None
    modules = [line.split(" ")[1].partition(":")[0] for line in reached.splitlines() if "/" not in line]
    packages = {Path(*module.split(".")[:2]) for module in modules if module.count(".")}
    digest = hashlib.sha256()
    for package in sorted(packages):
        for path in sorted([*(root / package).rglob("*.py"), *root.glob(f"{package}.py")]):
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest(), reached


def main() -> None:
    """Print a table: one line per stage."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--commits", type=int, default=50, help="how many commits are looked at (default: %(default)s)")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, help="which stages (default: all)")
    arguments = parser.parse_args()
    count, stages = arguments.commits, tuple(arguments.stages)
    commits = git("log", "--no-merges", f"--max-count={count}", "--format=%H %P").decode().splitlines()
    pairs = [line.split()[:2] for line in commits if len(line.split()) > 1]
    print("| stage | commits compared | packages differ | reached code differs |\n|---|---|---|---|")
    for stage in stages:
        both = [(digests(commit, stages)[stage], digests(parent, stages)[stage]) for commit, parent in pairs]
        known = [(new, old) for new, old in both if new and old]
        differ = [sum(new[way] != old[way] for new, old in known) for way in (0, 1)]
        print(f"| `{stage}` | {len(known)} | {differ[0]} | {differ[1]} |")


if __name__ == "__main__":
    main()
