"""OMAPS (Wang et al., DAFx 2020) and its sister set OMAPS2: `<split>/<stem>.mp4` with a text label `<stem>.txt` beside it.

A label is a table without header, separated by tabs: onset_s, offset_s (release of the key), midi, and in OMAPS2 velocity as a
fourth column. Stems repeat between splits, so an id is `<split>/<stem>`. The pictures of OMAPS are mirrored; nothing here says
so, because registration finds it out from the black keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from tivit.core.errors import InputError
from tivit.core.notes import Notes
from tivit.datasets.base import NO_LABEL, NO_VIDEO, DatasetClip, Listing, NothingKnown, Opener, listing_of
from tivit.datasets.params import DataParams
from tivit.datasets.roots import FOLDERS
from tivit.datasets.rows import note_row, notes_of_rows
from tivit.datasets.text import read_lines

VIDEO_SUFFIX, LABEL_SUFFIX = ".mp4", ".txt"


@dataclass(frozen=True)
class Omaps(NothingKnown):
    """Layout of one of the two datasets.

    Attributes
    ----------
    folder : str
        Name of the dataset's folder.
    splits : mapping of str to str
        Name of a split's folder -> train, val or test.
    columns : tuple of str
        The columns of a label.
    """

    folder: str
    splits: Mapping[str, str]
    columns: tuple[str, ...]

    def clips(self, paths: list[str], opened: Opener, params: DataParams) -> Listing:
        """Return a clip for every video that has a label, as `Layout.clips` says.

        Returns
        -------
        Listing
            Ids are `<split folder>/<stem>`. Videos without a label and labels without a video are left out.

        Raises
        ------
        InputError
            The folder of a published split holds no video, or a video lies somewhere else.
        """
        del opened, params
        videos, labels = ({path for path in paths if path.endswith(suffix)} for suffix in (VIDEO_SUFFIX, LABEL_SUFFIX))
        for path in sorted(videos):
            parts = PurePosixPath(path).parts
            if len(parts) != 2 or parts[0] not in self.splits:
                raise InputError(f"{self.folder}: {path} is not in one of the folders {', '.join(self.splits)}")
        for name in self.splits:
            if not any(path.startswith(f"{name}/") for path in videos):
                raise InputError(f"{self.folder}: its folder {name} holds no video; its splits are {', '.join(self.splits)}")
        ids = {path: PurePosixPath(path).with_suffix("").as_posix() for path in videos}
        labelled = {path: clip_id for path, clip_id in ids.items() if clip_id + LABEL_SUFFIX in labels}
        clips = [
            DatasetClip(clip_id, self.splits[clip_id.partition("/")[0]], "", path, clip_id + LABEL_SUFFIX)
            for path, clip_id in labelled.items()
        ]
        lone = [PurePosixPath(path) for path in labels if path.removesuffix(LABEL_SUFFIX) + VIDEO_SUFFIX not in videos]
        left_out = {
            NO_LABEL: [clip_id for path, clip_id in ids.items() if path not in labelled],
            NO_VIDEO: [path.with_suffix("").as_posix() for path in lone if path.parts[0] in self.splits],
        }
        return listing_of(clips, "folders", "val" in self.splits.values(), left_out)

    def notes(self, clip: DatasetClip, opened: Opener, params: DataParams) -> Notes:
        """Return the notes of a clip, as `Layout.notes` says.

        Returns
        -------
        Notes
            Offsets are key releases whatever `data.offsets` says, since the dataset does not know the pedal. The velocity is
            known in OMAPS2 alone; hand and staff are unknown.

        Raises
        ------
        InputError
            The label is missing, or a line of it cannot be used; the message names the line.
        """
        del params
        path = opened(clip.label)
        rows = []
        for number, line in enumerate(read_lines(path), start=1):
            cells = line.split("\t")
            if len(cells) != len(self.columns):
                expected = f"{len(self.columns)} ({', '.join(self.columns)})"
                raise InputError(f"{path}, line {number}: {len(cells)} columns separated by tabs, expected {expected}")
            rows.append(note_row(path, number, *cells[:3], cells[3] if len(cells) > 3 else None))
        return notes_of_rows(path, rows)


COLUMNS = ("onset_s", "offset_s", "midi")
OMAPS = Omaps(FOLDERS["OMAPS"], {"train": "train", "test": "test"}, COLUMNS)
OMAPS2 = Omaps(FOLDERS["OMAPS2"], {"train": "train", "valid": "val", "test": "test"}, (*COLUMNS, "velocity"))
