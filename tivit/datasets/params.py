"""The `data` section of params.yaml: which dataset, where it may lie, on which time grid, and which clips and labels of it."""

from __future__ import annotations

from dataclasses import dataclass

from tivit.core.choices import FPS_RANGE
from tivit.core.errors import InputError
from tivit.core.params import check_choice, check_range

OFFSETS = ("key", "pedal")
EXTRA_SPLITS = ("ext-train", "special(blurry)", "special(4hands)")


@dataclass(frozen=True)
class SubsetFiles:
    """Per split the name of a text file in `data/subsets` that lists clip stems, or None for all clips."""

    train: str | None
    val: str | None
    test: str | None


@dataclass(frozen=True)
class CarveRule:
    """How a validation split is taken from train where a dataset has none: share of the clips, and the seed of the choice."""

    val_share: float
    seed: int

    def __post_init__(self) -> None:
        check_range("data.carve.val_share", self.val_share, 0.01, 0.5)


@dataclass(frozen=True)
class LagParams:
    """What is done about labels that are early or late against the video by a constant.

    Attributes
    ----------
    correct : True: the lag of every clip is estimated, and taken out of the labels of train where it is sure; labels of val and
        test stay as published, and scores are given on corrected ones besides. False: none is estimated.
    largest_s : an estimate that reaches this is not believed.
    least_s : one below this leaves the labels as they are.
    min_confidence : nor is one less sure than this believed (`tivit/labels/lag.py` says what it counts).
    """

    correct: bool
    largest_s: float
    least_s: float
    min_confidence: float

    def __post_init__(self) -> None:
        check_range("data.lag.largest_s", self.largest_s, 0.1, 2.0)
        check_range("data.lag.least_s", self.least_s, 0.0, self.largest_s)
        check_range("data.lag.min_confidence", self.min_confidence, 0.0, 100.0)


@dataclass(frozen=True)
class DataParams:
    """Which dataset and what of it.

    Attributes
    ----------
    name, root : a registered dataset, and its folder or None to search.
    fps : the time grid.
    max_clips : at most so many clips per split, or None.
    subsets : lists of clip stems to work on.
    exclude : clip ids to leave out.
    include_low_res : True: also the clips that PianoYT marks as of low resolution.
    extra_splits : splits of PianoVAM beyond train, valid and test.
    offsets : "key": a note ends when its key is released; "pedal": when it stops sounding.
    skeleton_confidence : hands come from landmarks at least so sure, where a dataset has no better; None: never.
    carve : how a missing validation split is made.
    lag : what is done about labels that are early or late by a constant.
    """

    name: str
    root: str | None
    fps: float
    max_clips: int | None
    subsets: SubsetFiles
    exclude: tuple[str, ...]
    include_low_res: bool
    extra_splits: tuple[str, ...]
    offsets: str
    skeleton_confidence: float | None
    carve: CarveRule
    lag: LagParams

    def __post_init__(self) -> None:
        check_range("data.fps", self.fps, *FPS_RANGE)
        if self.max_clips is not None and self.max_clips < 1:
            raise InputError(f"data.max_clips must be null or at least 1, found {self.max_clips}")
        check_choice("data.offsets", self.offsets, OFFSETS)
        if self.skeleton_confidence is not None:
            check_range("data.skeleton_confidence", self.skeleton_confidence, 0.5, 1.0)
        for name in self.extra_splits:
            check_choice("data.extra_splits", name, EXTRA_SPLITS)
