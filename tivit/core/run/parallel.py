"""Per-clip work spread over workers: results in the order of the clips, progress over all of them, and failures by name.

Who does the work is an engine (`engines`): this process, processes of this machine, or a cluster. No engine changes a result.
A clip whose worker dies is done again, and one that fails does not keep the others from being done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from tqdm import tqdm

from tivit.core.errors import InputError
from tivit.core.run.clusters import dask_cluster, ray_cluster
from tivit.core.run.engines import Engine, Here, Outcome, Processes
from tivit.core.run.progress import progress_bar
from tivit.core.run.runtime import Workers

log = logging.getLogger("tivit")
Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 16
"""So many results per worker at most wait for an earlier clip that takes long: the memory must not grow with their number."""
MOST_NAMED = 5
"""Most failures that a message names; the log has all."""


def map_clips(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: Workers,
    label: str,
    name: Callable[[Item], str],
    total: int,
    unit: str = "clip",
) -> Iterator[tuple[Item, Result]]:
    """Yield items with the results of per-clip work on them, in the order of the items, while showing progress.

    Parameters
    ----------
    work : callable
        Takes an item and returns its result. It must be a module-level function or a partial of one, because it is sent to
        other processes.
    items : iterable
        What is worked on; the next ones are taken when workers have room for them.
    workers : Workers
        What it is spread over. A single item is always worked on in this process.
    label : str
        What the progress bar is called.
    name : callable
        Takes an item and returns its name for messages.
    total : int
        Number of items.
    unit : str
        What the progress bar counts.

    Yields
    ------
    item, result : object
        The items that did not fail, with what the work returned.

    Raises
    ------
    InputError
        After all other items are done: the work raised it for some items, or their workers died again and again. The message
        names them. Before that: the cluster cannot be used.
    OSError
        The work raised it: a full disk would fail every clip, so the others are not begun.
    """
    failed: dict[str, str] = {}
    with progress_bar(total, label, unit) as bar, _opened(workers, total) as engine:
        for item, outcome in _Spread(engine, work, name, bar).over(items):
            if outcome.error is None:
                yield item, outcome.value
            elif isinstance(outcome.error, InputError):
                failed[name(item)] = str(outcome.error)
                log.error("%s: %s failed: %s", label, name(item), outcome.error)
            else:
                raise outcome.error
    if len(failed) == 1 and total == 1:
        raise InputError(*failed.values())
    if failed:
        named = "; ".join(f"{clip}: {reason}" for clip, reason in list(failed.items())[:MOST_NAMED])
        more = f"; and {len(failed) - MOST_NAMED} more, which the log names" if len(failed) > MOST_NAMED else ""
        raise InputError(f"{label}: {len(failed)} of {total} {unit}s failed, the others are done: {named}{more}")


@contextmanager
def _opened(workers: Workers, count: int) -> Iterator[Engine]:
    """Yield the engine for some work; at the end its processes are gone, those of a running cluster excepted."""
    if count <= 1 or (workers.engine == "processes" and workers.count <= 1):
        yield Here()
    elif workers.engine == "processes":
        with Processes(min(workers.count, count)) as pool:
            yield pool
    else:
        cluster = dask_cluster if workers.engine == "dask" else ray_cluster
        with cluster(workers) as running:
            yield running


@dataclass(frozen=True)
class _Sent(Generic[Item]):
    """An item that was sent to a worker: its place in the order, and how often workers died over it."""

    place: int
    item: Item
    deaths: int


class _Spread(Generic[Item, Result]):
    """Work on items through an engine."""

    def __init__(self, engine: Engine, work: Callable[[Item], Result], name: Callable[[Item], str], bar: tqdm) -> None:
        self._engine, self._work, self._name, self._bar = engine, work, name, bar
        self._running: dict[Future[Outcome], _Sent[Item]] = {}
        self._ready: dict[int, tuple[Item, Outcome]] = {}

    def over(self, items: Iterable[Item]) -> Iterator[tuple[Item, Outcome]]:
        """Yield each item with what came of it, in order."""
        waiting = enumerate(items)
        following, is_over = 0, False
        while not is_over or self._running:
            room = self._engine.room()
            while not is_over and len(self._running) < room and len(self._ready) < AHEAD * room:
                sent = next(waiting, None)
                is_over = sent is None
                if sent is not None:
                    self._send(_Sent(*sent, deaths=0))
            for future in wait(self._running, return_when=FIRST_COMPLETED).done:
                self._settle(future)
            while following in self._ready:
                yield self._ready.pop(following)
                following += 1

    def _send(self, sent: _Sent[Item]) -> None:
        self._running[self._engine.submit(self._work, sent.item)] = sent

    def _settle(self, future: Future[Outcome]) -> None:
        """Put the result of a future where it is yielded from, or send its item again where its worker died."""
        sent = self._running.pop(future)
        try:
            outcome = future.result()
        except self._engine.deaths:
            deaths = sent.deaths + 1
            if deaths < self._engine.attempts:
                log.warning("the process that worked on %s died; it is done again", self._name(sent.item))
                self._send(_Sent(sent.place, sent.item, deaths))
                return
            outcome = Outcome(error=InputError("its worker died every time it was tried (killed, or out of memory?)"))
        self._ready[sent.place] = (sent.item, outcome)
        self._bar.update()
