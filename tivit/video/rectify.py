"""From video frames to the strip: one fixed sampling map per clip, straight from image pixels to strip pixels.

The inverse homography and the x correction are composed once (`strip_map`); a frame is then one `cv2.remap` of the
keyboard's bounding box. Where a strip pixel covers two or more image pixels the box is blurred first, so that thin gaps
do not alias. Strip pixels outside the picture repeat its edge.
"""

from __future__ import annotations

from collections.abc import Callable
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
from tivit.video.reader import Region, frames_on_grid, probe, read_frames

BORDER_PX = 2


@dataclass(frozen=True)
class StripMap:
    """A sampling map: `region` of the image, `blur_px` (columns, rows, odd) and fixed-point `maps` for cv2.remap."""

    region: Region
    blur_px: tuple[int, int]
    maps: tuple[np.ndarray, np.ndarray]

    def apply(self, grey: np.ndarray) -> np.ndarray:
        """Return the strip, uint8 (height, width), of a grey picture already cropped to `region`."""
        if self.blur_px != (1, 1):
            grey = cv2.blur(grey, self.blur_px)
        return cv2.remap(grey, *self.maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def strip_map(registration: Registration, geometry: StripGeometry) -> StripMap:
    """Return the sampling map of a usable registration; raise InputError when the keyboard lies outside the picture."""
    x_mm, y_mm = geometry.pixel_centers_mm()
    points = registration.image_points(x_mm[None, :], y_mm[:, None], geometry)
    return sampling_map(points, registration.source_hw)


def sampling_map(points_px: np.ndarray, source_hw: tuple[int, int]) -> StripMap:
    """Return the map that samples an image of size `source_hw` at `points_px` (height, width, 2), x then y."""
    height, width = source_hw
    low = np.floor(points_px.min(axis=(0, 1))).astype(int) - BORDER_PX
    high = np.ceil(points_px.max(axis=(0, 1))).astype(int) + BORDER_PX + 1
    left, top = np.clip(low, 0, (width, height))
    right, bottom = np.clip(high, 0, (width, height))
    if right - left < 2 or bottom - top < 2:
        raise InputError(f"the keyboard lies outside the {width} x {height} picture")
    across, down = np.abs(np.diff(points_px, axis=1)), np.abs(np.diff(points_px, axis=0))
    step = np.maximum(np.median(across, axis=(0, 1)), np.median(down, axis=(0, 1)))
    blur_px = step.astype(int) // 2 * 2 + 1
    local = points_px - (left, top)
    maps = cv2.convertMaps(local[..., 0].astype(np.float32), local[..., 1].astype(np.float32), cv2.CV_16SC2)
    region = Region(int(left), int(top), int(right), int(bottom))
    return StripMap(region, (int(blur_px[0]), int(blur_px[1])), maps)


def write_strip(
    video: Path | str,
    registration: Registration,
    geometry: StripGeometry,
    fps: float,
    path: Path | str,
    on_progress: Callable[[float], None] | None = None,
) -> TimeGrid:
    """Write a clip's strip, uint8 (T, height, width) .npy, reading the video once, and return its time grid.

    Parameters
    ----------
    fps : rate of the time grid; grid frame k shows the video frame nearest to `start_s + k / fps`.
    on_progress : called with the seconds of video done since its first frame, once per grid frame.

    Raises
    ------
    InputError
        The video cannot be read to its end, or its frames have another size than the registration was made for.
    """
    info = probe(video)
    if (info.height_px, info.width_px) != tuple(registration.source_hw):
        size = f"{info.width_px} x {info.height_px}"
        raise InputError(f"{video}: is {size} px, but its registration is for {registration.source_hw[::-1]}")
    sampler = strip_map(registration, geometry)
    source, strip, start_s, rows = None, b"", 0.0, 0
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        _write_header(file, 0, geometry)
        for k, frame in frames_on_grid(read_frames(video, sampler.region), fps):
            if frame is not source:
                source, strip = frame, sampler.apply(frame.grey).tobytes()
            start_s, rows = frame.time_s if k == 0 else start_s, k + 1
            file.write(strip)
            if on_progress:
                on_progress(frame.time_s - start_s)
        file.seek(0)
        _write_header(file, rows, geometry)
    return TimeGrid(fps, start_s, rows)


def _write_header(file: BinaryIO, rows: int, geometry: StripGeometry) -> None:
    """Write the .npy header; numpy pads it so that another number of rows has a header of the same size."""
    shape = (rows, geometry.height_px, geometry.width_px)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
