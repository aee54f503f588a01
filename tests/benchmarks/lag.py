"""How well the lag between labels and video is found: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/lag.py [--seed 0,1,2,3,4]

Needs a reproduced pipeline (data/strips, data/manifest). For every seed, the exact labels of every rendered clip are moved by a
lag drawn from -200 to +200 ms; prints how far the estimates are off, of all clips, those of train and val (the constants of the
estimator were chosen on them), those of test, and by tier, and the same of those that `data.lag` of the params believes.
"""

import argparse

import numpy as np

from tivit.core.manifest import read_manifest
from tivit.core.params import load, section
from tivit.core.strip import open_strips
from tivit.datasets.lag import lag_of_clip
from tivit.datasets.params import DataParams

LARGEST_S = 0.2


def main() -> None:
    """Estimate the lag of every clip for every seed and print the errors by split and tier."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", default="0,1,2,3,4", help="one or several, with commas (default: %(default)s)")
    seeds = [int(seed) for seed in parser.parse_args().seed.split(",")]
    params = section(load(), "data", DataParams).lag
    folder, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    groups, errors_ms, sure = [], [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        for clip in manifest.clips:
            true_s = rng.uniform(-LARGEST_S, LARGEST_S)
            lag = lag_of_clip((clip, manifest.notes[clip.clip_id].moved(-true_s)), folder, params.largest_s)
            groups.append({"all", f"seed {seed}", "test" if clip.split == "test" else "train, val", clip.tier})
            errors_ms.append(1000 * (lag.lag_s - true_s))
            sure.append(lag.is_sure(params))
    order = ("all", *(f"seed {seed}" for seed in seeds), "train, val", "test", "plain", "hard", "shift")
    for name in order:
        chosen = np.array([name in group for group in groups])
        if chosen.any():
            print(describe(name, np.array(errors_ms)[chosen]))
            print(describe("... believed", np.array(errors_ms)[chosen & sure]))


def describe(name: str, errors_ms: np.ndarray) -> str:
    """Return a line: number of clips, median error, shares within 10 and 20 ms, the largest."""
    size = np.abs(errors_ms)
    shares = f"within 10 ms {np.mean(size <= 10):.3f}, within 20 ms {np.mean(size <= 20):.3f}, largest {size.max():.1f} ms"
    return f"{name:15} {len(size):3d} clips, median {np.median(errors_ms):+.1f} ms, {shares}"


if __name__ == "__main__":
    main()
