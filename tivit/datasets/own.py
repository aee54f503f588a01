"""The user's own labelled clips: videos in `data/own`, each with a MIDI file of the same stem; they join any train split.

Optional tables: `registration.csv` (see `tivit.registration.overrides`) and `clips.csv` with the columns stem,offset_s, seconds
added to the times of the MIDI file to get those of the video's clock. The folder is private and small, so it has no committed
index: it is read when it is opened, and DVC watches it as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tivit.core.artifacts import md5_of, read_csv
from tivit.core.errors import InputError
from tivit.core.manifest import OWN_TIER
from tivit.core.notes import Notes, read_midi
from tivit.core.params import check_range, nearest
from tivit.datasets.base import DatasetClip, Listing, NothingKnown, Opener, listing_of
from tivit.datasets.index import FileIndex, visible_files
from tivit.datasets.params import DataParams

OWN_FOLDER = Path("data/own")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".avi", ".webm")
MIDI_SUFFIXES = (".mid", ".midi")
TABLE_NAME = "clips.csv"
COLUMNS = ("stem", "offset_s")
IGNORED, TABLES = ("README.md",), (TABLE_NAME, "registration.csv")
MAX_OFFSET_S = 600.0


@dataclass(frozen=True)
class Own(NothingKnown):
    """Layout of the folder; `offsets_s`: clip stem -> seconds added to the times of its MIDI file, 0 where not named."""

    offsets_s: Mapping[str, float]
    folder = OWN_FOLDER.name

    def clips(self, paths: list[str], opened: Opener, params: DataParams) -> Listing:
        """Return a clip `own/<stem>` of the train split and tier `own` for every video.

        Raises
        ------
        InputError
            A file is of no known kind, a video or MIDI file lacks the other, or two of a kind share a stem.
        """
        del opened, params
        clips = [DatasetClip(f"own/{stem}", "train", OWN_TIER, *files) for stem, files in _pairs(paths).items()]
        return listing_of(clips, "folders", True, {})

    def notes(self, clip: DatasetClip, opened: Opener, params: DataParams) -> Notes:
        """Return the MIDI file's notes on the video's clock; no staff, and hands only from tracks named after them."""
        del params
        notes = read_midi(opened(clip.label))
        offset_s = self.offsets_s.get(PurePosixPath(clip.label).stem, 0.0)
        return notes.moved(offset_s)


def read_own() -> tuple[Own, FileIndex] | None:
    """Return the layout and the index of `data/own` as it is now; None when no clip is in it.

    Raises
    ------
    InputError
        A file in it cannot be used, as `Own.clips` and `read_offsets` say.
    """
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
    """Return stem -> offset_s (s) from a `clips.csv`; raise InputError naming file, line and value of bad content."""
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
