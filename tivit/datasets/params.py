"""The `data` section of params.yaml: which dataset, where it may lie, on which time grid, and which clips and labels of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tivit.core.choices import FPS_RANGE
from tivit.core.params import Choice, Range, Seed, check_range

OFFSETS = ("key", "pedal")
EXTRA_SPLITS = ("ext-train", "special(blurry)", "special(4hands)")


@dataclass(frozen=True)
class SubsetFiles:
    """Which clips to work on, as text files in `data/subsets` that list stems of clips.

    Attributes
    ----------
    train, val, test : str or None
        Name of the file for the clips of this split; None: all clips.
    """

    train: str | None
    val: str | None
    test: str | None


@dataclass(frozen=True)
class CarveRule:
    """How a validation split is taken from train where a dataset has none.

    Attributes
    ----------
    val_share : float
        Share of the train clips that become val.
    seed : int
        Seed of the choice.
    """

    val_share: Annotated[float, Range(0.01, 0.5)]
    seed: Seed


@dataclass(frozen=True)
class ClipChoice:
    """Which clips of the dataset are worked on.

    Attributes
    ----------
    max_per_split : int or None
        At most so many clips of each split; None: all.
    subsets : SubsetFiles
        Lists of the stems of clips to work on.
    exclude : tuple of str
        Ids of clips to leave out.
    include_low_res : bool
        True: also the clips that PianoYT marks as of low resolution.
    extra_splits : tuple of str
        Splits of PianoVAM beyond train, valid and test.
    carve : CarveRule
        How a missing validation split is made.
    """

    max_per_split: Annotated[int, Range(1, 1_000_000)] | None
    subsets: SubsetFiles
    exclude: tuple[str, ...]
    include_low_res: bool
    extra_splits: tuple[Annotated[str, Choice(EXTRA_SPLITS)], ...]
    carve: CarveRule


@dataclass(frozen=True)
class LagParams:
    """What is done about labels whose clock is not that of the video.

    Attributes
    ----------
    correct : bool
        True: lag and rate of every clip are estimated, and taken out of the labels of train where they are sure; labels of val
        and test stay as published, and scores are given on corrected ones besides. False: nothing is estimated.
    largest_s : float
        A lag that reaches this (s) everywhere in a clip is not believed.
    largest_drift : float
        Nor is a rate that is farther than this from 1.
    least_s : float
        An estimate below this (s, 0..`largest_s`) leaves the labels as they are.
    min_confidence : float
        An estimate that is less sure than this is not believed; `tivit/labels/clock.py` says what it counts.
    """

    correct: bool
    largest_s: Annotated[float, Range(0.1, 2.0)]
    largest_drift: Annotated[float, Range(0.0, 0.05)]
    least_s: float
    min_confidence: Annotated[float, Range(0.0, 100.0)]

    def __post_init__(self) -> None:
        check_range("data.lag.least_s", self.least_s, 0.0, self.largest_s)


@dataclass(frozen=True)
class DataParams:
    """Which dataset, and what of it (params section `data`).

    Attributes
    ----------
    name : str
        Name of a registered dataset.
    root : str or None
        Its folder, or the address of a bucket; None: it is searched for.
    fetched_gb : float
        At most so many GB of the files of a bucket lie on this disk at a time.
    fps : float
        Rate of the time grid (instants per second).
    clips : ClipChoice
        Which of its clips.
    offsets : str
        "key": a note ends when its key is released; "pedal": when it stops sounding.
    skeleton_confidence : float or None
        Hands come from landmarks that are at least so sure, where a dataset has nothing better; None: never.
    lag : LagParams
        What is done about labels whose clock is not that of the video.
    """

    name: str
    root: str | None
    fetched_gb: Annotated[float, Range(0.001, 1e6)]
    fps: Annotated[float, Range(*FPS_RANGE)]
    clips: ClipChoice
    offsets: Annotated[str, Choice(OFFSETS)]
    skeleton_confidence: Annotated[float, Range(0.5, 1.0)] | None
    lag: LagParams
