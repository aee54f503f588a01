"""Several processes that train one network together, started by `torchrun` on one or more machines, and averages over all.

Every process holds the same weights and draws its own part of a step's windows. Gradients are averaged before the step, so all
make the same one. Batch statistics (the running mean and variance of BatchNorm) are averaged in each step too. On CUDA,
BatchNorm is converted to SyncBatchNorm, which normalises over the windows of all processes; it does not exist on a CPU, where
each process normalises over its own windows.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from tivit.core.errors import InputError
from tivit.core.run.runtime import RuntimeParams


@dataclass(frozen=True)
class Team:
    """The place of this process among those that train together.

    Attributes
    ----------
    rank : int
        0 .. size - 1. The process of rank 0 validates, saves and logs.
    size : int
        How many processes there are.
    """

    rank: int
    size: int

    @property
    def is_first(self) -> bool:
        """True in the one process that writes."""
        return self.rank == 0

    def part_of(self, windows: int) -> int:
        """Return how many of a step's windows each process draws.

        Parameters
        ----------
        windows : int
            Windows of a step, `train.clips_per_step`.

        Returns
        -------
        int

        Raises
        ------
        InputError
            They cannot be shared evenly.
        """
        if windows % self.size:
            raise InputError(
                f"train.clips_per_step {windows} cannot be shared by {self.size} processes; use a multiple of {self.size}"
            )
        return windows // self.size

    def stream(self, seed: int, name: int, step: int) -> list[int]:
        """Return the entropy of this process's random stream at a step; the first process has that of a process alone.

        Parameters
        ----------
        seed : int
            The seed of the training.
        name : int
            The number by which the stream is told from others.
        step : int
            The step.

        Returns
        -------
        list of int
            What `np.random.default_rng` and `SeedSequence` take.
        """
        return [seed, name, step, self.rank] if self.rank else [seed, name, step]

    def synchronised(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Return the network with SyncBatchNorm where that works: on CUDA, with more than one process.

        Parameters
        ----------
        model : nn.Module
            The network.
        device : torch.device
            Where it will be trained.

        Returns
        -------
        nn.Module
            The network itself where nothing has to change.
        """
        return nn.SyncBatchNorm.convert_sync_batchnorm(model) if self.size > 1 and device.type == "cuda" else model

    def refuse_apart(self, value: str) -> None:
        """Return when every process has come this far, if all have come with the same.

        Parameters
        ----------
        value : str
            What a process is about to do.

        Raises
        ------
        InputError
            In all processes, where two of them have different values.
        """
        if self.size == 1:
            return
        values: list[str] = [""] * self.size
        dist.all_gather_object(values, value)
        other = next((rank for rank, theirs in enumerate(values) if theirs != values[0]), None)
        if other is not None:
            raise InputError(
                f"the processes do not train the same: process 0 has {values[0]}, process {other} has {values[other]}; all "
                "machines must see the same data, code, params and .tivit/state, as in one folder on a shared disk"
            )

    def wait(self) -> None:
        """Return when every process has come this far."""
        if self.size > 1:
            dist.barrier()

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their mean over all processes, in place; in a process alone, do nothing.

        Parameters
        ----------
        tensors : sequence of Tensor
            Floating point, of one dtype and device; the same shapes in every process.
        """
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])  # one message, not one per tensor
        dist.all_reduce(flat)
        flat /= self.size
        for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(mean.view(tensor.shape))


ALONE = Team(0, 1)
"""A process that trains by itself."""


@contextmanager
def joined(runtime: RuntimeParams) -> Iterator[Team]:
    """Yield this process's place in the team that `torchrun` started, or `ALONE` without `torchrun`.

    The processes talk by gloo on a CPU and by nccl on CUDA. All but the first log errors only.

    Parameters
    ----------
    runtime : RuntimeParams
        Its device decides how they talk.

    Yields
    ------
    Team

    Raises
    ------
    InputError
        `runtime.device` does not have a GPU for each process of this machine.
    """
    size, local_size = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if size == 1:
        yield ALONE
        return
    rank, local_rank = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    is_cuda = runtime.device.startswith("cuda")
    if is_cuda:
        if runtime.device != "cuda":
            raise InputError(
                f"runtime.device {runtime.device!r}: with {size} processes use cuda, each takes the GPU of its number"
            )
        if torch.cuda.device_count() < local_size:
            found = torch.cuda.device_count()
            raise InputError(f"runtime.device is cuda: {local_size} processes of a machine need as many GPUs, found {found}")
        torch.cuda.set_device(local_rank)
    if rank:
        logging.getLogger("tivit").setLevel(logging.ERROR)
    dist.init_process_group("nccl" if is_cuda else "gloo")
    try:
        team = Team(rank, size)
        yield team
        team.wait()
    finally:
        dist.destroy_process_group()
