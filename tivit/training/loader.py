"""The batches of consecutive steps, drawn in the training process or ahead of it in processes of their own.

A batch depends on the seed, the step and the rank alone, so how many processes draw them changes no byte.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import DataLoader, Dataset

from tivit.training.data import Batch, TrainClip, draw_batch
from tivit.training.params import TrainParams
from tivit.training.sampler import WindowSampler
from tivit.training.team import ALONE, Team

PREFETCHED_BATCHES = 4
"""Batches that each process draws ahead: a few, because one of eight windows takes 60 MB."""


class StepBatches(Dataset):
    """The batch of every step, by the number of the step; arguments as of `draw_batch`."""

    def __init__(self, clips: list[TrainClip], sampler: WindowSampler, params: TrainParams, team: Team = ALONE) -> None:
        self.clips, self.sampler, self.params, self.team = clips, sampler, params, team

    def __getitem__(self, step: int) -> Batch:
        return draw_batch(self.clips, self.sampler, self.params, step, self.team)


def batches_from(first_step: int, batches: StepBatches, loaders: int, pin_memory: bool = False) -> Iterator[Batch]:
    """Yield the batches of steps `first_step` .. `train.steps` - 1.

    Parameters
    ----------
    first_step : int
        The step to begin with.
    batches : StepBatches
        The batch of every step.
    loaders : int
        Processes that draw them ahead. With 0 they are drawn here, each when it is asked for. Clips are memory-mapped, so a
        process costs little memory but for what it has drawn ahead.
    pin_memory : bool
        Copy batches to page-locked memory, from which a GPU reads while it computes; without effect for 0 `loaders`.

    Yields
    ------
    Batch
    """
    steps = range(first_step, batches.params.steps)
    if loaders == 0:
        yield from map(batches.__getitem__, steps)
        return
    import cv2

    cv2.setNumThreads(1)  # in this process: a forked one waits for ever for OpenCV's threads, which it does not have
    yield from DataLoader(
        batches, sampler=steps, batch_size=None, num_workers=loaders, prefetch_factor=PREFETCHED_BATCHES,
        multiprocessing_context="fork", pin_memory=pin_memory,
    )  # fmt: skip
