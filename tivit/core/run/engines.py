"""Engines: what carries per-clip work to where it is done. All of them give each clip one thread and return the same results.

`processes` is a pool on this machine, `dask` and `ray` are clusters; their packages are the extra `cluster`. The workers of a
cluster see the folder of the project under the same path, as on a shared disk, and run the code that lies there.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol

from tivit.core.errors import InputError
from tivit.core.run.libraries import CALM

ONE_THREAD = CALM | {"OMP_NUM_THREADS": "1"}
"""What the libraries that compute are told before they are loaded."""
ATTEMPTS = 3
"""So often a clip is tried whose worker dies."""


@dataclass(frozen=True)
class Outcome:
    """What came of one item: the value, or the error that a person can do something about. Any other error is raised."""

    value: Any = None
    error: InputError | OSError | None = None


class Engine(Protocol):
    """What work is submitted to.

    Attributes
    ----------
    deaths : tuple of exception types
        What the future of an item raises when the worker died over it.
    attempts : int
        How often an item is submitted whose worker died; 1 where the engine itself tries again.
    """

    deaths: tuple[type[BaseException], ...]
    attempts: int

    def room(self) -> int:
        """Return how many items may be with the engine at once, at least 1."""

    def submit(self, work: Callable[[Any], Any], item: Any) -> Future[Outcome]:
        """Begin work on an item and return what will hold its outcome."""


def outcome_of(work: Callable[[Any], Any], item: Any) -> Outcome:
    """Return what comes of work on an item, in the process that does it."""
    try:
        return Outcome(work(item))
    except (InputError, OSError) as error:
        return Outcome(error=error)


def outcome_on_one_thread(work: Callable[[Any], Any], item: Any) -> Outcome:
    """Return what comes of work on an item, in a worker: the other cores have workers of their own."""
    import cv2

    cv2.setNumThreads(1)
    return outcome_of(work, item)


class Here:
    """This process itself, one item at a time."""

    deaths: tuple[type[BaseException], ...] = ()
    attempts = 1

    def room(self) -> int:
        """Return 1."""
        return 1

    def submit(self, work: Callable[[Any], Any], item: Any) -> Future[Outcome]:
        """Work on an item and return its outcome."""
        future: Future[Outcome] = Future()
        future.set_result(outcome_of(work, item))
        return future


class Processes:
    """Processes on this machine, each an executor of its own, so that one that dies takes nothing but its own item with it."""

    deaths: tuple[type[BaseException], ...] = (BrokenProcessPool,)
    attempts = ATTEMPTS

    def __init__(self, count: int) -> None:
        self._count = count
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[Outcome], ProcessPoolExecutor] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        executors = [*self._idle, *self._busy.values()]
        for executor in executors:
            executor.shutdown(wait=False, cancel_futures=True)
        for executor in executors:
            executor.shutdown()

    def room(self) -> int:
        """Return the number of processes."""
        return self._count

    def submit(self, work: Callable[[Any], Any], item: Any) -> Future[Outcome]:
        """Give an item to an idle process, which is started where none is left."""
        for future in [future for future in self._busy if future.done()]:
            executor = self._busy.pop(future)
            if isinstance(future.exception(), BrokenProcessPool):
                executor.shutdown()
            else:
                self._idle.append(executor)
        executor = self._idle.pop() if self._idle else _one_process()
        future = executor.submit(outcome_on_one_thread, work, item)
        self._busy[future] = executor
        return future


def _one_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _prepare)


def _prepare() -> None:
    os.environ.update(ONE_THREAD)
