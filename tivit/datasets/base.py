"""The contract of a dataset: what a layout module must know, and what the stages see of it.

A layout is given the list of indexed paths and a way to open them; it never looks at the disk by itself, so a dataset is the
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
"""Why a recording is left out of a listing; the keys of `Listing.left_out`."""


@dataclass(frozen=True)
class DatasetClip:
    """One recording of a dataset.

    Attributes
    ----------
    clip_id : str
        `<split>/<stem>`, where the layout may use the published folder of a split, or `own/<stem>`. A clip that was carved from
        train keeps the id that it has there.
    split : str
        train, val or test.
    tier : str
        A named part of the split, or "".
    video, label : str
        Paths in the dataset.
    hands, skeleton, metadata : str
        Paths of a table of hands by note, of hand landmarks by frame, and of the file that says where the keyboard is; "" where
        the dataset has none.
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
    clips : tuple of DatasetClip
        The clips, in the order of their ids.
    split_source : str
        The file that gave the splits, or "folders".
    has_val : bool
        False where the dataset publishes no validation split.
    left_out : mapping of str to tuple of str
        Reason -> the ids of recordings that cannot be used or were not to be used. For the reason NOT_LISTED these are paths of
        files.
    carved : tuple of str
        The ids of the clips that were moved from train to val because the dataset has no validation split.
    """

    clips: tuple[DatasetClip, ...]
    split_source: str
    has_val: bool
    left_out: Mapping[str, tuple[str, ...]]
    carved: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all recordings that are known, whether they are left out or not."""
        left_out = (ids for reason, ids in self.left_out.items() if reason != NOT_LISTED)
        return frozenset(clip.clip_id for clip in self.clips).union(*left_out)


class Layout(Protocol):
    """One dataset's folders and files. An implementation holds nothing that changes.

    Attributes
    ----------
    folder : str
        Name of the dataset's folder, as published.
    picture_width_px : float or None
        Width of the picture in which corners and search boxes are given; None: the width of each video.
    """

    folder: str
    picture_width_px: float | None

    def clips(self, paths: list[str], opened: Opener, params: DataParams) -> Listing:
        """Return all clips among the files of a dataset, in the splits that are published.

        Parameters
        ----------
        paths : list of str
            Paths in the dataset, from its index.
        opened : Opener
            Opens one of these paths.
        params : DataParams
            What is asked for.

        Returns
        -------
        Listing
            The clips, and what is left out.

        Raises
        ------
        InputError
            The files are not those of the dataset, or contradict each other.
        """

    def notes(self, clip: DatasetClip, opened: Opener, params: DataParams) -> Notes:
        """Return a clip's notes.

        Parameters
        ----------
        clip : DatasetClip
            A clip of `clips`.
        opened : Opener
            Opens a path in the dataset.
        params : DataParams
            `params.offsets` says how notes end, where the dataset knows both.

        Returns
        -------
        Notes
            The notes, in seconds of the clip's video clock.

        Raises
        ------
        InputError
            The label is damaged, or its notes cannot be.
        """

    def corners(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return the corners of the area of the white keys, if the dataset has them.

        Parameters
        ----------
        clip : DatasetClip
            A clip of `clips`.
        opened : Opener
            Opens a path in the dataset.

        Returns
        -------
        ndarray of float, shape (4, 2), or None
            x and y (px) of the top left, top right, bottom right and bottom left corner, as they lie in the image.
        """

    def search_box(self, clip: DatasetClip, opened: Opener) -> tuple[float, float, float, float] | None:
        """Return a rectangle that holds the keyboard among other things, if the dataset has one.

        Parameters
        ----------
        clip : DatasetClip
            A clip of `clips`.
        opened : Opener
            Opens a path in the dataset.

        Returns
        -------
        tuple of float or None
            x0, y0, x1, y1 (px).
        """

    def true_key_centers_px(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return where the keys truly are, if the dataset knows.

        Parameters
        ----------
        clip : DatasetClip
            A clip of `clips`.
        opened : Opener
            Opens a path in the dataset.

        Returns
        -------
        ndarray of float, shape (88, 2), or None
            x and y (image px) of the key centres at y = 75 mm on the plane of the white keys.
        """


class NothingKnown:
    """The part of a layout whose dataset does not say where the keyboard is, so that it is found in the pixels."""

    picture_width_px: float | None = None

    def corners(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return None: no corners are known."""
        del clip, opened

    def search_box(self, clip: DatasetClip, opened: Opener) -> tuple[float, float, float, float] | None:
        """Return None: no rectangle is known."""
        del clip, opened

    def true_key_centers_px(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return None: the true key centres are not known."""
        del clip, opened


def listing_of(
    clips: Iterable[DatasetClip], split_source: str, has_val: bool, left_out: Mapping[str, Iterable[str]]
) -> Listing:
    """Return a listing of clips in the order of their ids.

    Parameters
    ----------
    clips : iterable of DatasetClip
        The clips, in any order.
    split_source, has_val : str, bool
        As in `Listing`.
    left_out : mapping of str to iterable of str
        Reason -> ids; reasons without ids are dropped.

    Returns
    -------
    Listing
        The listing, without carved clips.

    Raises
    ------
    InputError
        Two clips have one id.
    """
    ordered = tuple(sorted(clips, key=lambda clip: clip.clip_id))
    for previous, clip in zip(ordered, ordered[1:], strict=False):
        if previous.clip_id == clip.clip_id:
            raise InputError(f"{clip.video}: has the clip id {clip.clip_id!r} of {previous.video}; ids are unique")
    reasons = {reason: tuple(sorted(ids)) for reason, ids in left_out.items()}
    return Listing(ordered, split_source, has_val, {reason: ids for reason, ids in sorted(reasons.items()) if ids})
