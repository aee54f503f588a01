"""What registration says of a clip, and the file that stores it (`reg_refined.json`).

Chain from a world point to the image: (x_mm, y_mm) -> x correction -> strip pixels -> inverse homography -> image pixels.
The homography maps image pixels (x right, y down, pixel centres at integers, as OpenCV counts) to continuous strip pixels
(`core.strip`). The x correction is a polynomial in s = 2 x / 1222 - 1, in millimetres, that says how far along the keyboard
the lens moves a point of the true x: plane x = x + sum(c[i] s^i).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tivit.core.artifacts import read_json, write_json
from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, KEYBOARD_WIDTH_MM, LOWEST_MIDI
from tivit.core.strip import StripGeometry

FILE_NAME = "reg_refined.json"
ORIENTATIONS = ("upright", "rotated", "mirrored", "rotated_mirrored")


@dataclass(frozen=True)
class Registration:
    """Where the keyboard is in a clip's frames.

    Attributes
    ----------
    status : "ok" or "refused"; a refused registration has a `reason` and is never used.
    homography : 3 x 3 nested tuples, image px -> strip px (before the x correction).
    x_correction : polynomial coefficients in mm, lowest power first; () means none.
    orientation : one of ORIENTATIONS, how the image shows the keyboard (upright: low keys left, player at the bottom).
    first_midi, last_midi : lowest and highest key in view.
    source_hw : (height, width) of the video frames in px.
    frames : number of frames looked at.
    confidence : 0..1.
    err_before, err_after : median key-centre error in white-key widths without and with refinement.
    source : "pixels" or "corners" (given by metadata, params or the command line).
    """

    status: str
    reason: str
    homography: tuple[tuple[float, ...], ...]
    x_correction: tuple[float, ...]
    orientation: str
    first_midi: int
    last_midi: int
    source_hw: tuple[int, int]
    frames: int
    confidence: float
    err_before: float
    err_after: float
    source: str

    @property
    def is_usable(self) -> bool:
        """True unless the clip was refused."""
        return self.status == "ok"

    def image_points(self, x_mm: np.ndarray, y_mm: np.ndarray, geometry: StripGeometry) -> np.ndarray:
        """Return image pixels (..., 2) of world points on the white-key plane; `x_mm` and `y_mm` of one shape."""
        x_mm, y_mm = np.broadcast_arrays(np.asarray(x_mm, float), np.asarray(y_mm, float))
        plane_x = x_mm + correction_mm(self.x_correction, x_mm)
        strip = np.stack([geometry.column_px(plane_x), geometry.row_px(y_mm), np.ones_like(plane_x)], axis=-1)
        image = strip @ np.linalg.inv(np.array(self.homography)).T
        return image[..., :2] / image[..., 2:]


def correction_mm(coefficients: tuple[float, ...], x_mm: np.ndarray) -> np.ndarray:
    """Return the x correction (mm) at world x (mm), any shape."""
    s = 2.0 * np.asarray(x_mm, float) / KEYBOARD_WIDTH_MM - 1.0
    return np.polynomial.polynomial.polyval(s, coefficients) if coefficients else np.zeros_like(s)


def refused(reason: str, source_hw: tuple[int, int], frames: int) -> Registration:
    """Return the registration of a clip that cannot be used, with the reason."""
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return Registration(
        status="refused", reason=reason, homography=identity, x_correction=(), orientation="upright",
        first_midi=LOWEST_MIDI, last_midi=HIGHEST_MIDI, source_hw=source_hw, frames=frames, confidence=0.0,
        err_before=0.0, err_after=0.0, source="pixels",
    )  # fmt: skip


def write_registrations(path: Path | str, registrations: dict[str, Registration]) -> None:
    """Write clip id -> registration; stable bytes, homographies with nine decimals."""
    write_json(path, {clip_id: asdict(item) for clip_id, item in registrations.items()}, decimals=9)


def read_registrations(path: Path | str) -> dict[str, Registration]:
    """Return clip id -> registration from a file written by `write_registrations`."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a mapping of clip ids")
    return {clip_id: _parse(path, clip_id, item) for clip_id, item in value.items()}


def _parse(path: Path | str, clip_id: str, item: Any) -> Registration:
    try:
        matrix = np.array(item["homography"], dtype=float)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise ValueError("homography must be 3 x 3 finite numbers")
        fields = dict(item, homography=tuple(map(tuple, matrix.tolist())))
        fields.update(x_correction=tuple(item["x_correction"]), source_hw=tuple(item["source_hw"]))
        return Registration(**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: clip {clip_id!r} is not a registration ({error})") from None
