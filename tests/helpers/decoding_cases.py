"""Music and ideal logits for the decoding and evaluation tests: notes -> what a perfect model would say of them."""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import KEY_COUNT, LOWEST_MIDI
from tivit.core.notes import Notes, make_notes
from tivit.core.timegrid import TimeGrid
from tivit.decoding.thresholds import EventRules, HeadThreshold, Thresholds
from tivit.targets import make_targets

RULES = EventRules(
    decoder="peaks",
    median_s=0.0,
    hold_weight=0.05,
    min_length_s=0.03,
    min_repeat_s=0.04,
    bridge_s=0.0,
    support_s=0.1,
    snap_s=0.1,
)
HALF = HeadThreshold(threshold=0.5, hold=0.5, lag_s=0.0, temperature=1.0, bias=0.0)
THRESHOLDS = Thresholds(
    onset=HALF, pitch=HALF, offset=HALF, rules=RULES, split="val", metric="none", chosen_under={}, label_lag_s=0.0
)
RAMP_FRAMES = 2.0


def random_notes(rng: np.random.Generator, length_s: float, per_key: int = 2, shortest_s: float = 0.08) -> Notes:
    """Return notes of every fourth key or so, inside [0.1, length_s - 0.1], the gap between a key's notes at least 50 ms."""
    rows = []
    for key in rng.choice(KEY_COUNT, 24, replace=False):
        edges = np.sort(rng.uniform(0.1, length_s - 0.1, 2 * per_key))
        for onset_s, offset_s in zip(edges[::2], edges[1::2], strict=True):
            last_s = max((row[1] for row in rows if row[2] == key + LOWEST_MIDI), default=-1.0)
            if offset_s - onset_s >= shortest_s and onset_s - last_s >= 0.05:
                rows.append((onset_s, offset_s, key + LOWEST_MIDI, rng.integers(0, 2), rng.integers(0, 2)))
    onset_s, offset_s, midi, hand, staff = (np.array(column) for column in zip(*rows, strict=True))
    velocity = 20 + 37 * np.arange(len(rows)) % 90
    return make_notes(onset_s, offset_s, midi, velocity, hand, staff)


def perfect_logits(notes: Notes, grid: TimeGrid) -> dict[str, np.ndarray]:
    """Return head -> (T, 88) float16 logits that repeat the training targets, probabilities within 0.0001..0.9999."""
    values = make_targets(notes, grid, RAMP_FRAMES).values
    clipped = {name: np.clip(value.astype(np.float64), 1e-4, 1 - 1e-4) for name, value in values.items()}
    return {name: np.log(value / (1 - value)).astype(np.float16) for name, value in clipped.items()}


def noisy_logits(notes: Notes, grid: TimeGrid, rng: np.random.Generator, noise: float = 1.0) -> dict[str, np.ndarray]:
    """Return `perfect_logits` made doubtful: probabilities within 0.02..0.9, then Gaussian noise of sd `noise`."""
    result = {}
    for name, logits in perfect_logits(notes, grid).items():
        probability = 0.02 + 0.88 / (1 + np.exp(-logits.astype(float)))
        result[name] = (np.log(probability / (1 - probability)) + rng.normal(0, noise, logits.shape)).astype(np.float32)
    return result
