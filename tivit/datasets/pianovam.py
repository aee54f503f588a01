"""PianoVAM 1.0 to 1.2 (Kim et al., ISMIR 2025): `Video/<t>.mp4` with labels in `TSV`, `MIDI`, and from 1.2 on `Fingering`.

`<t>` is the record time and the id, whole. The newest of `metadata.json`, `metadata_v2.json` and `metadata_v1.json` says what
there is, in which split, and where the corners are. A note ends when the finger lifts (`key_offset`) or, on request, when the
pedal lets it go (`frame_offset`). Hands come from `Fingering` alone here; from `Handskeleton` see `tivit.datasets.skeleton`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.core.notes import Notes
from tivit.datasets.base import (
    NO_LABEL,
    NO_VIDEO,
    NOT_ASKED,
    NOT_LISTED,
    DatasetClip,
    Listing,
    NothingKnown,
    Opener,
    listing_of,
)
from tivit.datasets.midi import read_midi_label
from tivit.datasets.params import DataParams
from tivit.datasets.roots import FOLDERS
from tivit.datasets.rows import MAX_TIME_S, NoteRow, cut_at_restrikes, note_row, notes_of_rows
from tivit.datasets.text import line_of_key, number, read_lines, read_records

METADATA = ("metadata.json", "metadata_v2.json", "metadata_v1.json")
"""The files of metadata that a release may have, the newest first."""
LABELS = ("TSV/{}.tsv", "Fingering/{}.tsv", "MIDI/{}.mid")
"""Where a recording's notes are looked for, in this order."""
VIDEO, HANDS, SKELETON = "Video/{}.mp4", "Fingering/{}.tsv", "Handskeleton/{}.json"
SPLIT_OF = {
    "train": ("train", ""), "valid": ("val", ""), "test": ("test", ""), "ext-train": ("train", ""),
    "special(blurry)": ("test", "blurry"), "special(4hands)": ("test", "four_hands"),
}  # fmt: skip
"""Published split -> split here, and tier."""
RECORD_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
POINTS = ("Point_LT", "Point_RT", "Point_RB", "Point_LB")
COLUMNS = ("onset", "key_offset", "frame_offset", "note", "velocity")
HAND_COLUMN = "hand"
OFFSET_COLUMN = {"key": "key_offset", "pedal": "frame_offset"}
HAND_OF = {"L": LEFT_HAND, "R": RIGHT_HAND, "Noinfo": UNKNOWN}
SAME_NOTE_S = 0.002
"""A row of Fingering and a row of TSV are of one note if they have one key and their onsets differ by no more than this."""
FRAME_PX = 1920.0
"""Corners are given in pictures of this width (16:9)."""


@dataclass(frozen=True)
class Record:
    """One recording of the metadata.

    Attributes
    ----------
    split : str
        The published split.
    corners : tuple of four points, or None
        x and y (px of a picture 1920 wide) of the corners LT, RT, RB and LB; None where it has none.
    """

    split: str
    corners: tuple[tuple[float, float], ...] | None


class PianoVAM(NothingKnown):
    """Layout of the dataset."""

    folder = FOLDERS["PianoVAM"]
    picture_width_px = FRAME_PX

    def clips(self, paths: list[str], opened: Opener, params: DataParams) -> Listing:
        """Return a clip for every recording of the metadata that can be used, as `Layout.clips` says.

        Returns
        -------
        Listing
            Ids are `<split>/<record time>`. Recordings without video or label, and those of splits that are not asked for, are
            left out, as are videos that the metadata does not list.

        Raises
        ------
        InputError
            There is no metadata, or it is damaged.
        """
        names = set(paths)
        source = next((name for name in METADATA if name in names), None)
        if source is None:
            raise InputError(f"{self.folder}: has none of {', '.join(METADATA)}; no split is known")
        wanted = {"train", "valid", "test", *params.clips.extra_splits}
        records = read_metadata(opened(source))
        clips: list[DatasetClip] = []
        left_out: dict[str, list[str]] = {reason: [] for reason in (NOT_ASKED, NO_VIDEO, NO_LABEL, NOT_LISTED)}
        for time, record in records.items():
            split, tier = SPLIT_OF[record.split]
            clip_id, video = f"{split}/{time}", VIDEO.format(time)
            label = next((path.format(time) for path in LABELS if path.format(time) in names), None)
            reason = None
            if record.split not in wanted:
                reason = NOT_ASKED
            elif video not in names:
                reason = NO_VIDEO
            elif label is None:
                reason = NO_LABEL
            if reason:
                left_out[reason].append(clip_id)
                continue
            hands, skeleton = (path if path in names else "" for path in (HANDS.format(time), SKELETON.format(time)))
            clips.append(DatasetClip(clip_id, split, tier, video, label, hands, skeleton, source))
        listed = {VIDEO.format(time) for time in records}
        left_out[NOT_LISTED] = [path for path in paths if path.startswith("Video/") and path not in listed]
        return listing_of(clips, source, True, left_out)

    def notes(self, clip: DatasetClip, opened: Opener, params: DataParams) -> Notes:
        """Return the notes of a clip, as `Layout.notes` says.

        Returns
        -------
        Notes
            They end when the key is released or the pedal lets them go, as `data.offsets` says. Hands are those of Fingering,
            where the recording has it; the staff is unknown.

        Raises
        ------
        InputError
            A file of labels is damaged, or Fingering and TSV are not of one recording.
        """
        path = opened(clip.label)
        if path.suffix == ".mid":
            return read_midi_label(path, params.offsets)
        columns = (*COLUMNS, HAND_COLUMN) if clip.hands == clip.label else COLUMNS
        rows = read_tsv(path, OFFSET_COLUMN[params.offsets], columns)
        if clip.hands and clip.hands != clip.label:
            hands_path = opened(clip.hands)
            rows = with_hands(rows, hands_path, read_tsv(hands_path, OFFSET_COLUMN["key"], (*COLUMNS, HAND_COLUMN)))
        return notes_of_rows(path, cut_at_restrikes(rows) if params.offsets == "pedal" else rows)

    def corners(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return the corners that the metadata gives, as `Layout.corners` says.

        Returns
        -------
        ndarray of float, shape (4, 2), or None
            x and y in px of a picture 1920 wide, in the order LT, RT, RB, LB; None for a recording without corners.

        Raises
        ------
        InputError
            The metadata is damaged, or no longer has the recording.
        """
        path = opened(clip.metadata)
        record = read_metadata(path).get(clip.clip_id.partition("/")[2])
        if record is None:
            raise InputError(f"{path}: {clip.clip_id!r} is no longer in it; run the register stage")
        return None if record.corners is None else np.array(record.corners)


def read_metadata(path: Path) -> dict[str, Record]:
    """Return the recordings of a metadata file.

    Parameters
    ----------
    path : Path
        The JSON file.

    Returns
    -------
    dict of str to Record
        Record time -> record, in the order of the file.

    Raises
    ------
    InputError
        The file is damaged, a record lacks a record time or a known split, a recording stands in it twice, or corners are no
        points. The message names file, line and record.
    """
    value = read_records(path)
    if not isinstance(value, dict) or not value:
        raise InputError(f"{path}, line 1: expected a mapping of recordings, found {type(value).__name__}")
    text = path.read_text(encoding="utf-8-sig")
    records: dict[str, Record] = {}
    for key, item in value.items():
        where = f"{path}, line {line_of_key(text, key)}, record {key!r}"
        if not isinstance(item, dict):
            raise InputError(f"{where}: expected a mapping, found {item!r:.60}")
        time, split = item.get("record_time"), item.get("split")
        if not isinstance(time, str) or not RECORD_TIME.fullmatch(time):
            raise InputError(f"{where}: record_time {time!r:.60} is not a time such as '2024-02-14_19-10-09'")
        if not isinstance(split, str) or split not in SPLIT_OF:
            raise InputError(f"{where}: split {split!r:.60} is not one of {', '.join(SPLIT_OF)}")
        if time in records:
            raise InputError(f"{where}: the recording {time} stands twice in it, as {records[time].split} and as {split}")
        records[time] = Record(split, _corners(where, item))
    return records


def read_tsv(path: Path, offset_column: str, needed: Sequence[str] = COLUMNS) -> list[NoteRow]:
    """Return the rows of a TSV or Fingering file, with hands where it has a column of them.

    The first line names the columns, and columns are found by name. In TSV this line begins with `#`.

    Parameters
    ----------
    path : Path
        The file.
    offset_column : str
        The column that says when notes end, "key_offset" or "frame_offset".
    needed : sequence of str
        Columns that must be there, each once.

    Returns
    -------
    list of NoteRow
        One row per line, in the order of the file.

    Raises
    ------
    InputError
        A column is missing, a line has another number of cells, or a cell cannot be used. The message names file and line.
    """
    lines = read_lines(path)
    names = [name.strip() for name in lines[0].removeprefix("#").split("\t")] if lines else []
    for name in needed:
        if names.count(name) != 1:
            raise InputError(
                f"{path}, line 1: {names.count(name)} columns are named {name!r}, expected one; named: {names!r:.120}"
            )
    rows = []
    for line, text in enumerate(lines[1:], start=2):
        cells = text.split("\t")
        if len(cells) != len(names):
            raise InputError(f"{path}, line {line}: {len(cells)} columns separated by tabs, expected {len(names)}")
        cell = {name: item.strip() for name, item in zip(names, cells, strict=True)}
        for name in ("key_offset", "frame_offset"):
            number(f"{path}, line {line}", name, cell[name], 0.0, MAX_TIME_S)
        hand = cell.get(HAND_COLUMN, "Noinfo")
        if hand not in HAND_OF:
            raise InputError(f"{path}, line {line}: hand {hand!r:.40} is not one of {', '.join(HAND_OF)}")
        row = note_row(path, line, cell["onset"], cell[offset_column], cell["note"], cell["velocity"])
        rows.append(replace(row, hand=HAND_OF[hand]))
    return rows


def with_hands(rows: Sequence[NoteRow], path: Path, hands: Sequence[NoteRow]) -> list[NoteRow]:
    """Return the rows of a TSV file with the hands that the rows of Fingering say.

    Parameters
    ----------
    rows : sequence of NoteRow
        The rows of TSV.
    path : Path
        The Fingering file, for messages.
    hands : sequence of NoteRow
        The rows of Fingering. Each is of the note that has its key and, within 2 ms, its onset.

    Returns
    -------
    list of NoteRow
        The rows of TSV in their order; the hand is unknown where Fingering has no row.

    Raises
    ------
    InputError
        A row of Fingering is of no note, which means that the two files are not of one recording, or two rows are of one note.
    """
    by_key: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        by_key.setdefault(row.midi, []).append(i)
    result, taken = list(rows), set()
    for hand in hands:
        near = min(by_key.get(hand.midi, ()), key=lambda i: abs(rows[i].onset_s - hand.onset_s), default=None)
        if near is None or abs(rows[near].onset_s - hand.onset_s) > SAME_NOTE_S:
            raise InputError(f"{path}, line {hand.line}: pitch {hand.midi} at {hand.onset_s:g} s is no note of the TSV file")
        if near in taken:
            raise InputError(f"{path}, line {hand.line}: pitch {hand.midi} at {hand.onset_s:g} s stands in it twice")
        taken.add(near)
        result[near] = replace(result[near], hand=hand.hand)
    return result


def _corners(where: str, item: dict[str, Any]) -> tuple[tuple[float, float], ...] | None:
    if not any(item.get(name) for name in POINTS):
        return None
    points = []
    for name in POINTS:
        cells = str(item.get(name)).split(",")
        if len(cells) != 2:
            raise InputError(f"{where}: {name} {item.get(name)!r:.60} is not a point such as '100, 200'")
        points.append(tuple(number(where, name, cell, -FRAME_PX, 2 * FRAME_PX) for cell in cells))
    return tuple(points)
