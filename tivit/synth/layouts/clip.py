"""What all layouts share: the place of a clip in the dataset, how its picture is turned, its frames and timestamps.

Labels count from the first frame of the file, whatever its timestamp, as `tivit.video.reader` does. Black frames come before
the clip, so its notes come later by their duration. Each layout is a `Kind` in a module of its own; `write` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.core.notes import Notes
from tivit.core.params import MAX_SEED, check_range
from tivit.core.timegrid import TimeGrid, frames_of, seconds_of
from tivit.synth.dataset import ClipTask, Take, write_whole_video
from tivit.synth.params import check_size
from tivit.synth.video import TICK_S

MIRRORED, ROTATED = 1, -1
"""Codes of `cv2.flip`."""
GAP = (0.7, 1.3)
"""Range of the time between frames of a variable rate, as a share of that of the mean rate."""
DROPPED = 0.05
"""Share of frames of a variable rate that last twice as long, as where one was dropped."""


@dataclass(frozen=True)
class LayoutRequest:
    """What is asked for, as on the command line.

    Attributes
    ----------
    layout : str
        A name of `write.KINDS`.
    seed : int
    clips : int, 1..900, or None
        Plain and hard clips per split; None: as params say.
    seconds : float, 1..3600, s, or None
        Length of each clip; None: as params say.
    rate : str or None
        A name of `write.RATES`, or "variable"; None: what the dataset has.
    size_px : (int, int) or None
        Width and height; None: what the dataset has.
    start_s : float, 0..3600, s
        Timestamp of the first frame.
    offsets : str
        "pedal": the notes of PianoYT end with their sound; else with their keys, and the pedal is in the file.

    Raises
    ------
    InputError
        A value is out of range.
    """

    layout: str
    seed: int
    clips: int | None
    seconds: float | None
    rate: str | None
    size_px: tuple[int, int] | None
    start_s: float
    offsets: str

    def __post_init__(self) -> None:
        check_range("--start", self.start_s, 0.0, 3600.0)
        check_range("--seed", self.seed, 0, MAX_SEED)
        for name, value, low, high in (("--clips", self.clips, 1, 900), ("--seconds", self.seconds, 1.0, 3600.0)):
            if value is not None:
                check_range(name, value, low, high)
        if self.size_px is not None:
            check_size("--size", self.size_px)


@dataclass(frozen=True)
class Job:
    """A clip to write.

    Attributes
    ----------
    task : ClipTask
    folder : str
        Folder of its split in the layout.
    in_folder, overall : int
        Its number within that folder and in the dataset, from 1 on.
    """

    task: ClipTask
    folder: str
    in_folder: int
    overall: int


@dataclass(frozen=True)
class Kind:
    """One layout.

    Attributes
    ----------
    folder : str
        Name of the folder of the dataset.
    splits : dict of str to str
        Split here -> folder of the split there.
    rates : tuple of str
        Rates that clips have in turn: names of `write.RATES`, or "variable".
    size_px : (int, int) or None
        Width and height of its pictures; None: those of params.
    write : callable
        Writes one clip (root, job, take, request) and returns its row of the tables, if there are any.
    finish : callable
        Writes the tables (root, rows of all clips).
    """

    folder: str
    splits: dict[str, str]
    rates: tuple[str, ...]
    size_px: tuple[int, int] | None
    write: Callable[[Path, Job, Take, LayoutRequest], object]
    finish: Callable[[Path, list], None]


def no_tables(root: Path, rows: list) -> None:
    """Write nothing, as `Kind.finish` of a layout without a table of all clips."""


def write_frames(path: Path, take: Take, start_s: float, flip: int | None = None, black_frames: int = 0) -> float:
    """Write the video of a take.

    Parameters
    ----------
    path : Path
        An MP4 file.
    take : Take
        Its frames are used up.
    start_s : float, s
        Timestamp of the first frame.
    flip : int or None
        How each frame is turned, a code of `cv2.flip`.
    black_frames : int
        How many black frames are put before the clip.

    Returns
    -------
    float, s
        By how much the notes of the clip come later, because of these.

    Raises
    ------
    InputError
        The file is not whole, or PyAV has no H.264 encoder.
    """
    lead = TimeGrid(take.grid.fps, 0.0, black_frames)
    black = np.zeros((take.camera.height_px, take.camera.width_px, 3), np.uint8)
    shown = (frame if flip is None else cv2.flip(frame, flip) for frame in take.frames)
    later_s = seconds_of(black_frames, take.grid.fps)
    longer = replace(take, grid=TimeGrid(take.grid.fps, 0.0, black_frames + take.grid.length))
    times_s = np.concatenate([lead.times_s(), later_s + take.times_s])
    is_regular = start_s == 0 and np.allclose(times_s, longer.grid.times_s(), atol=1e-9)
    write_whole_video(path, chain([black] * black_frames, shown), longer, None if is_regular else start_s + times_s)
    return later_s


def variable_times_s(rng: np.random.Generator, length_s: float, fps: float) -> np.ndarray:
    """Return instants of frames of a variable rate.

    Parameters
    ----------
    rng : np.random.Generator
    length_s : float, s
        Length of the clip.
    fps : float, Hz
        Rate that it is near to; dropped frames make it a little lower.

    Returns
    -------
    ndarray, (T,), s
        Whole ticks of the file, ascending, the first 0, the last before `length_s`.
    """
    gaps = rng.uniform(*GAP, frames_of(length_s, fps)) * np.where(rng.random(frames_of(length_s, fps)) < DROPPED, 2.0, 1.0)
    ticks = np.rint(np.concatenate([[0.0], np.cumsum(gaps)]) * seconds_of(1, fps) / float(TICK_S))
    times_s = ticks * float(TICK_S)
    return times_s[times_s < length_s]


def turned_px(points_px: np.ndarray, size_px: tuple[int, int], flip: int | None) -> np.ndarray:
    """Return where points lie in the turned picture.

    Parameters
    ----------
    points_px : ndarray, (N, 2), px
        x and y in the picture as it was; pixel centres at whole numbers.
    size_px : (int, int)
        Width and height of the picture.
    flip : int or None
        MIRRORED, ROTATED or None (not turned).

    Returns
    -------
    ndarray, (N, 2), px
    """
    last_px = np.array(size_px) - 1.0
    turned = np.array(points_px, float)
    if flip in (MIRRORED, ROTATED):
        turned[:, 0] = last_px[0] - turned[:, 0]
    if flip == ROTATED:
        turned[:, 1] = last_px[1] - turned[:, 1]
    return turned


def labels_of(take: Take, later_s: float) -> Notes:
    """Return the notes as a dataset that knows no hands has them.

    Parameters
    ----------
    take : Take
    later_s : float, s
        What `write_frames` returned.

    Returns
    -------
    Notes
        On the clock of the file; hand and staff are UNKNOWN.
    """
    notes = take.piece.notes
    unknown = np.full(len(notes), UNKNOWN, notes.hand.dtype)
    return replace(notes.moved(later_s), hand=unknown, staff=unknown)


def refuse_existing(root: Path) -> None:
    """Make sure that nothing lies where a dataset is to be written.

    Parameters
    ----------
    root : Path
        Its folder.

    Raises
    ------
    InputError
        Something is there: it may be the real dataset.
    """
    if root.exists():
        raise InputError(f"{root}: already exists, and may be a real dataset; choose another --out or delete it")
