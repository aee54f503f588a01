"""The `logits` section of params.yaml: which splits, in which windows."""

from __future__ import annotations

from dataclasses import dataclass

from tivit.core.errors import InputError
from tivit.core.manifest import SPLITS
from tivit.core.params import check_choice, check_range


@dataclass(frozen=True)
class LogitsParams:
    """splits: the splits to run the model over; window_frames: frames answered for in one forward pass."""

    splits: tuple[str, ...]
    window_frames: int

    def __post_init__(self) -> None:
        for split in self.splits:
            check_choice("logits.splits", split, SPLITS)
        if not self.splits:
            raise InputError("logits.splits is empty; name at least one of train, val, test")
        check_range("logits.window_frames", self.window_frames, 8, 100_000)
