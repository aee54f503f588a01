"""The logits file: what a model says of a split, in one npz from which everything downstream can be redone.

Arrays: `clip_id` (C,) text, `start` and `length` (C,) rows of each clip, `fps` and `start_s` (C,) its time grid, and one
float16 array (sum of lengths, 88) per head; `hand`, `clef` and `velocity` may be missing. Raw logits carry no prior and no
calibration; `decode` writes the same layout. The file of a forward pass that was cut short is partial: its array `missing`
(text) holds the ids of the clips of the split that are not in it.
What made the logits stands in the array `settings`, one JSON text of the params sections concerned: `logits`, and `decode` once
they are rescored. A file without this array does not say what made it.
Keys that the picture does not show are silent: their event heads hold `SILENT_LOGIT` throughout.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np

from tivit.core.arrays import Pieces, read_npz, write_npz
from tivit.core.artifacts import json_text
from tivit.core.disk_rows import DiskRows, Scratch
from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS, HEAD_NAMES
from tivit.core.keyboard import KEY_COUNT
from tivit.core.timegrid import TimeGrid

LAYOUT = {
    "clip_id": ("U", "text"),
    "start": ("iu", "whole numbers"),
    "length": ("iu", "whole numbers"),
    "fps": ("fiu", "numbers"),
    "start_s": ("fiu", "numbers"),
}
"""Arrays with one value per clip: the kinds of types that are allowed, as numpy's letters and in words."""
MISSING, SETTINGS = "missing", "settings"
Settings = Mapping[str, Mapping[str, Any]]
"""Section of the params -> key -> value, as JSON has them."""
Item = TypeVar("Item")
LOGIT_LIMIT = 60_000.0
"""Logits are clipped to +-60,000 on writing, because float16 ends at 65,504."""
PART_ROWS = 4096
"""Rows of a head that are checked at a time."""
SILENT_LOGIT = -30.0
"""Logit of the event heads where a key is out of view: a probability of 1e-13, exact in float16. No threshold, temperature or
prior in use brings it back, and among summed probabilities (the key of the music) it counts as a key that is never played."""


@dataclass(frozen=True)
class ClipLogits:
    """Logits of one clip.

    Attributes
    ----------
    clip_id : str
        The id of the clip in the manifest.
    grid : TimeGrid
        The instants of the T = grid.length rows.
    heads : mapping of str to ndarray, shape (T, 88)
        Name of a head -> logits, one column per key.
    """

    clip_id: str
    grid: TimeGrid
    heads: Mapping[str, np.ndarray]


class StoredHeads(Mapping[str, np.ndarray]):
    """Heads of one clip as a file stores them: an array comes into memory, as float32 (T, 88), each time it is asked for.

    Parameters
    ----------
    rows : mapping of str to ndarray or DiskRows, shape (N, 88)
        Name of a head -> the rows of this clip, and perhaps others.
    part : slice
        The rows of this clip.
    """

    def __init__(self, rows: Mapping[str, np.ndarray | DiskRows], part: slice) -> None:
        self._rows, self._part = rows, part

    def __getitem__(self, name: str) -> np.ndarray:
        return self._rows[name][self._part].astype(np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True)
class SplitClips(Sequence[Item], Generic[Item]):
    """The clips of one split, as a sequence.

    Attributes
    ----------
    clips : tuple
        The clips that are there.
    missing : tuple of str
        The ids of the other clips of the split, which a bounded forward pass left out.
    settings : mapping
        What the logits were made under; {} when their file does not say.
    """

    clips: tuple[Item, ...]
    missing: tuple[str, ...]
    settings: Settings = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """True when the split has more clips than these."""
        return bool(self.missing)

    def __len__(self) -> int:
        return len(self.clips)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        return self.clips[index]


def silenced(heads: Mapping[str, np.ndarray], in_view: np.ndarray) -> dict[str, np.ndarray]:
    """Return heads in which the keys that the picture does not show are silent.

    Parameters
    ----------
    heads : mapping of str to ndarray, shape (T, 88)
        Name of a head -> logits.
    in_view : ndarray of bool, shape (88,)
        The keys that the picture shows.

    Returns
    -------
    dict of str to ndarray, shape (T, 88)
        The same heads; the event heads hold `SILENT_LOGIT` in the columns of keys out of view.
    """
    silent = np.float32(SILENT_LOGIT)
    return {name: np.where(in_view, rows, silent) if name in EVENT_HEADS else rows for name, rows in heads.items()}


def stored(heads: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return heads as a file stores them, in half of the memory.

    Parameters
    ----------
    heads : mapping of str to ndarray, shape (T, 88)
        Name of a head -> logits.

    Returns
    -------
    dict of str to ndarray of float16, shape (T, 88)
        The same heads, within -`LOGIT_LIMIT` .. `LOGIT_LIMIT`.
    """
    return {name: _stored(rows) for name, rows in heads.items()}


def kept(clip: ClipLogits, scratch: Scratch) -> ClipLogits:
    """Return a clip whose logits lie on disk.

    Parameters
    ----------
    clip : ClipLogits
        The clip.
    scratch : Scratch
        What takes them.

    Returns
    -------
    ClipLogits
        The same clip, its logits rounded to what a logits file stores.
    """
    rows = {name: scratch.keep(_stored(clip.heads[name])) for name in clip.heads}
    return ClipLogits(clip.clip_id, clip.grid, StoredHeads(rows, slice(None)))


def _stored(rows: np.ndarray) -> np.ndarray:
    return np.clip(np.asarray(rows, np.float32), -LOGIT_LIMIT, LOGIT_LIMIT).astype(np.float16)


def write_logits(
    path: Path | str, clips: Sequence[ClipLogits], missing: Sequence[str] = (), settings: Settings | None = None
) -> None:
    """Write the logits of a split to an npz, heads as float16; one head of one clip is in memory at a time.

    Parameters
    ----------
    path : path-like
        The file to write.
    clips : sequence of ClipLogits
        The clips, in the order in which they are written; all have the heads of the first.
    missing : sequence of str
        The ids of the clips of the split that are left out.
    settings : mapping, optional
        What the logits were made under, section -> key -> value. With None or {} the file does not say.
    """
    lengths = np.array([clip.grid.length for clip in clips], np.int64)  # (C,)
    arrays: dict[str, np.ndarray | Pieces] = {
        "clip_id": np.array([clip.clip_id for clip in clips], dtype=np.str_),
        "start": np.cumsum(lengths) - lengths,
        "length": lengths,
        "fps": np.array([clip.grid.fps for clip in clips], np.float64),
        "start_s": np.array([clip.grid.start_s for clip in clips], np.float64),
    }
    for head in clips[0].heads if clips else ():
        arrays[head] = Pieces((int(lengths.sum()), KEY_COUNT), np.dtype(np.float16), _rows_of(head, clips))
    if missing:
        arrays[MISSING] = np.array(missing, dtype=np.str_)
    if settings:
        arrays[SETTINGS] = np.array([json_text(settings)], dtype=np.str_)
    write_npz(path, arrays)


def _rows_of(head: str, clips: Sequence[ClipLogits]) -> Iterator[np.ndarray]:
    return (_stored(clip.heads[head]) for clip in clips)


def read_logits(path: Path | str) -> SplitClips[ClipLogits]:
    """Return the clips of a logits file, with the ids of those that are missing and the settings.

    The heads stay in the file, which is kept open, and are read when they are asked for.

    Parameters
    ----------
    path : path-like
        A file written by `write_logits`.

    Returns
    -------
    SplitClips of ClipLogits
        The clips in the order of the file, heads as float32 (T, 88).

    Raises
    ------
    InputError
        The file or an array is missing, an array has a wrong shape or type or holds NaN, or the rows do not add up. The message
        names the file and the array.
    """
    arrays = read_npz(path, on_disk=HEAD_NAMES)
    for name in (*LAYOUT, *EVENT_HEADS):
        if name not in arrays:
            raise InputError(f"{path}: array {name!r} is missing; a logits file has {', '.join((*LAYOUT, *EVENT_HEADS))}")
    small = {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}
    grids = _grids(path, small)
    total = sum(grid.length for grid in grids)
    heads = {name: arrays[name] for name in HEAD_NAMES if name in arrays}
    for name, rows in heads.items():
        if rows.shape != (total, KEY_COUNT) or rows.dtype.kind != "f":
            raise InputError(f"{path}: array {name!r} is {rows.dtype} {rows.shape}, expected float ({total}, {KEY_COUNT})")
        if not all(_is_finite(rows[first : first + PART_ROWS]) for first in range(0, total, PART_ROWS)):
            raise InputError(f"{path}: array {name!r} holds NaN or infinite values")
    clips = tuple(
        ClipLogits(str(clip_id), grid, StoredHeads(heads, slice(start, start + grid.length)))
        for clip_id, grid, start in zip(small["clip_id"], grids, small["start"].tolist(), strict=True)
    )
    return SplitClips(clips, _missing(path, small), _settings(path, small))


def _is_finite(rows: np.ndarray) -> bool:
    """Return whether values are finite as float32, which a float64 beyond its range is not."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(rows.astype(np.float32)).all())


def _grids(path: Path | str, arrays: dict[str, np.ndarray]) -> list[TimeGrid]:
    """Return the time grid of each clip, once all arrays of `LAYOUT` are checked."""
    count = arrays["clip_id"].size
    for name, (kinds, words) in LAYOUT.items():
        array = arrays[name]
        if array.dtype.kind not in kinds:
            raise InputError(f"{path}: array {name!r} is {array.dtype}, expected {words}")
        if array.shape != (count,):
            raise InputError(f"{path}: array {name!r} has shape {array.shape}, expected ({count},)")
    ids, lengths = arrays["clip_id"].tolist(), arrays["length"].astype(np.int64)
    if len(set(ids)) < count:
        twice = next(clip_id for clip_id in ids if ids.count(clip_id) > 1)
        raise InputError(f"{path}: array 'clip_id' holds {twice!r} twice")
    if (lengths < 0).any() or not np.array_equal(arrays["start"], np.cumsum(lengths) - lengths):
        raise InputError(f"{path}: array 'start' does not follow from 'length'")
    fps, start_s = (arrays[name].astype(np.float64).tolist() for name in ("fps", "start_s"))
    if not np.isfinite(start_s).all():
        raise InputError(f"{path}: array 'start_s' holds NaN or infinite values")
    try:
        return [TimeGrid(*of_clip) for of_clip in zip(fps, start_s, lengths.tolist(), strict=True)]
    except InputError as error:
        raise InputError(f"{path}: array 'fps': {error}") from None


def _missing(path: Path | str, arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    """Return the ids in array `missing` (none without it), checked to be text and not among the clips of the file."""
    if MISSING not in arrays:
        return ()
    ids = arrays[MISSING]
    if ids.ndim != 1 or ids.dtype.kind != "U":
        raise InputError(f"{path}: array {MISSING!r} is {ids.dtype} {ids.shape}, expected clip ids as text")
    if both := sorted(set(ids.tolist()) & set(arrays["clip_id"].tolist())):
        raise InputError(f"{path}: array {MISSING!r} names clip {both[0]!r}, which is in the file")
    return tuple(ids.tolist())


def _settings(path: Path | str, arrays: dict[str, np.ndarray]) -> Settings:
    """Return what array `settings` says ({} without it), checked to be one JSON mapping of mappings."""
    if SETTINGS not in arrays:
        return {}
    array = arrays[SETTINGS]
    if array.shape != (1,) or array.dtype.kind != "U":
        raise InputError(f"{path}: array {SETTINGS!r} is {array.dtype} {array.shape}, expected one text")
    try:
        settings = json.loads(str(array[0]))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: array {SETTINGS!r} is not JSON ({error})") from None
    if not isinstance(settings, dict) or not all(isinstance(values, dict) for values in settings.values()):
        raise InputError(f"{path}: array {SETTINGS!r} is not a mapping of params sections; run the logits and decode stages")
    return settings
