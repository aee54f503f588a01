"""The manifest: which clips take part, in which split, with which notes (`clips.csv`, `notes.csv`).

`left_out.csv` names the clips that are left out, with split and tier: those of val and test whose keyboard was not found, which
scores count as failures, and of train also those whose labels cannot be used.

No stage after the manifest looks into a dataset's folder for labels. Times are seconds of each clip's video clock.

Notes of train lie where the video shows them. Notes of val and test are the published labels, never moved: `lags.csv` says
where corrected labels would lie (at `correction_rate` times the published instant, plus `correction_s`), so that scores can be
reported on both.

A clip says which keys its picture shows. Notes of other keys stay in `notes.csv` and in every score, because the number that
the field reports counts them: they are missed. They are left out of the training loss, and the logits of their keys are silent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from tivit.core.artifacts import read_csv, write_csv
from tivit.core.choices import SPLITS
from tivit.core.correction import Correction
from tivit.core.errors import InputError
from tivit.core.heads import BASS_STAFF, LEFT_HAND, RIGHT_HAND, TREBLE_STAFF, UNKNOWN
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI, keys_between
from tivit.core.notes import Notes, empty_notes, make_notes

OWN_TIER = "own"
"""Tier of the user's own clips, which are all in the train split."""
CLIPS_NAME, NOTES_NAME, LAGS_NAME, LEFT_OUT_NAME = "clips.csv", "notes.csv", "lags.csv", "left_out.csv"
MOVED_SPLIT = "train"
"""The only split whose labels are moved to where the video shows them."""
LAG_COLUMNS = (
    "clip_id", "lag_s", "confidence", "notes", "drift", "drift_error", "residual_s", "residual_error_s", "correction_rate",
    "correction_s",
)  # fmt: skip
"""Columns of `lags.csv`; drift_error and residual are empty where a clip is too short for them."""
NOTE_COLUMNS = ("clip_id", "onset_s", "offset_s", "midi", "velocity", "hand", "staff")
KNOWN_RANGES = {
    "midi": (LOWEST_MIDI, HIGHEST_MIDI),
    "velocity": (1, 127),
    "hand": (LEFT_HAND, RIGHT_HAND),
    "staff": (BASS_STAFF, TREBLE_STAFF),
}
"""The lowest and the highest value of the columns of whole numbers; all but the first may be unknown."""
LEFT_OUT_COLUMNS = ("clip_id", "split", "tier")


@dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes
    ----------
    clip_id : str
        `<split>/<stem>`, and `own/<stem>` for the user's own clips.
    split : str
        train, val or test.
    tier : str
        plain, hard or shift (rendered clips), own, a named part of a split, or "" for other real data.
    video : str
        Path below the dataset's root; for own clips, below `data/own`.
    first_midi, last_midi : int
        MIDI numbers of the lowest and the highest key that is wholly in view.
    """

    clip_id: str
    split: str
    tier: str
    video: str
    first_midi: int
    last_midi: int

    @property
    def in_view(self) -> np.ndarray:
        """Which keys the picture shows, bool (88,)."""
        return keys_between(self.first_midi, self.last_midi)


@dataclass(frozen=True)
class Manifest:
    """The clips of a dataset and their notes.

    Attributes
    ----------
    clips : tuple of Clip
        The clips, in the order of `clips.csv`.
    notes : dict of str to Notes
        Clip id -> notes, for every clip.
    """

    clips: tuple[Clip, ...]
    notes: dict[str, Notes]

    def of_split(self, split: str) -> tuple[Clip, ...]:
        """Return the clips of one split.

        Parameters
        ----------
        split : str
            train, val or test.

        Returns
        -------
        tuple of Clip
            At least one clip, in the order of `clips`.

        Raises
        ------
        InputError
            There is no clip in this split.
        """
        members = tuple(clip for clip in self.clips if clip.split == split)
        if not members:
            raise InputError(f"the manifest has no clips in split {split!r}; it has {sorted({c.split for c in self.clips})}")
        return members


def write_manifest(folder: Path | str, manifest: Manifest) -> None:
    """Write `clips.csv` and `notes.csv` into a folder.

    Parameters
    ----------
    folder : path-like
        The folder of the manifest; it is made if need be.
    manifest : Manifest
        The clips and their notes; times are written with at most six decimals.
    """
    folder = Path(folder)
    rows = (
        (clip.clip_id, *(getattr(manifest.notes[clip.clip_id], name)[i] for name in NOTE_COLUMNS[1:]))
        for clip in manifest.clips
        for i in range(len(manifest.notes[clip.clip_id]))
    )
    write_csv(folder / NOTES_NAME, NOTE_COLUMNS, rows)
    write_csv(folder / CLIPS_NAME, [field.name for field in fields(Clip)], map(astuple, manifest.clips))


def read_manifest(folder: Path | str) -> Manifest:
    """Return the manifest in a folder.

    Parameters
    ----------
    folder : path-like
        A folder that holds `clips.csv` and `notes.csv`.

    Returns
    -------
    Manifest
        The clips in the order of the file; a clip without a line in `notes.csv` has no notes.

    Raises
    ------
    InputError
        A file is missing or damaged, a split is unknown, a clip stands in `clips.csv` twice, or notes belong to no clip.
    """
    folder = Path(folder)
    clips_path = folder / CLIPS_NAME
    rows = read_csv(clips_path, [field.name for field in fields(Clip)])
    clips = tuple(_clip(clips_path, number, row) for number, row in enumerate(rows, start=2))
    repeated = [clip_id for clip_id, count in Counter(clip.clip_id for clip in clips).items() if count > 1]
    if repeated:
        raise InputError(f"{clips_path}: clip {repeated[0]!r} stands in it twice")
    for clip in clips:
        if clip.split not in SPLITS:
            raise InputError(f"{clips_path}: clip {clip.clip_id!r} has split {clip.split!r}, allowed: {', '.join(SPLITS)}")
    notes = read_notes(folder / NOTES_NAME)
    unknown = sorted(set(notes) - {clip.clip_id for clip in clips})
    if unknown:
        raise InputError(f"{folder / NOTES_NAME}: clip {unknown[0]!r} is not in {CLIPS_NAME}")
    return Manifest(clips, {clip.clip_id: notes.get(clip.clip_id, empty_notes()) for clip in clips})


def read_corrections(folder: Path | str) -> dict[str, Correction]:
    """Return what leads from the published labels of each clip to where its video shows the notes.

    Parameters
    ----------
    folder : path-like
        The folder of a manifest, which holds `lags.csv`.

    Returns
    -------
    dict of str to Correction
        Clip id -> correction. A clip whose clock was not estimated is not among them.

    Raises
    ------
    InputError
        The file is missing or damaged, a correction is not of finite numbers, or a clip stands in it twice.
    """
    path = Path(folder) / LAGS_NAME
    corrections = {}
    for number, row in enumerate(read_csv(path, LAG_COLUMNS), start=2):
        if row[0] in corrections:
            raise InputError(f"{path}, line {number}: clip {row[0]!r} stands in it twice; run the manifest stage again")
        try:
            rate, shift_s = (float(cell) for cell in row[-2:])
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
        if not (math.isfinite(shift_s) and math.isfinite(rate) and rate > 0.0):
            raise InputError(
                f"{path}, line {number}: correction_rate and correction_s are {row[-2]} and {row[-1]}, expected a number "
                "above 0 and a finite number"
            )
        corrections[row[0]] = Correction(shift_s, rate)
    return corrections


def write_left_out(folder: Path | str, clips: Iterable[tuple[str, str, str]]) -> None:
    """Write `left_out.csv` into the folder of a manifest: the clips that cannot be used.

    Parameters
    ----------
    folder : path-like
        The folder of the manifest.
    clips : iterable of tuple
        Clip id, split and tier of each; without any the table is its header alone.
    """
    write_csv(Path(folder) / LEFT_OUT_NAME, LEFT_OUT_COLUMNS, clips)


def read_left_out_tiers(folder: Path | str, split: str) -> list[str]:
    """Return the tier of each clip of a split whose keyboard was not found.

    Parameters
    ----------
    folder : path-like
        The folder of a manifest, which holds `left_out.csv`.
    split : str
        train, val or test.

    Returns
    -------
    list of str
        One tier per clip, "" for a clip without a tier. The manifest may list no other clip of a tier.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    rows = read_csv(Path(folder) / LEFT_OUT_NAME, LEFT_OUT_COLUMNS)
    return [tier for _, its_split, tier in rows if its_split == split]


def _clip(path: Path, number: int, row: list[str]) -> Clip:
    try:
        first_midi, last_midi = int(row[4]), int(row[5])
    except ValueError as error:
        raise InputError(f"{path}, line {number}: {error}") from None
    if not LOWEST_MIDI <= first_midi <= last_midi <= HIGHEST_MIDI:
        raise InputError(f"{path}, line {number}: keys {first_midi} to {last_midi} are not in {LOWEST_MIDI}..{HIGHEST_MIDI}")
    clip_id, split, tier, video = row[:4]
    return Clip(clip_id, split, tier, video, first_midi, last_midi)


def read_notes(path: Path | str) -> dict[str, Notes]:
    """Return the notes of every clip in a `notes.csv`.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    dict of str to Notes
        Clip id -> notes, in seconds of the clip's video clock.

    Raises
    ------
    InputError
        The file is missing or damaged, a cell is not a number that its column allows, or `make_notes` refuses the notes of a
        clip.
    """
    columns_of: dict[str, list[list[float]]] = {}
    for number, row in enumerate(read_csv(path, NOTE_COLUMNS), start=2):
        try:
            times_s = [float(value) for value in row[1:3]]
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
        numbers = [_whole(f"{path}, line {number}", *item) for item in zip(NOTE_COLUMNS[3:], row[3:], strict=True)]
        columns_of.setdefault(row[0], []).append([*times_s, *numbers])
    result = {}
    for clip_id, rows in columns_of.items():
        table = np.array(rows)
        try:
            result[clip_id] = make_notes(table[:, 0], table[:, 1], *(table[:, i].astype(int) for i in range(2, 6)))
        except InputError as error:
            raise InputError(f"{path}: clip {clip_id!r}: {error}") from None
    return result


def _whole(where: str, name: str, cell: str) -> int:
    """Return a whole number from a column in `KNOWN_RANGES`, or refuse it and say what the column allows."""
    low, high = KNOWN_RANGES[name]
    unknown = () if name == "midi" else (UNKNOWN,)
    try:
        value = int(cell)
    except ValueError:
        value = None
    if value is None or not (low <= value <= high or value in unknown):
        allowed = f"a whole number in {low}..{high}" + f", or {UNKNOWN} for unknown" * len(unknown)
        raise InputError(f"{where}: {name} is {cell!r}, allowed: {allowed}")
    return value
