"""The `data` section of params.yaml: which dataset, where it may lie, on which time grid, and which clips of it."""

from __future__ import annotations

from dataclasses import dataclass

from tivit.core.errors import InputError
from tivit.core.params import check_range
from tivit.core.timegrid import FPS_RANGE


@dataclass(frozen=True)
class SubsetFiles:
    """Per split the name of a text file in `data/subsets` that lists clip stems, or None for all clips."""

    train: str | None
    val: str | None
    test: str | None


@dataclass(frozen=True)
class DataParams:
    """name: a registered dataset; root: its folder or None to search; fps: time grid; max_clips: at most a split."""

    name: str
    root: str | None
    fps: float
    max_clips: int | None
    manifest: SubsetFiles

    def __post_init__(self) -> None:
        check_range("data.fps", self.fps, *FPS_RANGE)
        if self.max_clips is not None and self.max_clips < 1:
            raise InputError(f"data.max_clips must be null or at least 1, found {self.max_clips}")
