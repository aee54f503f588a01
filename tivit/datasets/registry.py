"""From a dataset's name to its clips, notes and files: the only door the stages use.

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
from tivit.datasets.index import FileIndex, checked_path, index_path, read_index
from tivit.datasets.omaps import OMAPS, OMAPS2
from tivit.datasets.own import OWN_FOLDER, read_own
from tivit.datasets.params import DataParams, SubsetFiles
from tivit.datasets.pianovam import PianoVAM
from tivit.datasets.pianoyt import PianoYT
from tivit.datasets.roots import resolve_root
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
    """A dataset as the stages see it; the folder is looked for when the first file is opened.

    `own`: the user's own clips, which all methods serve beside those of the dataset; None when there are none.
    """

    layout: Layout
    index: FileIndex
    params: DataParams
    own: Dataset | None = None

    @property
    def parts(self) -> tuple[Dataset, ...]:
        """The dataset, and that of the own clips where there are any."""
        return (self,) if self.own is None else (self, self.own)

    @cached_property
    def root(self) -> Path:
        """Where the dataset lies on this disk."""
        return resolve_root(self.layout.folder, self.params.root)

    @cached_property
    def listing(self) -> Listing:
        """Every clip of the dataset but the excluded ones, with a validation split, and what is left out; without own clips."""
        listing = self.layout.clips(sorted(self.index.files), self._opened, self.params)
        return without(with_val(listing, self.params.carve), self.params.exclude)

    def clips(self) -> tuple[DatasetClip, ...]:
        """Return the clips chosen by `data.subsets` and `data.max_clips`, and every own clip, in id order."""
        clips = []
        for split in SPLITS:
            of_split = [clip for clip in self.listing.clips if clip.split == split]
            subset = getattr(self.params.subsets, split)
            if subset is not None:
                of_split = listed(of_split, split, SUBSET_FOLDER / Path(subset).name)
            clips += at_most(of_split, self.params.max_clips)
        clips += self.own.clips() if self.own else ()
        return tuple(sorted(clips, key=lambda clip: clip.clip_id))

    def clip_ids(self) -> frozenset[str]:
        """Return the ids of all clips of the dataset, chosen, left out or not, and of the own clips."""
        return self.listing.ids | self.own.clip_ids() if self.own else self.listing.ids

    def file(self, relative: str) -> Path | None:
        """Return a file that a dataset may have, None where it has none; InputError where it lies there but is not indexed."""
        if relative not in self.index.files and not (self.root / relative).exists():
            return None
        return self._opened(relative)

    def video_md5(self, clip: DatasetClip) -> str:
        """Return the MD5 of the clip's video by the index."""
        return self._home(clip).index.files[clip.video][1]

    def video_path(self, clip: DatasetClip) -> Path:
        """Return the clip's video on this disk, its size checked against the index."""
        return self._home(clip)._opened(clip.video)

    def notes(self, clip: DatasetClip) -> Notes:
        """Return the clip's notes in seconds of its video clock."""
        home = self._home(clip)
        return home.layout.notes(clip, home._opened, home.params)

    def hands(self, clip: DatasetClip, notes: Notes, registration: Registration, geometry: StripGeometry) -> HandLabels | None:
        """Return the hand of each note by the clip's hand landmarks; None where it has none, or better, or none are wanted."""
        least = self.params.skeleton_confidence
        if not clip.skeleton or clip.hands or least is None:
            return None
        return hands_of_notes(notes, read_skeleton(self._home(clip)._opened(clip.skeleton)), registration, geometry, least)

    def refuse_shared(self, clips: Iterable[DatasetClip]) -> None:
        """Raise InputError when one of `clips` is in two splits: by its id, or by the content of its video."""
        ids: dict[str, list[str]] = {}
        contents: dict[str, list[DatasetClip]] = {}
        for clip in clips:
            ids.setdefault(clip.clip_id, []).append(clip.split)
            contents.setdefault(self.video_md5(clip), []).append(clip)
        refuse_shared(ids, "clip")
        for same in contents.values():
            refuse_shared({same[0].video: [clip.split for clip in same]}, "the content of video")

    def corners(self, clip: DatasetClip) -> np.ndarray | None:
        """Return the corners (4, 2) px that the dataset gives, if any."""
        home = self._home(clip)
        return home.layout.corners(clip, home._opened)

    def search_box(self, clip: DatasetClip) -> tuple[float, float, float, float] | None:
        """Return a rectangle (x0, y0, x1, y1; px) with the keyboard in it that the dataset gives, if any."""
        home = self._home(clip)
        return home.layout.search_box(clip, home._opened)

    def picture_width_px(self, clip: DatasetClip) -> float | None:
        """Return the width of the picture that the dataset's corners and rectangles are in; None: that of the video."""
        return self._home(clip).layout.picture_width_px

    def true_key_centers_px(self, clip: DatasetClip) -> np.ndarray | None:
        """Return the true key centres (88, 2) px, if the dataset knows them."""
        home = self._home(clip)
        return home.layout.true_key_centers_px(clip, home._opened)

    def _home(self, clip: DatasetClip) -> Dataset:
        """Return the part that holds a clip's files."""
        return self if self.own is None or clip.tier != OWN_TIER else self.own

    def _opened(self, relative: str) -> Path:
        return checked_path(self.index, self.root, relative)


def open_dataset(params: DataParams) -> Dataset:
    """Return the dataset that `params` names, with the own clips; raise InputError for an unknown name or a missing index."""
    return Dataset(layout_of(params.name), read_index(index_path(params.name)), params, _open_own(params))


def layout_of(name: str) -> Layout:
    """Return the layout registered as `name`."""
    check_choice("data.name", name, LAYOUTS)
    return LAYOUTS[name]


def _open_own(params: DataParams) -> Dataset | None:
    layout_and_index = read_own()
    every = replace(params, root=str(OWN_FOLDER), max_clips=None, subsets=SubsetFiles(None, None, None), exclude=())
    return Dataset(*layout_and_index, every) if layout_and_index else None


def at_most(clips: Sequence[AnyClip], count: int | None) -> Sequence[AnyClip]:
    """Return at most `count` clips, evenly spaced in id order so that every tier is met."""
    if count is None or len(clips) <= count:
        return clips
    return [clips[i * len(clips) // count] for i in range(count)]
