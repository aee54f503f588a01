"""From video frames to the strip: one fixed sampling map per position of the keyboard, straight from image to strip pixels.

The inverse homography and the x correction are composed once (`strip_map`), and once more after each move of the camera; a
frame is then one `cv2.remap` of the keyboard's bounding box. Where a strip pixel covers two or more image pixels the box is
blurred first, so that thin gaps do not alias. Strip pixels outside the picture repeat its edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.errors import InputError
from tivit.core.registration import Registration
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.video.picture import Region
from tivit.video.reader import VideoFrame, frames_on_grid, probe, read_frames

BORDER_PX = 2
"""Pixels that are kept around the sampled points, so that interpolation does not meet an edge."""


@dataclass(frozen=True)
class StripMap:
    """A sampling map from pictures to strips.

    Attributes
    ----------
    region : Region
        The part of the image that pictures are cropped to before they are sampled.
    blur_px : tuple of int
        Width and height (px, odd) of a mean filter over the picture; (1, 1) means none.
    maps : tuple of ndarray
        The positions to sample, in the fixed-point form of `cv2.remap`.
    """

    region: Region
    blur_px: tuple[int, int]
    maps: tuple[np.ndarray, np.ndarray]

    def apply(self, grey: np.ndarray) -> np.ndarray:
        """Return the strip in a picture.

        Parameters
        ----------
        grey : ndarray of uint8, shape (region height, region width)
            A grey picture, already cropped to `region`.

        Returns
        -------
        ndarray of uint8, shape (height, width)
            The strip.
        """
        if self.blur_px != (1, 1):
            grey = cv2.blur(grey, self.blur_px)
        return cv2.remap(grey, *self.maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def strip_map(registration: Registration, geometry: StripGeometry, region: Region | None = None) -> StripMap:
    """Return the sampling map of a registration.

    Parameters
    ----------
    registration : Registration
        A usable registration; its moves are ignored.
    geometry : StripGeometry
        The raster of the strip.
    region : Region, optional
        What pictures will be cropped to; by default just the part that is needed.

    Returns
    -------
    StripMap
        The map from a cropped picture to the strip.

    Raises
    ------
    InputError
        The keyboard lies outside the picture, and no region is given.
    """
    return sampling_map(_strip_points(registration, geometry), registration.source_hw, region)


def sampling_map(points_px: np.ndarray, source_hw: tuple[int, int], region: Region | None = None) -> StripMap:
    """Return the map that samples an image at given points.

    Parameters
    ----------
    points_px : ndarray of float, shape (height, width, 2)
        x and y (image px) of each pixel of the result.
    source_hw : tuple of int
        Height and width of the image (px).
    region : Region, optional
        What pictures will be cropped to; by default just the part that is needed.

    Returns
    -------
    StripMap
        The map from a cropped picture to one of (height, width).

    Raises
    ------
    InputError
        All points lie outside the image, and no region is given.
    """
    region = region or needed_region(points_px, source_hw)
    across, down = np.abs(np.diff(points_px, axis=1)), np.abs(np.diff(points_px, axis=0))
    # How many image px lie between neighbouring pixels of the result, in x and in y; the blur is about as wide, and odd.
    step = np.maximum(np.median(across, axis=(0, 1)), np.median(down, axis=(0, 1)))
    blur_px = step.astype(int) // 2 * 2 + 1
    local = points_px - (region.left, region.top)
    maps = cv2.convertMaps(local[..., 0].astype(np.float32), local[..., 1].astype(np.float32), cv2.CV_16SC2)
    return StripMap(region, (int(blur_px[0]), int(blur_px[1])), maps)


def needed_region(points_px: np.ndarray, source_hw: tuple[int, int]) -> Region:
    """Return the part of an image that sampling it at given points needs.

    Parameters
    ----------
    points_px : ndarray of float, shape (..., 2)
        x and y (image px).
    source_hw : tuple of int
        Height and width of the image (px).

    Returns
    -------
    Region
        The bounding box of the points with a border for interpolation, cut at the image.

    Raises
    ------
    InputError
        Less than two columns or rows of the image are needed: the keyboard lies outside.
    """
    height, width = source_hw
    flat = points_px.reshape(-1, 2)
    low = np.floor(flat.min(axis=0)).astype(int) - BORDER_PX
    high = np.ceil(flat.max(axis=0)).astype(int) + BORDER_PX + 1
    left, top = np.clip(low, 0, (width, height))
    right, bottom = np.clip(high, 0, (width, height))
    if right - left < 2 or bottom - top < 2:
        raise InputError(f"the keyboard lies outside the {width} x {height} picture")
    return Region(int(left), int(top), int(right), int(bottom))


class StripPlaces:
    """The sampling maps of a registration and its moves, asked for in time order; one is kept at a time.

    Attributes
    ----------
    region : Region
        The part of the picture that all of them need.
    """

    def __init__(self, registration: Registration, geometry: StripGeometry) -> None:
        self._registration, self._geometry = registration, geometry
        self._starts_s = np.array([move.start_s for move in registration.moves])
        self._map, self._number = strip_map(registration.at(-np.inf), geometry), 0
        self.region = self._map.region
        for start_s in self._starts_s:
            points = _strip_points(registration.at(start_s), geometry)
            self.region = self.region.joined(needed_region(points, registration.source_hw))
        if len(self._starts_s):
            self._map = strip_map(registration.at(-np.inf), geometry, self.region)

    def strip(self, frame: VideoFrame) -> np.ndarray:
        """Return the strip of a frame cropped to `region`."""
        number = int(np.searchsorted(self._starts_s, frame.time_s, side="right"))
        if number != self._number:
            held = self._registration.at(frame.time_s)
            self._number, self._map = number, strip_map(held, self._geometry, self.region)
        return self._map.apply(frame.grey)


def write_strip(
    video: Path | str,
    registration: Registration,
    geometry: StripGeometry,
    fps: float,
    path: Path | str,
    on_progress: Callable[[float], None] | None = None,
) -> TimeGrid:
    """Write a clip's strip, reading the video once, and return its time grid.

    Each frame is rectified by the registration that holds at its time (`Registration.at`).

    Parameters
    ----------
    video : path-like
        The video of the clip.
    registration : Registration
        Where the keyboard is in it; it must be usable.
    geometry : StripGeometry
        The raster of the strip.
    fps : float
        Rate of the time grid; each frame of the grid shows the video frame that is nearest to it in time.
    path : path-like
        The .npy file to write, uint8 (T, height, width).
    on_progress : callable, optional
        Called once per grid frame with the seconds of video that are done since its first frame.

    Returns
    -------
    TimeGrid
        The T instants of the strip.

    Raises
    ------
    InputError
        The video cannot be read to its end, its frames have another size than the registration was made for, or the keyboard
        lies outside them.
    """
    info = probe(video)
    if (info.height_px, info.width_px) != tuple(registration.source_hw):
        size = f"{info.width_px} x {info.height_px}"
        raise InputError(f"{video}: is {size} px, but its registration is for {registration.source_hw[::-1]}")
    places = StripPlaces(registration, geometry)
    start_s, rows = 0.0, 0
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        _write_header(file, 0, geometry)  # a place for it: the number of frames is known at the end
        for time_s, strip in strips_on_grid(read_frames(video, places.region), places, fps):
            start_s, rows = time_s if rows == 0 else start_s, rows + 1
            file.write(strip)
            if on_progress:
                on_progress(time_s - start_s)
        file.seek(0)
        _write_header(file, rows, geometry)
    return TimeGrid(fps, start_s, rows)


def strips_on_grid(frames: Iterator[VideoFrame], places: StripPlaces, fps: float) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the strip of every instant of a clip's time grid.

    Parameters
    ----------
    frames : iterator of VideoFrame
        The frames of the video, cropped to `places.region`; at least one.
    places : StripPlaces
        Where the keyboard is in them.
    fps : float
        Rate of the time grid.

    Yields
    ------
    time_s : float
        The instant (s of the video's clock) of the video frame that is nearest to the instant of the grid.
    strip : ndarray of uint8, shape (height, width)
        Its strip.
    """
    source, strip = None, np.zeros((0, 0), np.uint8)
    for _, frame in frames_on_grid(frames, fps):
        if frame is not source:
            source, strip = frame, places.strip(frame)
        yield frame.time_s, strip


def _strip_points(registration: Registration, geometry: StripGeometry) -> np.ndarray:
    """Return where the centres of the strip's pixels lie in the image, (height, width, 2)."""
    x_mm, y_mm = geometry.pixel_centers_mm()
    return registration.image_points(x_mm[None, :], y_mm[:, None], geometry)


def _write_header(file: BinaryIO, rows: int, geometry: StripGeometry) -> None:
    """Write the .npy header; numpy pads it so that another number of rows has a header of the same size."""
    shape = (rows, geometry.height_px, geometry.width_px)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
