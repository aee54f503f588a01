"""The `registration` section of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI
from tivit.core.params import check_choice, check_range
from tivit.core.registration import ORIENTATIONS


@dataclass(frozen=True)
class Override:
    """What is known of a clip's keyboard beforehand; None is not known.

    Attributes
    ----------
    corners : image points (x, y) of the white-key area in view: top left, top right, bottom right, bottom left. A start, refined.
    first_key : MIDI number of the lowest key in view (decides the octave).
    orientation : one of `core.registration.ORIENTATIONS`.
    """

    corners: tuple[tuple[float, float], ...] | None = None
    first_key: int | None = None
    orientation: str | None = None

    def __post_init__(self) -> None:
        if self.corners is not None and (len(self.corners) != 4 or any(len(point) != 2 for point in self.corners)):
            raise InputError(f"corners: {len(self.corners)} points, four [x, y] pairs are needed")
        if self.first_key is not None:
            check_range("first_key", self.first_key, LOWEST_MIDI, HIGHEST_MIDI)
        if self.orientation is not None:
            check_choice("orientation", self.orientation, ORIENTATIONS)


NOTHING_KNOWN = Override()


@dataclass(frozen=True)
class RegistrationParams:
    """How keyboards are found.

    Attributes
    ----------
    frames : number of frames looked at, spread over the clip.
    work_width_px : pictures are brought to this width before black keys are looked for.
    focal_widths, focal_sigma : prior on the focal length: its median in picture widths, and the spread of its logarithm.
    lens_order : highest power of the x correction.
    min_confidence : below it a clip is refused.
    corners : clip id -> four image points (x, y) of the white-key area: top left, top right, bottom right, bottom left.
    """

    frames: int
    work_width_px: int
    focal_widths: float
    focal_sigma: float
    lens_order: int
    min_confidence: float
    corners: dict[str, tuple[tuple[float, float], ...]]

    def __post_init__(self) -> None:
        check_range("registration.frames", self.frames, 1, 64)
        check_range("registration.work_width_px", self.work_width_px, 320, 1920)
        check_range("registration.focal_widths", self.focal_widths, 0.3, 5.0)
        check_range("registration.focal_sigma", self.focal_sigma, 0.01, 1.0)
        check_range("registration.lens_order", self.lens_order, 1, 7)
        check_range("registration.min_confidence", self.min_confidence, 0.0, 1.0)
        for clip_id, points in self.corners.items():
            if len(points) != 4 or any(len(point) != 2 for point in points):
                raise InputError(f"registration.corners.{clip_id}: {len(points)} points, four [x, y] pairs are needed")
