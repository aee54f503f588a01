"""Progress of long work on stderr: items done and seconds left, one line, sparse where stderr is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress_bar(total: int | None, label: str, unit: str) -> tqdm:
    """Return a progress bar (call `update`, `set_postfix_str`, `close`; it is a context manager)."""
    every_s = 0.2 if sys.stderr.isatty() else 5.0
    return tqdm(total=total, desc=label, unit=unit, mininterval=every_s, miniters=1, dynamic_ncols=True, leave=True)


def say(line: str) -> None:
    """Print a line on stdout at once, clear of the progress that is shown."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def progress(items: Iterable[Item], label: str, unit: str, total: int | None = None) -> Iterator[Item]:
    """Yield `items` while showing how many are done and how many seconds are left."""
    if total is None and hasattr(items, "__len__"):
        total = len(items)  # type: ignore[arg-type]
    with progress_bar(total, label, unit) as bar:
        for item in items:
            yield item
            bar.update()
