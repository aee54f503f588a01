"""PianoYT (Koepke et al., ICASSP 2020): videos of `video_<id>`, transcriptions `audio_<id>`, and a table of crops.

Videos and labels lie in split folders, or in one folder each with lists in `splits/`. The labels were transcribed from sound:
their offsets contain the pedal whatever `data.offsets` says. Ids are compared whole; `5` and `5.0` are one id.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.notes import Notes
from tivit.datasets.base import LOW_RES, NO_LABEL, NO_VIDEO, NOT_LISTED, DatasetClip, Listing, NothingKnown, Opener, listing_of
from tivit.datasets.midi import read_midi_label
from tivit.datasets.params import DataParams
from tivit.datasets.roots import FOLDERS
from tivit.datasets.splits import refuse_shared
from tivit.datasets.text import number, read_lines, read_stems

VIDEO_FOLDERS, LABEL_FOLDERS = ("videos", "raw_videos"), ("pianoyt_MIDI", "pseudo_midis")
VIDEO_SUFFIXES, LABEL_SUFFIXES = (".mp4", ".mkv", ".webm"), (".mid", ".midi")
TABLES = ("metadata.csv", "pianoyt.csv")
LOW_RES_LIST = "splits/excluded_low.txt"
COLUMNS = ("id", "url", "split", "min_y", "max_y", "min_x", "max_x")
ID_NAMES, BOX_NAMES = ("videoID", "id"), ("min_x", "min_y", "max_x", "max_y")
SPLIT_CODES = {"1": "train", "2": "val", "3": "test"}
MAX_PX = 16384.0
"""Crops beyond this (px), far beyond the size of any video, are refused as damage."""


@dataclass(frozen=True)
class TableRow:
    """A line of the table of crops.

    Attributes
    ----------
    line : int
        Number of the line, from 1 on.
    split : str
        The split that it names; "" where it names none.
    box : tuple of float
        The crop x0, y0, x1, y1 (px of the video).
    """

    line: int
    split: str
    box: tuple[float, float, float, float]


class PianoYT(NothingKnown):
    """Layout of the dataset."""

    folder = FOLDERS["PianoYT"]

    def clips(self, paths: list[str], opened: Opener, params: DataParams) -> Listing:
        """Return a clip for every id that has video and label, as `Layout.clips` says.

        Returns
        -------
        Listing
            Ids are `<split>/<id>`. Splits are those of the lists `splits/*.txt`, else those of the folders, else those of the
            table.

        Raises
        ------
        InputError
            No split is known, an id is in two splits or has two files of a kind, a list or the table is damaged, or the table
            contradicts the split of an id.
        """
        table_path = _table_path(paths)
        table = read_table(opened(table_path)) if table_path else {}
        videos, labels = _files(paths, VIDEO_FOLDERS, VIDEO_SUFFIXES), _files(paths, LABEL_FOLDERS, LABEL_SUFFIXES)
        lists = [split for split in SPLITS if f"splits/{split}.txt" in paths]
        if lists:
            pairs = [(split, key) for split in lists for key in _ids(opened(f"splits/{split}.txt"))]
            source = "splits/" + ", ".join(f"{split}.txt" for split in lists)
        else:
            pairs = sorted({(split, key) for split, key in (*videos, *labels) if split})
            source = "folders"
        if not pairs and table_path:
            pairs = sorted((row.split, key) for key, row in table.items() if row.split)
            source = table_path
        if not pairs:
            raise InputError(
                f"{self.folder}: has neither splits/train.txt nor the folders {', '.join(SPLITS)}; no split is known"
            )
        splits_of_id: dict[str, list[str]] = {}
        for split, key in pairs:
            splits_of_id.setdefault(key, []).append(split)
        refuse_shared(splits_of_id, f"{self.folder}: {source}: id")
        low = set(_ids(opened(LOW_RES_LIST))) if LOW_RES_LIST in paths and not params.clips.include_low_res else set()
        clips: list[DatasetClip] = []
        left_out: dict[str, list[str]] = {reason: [] for reason in (LOW_RES, NO_VIDEO, NO_LABEL, NOT_LISTED)}
        used = set()
        for split, key in pairs:
            _check_agreement(table_path, table.get(key), split, key)
            clip_id = f"{split}/{key}"
            video, label = (files.get((split, key)) or files.get(("", key)) for files in (videos, labels))
            used |= {video, label}
            reason = LOW_RES if key in low else NO_VIDEO if not video else NO_LABEL if not label else None
            if reason:
                left_out[reason].append(clip_id)
            else:
                clips.append(DatasetClip(clip_id, split, "", video, label, metadata=table_path))
        left_out[NOT_LISTED] = [path for path in (*videos.values(), *labels.values()) if path not in used]
        return listing_of(clips, source, any(split == "val" for split, _ in pairs), left_out)

    def notes(self, clip: DatasetClip, opened: Opener, params: DataParams) -> Notes:
        """Return the notes that were transcribed from sound, as `Layout.notes` says.

        Returns
        -------
        Notes
            Hand and staff are unknown.

        Raises
        ------
        InputError
            `read_midi` refuses the file.
        """
        return read_midi_label(opened(clip.label), params.offsets)

    def search_box(self, clip: DatasetClip, opened: Opener) -> tuple[float, float, float, float] | None:
        """Return the crop of the table, which holds keys and hands, as `Layout.search_box` says.

        Returns
        -------
        tuple of float or None
            x0, y0, x1, y1 (px of the video); None for a clip that the table does not have.

        Raises
        ------
        InputError
            The table is damaged.
        """
        row = read_table(opened(clip.metadata)).get(clip.clip_id.partition("/")[2]) if clip.metadata else None
        return None if row is None else row.box


def read_table(path: Path) -> dict[str, TableRow]:
    """Return the rows of the table of crops, which may have a header or none.

    Parameters
    ----------
    path : Path
        The table, comma separated.

    Returns
    -------
    dict of str to TableRow
        Id -> row, in the order of the file.

    Raises
    ------
    InputError
        A column is missing, a cell cannot be used, a crop has no area, or an id stands in the table twice. The message names
        file and line.
    """
    rows: dict[str, TableRow] = {}
    names: list[str] = []
    for line, text in enumerate(read_lines(path), start=1):
        where = f"{path}, line {line}"
        cells = _cells(where, text)
        if line == 1:
            names = cells if set(BOX_NAMES) & set(cells) else list(COLUMNS)
            missing = [name for name in BOX_NAMES if names.count(name) != 1]
            if missing or not set(ID_NAMES) & set(names):
                raise InputError(
                    f"{where}: the header is {cells}; it must name {' or '.join(ID_NAMES)}, {', '.join(BOX_NAMES)}"
                )
            if names is cells:
                continue
        if len(cells) != len(names):
            raise InputError(f"{where}: {len(cells)} columns, expected {len(names)} ({', '.join(names)})")
        row = dict(zip(names, cells, strict=True))  # name of a column -> cell
        key = _id(next(row[name] for name in ID_NAMES if name in row))
        if not key or key in rows:
            raise InputError(f"{where}: the id {key!r} {'stands in it twice' if key else 'is empty'}")
        split = SPLIT_CODES.get(row.get("split", "1"))
        if split is None:
            raise InputError(f"{where}: split {row['split']!r} is not one of {', '.join(SPLIT_CODES)}")
        x0, y0, x1, y1 = (number(where, name, row[name], 0.0, MAX_PX) for name in BOX_NAMES)
        if x1 <= x0 or y1 <= y0:
            raise InputError(f"{where}: the crop x {x0:g}..{x1:g}, y {y0:g}..{y1:g} has no area")
        rows[key] = TableRow(line, split if "split" in row else "", (x0, y0, x1, y1))
    return rows


def _cells(where: str, text: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([text], skipinitialspace=True, strict=True), [])]
    except csv.Error as error:
        raise InputError(f"{where}: not a line of comma separated cells ({error})") from None


def _check_agreement(path: str, row: TableRow | None, split: str, key: str) -> None:
    """Refuse a split that puts a published test recording elsewhere, or another one into test."""
    if row is not None and row.split and (row.split == "test") != (split == "test"):
        raise InputError(
            f"{path}, line {row.line}: the id {key!r} is of split {row.split}, but it lies or is listed in {split}"
        )


def _table_path(paths: list[str]) -> str:
    return next((name for name in TABLES if name in paths), "")


def _files(paths: Iterable[str], folders: tuple[str, ...], suffixes: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Return (split, or "" in a common folder; id) -> path of the files of one kind."""
    result: dict[tuple[str, str], str] = {}
    for path in map(PurePosixPath, paths):
        if path.suffix.lower() not in suffixes or len(path.parts) != 2 or path.parts[0] not in (*SPLITS, *folders):
            continue
        place = (path.parts[0] if path.parts[0] in SPLITS else "", _id(path.stem))
        if place in result:
            raise InputError(f"PianoYT: {path} and {result[place]} are of one id; keep one of them")
        result[place] = path.as_posix()
    return result


def _ids(path: Path) -> list[str]:
    """Return the ids in a list of ids or file stems; InputError where two lines mean one id."""
    ids = {_id(stem): line for stem, line in read_stems(path).items()}
    if len(ids) < len(read_stems(path)):
        raise InputError(f"{path}, line {max(ids.values())}: two of its lines mean one id")
    return list(ids)


def _id(text: str) -> str:
    """Return the id in a file's stem or a cell: whole, without `video_`, `audio_` and the `.0` of a table of numbers."""
    return text.strip().removeprefix("video_").removeprefix("audio_").removesuffix(".0")
