"""The `logits` section of params.yaml: which splits, in which windows, and how much of them at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.params import check_choice, check_range, section


@dataclass(frozen=True)
class LogitsParams:
    """How much the model is run over, and how.

    splits: the splits. window_frames: frames answered for in one forward pass. max_clips: at most so many clips of each split,
    the first in the manifest (null: all). timeout_s: seconds after which no further clip is begun, shared evenly by the
    splits; what one leaves goes to the next (null: no limit). One clip of each split is done in any case.
    """

    splits: tuple[str, ...]
    window_frames: int
    max_clips: int | None
    timeout_s: float | None

    def __post_init__(self) -> None:
        for split in self.splits:
            check_choice("logits.splits", split, SPLITS)
        if not self.splits:
            raise InputError("logits.splits is empty; name at least one of train, val, test")
        check_range("logits.window_frames", self.window_frames, 8, 100_000)
        if self.max_clips is not None:
            check_range("logits.max_clips", self.max_clips, 1, 1_000_000)
        if self.timeout_s is not None:
            check_range("logits.timeout_s", self.timeout_s, 0.0, 6_000_000.0)


def recorded(params: LogitsParams) -> dict[str, Any]:
    """Return what of the params decides the logits of a clip, as a logits file keeps it."""
    return {"window_frames": params.window_frames}


def followed(params: LogitsParams, record: Mapping[str, Any], path: Path) -> LogitsParams:
    """Return `params` with the values that `recorded` kept.

    Raises
    ------
    InputError
        A value cannot be used; the file `path`, from which the record comes, is named.
    """
    try:
        return section({"logits": {**asdict(params), "splits": list(params.splits), **record}}, "logits", LogitsParams)
    except InputError as error:
        raise InputError(f"{path}: chosen_under: {str(error).removeprefix('params: ')}") from None
