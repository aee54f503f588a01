"""The rendered dataset: `{train,val,test}/<tier>_<number>.mp4 | .mid | .json`; the JSON holds the whole truth.

Corners are known here but never handed out: registration has to find the keyboard in the pixels.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np

from tivit.core.artifacts import read_json
from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.keyboard import KEY_COUNT
from tivit.core.notes import Notes, make_notes
from tivit.datasets.base import DatasetClip, Listing, NothingKnown, Opener, listing_of
from tivit.datasets.params import DataParams
from tivit.datasets.roots import FOLDERS


class Synthetic(NothingKnown):
    """Layout of the rendered dataset."""

    folder = FOLDERS["Synthetic"]

    def clips(self, paths: list[str], opened: Opener, params: DataParams) -> Listing:
        """Return a clip for every `.mp4`, as `Layout.clips` says.

        Returns
        -------
        Listing
            The tier of a clip is the part of its stem before the first `_`; none is left out.

        Raises
        ------
        InputError
            A video is not in the folder of a split, or has no label.
        """
        del opened, params
        names = set(paths)
        clips = []
        for path in sorted(PurePosixPath(item) for item in paths if item.endswith(".mp4")):
            split, label = path.parts[0], path.with_suffix(".json").as_posix()
            if split not in SPLITS or len(path.parts) != 2:
                raise InputError(f"Synthetic: {path} is not in one of the folders {', '.join(SPLITS)}")
            if label not in names:
                raise InputError(f"Synthetic: {path} has no label file {label}")
            tier = path.stem.partition("_")[0]
            clips.append(DatasetClip(f"{split}/{path.stem}", split, tier, path.as_posix(), label))
        return listing_of(clips, "folders", True, {})

    def notes(self, clip: DatasetClip, opened: Opener, params: DataParams) -> Notes:
        """Return the notes of a clip, as `Layout.notes` says.

        Returns
        -------
        Notes
            Velocity, hand and staff are known.

        Raises
        ------
        InputError
            The label is missing or damaged, or its notes cannot be.
        """
        del params
        path = opened(clip.label)
        truth = read_json(path)
        try:
            table = np.array(truth["notes"], dtype=float).reshape(-1, 6)
            return make_notes(table[:, 0], table[:, 1], *(table[:, column].astype(int) for column in range(2, 6)))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not a label of the rendered dataset ({error})") from None

    def true_key_centers_px(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return the key centres as the true camera projects them, as `Layout.true_key_centers_px` says.

        Returns
        -------
        ndarray of float, shape (88, 2)
            x and y in image px.

        Raises
        ------
        InputError
            The label is missing or damaged.
        """
        path = opened(clip.label)
        truth = read_json(path)
        try:
            centers_px = np.array(truth["key_centers_px"], dtype=float)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not a label of the rendered dataset ({error})") from None
        if centers_px.shape != (KEY_COUNT, 2):
            raise InputError(f"{path}: key_centers_px has shape {centers_px.shape}, expected ({KEY_COUNT}, 2)")
        return centers_px
