"""How many steps a method is trained for: as many as fit into the time given, by its measured pace, or as many as were asked.

The pace is measured on trainers that are thrown away, because the learning rate of a step depends on the number of steps. The
options of `tivit compare` are read here too.
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
"""Steps of a trainer that are not measured, because the first ones are slow, and steps that are."""
MOST_MINUTES = 7 * 24 * 60
"""A week; a longer training is taken for a mistake."""


@dataclass(frozen=True)
class Pace:
    """How long one training step and one validation take.

    Attributes
    ----------
    step_s : float
        The median of the measured steps, s.
    validation_s : float
        One validation, s.
    """

    step_s: float
    validation_s: float


def measure_paces(trainers: Mapping[str, Trainer]) -> dict[str, Pace]:
    """Return the pace of fresh trainers: 5 steps of each to warm up, the median of the next 20, one validation.

    They take turns, a step each, so that other work of the machine slows all of them alike.

    Parameters
    ----------
    trainers : mapping
        Name -> trainer; each makes these steps.

    Returns
    -------
    dict[str, Pace]
        By name.
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
    """Return how many steps fit into a training time.

    Parameters
    ----------
    minutes : float
        The time, validations included.
    pace : Pace
        How fast the method is.
    val_every_steps : int
        Steps between two validations.

    Returns
    -------
    int
        At least 1.
    """
    return max(1, int(60.0 * minutes / (pace.step_s + pace.validation_s / val_every_steps)))


def parse_minutes(text: str) -> float:
    """Return the training time that an option states.

    Parameters
    ----------
    text : str
        Minutes, as the user wrote them.

    Returns
    -------
    float
        Above 0 and at most a week.

    Raises
    ------
    InputError
        The text is anything else.
    """
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0.0 < float(text) <= MOST_MINUTES:
        raise InputError(f"--minutes: {text!r} is not a training time; write minutes above 0 and up to {MOST_MINUTES}")
    return float(text)


def parse_methods(text: str) -> tuple[str, ...]:
    """Return the methods that an option lists.

    Parameters
    ----------
    text : str
        Such as "key_vivit,difference".

    Returns
    -------
    tuple of str
        Of `METHODS`, in the order of the text.

    Raises
    ------
    InputError
        A method is unknown or named twice.
    """
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        check_choice("--methods", name, METHODS)
    if len(set(names)) < len(names):
        raise InputError(f"--methods: {text!r} names a method twice")
    return names


def parse_steps(text: str, methods: Sequence[str]) -> dict[str, int]:
    """Return the training steps that an option lists.

    Parameters
    ----------
    text : str
        Such as "key_vivit=1150,vivit=2000"; it may be empty.
    methods : sequence of str
        The methods that are compared.

    Returns
    -------
    dict[str, int]
        Method -> steps, for those that the text names.

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
