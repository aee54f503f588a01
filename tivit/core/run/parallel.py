"""Per-clip work spread over processes, results in input order, each process on one thread."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from tivit.core.run.progress import progress

Item = TypeVar("Item")
Result = TypeVar("Result")


def _one_thread() -> None:
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")
    import cv2

    cv2.setNumThreads(1)


def map_clips(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, label: str, unit: str = "clip"
) -> Iterator[Result]:
    """Yield the results of per-clip work in the order of the items, while showing progress.

    Parameters
    ----------
    work : callable
        Takes an item and returns its result. With more than one worker it must be a module-level function or a partial of one,
        because it is sent to other processes.
    items : sequence
        What is worked on.
    workers : int
        Number of processes; with 1 or less, or with a single item, the work is done in this process.
    label, unit : str
        What the progress bar is called, and what it counts.

    Yields
    ------
    object
        `work(item)` for every item. An exception in a worker is raised here.
    """
    if workers <= 1 or len(items) <= 1:
        yield from progress(map(work, items), label, unit, total=len(items))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(items)), mp_context=context, initializer=_one_thread) as pool:
        try:
            yield from progress(pool.map(work, items), label, unit, total=len(items))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
