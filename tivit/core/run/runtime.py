"""How to run, never what to compute: the `runtime` section is in no stage's params and re-runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from tivit.core.params import Range

ENGINES = ("processes", "dask", "ray")
"""What per-clip work can be spread by: a local pool of processes, dask.distributed, Ray."""


@dataclass(frozen=True)
class Workers:
    """What per-clip work is spread over.

    Attributes
    ----------
    count : int
        Processes that are started on this machine; with 1 or less and engine `processes` the work is done in this process.
    engine : str
        One of `ENGINES`.
    scheduler : str or None
        Address of a running cluster, which then says how many processes there are; None: none, the engine starts its own.
    """

    count: int
    engine: str = "processes"
    scheduler: str | None = None


@dataclass(frozen=True)
class RuntimeParams:
    """The params section `runtime`.

    Attributes
    ----------
    workers : int
        Processes for per-clip work.
    engine : str
        What starts them, one of `ENGINES`.
    scheduler : str or None
        Address of a running cluster of the engine, such as tcp://10.0.0.1:8786; then `workers` is not used.
    threads : int
        Threads of torch.
    loaders : int
        Processes that draw training batches ahead; with 0 the training process draws them itself.
    device : str
        "cpu" or "cuda".
    precision : str
        Number format of the forward pass, "float32" or "bfloat16".
    compile : bool
        Whether the forward pass of training goes through torch.compile.
    windows_at_once : int or None
        So many windows of a training step at most go through the network at once, which bounds the memory; the gradients of
        all are added up before the step. None: all of them.
    log_every_steps : int
        Training is logged every so many steps.
    """

    workers: Annotated[int, Range(0, 1024)]
    engine: Literal["processes", "dask", "ray"]
    scheduler: str | None
    threads: Annotated[int, Range(1, 1024)]
    loaders: Annotated[int, Range(0, 1024)]
    device: str
    precision: Literal["float32", "bfloat16"]
    compile: bool
    windows_at_once: Annotated[int, Range(1, 1_000_000)] | None
    log_every_steps: Annotated[int, Range(1, 1_000_000)]

    @property
    def pool(self) -> Workers:
        """What per-clip work is spread over."""
        return Workers(self.workers, self.engine, self.scheduler)
