"""The `logits` section of params.yaml: which splits, in which windows, and how much of them at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.params import Range, check_choice, check_range

WINDOW_LIMITS = (8, 100_000)
"""Fewest and most frames of a window."""
UNSAID_WINDOW_FRAMES = 512
"""The window where the thresholds do not say in which windows their logits were made; it takes 300 MB of features. Only a
recurrent network's answer depends on it."""


def check_splits(where: str, splits: tuple[str, ...]) -> None:
    """Raise InputError unless at least one split is named, and all that are named are known.

    Parameters
    ----------
    where : str
        Key of the params, for the message.
    splits : tuple of str
        Names of splits.

    Raises
    ------
    InputError
        There is none, or one is unknown.
    """
    for split in splits:
        check_choice(where, split, SPLITS)
    if not splits:
        raise InputError(f"{where} is empty; name at least one of {', '.join(SPLITS)}")


@dataclass(frozen=True)
class LogitsParams:
    """How much the model is run over, and how (the section `logits`).

    Attributes
    ----------
    splits : tuple of str
        At least one of train, val and test.
    window_frames : int
        Frames answered for in one forward pass.
    max_clips : int or None
        At most so many clips of each split, each tier in its proportion; None: all.
    timeout_s : float or None
        Seconds after which no further clip is begun; tiers take turns. The splits share them evenly, and what one leaves goes
        to the next. One clip of each split is done in any case. None: no limit.
    """

    splits: Annotated[tuple[str, ...], check_splits]
    window_frames: Annotated[int, Range(*WINDOW_LIMITS)]
    max_clips: Annotated[int, Range(1, 1_000_000)] | None
    timeout_s: Annotated[float, Range(0.0, 6_000_000.0)] | None


def recorded(params: LogitsParams) -> dict[str, Any]:
    """Return what of the params decides the logits of a clip.

    Parameters
    ----------
    params : LogitsParams
        The section `logits`.

    Returns
    -------
    dict
        Key -> value, as a logits file keeps it.
    """
    return {"window_frames": params.window_frames}


def followed_window(record: Mapping[str, Any], path: Path) -> int:
    """Return the window length that a record keeps.

    Parameters
    ----------
    record : mapping
        As `recorded` returns it; it may be empty.
    path : Path
        The file that the record comes from, for the error message.

    Returns
    -------
    int
        Frames, `UNSAID_WINDOW_FRAMES` where the record has none.

    Raises
    ------
    InputError
        The value cannot be used.
    """
    value = record.get("window_frames", UNSAID_WINDOW_FRAMES)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{path}: chosen_under: logits.window_frames must be a whole number, not {value!r}")
    try:
        check_range("logits.window_frames", value, *WINDOW_LIMITS)
    except InputError as error:
        raise InputError(f"{path}: chosen_under: {error}") from None
    return value
