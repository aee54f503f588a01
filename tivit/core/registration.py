"""What registration says of a clip, and the file that stores it (`reg_refined.json`).

Chain from a world point to the image: (x_mm, y_mm) -> x correction -> strip pixels -> inverse homography -> image pixels.
The homography maps image pixels (x right, y down, pixel centres at integers, as OpenCV counts) to continuous strip pixels
(`core.strip`). The x correction is a polynomial in s = 2 x / 1222 - 1, in millimetres, that says how far along the keyboard
the lens moves a point of the true x: plane x = x + sum(c[i] s^i).

A camera that moved has `moves`: from `start_s` of the video clock on, another homography and x correction hold.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tivit.core.artifacts import read_json, write_json
from tivit.core.choices import ORIENTATIONS
from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, KEYBOARD_WIDTH_MM, LOWEST_MIDI, key_of
from tivit.core.strip import StripGeometry

FILE_NAME = "reg_refined.json"
STATUSES = ("ok", "octave_unknown", "refused")


@dataclass(frozen=True)
class Move:
    """Where the keyboard is from `start_s` (s of the video clock) on, after the camera moved."""

    start_s: float
    homography: tuple[tuple[float, ...], ...]
    x_correction: tuple[float, ...]


@dataclass(frozen=True)
class Registration:
    """Where the keyboard is in a clip's frames.

    Attributes
    ----------
    status : "ok"; "octave_unknown" when the pitch classes are sure and the octave is not (it can be used once the first key
        is given); "refused". The last two have a `reason` and are never used as they are.
    homography : 3 x 3 nested tuples, image px -> strip px (before the x correction).
    x_correction : polynomial coefficients in mm, lowest power first; () means none.
    orientation : one of ORIENTATIONS, how the image shows the keyboard (upright: low keys left, player at the bottom).
    first_midi, last_midi : lowest and highest key wholly in view; with an unknown octave, in the octave nearest to the middle.
    source_hw : (height, width) of the video frames in px.
    frames : number of frames looked at.
    confidence : 0..1.
    err_before, err_after : median key-centre error in white-key widths without and with the x correction, measured on black
        keys and white seams that had no part in the fit.
    err_black, err_white : the same, (before, after), over black keys and over white seams alone.
    deviation : median distance of the key centres from those of a plain scaling (equal white keys between the outermost
        corners), in white-key widths.
    source : "pixels" or "corners" (given by metadata, params or the command line).
    moves : later places of the keyboard, in time order; () for a camera that stands still.
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
    err_black: tuple[float, float]
    err_white: tuple[float, float]
    deviation: float
    source: str
    moves: tuple[Move, ...] = ()

    @property
    def is_usable(self) -> bool:
        """True when every key is known: neither refused nor of unknown octave."""
        return self.status == "ok"

    @property
    def first_key(self) -> int:
        """Index 0..87 of the lowest key in view."""
        return int(key_of(self.first_midi))

    @property
    def last_key(self) -> int:
        """Index 0..87 of the highest key in view."""
        return int(key_of(self.last_midi))

    def at(self, time_s: float) -> Registration:
        """Return the registration that holds at `time_s` of the video clock, without `moves`."""
        held = [move for move in self.moves if move.start_s <= time_s]
        if not held:
            return replace(self, moves=())
        return replace(self, homography=held[-1].homography, x_correction=held[-1].x_correction, moves=())

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
        err_before=0.0, err_after=0.0, err_black=(0.0, 0.0), err_white=(0.0, 0.0), deviation=0.0, source="pixels",
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
        if item["status"] not in STATUSES or item["orientation"] not in ORIENTATIONS:
            raise ValueError(f"status {item['status']!r}, orientation {item['orientation']!r}")
        fields = dict(item, homography=_matrix(item["homography"]))
        fields.update({name: tuple(item[name]) for name in ("x_correction", "source_hw", "err_black", "err_white")})
        fields["moves"] = tuple(
            Move(float(move["start_s"]), _matrix(move["homography"]), tuple(move["x_correction"])) for move in item["moves"]
        )
        result = Registration(**fields)
        _check(result)
        return result
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: clip {clip_id!r} is not a registration ({error})") from None


def _check(item: Registration) -> None:
    keys = (item.first_midi, item.last_midi)
    if not all(isinstance(key, int) for key in keys) or not LOWEST_MIDI <= keys[0] <= keys[1] <= HIGHEST_MIDI:
        raise ValueError(f"first_midi {keys[0]!r}, last_midi {keys[1]!r}")
    numbers = [item.confidence, item.err_before, item.err_after, item.deviation, *item.err_black, *item.err_white]
    numbers += [*item.x_correction, *(value for move in item.moves for value in (move.start_s, *move.x_correction))]
    if not np.isfinite(np.array(numbers, float)).all():
        raise ValueError("a number is not finite")
    if len(item.source_hw) != 2 or (len(item.err_black), len(item.err_white)) != (2, 2):
        raise ValueError("source_hw, err_black and err_white have two values each")
    if not all(isinstance(side, int) for side in (*item.source_hw, item.frames)) or not isinstance(item.reason, str):
        raise ValueError(f"source_hw {item.source_hw}, frames {item.frames!r}, reason {item.reason!r}")


def _matrix(value: Any) -> tuple[tuple[float, ...], ...]:
    matrix = np.array(value, dtype=float)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise ValueError("homography must be 3 x 3 finite numbers")
    return tuple(map(tuple, matrix.tolist()))
