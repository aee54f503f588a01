"""The table of results over several seeds: mean, and lowest to highest, of each value by tier.

    PYTHONPATH=. python tests/benchmarks/seeds.py --seed 1 2         the committed run and two more, ten minutes each
    PYTHONPATH=. python tests/benchmarks/seeds.py SCORES.json...     data/transcriptions/scores.json of runs that exist

`synth.seed` decides scenes, music and hands, so test clips differ too; `train.seed` decides initial weights and windows. Each
seed is one DVC experiment in a folder of its own (`dvc exp run --temp`), named `seed<N>`; one that exists is not run again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tivit.core.artifacts import read_json

ROWS = {
    "onset F1 @ 50 ms, refused clips at 0": "onset_f1_50_all",
    "refused clips": "refused",
    "onset F1 @ 50 ms": "onset_f1_50",
    "onset precision @ 50 ms": "onset_p_50",
    "onset recall @ 50 ms": "onset_r_50",
    "onset F1 @ 100 ms": "onset_f1_100",
    "onset + offset F1 (20 % or 50 ms)": "note_f1",
    "onset + offset F1, 50 ms both": "note_f1_same_tol",
    "frame F1": "frame_f1",
    "onset recall, white keys": "recall_white",
    "onset recall, black keys": "recall_black",
    "onset recall, chords of four and more": "recall_chords",
    "onset recall, the same key within 150 ms": "recall_repeats",
    "onset error in ms, median": "onset_late_ms",
    "onset error in ms, quartile distance": "onset_spread_ms",
    "hand accuracy": "hand_acc",
    '... of the rule "pitch >= 60"': "hand_acc_baseline",
    "clef accuracy": "clef_acc",
    '... of the rule "pitch >= 60" ': "clef_acc_baseline",
}
TIERS = ("plain", "hard", "shift")
SCORES = Path("data/transcriptions/scores.json")


def cell(name: str, values: list[float]) -> str:
    """Return the mean of values, and their lowest and highest where they differ."""
    if not values:
        return "-"
    decimals = 1 if name.endswith("_ms") or name == "refused" else 3
    low, high = min(values), max(values)
    spread = f" ({low:.{decimals}f} to {high:.{decimals}f})" if high > low else ""
    return f"{np.mean(values):.{decimals}f}{spread}"


def dvc(*arguments: str) -> str:
    """Run a DVC command in the current folder; return what it prints, its messages go through."""
    return subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def scores_of(seed: int) -> dict:
    """Return the scores of the experiment of a seed, which is run unless there is one of its name."""
    name = f"seed{seed}"
    if name not in dvc("exp", "list", "--name-only").split():
        dvc("exp", "run", "--temp", "-n", name, "-S", f"synth.seed={seed}", "-S", f"train.seed={seed}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SCORES.name
        dvc("get", ".", str(SCORES), "--rev", name, "-o", str(path))
        return read_json(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", nargs="*", type=Path, default=[SCORES], help="scores.json of runs (default: %(default)s)")
    parser.add_argument("--seed", nargs="*", type=int, default=[], help="run the pipeline with these seeds too")
    arguments = parser.parse_args()
    runs = [*map(read_json, arguments.scores), *map(scores_of, arguments.seed)]
    print(f"| mean of {len(runs)} seeds (lowest to highest) | " + " | ".join(TIERS) + " |\n|---|" + "---|" * len(TIERS))
    for title, name in ROWS.items():
        cells = [cell(name, [run[tier][name] for run in runs if name in run.get(tier, {})]) for tier in TIERS]
        print(f"| {title.strip()} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
