"""Which pictures of the camera the frames of a file show: each a fresh one, or a camera of lower rate with repeats or blends.

Frames are shown at their own time to half a picture of the camera: the notes keep the times of the scene.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core.timegrid import TimeGrid, frames_of, nearest_frames, seconds_of
from tivit.synth.params import CameraParams


@dataclass(frozen=True)
class Cadence:
    """Which picture each frame of a file shows.

    Attributes
    ----------
    grid : TimeGrid
        The pictures of the camera.
    picture : ndarray, (T,), int
        Number of the picture that each of the T frames of the file shows, ascending.
    blend : ndarray, (T,), float, 0..1
        Share of the next picture that is mixed in; 0 is none.
    """

    grid: TimeGrid
    picture: np.ndarray
    blend: np.ndarray


def random_cadence(rng: np.random.Generator, file_grid: TimeGrid, cameras: CameraParams) -> Cadence:
    """Return the cadence of a clip.

    Parameters
    ----------
    rng : np.random.Generator
    file_grid : TimeGrid
        The frames of the file.
    cameras : CameraParams
        A share `converted` of the clips comes from a lower rate, where `source_fps` has one.

    Returns
    -------
    Cadence
    """
    lower = [fps for fps in cameras.source_fps if fps < file_grid.fps]
    is_converted, is_blended = rng.random(2) < (cameras.converted, cameras.blended)
    if not (lower and is_converted):
        return every_picture(file_grid)
    return converted(file_grid, lower[rng.integers(len(lower))], is_blended)


def every_picture(file_grid: TimeGrid) -> Cadence:
    """Return the cadence of a file whose every frame is a fresh picture.

    Parameters
    ----------
    file_grid : TimeGrid
        The frames of the file, which are the pictures too.

    Returns
    -------
    Cadence
    """
    return Cadence(file_grid, np.arange(file_grid.length), np.zeros(file_grid.length))


def converted(file_grid: TimeGrid, source_fps: float, is_blended: bool) -> Cadence:
    """Return the cadence of a camera in a file of a higher rate.

    Parameters
    ----------
    file_grid : TimeGrid
        The frames of the file.
    source_fps : float, Hz
        Rate of the camera, lower than that of the file.
    is_blended : bool
        Whether frames between two pictures are blends of them; otherwise they show the nearest.

    Returns
    -------
    Cadence
    """
    length = frames_of(seconds_of(file_grid.length, file_grid.fps), source_fps) + 1
    grid = TimeGrid(source_fps, file_grid.start_s, length)
    if not is_blended:
        return Cadence(grid, nearest_frames(grid.times_s(), file_grid), np.zeros(file_grid.length))
    position = np.minimum(grid.frame(file_grid.times_s()), length - 1)
    return Cadence(grid, np.floor(position).astype(int), position % 1.0)


def file_frames(pictures: Iterable[np.ndarray], cadence: Cadence) -> Iterator[np.ndarray]:
    """Yield the frames of the file.

    Parameters
    ----------
    pictures : iterable of ndarray, (height, width, 3), uint8
        The pictures of the camera, one for each instant of `cadence.grid`.
    cadence : Cadence

    Yields
    ------
    ndarray, (height, width, 3), uint8
        One for each frame of the file; repeats are the same array.
    """
    source = enumerate(pictures)
    number, after = next(source)
    before = after
    for picture, blend in zip(cadence.picture.tolist(), cadence.blend.tolist(), strict=True):
        # Pictures are read once and in order: the one to show and, for a blend, the one after it.
        while number < picture + (blend > 0):
            before, (number, after) = after, next(source)
        now = after if number == picture else before
        yield cv2.addWeighted(now, 1.0 - blend, after, blend, 0.0) if blend > 0 else now
