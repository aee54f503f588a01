"""Grids of thresholds: what params.yaml may say of the values to try, turned into probabilities.

A grid is one number (the value is fixed), a list of probabilities, or a list that begins with its kind:

- `[probability, low, high, n]`: n values, evenly spaced, ends included;
- `[logit, low, high, step]`: evenly spaced logits, the last at most `high`;
- `[quantile, q, ...]`: the probabilities below which these shares (0..1) of the head's own values lie, over all frames of
  all keys in view.

Every kind is a list, because `dvc exp run -S` can put a list in the place of another, but not a mapping.

Values are rounded to six decimals, as in the thresholds file, so that what is scored is what is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tivit.core.errors import InputError
from tivit.core.params import check_choice, check_range
from tivit.core.probability import sigmoid

Grid = float | tuple[float | str, ...]
KINDS = ("probability", "logit", "quantile")
DECIMALS = 6
"""Decimals of a value, as in the thresholds file."""
MOST_VALUES = 10_000
"""Most values of a range of probabilities or logits; more are taken for a mistake."""
LARGEST_LOGIT = 30.0
"""Largest logit of a grid either way; beyond it probabilities are 0 or 1 in all their decimals."""


def check_grid(where: str, grid: Grid) -> None:
    """Refuse a grid that is not one of the module docstring.

    Parameters
    ----------
    where : str
        Key of the params, for the error message.
    grid : Grid
        What the params say.

    Raises
    ------
    InputError
        The grid is of no known kind, is empty, or a value is outside its range.
    """
    kind, numbers = _parted(grid)
    words = [item for item in numbers if isinstance(item, str)]
    if words:
        raise InputError(f"{where}: {words[0]!r} is not a number; a kind of grid ({', '.join(KINDS)}) stands first in its list")
    if kind is None:
        _check_values(where, numbers, "probability")
        return
    check_choice(where, kind, KINDS)
    _CHECKS[kind](where, numbers)


def values_of(grid: Grid, probabilities: np.ndarray) -> tuple[float, ...]:
    """Return the probabilities that a grid asks for.

    Parameters
    ----------
    grid : Grid
        One that `check_grid` lets pass.
    probabilities : np.ndarray
        The head's own values, any shape; quantiles are taken of these.

    Returns
    -------
    tuple of float
        0..1, ascending, none twice.
    """
    kind, numbers = _parted(grid)
    if kind is None:
        values = np.array(numbers, np.float64)
    elif kind == "probability":
        values = np.linspace(numbers[0], numbers[1], int(numbers[2]))
    elif kind == "logit":
        values = sigmoid(numbers[0] + numbers[2] * np.arange(_count(numbers)))
    else:
        values = np.quantile(probabilities, numbers) if probabilities.size else np.zeros(1)
    return tuple(float(value) for value in np.unique(values.round(DECIMALS)))


def refined(values: Sequence[float], best: Sequence[float]) -> tuple[float, ...]:
    """Return a finer grid around some of its values.

    Parameters
    ----------
    values : sequence of float
        The grid, ascending.
    best : sequence of float
        Some of `values`.

    Returns
    -------
    tuple of float
        Each of `best` and the points halfway between it and its neighbours in `values`, ascending.
    """
    result = set(best)
    for value in best:
        i = values.index(value)
        result |= {
            round((value + neighbour) / 2, DECIMALS) for neighbour in (*values[max(i - 1, 0) : i], *values[i + 1 : i + 2])
        }
    return tuple(sorted(result))


def _parted(grid: Grid) -> tuple[str | None, tuple[Any, ...]]:
    """Return the kind of a grid, None where it states its values themselves, and what follows the kind."""
    items = grid if isinstance(grid, tuple) else (grid,)
    return (items[0], items[1:]) if items and isinstance(items[0], str) else (None, items)


def _check_values(where: str, values: tuple[float, ...], noun: str) -> None:
    if not values:
        raise InputError(f"{where} is empty: give at least one {noun}")
    for value in values:
        check_range(where, value, 0.0, 1.0)


def _check_probability(where: str, values: tuple[float, ...]) -> None:
    if len(values) != 3 or values[2] != int(values[2]) or not 1 <= values[2] <= MOST_VALUES:
        raise InputError(f"{where}: {_listed(values)} is not low, high, n with n from 1 to {MOST_VALUES}")
    _check_values(where, values[:2], "probability")
    if values[0] > values[1]:
        raise InputError(f"{where}: low {values[0]:g} is above high {values[1]:g}")


def _check_logit(where: str, values: tuple[float, ...]) -> None:
    if len(values) != 3 or not values[0] <= values[1] or not values[2] > 0.0 or _count(values) > MOST_VALUES:
        raise InputError(f"{where}: {_listed(values)} is not low, high, step with low <= high and a step above 0")
    for value in values[:2]:
        check_range(where, value, -LARGEST_LOGIT, LARGEST_LOGIT)


def _check_quantile(where: str, values: tuple[float, ...]) -> None:
    _check_values(where, values, "share")


_CHECKS = {"probability": _check_probability, "logit": _check_logit, "quantile": _check_quantile}


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers) or "nothing"


def _count(numbers: tuple[float, ...]) -> int:
    low, high, step = numbers
    return int(np.floor((high - low) / step + 1e-9)) + 1
