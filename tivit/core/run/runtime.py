"""How to run, never what to compute: the `runtime` section is in no stage's params and re-runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RuntimeParams:
    """workers: processes for per-clip work; threads: torch threads; log_every_steps: training log cadence.

    loaders: processes that draw training batches ahead; 0: the training process draws them.

    device: cpu or cuda; precision: of the forward pass; compile: the forward pass of training by torch.compile.
    """

    workers: int
    threads: int
    loaders: int
    device: str
    precision: Literal["float32", "bfloat16"]
    compile: bool
    log_every_steps: int
