"""The picture of a decoded frame as a player shows it: upright, with square pixels, in grey or in colour.

Grey is the luma (Y', ITU-R BT.601 / BT.709) that the file itself holds, spread to 0..255: converting each frame to colour and
back would cost as much as decoding it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np

LUMA_FIRST = ("yuv", "nv12", "nv21", "gray")
FULL_RANGE = 2
"""AVCOL_RANGE_JPEG of FFmpeg: luma 0..255; without it 16 is black and 235 white."""
MOST_UNEVEN = 4
"""A pixel that is more times as wide as high, or as high as wide, is a wrong entry of the file and counts as square."""
_SPREAD = np.clip(np.rint((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)  # 16..235 to 0..255
_MATRIX = "DISPLAYMATRIX"


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels: columns left to right - 1, rows top to bottom - 1."""

    left: int
    top: int
    right: int
    bottom: int

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Return the part of `image` (height, width, ...) inside the region, as a view."""
        return image[self.top : self.bottom, self.left : self.right]

    def joined(self, other: Region) -> Region:
        """Return the smallest region that holds both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Region(left, top, max(self.right, other.right), max(self.bottom, other.bottom))


@dataclass(frozen=True)
class Turn:
    """How a stored picture is turned to be upright: x and y are swapped, and then the sides left to right or top to bottom.

    Attributes
    ----------
    is_swapped, flips_x, flips_y : bool
    """

    is_swapped: bool
    flips_x: bool
    flips_y: bool

    def applied(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture (height, width, ...) turned, as a view."""
        picture = picture.swapaxes(0, 1) if self.is_swapped else picture
        return picture[:: -1 if self.flips_y else 1, :: -1 if self.flips_x else 1]


UPRIGHT = Turn(is_swapped=False, flips_x=False, flips_y=False)


def square_size(size_wh: tuple[int, int], aspect: Fraction | None) -> tuple[int, int]:
    """Return the size at which pixels are square; no side is made smaller.

    Parameters
    ----------
    size_wh : tuple of int
        Width and height of the stored picture (px).
    aspect : Fraction or None
        Width of a stored pixel divided by its height, None or 0 where the file does not say.

    Returns
    -------
    tuple of int
        Width and height (px) of the picture that a player shows, before it is turned.
    """
    width, height = size_wh
    if not aspect or not Fraction(1, MOST_UNEVEN) <= aspect <= MOST_UNEVEN:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def grey_picture(frame: av.VideoFrame, size_wh: tuple[int, int], turn: Turn, region: Region | None = None) -> np.ndarray:
    """Return the luma of a frame, or of a region of it, as a player shows it.

    Parameters
    ----------
    frame : av.VideoFrame
        A decoded frame.
    size_wh : tuple of int
        Width and height (px) at which it is shown, before it is turned.
    turn : Turn
        How it is turned.
    region : Region, optional
        What the upright picture is cropped to.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        0 is black and 255 white.
    """
    is_luma_first = frame.format.name.startswith(LUMA_FIRST) and frame.format.components[0].bits == 8
    if not is_luma_first:
        grey, is_full = frame.to_ndarray(format="gray"), True
    else:
        plane = frame.planes[0]
        grey = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
        is_full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    grey = turn.applied(_sized(grey, size_wh))
    grey = region.crop(grey) if region else grey
    return np.ascontiguousarray(grey) if is_full else cv2.LUT(grey, _SPREAD)


def colour_picture(frame: av.VideoFrame, size_wh: tuple[int, int], turn: Turn) -> np.ndarray:
    """Return the picture of a frame as a player shows it; as `grey_picture`, but uint8 BGR (height, width, 3)."""
    return np.ascontiguousarray(turn.applied(_sized(frame.to_ndarray(format="bgr24"), size_wh)))


def turn_of(frame: av.VideoFrame) -> Turn:
    """Return how a player turns and mirrors a frame, by multiples of 90 degrees, as its display matrix says.

    PyAV ties a frame whose side data were looked at to itself, so that its memory is only freed when Python next looks for such
    ties: for every frame of a video that is hundreds of megabytes, and decoding takes half as long again. So ask this of the
    first frame, and again where `frame.rotation` changes.

    Parameters
    ----------
    frame : av.VideoFrame
        A decoded frame.

    Returns
    -------
    Turn
    """
    if _MATRIX not in {item.type.name for item in frame.side_data}:
        return UPRIGHT
    # Nine fixed-point numbers, of which a, b, c, d place the pixel (x, y) at (a x + c y, b x + d y): ISO 14496-12, 6.2.2.
    a, b, _, c, d = np.frombuffer(bytes(frame.side_data[_MATRIX]), np.int32)[:5].astype(np.int64)
    is_swapped = bool(abs(a) + abs(d) < abs(b) + abs(c))
    if is_swapped:
        a, d = c, b
    return Turn(is_swapped, bool(a < 0), bool(d < 0))


def _sized(picture: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    return picture if picture.shape[1::-1] == size_wh else cv2.resize(picture, size_wh, interpolation=cv2.INTER_LINEAR)
