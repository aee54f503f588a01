"""How to run, never what to compute: the `runtime` section is in no stage's params and re-runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from tivit.core.params import Range


@dataclass(frozen=True)
class RuntimeParams:
    """The params section `runtime`.

    Attributes
    ----------
    workers : int
        Processes for per-clip work.
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
    log_every_steps : int
        Training is logged every so many steps.
    """

    workers: Annotated[int, Range(0, 1024)]
    threads: Annotated[int, Range(1, 1024)]
    loaders: Annotated[int, Range(0, 1024)]
    device: str
    precision: Literal["float32", "bfloat16"]
    compile: bool
    log_every_steps: Annotated[int, Range(1, 1_000_000)]
