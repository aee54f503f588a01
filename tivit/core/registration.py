"""What registration says of a clip, a `Registration` or a `Refusal`, and the file that stores both (`reg_refined.json`).

Chain from a world point to the image: (x_mm, y_mm) -> x correction -> strip pixels -> inverse homography -> image pixels.
The homography maps image pixels (x right, y down, pixel centres at integers, as OpenCV counts) to continuous strip pixels
(`core.strip`). The x correction is a polynomial in s = 2 x / 1222 - 1, in millimetres, that says how far along the keyboard
the lens moves a point of the true x: plane x = x + sum(c[i] s^i).

The registration of a camera that moved has `moves`: from `start_s` of the video clock on, another homography and x correction
hold. In the file each clip has a status, one of STATUSES, beside the fields of its registration or of its refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from tivit.core.artifacts import read_json, write_json
from tivit.core.choices import ORIENTATIONS
from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, KEYBOARD_WIDTH_MM, LOWEST_MIDI, key_of
from tivit.core.strip import StripGeometry

FILE_NAME = "reg_refined.json"
STATUSES = ("ok", "octave_unknown", "refused")
"""What can come of a clip: a registration without a doubt, one with a doubt, a refusal."""


@dataclass(frozen=True)
class Move:
    """Where the keyboard is after the camera moved.

    Attributes
    ----------
    start_s : float
        From when on this holds (s of the video clock).
    homography : 3 x 3 nested tuples of float
        Image px -> strip px, as in `Registration`.
    x_correction : tuple of float
        Polynomial coefficients in mm, as in `Registration`.
    """

    start_s: float
    homography: tuple[tuple[float, ...], ...]
    x_correction: tuple[float, ...]


@dataclass(frozen=True)
class Quality:
    """How far a registration can be trusted.

    Attributes
    ----------
    confidence : float
        0..1.
    err_before, err_after : float
        Median key-centre error without and with the x correction (white-key widths), measured on black keys and white seams
        that had no part in the fit.
    err_black, err_white : tuple of float
        The same errors, (before, after), over black keys alone and over white seams alone.
    err_across : tuple of float
        Median distance across the keyboard (white-key widths), without and with the correction across it, of the front edges of
        white and black keys and of their back; (0, 0) where too few are seen.
    deviation : float
        Median distance of the key centres from those of a plain scaling, which is equal white keys between the outermost
        corners (white-key widths).
    """

    confidence: float
    err_before: float
    err_after: float
    err_black: tuple[float, float]
    err_white: tuple[float, float]
    err_across: tuple[float, float]
    deviation: float


@dataclass(frozen=True)
class Registration:
    """Where the keyboard is in a clip's frames.

    Attributes
    ----------
    doubt : str
        What the picture leaves open about which keys these are (the octave, the mirror image), as a sentence for the user; ""
        when every key is known. The place of the keys is sure either way, and the clip can be used once its first key is given.
    homography : 3 x 3 nested tuples of float
        Image px -> strip px (before the x correction).
    x_correction : tuple of float
        Polynomial coefficients in mm, lowest power first; () means no correction.
    orientation : str
        One of ORIENTATIONS, how the image shows the keyboard (upright: low keys left, player at the bottom).
    first_midi, last_midi : int
        MIDI numbers of the lowest and the highest key wholly in view; with an unknown octave, those of the octave nearest to
        the middle.
    source_hw : tuple of int
        Height and width of the video frames (px).
    frames : int
        Number of frames that were looked at.
    quality : Quality
        How far it can be trusted.
    source : str
        "pixels", or "corners" where these were given by metadata, params or the command line.
    moves : tuple of Move
        Later positions of the keyboard, in time order; () for a camera that stands still.
    """

    doubt: str
    homography: tuple[tuple[float, ...], ...]
    x_correction: tuple[float, ...]
    orientation: str
    first_midi: int
    last_midi: int
    source_hw: tuple[int, int]
    frames: int
    quality: Quality
    source: str
    moves: tuple[Move, ...] = ()

    @property
    def status(self) -> str:
        """Its name in STATUSES: "octave_unknown" when something is left open, else "ok"."""
        return "octave_unknown" if self.doubt else "ok"

    @property
    def is_usable(self) -> bool:
        """True when every key is known."""
        return not self.doubt

    @property
    def first_key(self) -> int:
        """Index 0..87 of the lowest key in view."""
        return int(key_of(self.first_midi))

    @property
    def last_key(self) -> int:
        """Index 0..87 of the highest key in view."""
        return int(key_of(self.last_midi))

    def at(self, time_s: float) -> Registration:
        """Return the registration that holds at one instant.

        Parameters
        ----------
        time_s : float
            The instant (s of the video clock); -inf for the beginning.

        Returns
        -------
        Registration
            The same registration with the homography and x correction of that instant, and without `moves`.
        """
        held = [move for move in self.moves if move.start_s <= time_s]
        if not held:
            return replace(self, moves=())
        return replace(self, homography=held[-1].homography, x_correction=held[-1].x_correction, moves=())

    def image_points(self, x_mm: np.ndarray, y_mm: np.ndarray, geometry: StripGeometry) -> np.ndarray:
        """Return where points on the plane of the white keys lie in the image, before any move of the camera.

        Parameters
        ----------
        x_mm, y_mm : array-like of float
            World coordinates (mm), of shapes that broadcast together.
        geometry : StripGeometry
            The raster of the strip that the homography leads to.

        Returns
        -------
        ndarray of float, shape (..., 2)
            x and y in image px.
        """
        x_mm, y_mm = np.broadcast_arrays(np.asarray(x_mm, float), np.asarray(y_mm, float))
        plane_x = x_mm + correction_mm(self.x_correction, x_mm)
        strip = np.stack([geometry.column_px(plane_x), geometry.row_px(y_mm), np.ones_like(plane_x)], axis=-1)  # (..., 3)
        image = strip @ np.linalg.inv(np.array(self.homography)).T
        return image[..., :2] / image[..., 2:]


@dataclass(frozen=True)
class Refusal:
    """Why there is no registration of a clip.

    Attributes
    ----------
    reason : str
        A sentence for the user.
    source_hw : tuple of int
        Height and width of the video frames (px); (0, 0) for a video that cannot be read.
    frames : int
        Number of frames that were looked at.
    """

    reason: str
    source_hw: tuple[int, int]
    frames: int

    @property
    def status(self) -> str:
        """Its name in STATUSES."""
        return "refused"


def correction_mm(coefficients: tuple[float, ...], x_mm: np.ndarray) -> np.ndarray:
    """Return the x correction of a lens.

    Parameters
    ----------
    coefficients : tuple of float
        Polynomial coefficients (mm), lowest power first; () means no correction.
    x_mm : array-like of float
        World x (mm), of any shape.

    Returns
    -------
    ndarray of float
        What is added to x (mm), of the same shape.
    """
    s = 2.0 * np.asarray(x_mm, float) / KEYBOARD_WIDTH_MM - 1.0
    return np.polynomial.polynomial.polyval(s, coefficients) if coefficients else np.zeros_like(s)


def is_usable(item: Registration | Refusal) -> TypeGuard[Registration]:
    """Return whether a clip can be used as it is.

    Parameters
    ----------
    item : Registration or Refusal
        What came of the clip.

    Returns
    -------
    bool
        True for a registration that leaves nothing open.
    """
    return isinstance(item, Registration) and item.is_usable


def objection(item: Registration | Refusal) -> str:
    """Return what speaks against using a clip as it is.

    Parameters
    ----------
    item : Registration or Refusal
        What came of the clip.

    Returns
    -------
    str
        The reason of a refusal, the doubt of a registration; "" when it can be used.
    """
    return item.reason if isinstance(item, Refusal) else item.doubt


def write_registrations(path: Path | str, registrations: Mapping[str, Registration | Refusal]) -> None:
    """Write what came of each clip with stable bytes, numbers with nine decimals.

    Parameters
    ----------
    path : path-like
        The file to write.
    registrations : mapping of str to Registration or Refusal
        Clip id -> what came of it.
    """
    entries = {clip_id: {"status": item.status, **asdict(item)} for clip_id, item in registrations.items()}
    write_json(path, entries, decimals=9)


def read_registrations(path: Path | str) -> dict[str, Registration | Refusal]:
    """Return what came of each clip, from a file written by `write_registrations`.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    dict of str to Registration or Refusal
        Clip id -> what came of it.

    Raises
    ------
    InputError
        The file is missing or damaged, or the entry of a clip is neither a registration nor a refusal; the clip is named.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a mapping of clip ids")
    return {clip_id: _parse(path, clip_id, item) for clip_id, item in value.items()}


def _parse(path: Path | str, clip_id: str, item: Any) -> Registration | Refusal:
    try:
        fields = dict(item, source_hw=tuple(item["source_hw"]))
        status = fields.pop("status")
        if status not in STATUSES:
            raise ValueError(f"status {status!r} is not one of {', '.join(STATUSES)}")
        result = Refusal(**fields) if status == "refused" else _registration(fields)
        if result.status != status or not isinstance(objection(result), str):
            raise ValueError(f"status {status!r} with {objection(result)!r}")
        if len(result.source_hw) != 2 or not all(isinstance(number, int) for number in (*result.source_hw, result.frames)):
            raise ValueError(f"source_hw {result.source_hw}, frames {result.frames!r}")
        return result
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: clip {clip_id!r} is not a registration ({error})") from None


def _registration(fields: Mapping[str, Any]) -> Registration:
    """Return the registration of its fields in the file, checked."""
    moves = [Move(float(move["start_s"]), _matrix(move["homography"]), tuple(move["x_correction"])) for move in fields["moves"]]
    geometry = {"homography": _matrix(fields["homography"]), "x_correction": tuple(fields["x_correction"])}
    item = Registration(**{**fields, **geometry, "quality": _quality(fields["quality"]), "moves": tuple(moves)})
    keys = (item.first_midi, item.last_midi)
    if not all(isinstance(key, int) for key in keys) or not LOWEST_MIDI <= keys[0] <= keys[1] <= HIGHEST_MIDI:
        raise ValueError(f"first_midi {keys[0]!r}, last_midi {keys[1]!r}")
    if item.orientation not in ORIENTATIONS:
        raise ValueError(f"orientation {item.orientation!r} is not one of {', '.join(ORIENTATIONS)}")
    _refuse_odd([*item.x_correction, *(value for move in moves for value in (move.start_s, *move.x_correction))])
    return item


def _quality(fields: Mapping[str, Any]) -> Quality:
    pairs = {name: tuple(fields[name]) for name in ("err_black", "err_white", "err_across")}
    item = Quality(**{**fields, **pairs})
    if any(len(pair) != 2 for pair in pairs.values()):
        raise ValueError(f"{', '.join(pairs)} have two values each")
    _refuse_odd([item.confidence, item.err_before, item.err_after, *chain(*pairs.values()), item.deviation])
    return item


def _refuse_odd(numbers: Sequence[Any]) -> None:
    for number in numbers:
        if not isinstance(number, (int, float)) or not np.isfinite(number):
            raise ValueError(f"{number!r} is not a finite number")


def _matrix(value: Any) -> tuple[tuple[float, ...], ...]:
    matrix = np.array(value, dtype=float)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise ValueError("homography must be 3 x 3 finite numbers")
    return tuple(map(tuple, matrix.tolist()))
