"""The table of results over several seeds: mean, and lowest to highest, of each value by tier.

    for seed in 1 2; do dvc exp run --temp -n seed$seed -S synth.seed=$seed -S train.seed=$seed; done   (some ten minutes each)
    PYTHONPATH=. python tests/benchmarks/seeds.py SCORES.json...                     data/transcriptions/scores.json of each run

`synth.seed` decides scenes, music and hands, so test clips differ too; `train.seed` decides initial weights and windows.
"""

from __future__ import annotations

import argparse
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


def cell(name: str, values: list[float]) -> str:
    """Return the mean of values, and their lowest and highest where they differ."""
    if not values:
        return "-"
    decimals = 1 if name.endswith("_ms") or name == "refused" else 3
    low, high = min(values), max(values)
    spread = f" ({low:.{decimals}f} to {high:.{decimals}f})" if high > low else ""
    return f"{np.mean(values):.{decimals}f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", nargs="+", type=Path, help="data/transcriptions/scores.json of each run")
    runs = [read_json(path) for path in parser.parse_args().scores]
    print(f"| mean of {len(runs)} seeds (lowest to highest) | " + " | ".join(TIERS) + " |\n|---|" + "---|" * len(TIERS))
    for title, name in ROWS.items():
        cells = [cell(name, [run[tier][name] for run in runs if name in run.get(tier, {})]) for tier in TIERS]
        print(f"| {title.strip()} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
