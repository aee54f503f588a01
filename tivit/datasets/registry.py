"""From a dataset's name to its clips, notes and files: the only door that the stages use.

The user's own clips (`tivit.datasets.own`) join the train split of whichever dataset is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from tivit.core.choices import SPLITS
from tivit.core.manifest import OWN_TIER
from tivit.core.notes import Notes
from tivit.core.params import check_choice
from tivit.core.registration import Registration
from tivit.core.strip import StripGeometry
from tivit.datasets.base import DatasetClip, Layout, Listing
from tivit.datasets.index import FileIndex, checked_file, index_path, read_index
from tivit.datasets.omaps import OMAPS, OMAPS2
from tivit.datasets.own import OWN_FOLDER, read_own
from tivit.datasets.params import DataParams, SubsetFiles
from tivit.datasets.pianovam import PianoVAM
from tivit.datasets.pianoyt import PianoYT
from tivit.datasets.places import DatasetFile, Place
from tivit.datasets.roots import place_of
from tivit.datasets.skeleton import HandLabels, hands_of_notes, read_skeleton
from tivit.datasets.splits import listed, refuse_shared, with_val, without
from tivit.datasets.synthetic import Synthetic

LAYOUTS: dict[str, Layout] = {
    "Synthetic": Synthetic(),
    "OMAPS": OMAPS,
    "OMAPS2": OMAPS2,
    "PianoYT": PianoYT(),
    "PianoVAM": PianoVAM(),
}
SUBSET_FOLDER = Path("data/subsets")
AnyClip = TypeVar("AnyClip")


@dataclass(frozen=True)
class Dataset:
    """A dataset as the stages see it. Its place is looked for when the first file is opened.

    Methods that take a clip take one of the dataset or an own clip.

    Attributes
    ----------
    layout : Layout
        What knows the folders and files.
    index : FileIndex
        What files there are.
    params : DataParams
        What is asked for.
    own : Dataset or None
        The user's own clips, which all methods serve beside those of the dataset; None when there are none.
    """

    layout: Layout
    index: FileIndex
    params: DataParams
    own: Dataset | None = None

    @property
    def parts(self) -> tuple[Dataset, ...]:
        """The dataset itself and, where there are any, the dataset of the own clips."""
        return (self,) if self.own is None else (self, self.own)

    @cached_property
    def place(self) -> Place:
        """Where the dataset lies; InputError, which lists every place looked at, when it is nowhere."""
        return place_of(self.layout.folder, self.params.root, self.params.fetched_gb)

    @cached_property
    def listing(self) -> Listing:
        """Every clip but the excluded ones, with a validation split, and what is left out; own clips are not among them."""
        listing = self.layout.clips(sorted(self.index.files), self._opened, self.params)
        return without(with_val(listing, self.params.clips.carve), self.params.clips.exclude)

    def clips(self) -> tuple[DatasetClip, ...]:
        """Return the clips that are chosen.

        Returns
        -------
        tuple of DatasetClip
            The clips chosen by `data.clips`, and every own clip, in the order of their ids.

        Raises
        ------
        InputError
            The dataset's files are not what its layout expects, or a list of `data.clips.subsets` is missing or names a clip
            that is not known.
        """
        clips = []
        for split in SPLITS:
            of_split = [clip for clip in self.listing.clips if clip.split == split]
            subset = getattr(self.params.clips.subsets, split)
            if subset is not None:
                of_split = listed(of_split, split, SUBSET_FOLDER / Path(subset).name)
            clips += at_most(of_split, self.params.clips.max_per_split)
        clips += self.own.clips() if self.own else ()
        return tuple(sorted(clips, key=lambda clip: clip.clip_id))

    def clip_ids(self) -> frozenset[str]:
        """Return the ids of all clips that are known.

        Returns
        -------
        frozenset of str
            Ids of the dataset's clips, whether chosen or left out, and of the own clips.
        """
        return self.listing.ids | self.own.clip_ids() if self.own else self.listing.ids

    def file(self, relative: str) -> Path | None:
        """Return where a file lies that a dataset may have.

        Parameters
        ----------
        relative : str
            Path in the dataset.

        Returns
        -------
        Path or None
            The file on this disk; None where the dataset has none.

        Raises
        ------
        InputError
            The file is there but is not in the index, or it is in the index and not there, or has another size.
        """
        if relative not in self.index.files and self.place.size(relative) is None:
            return None
        return self._opened(relative)

    def video_md5(self, clip: DatasetClip) -> str:
        """Return the MD5 of a clip's video by the index; the video is not read.

        Returns
        -------
        str
            32 hexadecimal digits.
        """
        return self._home(clip).index.files[clip.video][1]

    def video(self, clip: DatasetClip) -> DatasetFile:
        """Return a clip's video, to be opened by whoever works on the clip.

        Returns
        -------
        DatasetFile
            The video, whose size was checked against the index.

        Raises
        ------
        InputError
            The video is missing, or has another size than the index says.
        """
        home = self._home(clip)
        return checked_file(home.index, home.place, clip.video)

    def video_path(self, clip: DatasetClip) -> Path:
        """Return where a clip's video lies on this disk, fetched where the dataset lies in a bucket.

        Returns
        -------
        Path
            The video; a copy of a bucket's file stays as long as `DatasetFile.path` says.

        Raises
        ------
        InputError
            As `video` does, or the video cannot be fetched.
        """
        return self.video(clip).path()

    def notes(self, clip: DatasetClip) -> Notes:
        """Return a clip's published notes.

        Returns
        -------
        Notes
            The notes, in seconds of the clip's video clock.

        Raises
        ------
        InputError
            The label is missing or damaged.
        """
        home = self._home(clip)
        return home.layout.notes(clip, home._opened, home.params)

    def hands(self, clip: DatasetClip, notes: Notes, registration: Registration, geometry: StripGeometry) -> HandLabels | None:
        """Return which hand plays each note of a clip by its hand landmarks, where that is the best that is known.

        Parameters
        ----------
        clip : DatasetClip
            The clip.
        notes : Notes
            Its N notes, at the times at which the video shows them.
        registration : Registration
            Where the keyboard is in its frames.
        geometry : StripGeometry
            The raster of the strip that the registration leads to.

        Returns
        -------
        HandLabels or None
            The hand of each note. None where the clip has no landmarks, where its labels already say the hands, and where
            `data.skeleton_confidence` asks for none.

        Raises
        ------
        InputError
            The file of landmarks is missing or damaged.
        """
        least = self.params.skeleton_confidence
        if not clip.skeleton or clip.hands or least is None:
            return None
        return hands_of_notes(notes, read_skeleton(self._home(clip)._opened(clip.skeleton)), registration, geometry, least)

    def refuse_shared(self, clips: Iterable[DatasetClip]) -> None:
        """Raise InputError when a clip is in two splits.

        Parameters
        ----------
        clips : iterable of DatasetClip
            The clips; they are compared by their ids and by the content of their videos (the MD5 of the index).

        Raises
        ------
        InputError
            Two clips of different splits have one id or one video.
        """
        ids: dict[str, list[str]] = {}
        contents: dict[str, list[DatasetClip]] = {}
        for clip in clips:
            ids.setdefault(clip.clip_id, []).append(clip.split)
            contents.setdefault(self.video_md5(clip), []).append(clip)
        refuse_shared(ids, "clip")
        for same in contents.values():
            refuse_shared({same[0].video: [clip.split for clip in same]}, "the content of video")

    def corners(self, clip: DatasetClip) -> np.ndarray | None:
        """Return the corners of the white-key area that the dataset gives, if any.

        Returns
        -------
        ndarray of float, shape (4, 2), or None
            As `Layout.corners`, in px of a picture of `picture_width_px`.
        """
        home = self._home(clip)
        return home.layout.corners(clip, home._opened)

    def search_box(self, clip: DatasetClip) -> tuple[float, float, float, float] | None:
        """Return the rectangle around the keyboard that the dataset gives, if any.

        Returns
        -------
        tuple of float or None
            x0, y0, x1, y1, in px of a picture of `picture_width_px`.
        """
        home = self._home(clip)
        return home.layout.search_box(clip, home._opened)

    def picture_width_px(self, clip: DatasetClip) -> float | None:
        """Return the width of the picture in which the dataset gives corners and rectangles.

        Returns
        -------
        float or None
            Width in px; None: that of the clip's video.
        """
        return self._home(clip).layout.picture_width_px

    def true_key_centers_px(self, clip: DatasetClip) -> np.ndarray | None:
        """Return where the keys truly are, if the dataset knows.

        Returns
        -------
        ndarray of float, shape (88, 2), or None
            As `Layout.true_key_centers_px`.
        """
        home = self._home(clip)
        return home.layout.true_key_centers_px(clip, home._opened)

    def _home(self, clip: DatasetClip) -> Dataset:
        """Return the part that holds a clip's files."""
        return self if self.own is None or clip.tier != OWN_TIER else self.own

    def _opened(self, relative: str) -> Path:
        return checked_file(self.index, self.place, relative).path()


def open_dataset(params: DataParams) -> Dataset:
    """Return the dataset that the params name, with the own clips.

    Parameters
    ----------
    params : DataParams
        The params section `data`.

    Returns
    -------
    Dataset
        The dataset; no file of it has been opened yet.

    Raises
    ------
    InputError
        The name is unknown, its index is missing or malformed, or `data/own` holds a file that cannot be used.
    """
    return Dataset(layout_of(params.name), read_index(index_path(params.name)), params, _open_own(params))


def layout_of(name: str) -> Layout:
    """Return a registered layout.

    Parameters
    ----------
    name : str
        Name of a dataset.

    Returns
    -------
    Layout
        Its layout.

    Raises
    ------
    InputError
        No dataset of this name is registered.
    """
    check_choice("data.name", name, LAYOUTS)
    return LAYOUTS[name]


def _open_own(params: DataParams) -> Dataset | None:
    layout_and_index = read_own()
    every = replace(params.clips, max_per_split=None, subsets=SubsetFiles(None, None, None), exclude=())
    return Dataset(*layout_and_index, replace(params, root=str(OWN_FOLDER), clips=every)) if layout_and_index else None


def at_most(clips: Sequence[AnyClip], count: int | None) -> Sequence[AnyClip]:
    """Return a limited number of clips, evenly spaced so that every tier is met.

    Parameters
    ----------
    clips : sequence
        Clips in the order of their ids, in which those of a tier lie side by side.
    count : int or None
        The largest number that is returned; None: no limit.

    Returns
    -------
    sequence
        All clips when there are no more than `count`, else `count` of them in the same order.
    """
    if count is None or len(clips) <= count:
        return clips
    return [clips[i * len(clips) // count] for i in range(count)]
