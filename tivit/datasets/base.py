"""The contract of a dataset: what a layout module must know, and what the stages see of it.

A layout is handed the list of indexed paths and a way to open them; it never looks at the disk by itself, so a dataset is the
same on every machine that shares its index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tivit.core.errors import InputError
from tivit.core.notes import Notes
from tivit.datasets.params import DataParams

Opener = Callable[[str], Path]
"""Relative path in the dataset -> path on this disk, checked against the index."""

NO_VIDEO, NO_LABEL, NOT_LISTED = "no_video", "no_label", "not_listed"
LOW_RES, NOT_ASKED, EXCLUDED = "low_res", "split_not_asked_for", "excluded"
"""Why a recording is left out of a listing: a key of `Listing.left_out` each."""


@dataclass(frozen=True)
class DatasetClip:
    """One recording.

    Attributes
    ----------
    clip_id : `<published split>/<stem>`, or `own/<stem>`; what was carved from train keeps the id it has there.
    split, tier : train, val or test; a named part of the split, or "".
    video, label : paths in the dataset.
    hands, skeleton, metadata : paths of a table of hands by note, of hand landmarks by frame, and of the file that says where
        the keyboard is; "" without.
    """

    clip_id: str
    split: str
    tier: str
    video: str
    label: str
    hands: str = ""
    skeleton: str = ""
    metadata: str = ""


@dataclass(frozen=True)
class Listing:
    """The clips of a dataset.

    Attributes
    ----------
    clips : in id order.
    split_source : the file that gave the splits, or "folders".
    has_val : False where the dataset publishes no validation split.
    left_out : reason -> ids of recordings that cannot be, or were not to be used; of NOT_LISTED, paths of files.
    carved : ids of the clips that were moved from train to val because the dataset has no validation split.
    """

    clips: tuple[DatasetClip, ...]
    split_source: str
    has_val: bool
    left_out: Mapping[str, tuple[str, ...]]
    carved: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all recordings that are known of."""
        left_out = (ids for reason, ids in self.left_out.items() if reason != NOT_LISTED)
        return frozenset(clip.clip_id for clip in self.clips).union(*left_out)


class Layout(Protocol):
    """One dataset's folders and files. Implementations hold nothing that changes.

    `picture_width_px` : width of the picture that corners and search boxes are in; None: that of each video.
    """

    folder: str
    picture_width_px: float | None

    def clips(self, paths: list[str], opened: Opener, params: DataParams) -> Listing:
        """Return all clips among the indexed relative paths, in the splits that are published."""

    def notes(self, clip: DatasetClip, opened: Opener, params: DataParams) -> Notes:
        """Return a clip's notes in seconds of its video clock, ended as `params.offsets` says where the dataset knows both."""

    def corners(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return the white-key area's corners (tl, tr, br, bl in image order; px), shape (4, 2), where the dataset has them."""

    def search_box(self, clip: DatasetClip, opened: Opener) -> tuple[float, float, float, float] | None:
        """Return a rectangle (x0, y0, x1, y1; px) that holds the keyboard among other things, where the dataset has one."""

    def true_key_centers_px(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return image px of the 88 key centres at y = 75 mm on the white-key plane, shape (88, 2), where truth is known."""


class NothingKnown:
    """The part of a layout whose dataset says nothing of where the keyboard is: it is found in the pixels."""

    picture_width_px: float | None = None

    def corners(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return None."""
        del clip, opened

    def search_box(self, clip: DatasetClip, opened: Opener) -> tuple[float, float, float, float] | None:
        """Return None."""
        del clip, opened

    def true_key_centers_px(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return None."""
        del clip, opened


def listing_of(
    clips: Iterable[DatasetClip], split_source: str, has_val: bool, left_out: Mapping[str, Iterable[str]]
) -> Listing:
    """Return a listing in id order, without empty reasons.

    Raises
    ------
    InputError
        An id stands in it twice.
    """
    ordered = tuple(sorted(clips, key=lambda clip: clip.clip_id))
    for previous, clip in zip(ordered, ordered[1:], strict=False):
        if previous.clip_id == clip.clip_id:
            raise InputError(f"{clip.video}: has the clip id {clip.clip_id!r} of {previous.video}; ids are unique")
    reasons = {reason: tuple(sorted(ids)) for reason, ids in left_out.items()}
    return Listing(ordered, split_source, has_val, {reason: ids for reason, ids in sorted(reasons.items()) if ids})
