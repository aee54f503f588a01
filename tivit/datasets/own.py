"""The user's own labelled clips: videos in `data/own`, each with a MIDI file of the same stem; they join any train split.

Two tables are optional: `registration.csv` (see `tivit.registration.overrides`), and `clips.csv` with the columns
stem,offset_s, which are the seconds to add to the times of a MIDI file to get times of the video's clock. The folder is private
and small, so it has no committed index: it is read when it is opened, and DVC watches it as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tivit.core.artifacts import md5_of, read_csv
from tivit.core.errors import InputError
from tivit.core.manifest import OWN_TIER
from tivit.core.notes import Notes, read_midi
from tivit.core.params import check_range, nearest
from tivit.datasets.base import DatasetClip, Listing, NothingKnown, Opener, listing_of
from tivit.datasets.index import FileIndex
from tivit.datasets.params import DataParams
from tivit.datasets.places import visible_files

OWN_FOLDER = Path("data/own")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".avi", ".webm")
MIDI_SUFFIXES = (".mid", ".midi")
TABLE_NAME = "clips.csv"
COLUMNS = ("stem", "offset_s")
IGNORED, TABLES = ("README.md",), (TABLE_NAME, "registration.csv")
MAX_OFFSET_S = 600.0
"""Larger offsets, of more than ten minutes, are taken for mistakes."""


@dataclass(frozen=True)
class Own(NothingKnown):
    """Layout of the folder of own clips.

    Attributes
    ----------
    offsets_s : mapping of str to float
        Stem of a clip -> seconds added to the times of its MIDI file; 0 for a clip that is not named.
    """

    offsets_s: Mapping[str, float]
    folder = OWN_FOLDER.name

    def clips(self, paths: list[str], opened: Opener, params: DataParams) -> Listing:
        """Return a clip for every video, as `Layout.clips` says.

        Returns
        -------
        Listing
            Clips `own/<stem>` of the train split and of tier `own`; none is left out.

        Raises
        ------
        InputError
            A video lacks its MIDI file or a MIDI file its video, or two files of a kind share a stem.
        """
        del opened, params
        clips = [DatasetClip(f"own/{stem}", "train", OWN_TIER, *files) for stem, files in _pairs(paths).items()]
        return listing_of(clips, "folders", True, {})

    def notes(self, clip: DatasetClip, opened: Opener, params: DataParams) -> Notes:
        """Return the notes of a clip's MIDI file, as `Layout.notes` says.

        Returns
        -------
        Notes
            On the video's clock. They end when keys are released; the staff is unknown, and hands are known only where tracks
            are named after them.

        Raises
        ------
        InputError
            `read_midi` refuses the file.
        """
        del params
        notes = read_midi(opened(clip.label))
        offset_s = self.offsets_s.get(PurePosixPath(clip.label).stem, 0.0)
        return notes.moved(offset_s)


def read_own() -> tuple[Own, FileIndex] | None:
    """Return the layout and the index of `data/own` as it is now.

    Returns
    -------
    tuple of Own and FileIndex, or None
        None when the folder holds no clip or does not exist.

    Raises
    ------
    InputError
        A file in it is of no known kind or lies in a folder below it, a link leads nowhere, or `Own.clips` or `read_offsets`
        refuse it.
    """
    for path in sorted(OWN_FOLDER.glob("*")):
        if path.is_symlink() and not path.exists():
            raise InputError(f"{path}: is a link to {os.readlink(path)}, which is not there; mend or remove it")
    files = [path.relative_to(OWN_FOLDER).as_posix() for path in visible_files(OWN_FOLDER)]
    files = [name for name in files if name not in IGNORED]
    for name in files:
        if name not in TABLES and PurePosixPath(name).suffix.lower() not in VIDEO_SUFFIXES + MIDI_SUFFIXES:
            allowed = ", ".join(VIDEO_SUFFIXES + MIDI_SUFFIXES + TABLES)
            raise InputError(f"{OWN_FOLDER / name}: is neither a video, a MIDI file nor a known table; allowed: {allowed}")
        if "/" in name:
            raise InputError(f"{OWN_FOLDER / name}: lies in a folder; clips lie in {OWN_FOLDER} itself")
    stems = set(_by_stem(files, VIDEO_SUFFIXES))
    layout = Own(read_offsets(OWN_FOLDER / TABLE_NAME, stems) if TABLE_NAME in files else {})
    if not _pairs(files):
        return None
    sizes = {name: (OWN_FOLDER / name).stat().st_size for name in files}
    return layout, FileIndex(layout.folder, {name: (size, md5_of(OWN_FOLDER / name)) for name, size in sizes.items()})


def read_offsets(path: Path, stems: set[str]) -> dict[str, float]:
    """Return the offsets in a `clips.csv`.

    Parameters
    ----------
    path : Path
        The table, with the columns stem and offset_s.
    stems : set of str
        The stems that it may name.

    Returns
    -------
    dict of str to float
        Stem -> seconds to add to the times of its MIDI file, -600..600.

    Raises
    ------
    InputError
        The table is malformed, names an unknown stem or one stem twice, or an offset is not a number in the range; the message
        names file, line and value.
    """
    result: dict[str, float] = {}
    for number, (stem, cell) in enumerate(read_csv(path, COLUMNS), start=2):
        where = f"{path}, line {number}"
        if stem not in stems:
            raise InputError(f"{where}: {stem!r} is not the stem of a video in {path.parent}{nearest(stem, sorted(stems))}")
        if stem in result:
            raise InputError(f"{where}: {stem!r} stands in it twice")
        try:
            result[stem] = float(cell)
        except ValueError:
            raise InputError(f"{where}: offset_s {cell!r} is not a number (seconds)") from None
        check_range(f"{where}: offset_s", result[stem], -MAX_OFFSET_S, MAX_OFFSET_S)
    return result


def _pairs(paths: list[str]) -> dict[str, tuple[str, str]]:
    """Return stem -> (video, MIDI file), stems in order; raise InputError where one of the two is missing."""
    videos, labels = _by_stem(paths, VIDEO_SUFFIXES), _by_stem(paths, MIDI_SUFFIXES)
    for stem in sorted(set(videos) ^ set(labels)):
        files, other = (videos, f"MIDI file {stem}.mid") if stem in videos else (labels, f"video {stem}.mp4")
        raise InputError(f"{OWN_FOLDER / files[stem]}: has no {other} beside it; a clip is both, of the same stem")
    return {stem: (videos[stem], labels[stem]) for stem in sorted(videos)}


def _by_stem(paths: list[str], suffixes: tuple[str, ...]) -> dict[str, str]:
    """Return stem -> path of the files with one of `suffixes`, in any case."""
    result: dict[str, str] = {}
    for path in map(PurePosixPath, paths):
        if path.suffix.lower() not in suffixes:
            continue
        if path.stem in result:
            raise InputError(f"{OWN_FOLDER / path}: has the stem of {result[path.stem]}; give each clip its own")
        result[path.stem] = path.as_posix()
    return result
