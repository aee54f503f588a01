"""The `logits` section of params.yaml: which splits, in which windows, and how much of them at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.params import check_choice, check_range

WINDOW_LIMITS = (8, 100_000)
"""Fewest and most frames of a window."""
UNSAID_WINDOW_FRAMES = 512
"""The window for logits whose maker did not say: 300 MB of features. Only a recurrent network's answer depends on it."""


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
        check_range("logits.window_frames", self.window_frames, *WINDOW_LIMITS)
        if self.max_clips is not None:
            check_range("logits.max_clips", self.max_clips, 1, 1_000_000)
        if self.timeout_s is not None:
            check_range("logits.timeout_s", self.timeout_s, 0.0, 6_000_000.0)


def recorded(params: LogitsParams) -> dict[str, Any]:
    """Return what of the params decides the logits of a clip, as a logits file keeps it."""
    return {"window_frames": params.window_frames}


def followed_window(record: Mapping[str, Any], path: Path) -> int:
    """Return the window length (frames) that a record of `recorded` kept, UNSAID_WINDOW_FRAMES where it kept none.

    Raises
    ------
    InputError
        The value cannot be used; the file `path`, from which the record comes, is named.
    """
    value = record.get("window_frames", UNSAID_WINDOW_FRAMES)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{path}: chosen_under: logits.window_frames must be a whole number, not {value!r}")
    try:
        check_range("logits.window_frames", value, *WINDOW_LIMITS)
    except InputError as error:
        raise InputError(f"{path}: chosen_under: {error}") from None
    return value
