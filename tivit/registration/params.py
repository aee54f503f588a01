"""The `registration` section of params.yaml, and what may be known of a clip's keyboard beforehand.

Only values and their checks live here; where knowledge of a clip comes from, and what goes before what, is in `overrides`.
Pixels are those of the video, x right, y down, pixel centres at whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

import numpy as np

from tivit.core.choices import ORIENTATIONS
from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI
from tivit.core.params import Range, check_choice, check_range

MOST_PIXEL_ASPECT = 4.0
"""A file that says that its pixels are wider for their height than this, or as much taller, is not believed."""


@dataclass(frozen=True)
class Override:
    """What is known of a clip's keyboard beforehand; None is not known.

    It comes from params, tables and the command line alike, so it checks its values itself.

    Attributes
    ----------
    corners : four (x, y), px, or None
        Corners of the white-key area in view, as the image shows it: top left, top right, bottom right, bottom left. They are a
        start, and are refined.
    first_key : int, 21..108, or None
        MIDI number of the lowest key in view; it decides the octave.
    orientation : str or None
        One of `core.choices.ORIENTATIONS`.
    region : (x0, y0, x1, y1), px, or None
        Rectangle in which black keys are looked for, when there are no corners; it may hold more than the keyboard.
    pixel_aspect : float, 0.25..4, or None
        Width of a pixel for its height; None: pixels are square.

    Raises
    ------
    InputError
        A value is out of range, the corners do not go round a convex area in that order, or the region is empty.
    """

    corners: tuple[tuple[float, float], ...] | None = None
    first_key: int | None = None
    orientation: str | None = None
    region: tuple[float, float, float, float] | None = None
    pixel_aspect: float | None = None

    def __post_init__(self) -> None:
        if self.corners is not None:
            _check_corners(self.corners)
        if self.first_key is not None:
            check_range("first_key", self.first_key, LOWEST_MIDI, HIGHEST_MIDI)
        if self.orientation is not None:
            check_choice("orientation", self.orientation, ORIENTATIONS)
        if self.region is not None:
            _check_region(self.region)
        if self.pixel_aspect is not None:
            check_range("pixel_aspect", self.pixel_aspect, 1 / MOST_PIXEL_ASPECT, MOST_PIXEL_ASPECT)

    def over(self, other: Override) -> Override:
        """Return what is known when this override goes before another, field by field.

        Parameters
        ----------
        other : Override
            What counts where this one says nothing.

        Returns
        -------
        Override
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Override(**{name: getattr(other, name) if value is None else value for name, value in values.items()})


NOTHING_KNOWN = Override()


def _check_corners(corners: tuple[tuple[float, float], ...]) -> None:
    if len(corners) != 4 or any(len(point) != 2 for point in corners):
        raise InputError(f"corners: {len(corners)} points, four [x, y] pairs are needed")
    points = np.array(corners, float)
    if not np.isfinite(points).all():
        raise InputError("corners: a coordinate is not a finite number")
    side, following = (np.roll(points, -turn, axis=0) - np.roll(points, 1 - turn, axis=0) for turn in (1, 2))
    if (side[:, 0] * following[:, 1] - side[:, 1] * following[:, 0] <= 0).any():
        raise InputError("corners: must go round as top left, top right, bottom right, bottom left (x right, y down)")


def _check_region(region: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = region
    if not np.isfinite(region).all() or x1 <= x0 or y1 <= y0:
        raise InputError(f"region: x {x0:g}..{x1:g}, y {y0:g}..{y1:g} is no rectangle; it is [x0, y0, x1, y1] in px")


@dataclass(frozen=True)
class RegistrationParams:
    """How keyboards are found (section `registration`).

    Attributes
    ----------
    frames : int
        Number of frames looked at, spread over the clip.
    work_width_px : int
        Pictures are brought to this width before black keys are looked for.
    focal_widths : float
        Prior on the focal length: its median in picture widths.
    focal_sigma : float
        Prior on the focal length: the spread of its logarithm.
    lens_order : int
        Highest power of the x correction.
    min_confidence : float
        A registration with less is refused.
    first_key : int or None
        MIDI number of the lowest key in view of every clip, where pictures do not show the octave; None: not known.
    overrides : dict of str to Override
        Clip id -> what is known of that clip; goes before `first_key`.
    """

    frames: Annotated[int, Range(1, 64)]
    work_width_px: Annotated[int, Range(320, 1920)]
    focal_widths: Annotated[float, Range(0.3, 5.0)]
    focal_sigma: Annotated[float, Range(0.01, 1.0)]
    lens_order: Annotated[int, Range(1, 7)]
    min_confidence: Annotated[float, Range(0.0, 1.0)]
    first_key: Annotated[int, Range(LOWEST_MIDI, HIGHEST_MIDI)] | None
    overrides: dict[str, Override]
