"""Progress of long work on stderr: items done and seconds left, in one line.

Where stderr is not a terminal the line is written seldom.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress_bar(total: int | None, label: str, unit: str) -> tqdm:
    """Return a progress bar on stderr.

    Parameters
    ----------
    total : int or None
        Number of items; None where it is not known.
    label, unit : str
        What the bar is called, and what it counts.

    Returns
    -------
    tqdm
        A context manager; call its `update`, `set_postfix_str` and `close`.
    """
    every_s = 0.2 if sys.stderr.isatty() else 5.0
    return tqdm(total=total, desc=label, unit=unit, mininterval=every_s, miniters=1, dynamic_ncols=True, leave=True)


def say(line: str) -> None:
    """Print a line on stdout at once, clear of any progress bar that is shown."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def progress(items: Iterable[Item], label: str, unit: str, total: int | None = None) -> Iterator[Item]:
    """Yield items while showing how many are done and how many seconds are left.

    Parameters
    ----------
    items : iterable
        What is gone through.
    label, unit : str
        What the bar is called, and what it counts.
    total : int, optional
        Number of items; by default the length of `items`, where it has one.

    Yields
    ------
    object
        The items, in their order.
    """
    if total is None and hasattr(items, "__len__"):
        total = len(items)  # type: ignore[arg-type]
    with progress_bar(total, label, unit) as bar:
        for item in items:
            yield item
            bar.update()
