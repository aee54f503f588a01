"""How well the lag between labels and video is found: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/lag.py [--seed 0,1,2,3,4]

Needs a reproduced pipeline (data/strips, data/manifest). For every seed, the exact labels of every rendered clip are moved by a
lag drawn from -200 to +200 ms; prints how far the estimates are off, of all clips, those of train and val (the constants of the
estimator were chosen on them), those of test, and by tier. Then the same of labels that are damaged besides: `noisy` onsets are
off by 25 ms each (standard deviation) and releases by 56; `pedal` adds up to a second to each release; `far` has a lag of 360
to 800 ms; `other` are the labels of another clip. `believed` are those that section `data.lag` of the params believes, `wrong`
those that it believes and that are off by more than 20 ms.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tivit.core.manifest import Clip, Manifest, read_manifest
from tivit.core.notes import Notes
from tivit.core.params import load, section
from tivit.core.strip import open_strips
from tivit.datasets.params import DataParams
from tivit.labels.clock import Clock
from tivit.labels.corrections import clock_of_clip

LARGEST_S = 0.2
FAR_S = (0.36, 0.8)
NOISE_S, RELEASE_NOISE_S = 0.025, 0.05
WRONG_S = 0.02


@dataclass(frozen=True)
class Found:
    """A clip, and by how much the estimate of its lag is off (s)."""

    clip: Clip
    lag: Clock
    off_s: float


def main() -> None:
    """Estimate the lag of every clip for every seed and kind of damage, and print the errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", default="0,1,2,3,4", help="one or several, with commas (default: %(default)s)")
    seeds = [int(seed) for seed in parser.parse_args().seed.split(",")]
    params = section(load(), "data", DataParams).lag
    folder, manifest = open_strips("data/strips"), read_manifest("data/manifest")

    def found(seed: int, labels: Callable[[Clip, np.random.Generator], tuple[Notes, float]]) -> list[Found]:
        rng, result = np.random.default_rng(seed), []
        for clip in manifest.clips:
            notes, lag_s = labels(clip, rng)
            lag = clock_of_clip((clip, notes.moved(-lag_s)), folder, params)
            result.append(Found(clip, lag, lag.lag_s - lag_s))
        return result

    def show(name: str, of: list[Found]) -> None:
        off_ms, sure = 1000 * np.array([item.off_s for item in of]), np.array([item.lag.is_sure(params) for item in of])
        size = np.abs(off_ms)
        print(
            f"{name:27} {len(of):4d} clips, median {np.median(off_ms):+.1f} ms, within 10 ms {np.mean(size <= 10):.3f}, "
            f"within 20 ms {np.mean(size <= 20):.3f}, largest {size.max():.1f} ms, "
            f"believed {sure.mean():.3f}, wrong {np.mean(sure & (size > 1000 * WRONG_S)):.3f}"
        )

    def moved(clip: Clip, rng: np.random.Generator) -> tuple[Notes, float]:
        return manifest.notes[clip.clip_id], rng.uniform(-LARGEST_S, LARGEST_S)

    by_seed = {seed: found(seed, moved) for seed in seeds}
    for seed, items in by_seed.items():
        show(f"seed {seed}", items)
    every = [item for items in by_seed.values() for item in items]
    show("all", every)
    for name, chosen in (("train, val", lambda clip: clip.split != "test"), ("test", lambda clip: clip.split == "test")):
        show(name, [item for item in every if chosen(item.clip)])
        for tier in sorted({item.clip.tier for item in every if chosen(item.clip)}):
            show(f"{name}, {tier}", [item for item in every if chosen(item.clip) and item.clip.tier == tier])
    for kind in ("noisy", "pedal", "noisy and pedal", "far", "other"):
        labels = partial(damaged, manifest, kind)
        items = [item for seed in seeds for item in found(seed, labels)]
        show(f"{kind}: train, val", [item for item in items if item.clip.split != "test"])
        show(f"{kind}: test", [item for item in items if item.clip.split == "test"])


def damaged(manifest: Manifest, kind: str, clip: Clip, rng: np.random.Generator) -> tuple[Notes, float]:
    """Return notes with the damage of a kind, and the lag (s) that they are to be moved by."""
    notes, lag_s = manifest.notes[clip.clip_id], rng.uniform(-LARGEST_S, LARGEST_S)
    if kind == "far":
        return notes, rng.choice([-1.0, 1.0]) * rng.uniform(*FAR_S)
    if kind == "other":
        return manifest.notes[rng.choice([other.clip_id for other in manifest.clips if other != clip])], lag_s
    onset_s, offset_s = notes.onset_s, notes.offset_s
    if "noisy" in kind:
        noise_s = rng.normal(0, NOISE_S, len(notes))
        onset_s, offset_s = onset_s + noise_s, offset_s + noise_s + rng.normal(0, RELEASE_NOISE_S, len(notes))
    if "pedal" in kind:
        offset_s = offset_s + rng.uniform(0, 1, len(notes))
    return replace(notes, onset_s=onset_s, offset_s=offset_s), lag_s


if __name__ == "__main__":
    main()
