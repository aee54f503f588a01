"""How many steps a method is trained for: as many as fit into the time given, by its measured pace, or as many as were asked.

The measurement is made on trainers that are thrown away, because the learning rate of a step depends on the number of steps.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tivit.core.errors import InputError
from tivit.core.params import check_choice
from tivit.model.params import BACKENDS
from tivit.training.loop import Trainer

DIFFERENCE = "difference"
METHODS = (*BACKENDS, DIFFERENCE)
WARM_UP_STEPS, MEASURED_STEPS = 5, 20
MOST_MINUTES = 7 * 24 * 60


@dataclass(frozen=True)
class Pace:
    """How long one training step (median) and one validation take, in seconds."""

    step_s: float
    validation_s: float


def measure_paces(trainers: Mapping[str, Trainer]) -> dict[str, Pace]:
    """Return the pace of fresh trainers by name: 5 steps of each to warm up, the median of the next 20, one validation.

    They take turns, a step each, so that other work of the machine slows all of them alike.
    """
    times_s: dict[str, list[float]] = {name: [] for name in trainers}
    for _ in range(WARM_UP_STEPS + MEASURED_STEPS):
        for name, trainer in trainers.items():
            times_s[name].append(_seconds(trainer.train_step))
    return {
        name: Pace(statistics.median(times_s[name][WARM_UP_STEPS:]), _seconds(trainer.validate))
        for name, trainer in trainers.items()
    }


def steps_in(minutes: float, pace: Pace, val_every_steps: int) -> int:
    """Return the steps that fit into `minutes` of training with a validation every `val_every_steps` steps, at least 1."""
    return max(1, int(60.0 * minutes / (pace.step_s + pace.validation_s / val_every_steps)))


def parse_minutes(text: str) -> float:
    """Return a training time in minutes, above 0 and at most a week; raise InputError for anything else."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0.0 < float(text) <= MOST_MINUTES:
        raise InputError(f"--minutes: {text!r} is not a training time; write minutes above 0 and up to {MOST_MINUTES}")
    return float(text)


def parse_methods(text: str) -> tuple[str, ...]:
    """Return the methods of a list such as "key_vivit,difference"; raise InputError for an unknown or repeated one."""
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        check_choice("--methods", name, METHODS)
    if len(set(names)) < len(names):
        raise InputError(f"--methods: {text!r} names a method twice")
    return names


def parse_steps(text: str, methods: Sequence[str]) -> dict[str, int]:
    """Return the steps by method of a list such as "key_vivit=1150,vivit=2000"; "" gives none.

    Raises
    ------
    InputError
        An entry is not METHOD=STEPS, or names a method that is not compared or is not trained.
    """
    steps = {}
    for entry in text.split(",") if text else []:
        match = re.fullmatch(r"\s*(\w+)\s*=\s*([1-9][0-9]{0,6})\s*", entry)
        if not match:
            raise InputError(f"--steps: {entry!r} is not METHOD=STEPS; write such as key_vivit=1150,vivit=2000")
        check_choice("--steps", match[1], [name for name in methods if name != DIFFERENCE])
        steps[match[1]] = int(match[2])
    return steps


def _seconds(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s
