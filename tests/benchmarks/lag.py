"""How well the lag between labels and video is found: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/lag.py [--seed 0]

Needs a reproduced pipeline (data/strips, data/manifest). The exact labels of every rendered clip are moved by a lag drawn from
-200 to +200 ms; prints how far the estimates are off, of all clips and of those that the estimator trusts.
"""

import argparse
from dataclasses import replace

import numpy as np

from tivit.check.lag import estimate_lag
from tivit.core.manifest import read_manifest
from tivit.core.strip import open_strips

LARGEST_S = 0.2


def main() -> None:
    """Estimate the lag of every clip and print the errors by tier."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    rng = np.random.default_rng(parser.parse_args().seed)
    folder, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    rows = []
    for clip in manifest.clips:
        true_s = rng.uniform(-LARGEST_S, LARGEST_S)
        notes = manifest.notes[clip.clip_id]
        early = replace(notes, onset_s=notes.onset_s - true_s, offset_s=notes.offset_s - true_s)
        lag = estimate_lag(folder.open(clip.clip_id), folder.grids[clip.clip_id], folder.geometry, early)
        rows.append((clip.tier, 1000 * (lag.lag_s - true_s), lag.is_trusted))
    tiers = sorted({row[0] for row in rows})
    for tier in ("all", *tiers):
        errors, trusted = (np.array([row[column] for row in rows if tier in ("all", row[0])]) for column in (1, 2))
        print(describe(tier, errors))
        print(describe(f"{tier}, trusted", errors[trusted]))


def describe(name: str, errors_ms: np.ndarray) -> str:
    """Return a line: number of clips, median error, shares within 10 and 20 ms, the largest."""
    size = np.abs(errors_ms)
    shares = f"within 10 ms {np.mean(size <= 10):.3f}, within 20 ms {np.mean(size <= 20):.3f}, largest {size.max():.0f} ms"
    return f"{name:15} {len(size):3d} clips, median {np.median(errors_ms):+.1f} ms, {shares}"


if __name__ == "__main__":
    main()
