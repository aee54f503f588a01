"""What all layouts share: a clip's place in the dataset, how its picture is turned, its frames and timestamps.

Labels count from the first frame of the file, whatever its timestamp, as `tivit.video.reader` does. Black frames come before
the clip, so its notes come later by their duration.
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
from tivit.synth.video import TICK_S

MIRRORED, ROTATED = 1, -1
"""Codes of `cv2.flip`."""
GAP = (0.7, 1.3)
"""Time between frames of a variable rate, in that of the mean rate."""
DROPPED = 0.05
"""Share of frames of a variable rate that last twice as long, as where one was dropped."""


@dataclass(frozen=True)
class LayoutRequest:
    """What is asked for; None is what the dataset has (`rate`, `size_px`) or params say (`clips` a split, `seconds`)."""

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


@dataclass(frozen=True)
class Job:
    """A clip to write: `folder` of its split there; its number from 1 on `in_folder` and `overall`."""

    task: ClipTask
    folder: str
    in_folder: int
    overall: int


@dataclass(frozen=True)
class Kind:
    """One layout: folder, split here -> there, rates in turn, size (None: of params), a clip's writer, and that of tables."""

    folder: str
    splits: dict[str, str]
    rates: tuple[str, ...]
    size_px: tuple[int, int] | None
    write: Callable[[Path, Job, Take, LayoutRequest], object]
    finish: Callable[[Path, list], None]


def no_tables(root: Path, rows: list) -> None:
    """Write nothing: the layout has no table of all clips."""


def write_frames(path: Path, take: Take, start_s: float, flip: int | None = None, black_frames: int = 0) -> float:
    """Write the video of a take and return by how much its notes come later (s).

    Parameters
    ----------
    start_s : timestamp of the first frame. flip : how each frame is turned, a code of `cv2.flip`.
    black_frames : put before the clip.
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
    """Return instants (s, whole ticks) of frames of a variable rate about `fps`: the first 0, the last before `length_s`."""
    gaps = rng.uniform(*GAP, frames_of(length_s, fps)) * np.where(rng.random(frames_of(length_s, fps)) < DROPPED, 2.0, 1.0)
    ticks = np.rint(np.concatenate([[0.0], np.cumsum(gaps)]) * seconds_of(1, fps) / float(TICK_S))
    times_s = ticks * float(TICK_S)
    return times_s[times_s < length_s]


def turned_px(points_px: np.ndarray, size_px: tuple[int, int], flip: int | None) -> np.ndarray:
    """Return where points (N, 2) lie in the turned picture."""
    last_px = np.array(size_px) - 1.0
    turned = np.array(points_px, float)
    if flip in (MIRRORED, ROTATED):
        turned[:, 0] = last_px[0] - turned[:, 0]
    if flip == ROTATED:
        turned[:, 1] = last_px[1] - turned[:, 1]
    return turned


def labels_of(take: Take, later_s: float) -> Notes:
    """Return the notes as a dataset that knows no hands has them, on the clock of the file."""
    notes = take.piece.notes
    unknown = np.full(len(notes), UNKNOWN, notes.hand.dtype)
    return replace(notes.moved(later_s), hand=unknown, staff=unknown)


def refuse_existing(root: Path) -> None:
    """Raise InputError where something lies at `root`: it may be the real dataset."""
    if root.exists():
        raise InputError(f"{root}: already exists, and may be a real dataset; choose another --out or delete it")
