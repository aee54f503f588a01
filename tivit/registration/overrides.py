"""What is known of each clip's keyboard beforehand, from three places, merged field by field.

`registration.overrides` and `registration.first_key` of params.yaml go before `registration.csv` in the folder of the dataset,
and that before the corners in the dataset's own metadata. The table has one line per clip and may have empty cells:

    clip_id,first_key,orientation,x0,y0,x1,y1,x2,y2,x3,y3

`first_key` is a name or a MIDI number; x0, y0 to x3, y3 are the corners of the white-key area (top left, top right, bottom
right, bottom left; image px), all or none. Like every file of a dataset it is read only as it was indexed. `data/own` may have
a table of its own, for the own clips.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from tivit.core.artifacts import read_csv
from tivit.core.errors import InputError
from tivit.core.keyboard import midi_of_name
from tivit.core.params import nearest
from tivit.datasets.base import DatasetClip
from tivit.datasets.registry import Dataset
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.video.reader import probe

log = logging.getLogger(__name__)

TABLE_NAME = "registration.csv"
CORNER_COLUMNS = tuple(f"{axis}{corner}" for corner in range(4) for axis in "xy")
COLUMNS = ("clip_id", "first_key", "orientation", *CORNER_COLUMNS)


def overrides_of(dataset: Dataset, clips: Sequence[DatasetClip], params: RegistrationParams) -> dict[str, Override]:
    """Return what is known of each clip.

    Parameters
    ----------
    dataset : Dataset
    clips : sequence of DatasetClip
        Clips of it.
    params : RegistrationParams

    Returns
    -------
    dict of str to Override
        Clip id -> override, for every one of `clips`.

    Raises
    ------
    InputError
        Params or table name a clip that the dataset does not have, or the table or the dataset's corners cannot be used.
    """
    ids = dataset.clip_ids()
    for clip_id in params.overrides:
        if clip_id not in ids:
            raise InputError(f"params: registration.overrides: {_no_clip(clip_id, ids)}")
    table: dict[str, Override] = {}
    for part in dataset.parts:
        path = part.file(TABLE_NAME)
        table |= {} if path is None else read_table(path, part.clip_ids())
    result = {}
    for clip in clips:
        stated = params.overrides.get(clip.clip_id, NOTHING_KNOWN).over(Override(first_key=params.first_key))
        result[clip.clip_id] = stated.over(table.get(clip.clip_id, NOTHING_KNOWN)).over(_metadata(dataset, clip))
    return result


def read_table(path: Path | str, clip_ids: Collection[str]) -> dict[str, Override]:
    """Return what a `registration.csv` says.

    Parameters
    ----------
    path : Path or str
        The table.
    clip_ids : collection of str
        The clips it may name.

    Returns
    -------
    dict of str to Override
        Clip id -> override, for the clips that are in the table.

    Raises
    ------
    InputError
        The table is missing or has another header, or a line has an unknown clip, a clip named before, or a value that cannot
        be used; the message names the file, and the line and column where there is one.
    """
    result: dict[str, Override] = {}
    for number, row in enumerate(read_csv(path, COLUMNS), start=2):
        cells = {name: cell.strip() for name, cell in zip(COLUMNS, row, strict=True)}
        clip_id, line = cells["clip_id"], f"{path}, line {number}"
        if clip_id not in clip_ids:
            raise InputError(f"{line}, column clip_id: {_no_clip(clip_id, clip_ids)}")
        if clip_id in result:
            raise InputError(f"{line}, column clip_id: {clip_id!r} stands in it twice")
        corners = _corners(cells, line)
        try:
            first_key = midi_of_name(cells["first_key"]) if cells["first_key"] else None
        except InputError as error:
            raise InputError(f"{line}, column first_key: {error}") from None
        try:
            result[clip_id] = Override(corners, first_key, cells["orientation"] or None)
        except InputError as error:
            raise InputError(f"{line}, column {error}") from None
    return result


def _corners(cells: dict[str, str], line: str) -> tuple[tuple[float, float], ...] | None:
    """Return the four corners of a line of the table, None where it has none."""
    if not any(cells[name] for name in CORNER_COLUMNS):
        return None
    values = []
    for name in CORNER_COLUMNS:
        if not cells[name]:
            raise InputError(f"{line}, column {name}: is empty; corners are all of x0 to y3, or none")
        try:
            values.append(float(cells[name]))
        except ValueError:
            raise InputError(f"{line}, column {name}: {cells[name]!r} is not a number") from None
    return tuple(zip(values[::2], values[1::2], strict=True))


def _metadata(dataset: Dataset, clip: DatasetClip) -> Override:
    """Return what the dataset itself says, in px of the clip's video; nothing for a video that registration will refuse."""
    corners, box = dataset.corners(clip), dataset.search_box(clip)
    if corners is None and box is None:
        return NOTHING_KNOWN
    scale, picture_width_px = 1.0, dataset.picture_width_px(clip)
    if picture_width_px is not None:
        video = dataset.video_path(clip)
        try:
            scale = probe(video).width_px / picture_width_px
        except InputError as error:
            log.debug("%s; where the dataset says its keyboard is is not used", error)
            return NOTHING_KNOWN
    try:
        return Override(
            corners=None if corners is None else tuple(map(tuple, (scale * np.asarray(corners, float)).tolist())),
            region=None if box is None else tuple((scale * np.asarray(box, float)).tolist()),
        )
    except InputError as error:
        raise InputError(f"{dataset.index.name}, clip {clip.clip_id!r}: {error}") from None


def _no_clip(clip_id: str, clip_ids: Collection[str]) -> str:
    """Return the words for a clip that does not exist, with the nearest one that does."""
    return f"{clip_id!r} is not a clip of the dataset{nearest(clip_id, sorted(clip_ids))}"
