"""Pictures to look at: the keys in view of a registration drawn over a frame, with names, and many of them on one sheet.

A line above the picture says status, orientation, keys and confidence. Where the octave is not known, names are pitch classes
without an octave; a refused clip shows its whole frame and the reason. Colours are BGR.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tivit.core.keyboard import (
    BLACK_FRONT_MM,
    CENTER_MM,
    IS_BLACK,
    LEFT_MM,
    PITCH_CLASS_NAMES,
    RIGHT_MM,
    TAIL_LEFT_MM,
    TAIL_RIGHT_MM,
    WHITE_LENGTH_MM,
    midi_of,
    name_of,
)
from tivit.core.registration import Refusal, Registration
from tivit.core.strip import StripGeometry

WIDTH_PX = 960
"""Width of an overlay."""
AROUND_PX = 50
"""Rows of the picture that are shown above and below the keyboard."""
LINE_PX = 22
"""Height of a line of text."""
NAME_Y_MM = 20.0
"""Where on a white key its name is written."""
SHEET_COLUMNS, SHEET_WIDTH_PX = 2, 720
"""Columns of a sheet, and width of each in px."""
WHITE_COLOR, BLACK_COLOR, TEXT_COLOR = (60, 180, 0), (255, 120, 0), (0, 0, 220)
NAME_COLOR, LINE_COLOR = (0, 220, 255), (230, 230, 230)
"""Outlines of white and of black keys, letters on the keys, names below them, and the line above the picture."""
MANY_MOVES = 20
"""More moves of the camera are not counted: it was held by hand."""
SUBPIXEL_BITS = 4
"""Fixed-point bits of the outlines drawn."""


def draw_overlay(
    frame: np.ndarray, registration: Registration | Refusal, geometry: StripGeometry, time_s: float = 0.0
) -> np.ndarray:
    """Return a frame with the keys in view drawn over it.

    Parameters
    ----------
    frame : ndarray, (height, width, 3) uint8 BGR or (height, width) uint8 grey
        A frame of the video, in the size that the registration is of.
    registration : Registration or Refusal
        What is drawn.
    geometry : StripGeometry
        Raster of the strip that the homography leads to.
    time_s : float, s
        Instant of the frame on the clock of the video, which matters where the camera moved.

    Returns
    -------
    ndarray, (h, 960, 3), uint8 BGR
        The rows around the keyboard with outlines and names, below a line of text; the whole frame for a refusal.
    """
    scale = WIDTH_PX / frame.shape[1]
    size = (WIDTH_PX, max(1, int(round(frame.shape[0] * scale))))
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if isinstance(registration, Refusal):
        return _under_line(picture, f"refused: {registration.reason}")
    first, last, here = registration.first_key, registration.last_key, registration.at(time_s)
    for key in range(first, last + 1):
        outline = _outline_mm(key)
        points = (here.image_points(*outline.T, geometry) + 0.5) * scale - 0.5
        color = BLACK_COLOR if IS_BLACK[key] else WHITE_COLOR
        fixed = np.round(points * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.polylines(picture, [fixed], True, color, 1, cv2.LINE_AA, SUBPIXEL_BITS)
        if not IS_BLACK[key] or key in (first, last):
            name_px = (here.image_points(CENTER_MM[key], NAME_Y_MM, geometry) + 0.5) * scale - 0.5
            _write_name(picture, key_name(registration, int(midi_of(key))), key in (first, last), name_px)
    x_mm, y_mm = [LEFT_MM[first], RIGHT_MM[last]] * 2, [0, 0, WHITE_LENGTH_MM, WHITE_LENGTH_MM]
    rows = np.clip(here.image_points(x_mm, y_mm, geometry)[:, 1] * scale, 0, len(picture) - 1)
    cut = picture[max(0, int(rows.min()) - AROUND_PX) : int(rows.max()) + AROUND_PX]
    return _under_line(cut, describe(registration))


def describe(registration: Registration) -> str:
    """Return one line on a registration: status, orientation, keys in view, confidence, camera moves.

    Parameters
    ----------
    registration : Registration

    Returns
    -------
    str
    """
    status, count = registration.status.replace("_", " "), registration.last_midi - registration.first_midi + 1
    keys = f"{keys_in_view(registration)} ({count} keys)"
    moves = f", {len(registration.moves)} camera moves" if registration.moves else ""
    moves = ", camera followed throughout" if len(registration.moves) > MANY_MOVES else moves
    return f"{status}: {registration.orientation}, {keys}, confidence {registration.quality.confidence:.2f}{moves}"


def keys_in_view(registration: Registration) -> str:
    """Return the names of the lowest and highest key in view.

    Parameters
    ----------
    registration : Registration

    Returns
    -------
    str
        Such as A0-C8, or C-C where the octave is not known.
    """
    return f"{key_name(registration, registration.first_midi)}-{key_name(registration, registration.last_midi)}"


def key_name(registration: Registration, midi: int) -> str:
    """Return the name of a key as far as a registration knows it.

    Parameters
    ----------
    registration : Registration
    midi : int, 21..108
        MIDI number of the key.

    Returns
    -------
    str
        Without its octave where the registration does not know it.
    """
    return PITCH_CLASS_NAMES[midi % len(PITCH_CLASS_NAMES)] if registration.doubt else name_of(midi)


def contact_sheet(pictures: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Return many pictures on one sheet.

    Parameters
    ----------
    pictures : sequence of (str, ndarray)
        Title and picture, (height, width, 3) uint8 BGR, of any sizes; at least one.

    Returns
    -------
    ndarray, (h, 1440, 3), uint8 BGR
        In reading order in two columns, titles above them.
    """
    tiles = []
    for title, picture in pictures:
        height = max(1, round(len(picture) * SHEET_WIDTH_PX / picture.shape[1]))
        tiles.append(_under_line(cv2.resize(picture, (SHEET_WIDTH_PX, height), interpolation=cv2.INTER_AREA), title))
    rows = []
    for start in range(0, len(tiles), SHEET_COLUMNS):
        row = np.zeros((max(map(len, tiles[start : start + SHEET_COLUMNS])), SHEET_COLUMNS * SHEET_WIDTH_PX, 3), np.uint8)
        for column, tile in enumerate(tiles[start : start + SHEET_COLUMNS]):
            row[: len(tile), column * SHEET_WIDTH_PX : (column + 1) * SHEET_WIDTH_PX] = tile
        rows.append(row)
    return np.concatenate(rows)


def _outline_mm(key: int) -> np.ndarray:
    """Return a key's outline (n, 2) on the white-key plane."""
    left, right = LEFT_MM[key], RIGHT_MM[key]
    if IS_BLACK[key]:
        corners = [(left, BLACK_FRONT_MM), (right, BLACK_FRONT_MM), (right, WHITE_LENGTH_MM), (left, WHITE_LENGTH_MM)]
        return np.array(corners)
    tail_left, tail_right = TAIL_LEFT_MM[key], TAIL_RIGHT_MM[key]
    corners = [(left, 0), (right, 0), (right, BLACK_FRONT_MM), (tail_right, BLACK_FRONT_MM)]
    corners += [
        (tail_right, WHITE_LENGTH_MM),
        (tail_left, WHITE_LENGTH_MM),
        (tail_left, BLACK_FRONT_MM),
        (left, BLACK_FRONT_MM),
    ]
    return np.array(corners)


def _write_name(picture: np.ndarray, name: str, is_end: bool, name_px: np.ndarray) -> None:
    """Write the letter of a white key, and below the keys the whole name of every C and of the keys at both ends."""
    x, y = name_px
    if "#" not in name:
        cv2.putText(picture, name[0], (int(x) - 3, int(y) + 3), 0, 0.28, TEXT_COLOR, 1, cv2.LINE_AA)
    if name[0] == "C" or is_end:
        cv2.putText(picture, name, (int(x) - 6, int(y) + 28), 0, 0.36, NAME_COLOR, 1, cv2.LINE_AA)


def _under_line(picture: np.ndarray, text: str) -> np.ndarray:
    """Return the picture below a dark line with `text`."""
    line = np.full((LINE_PX, picture.shape[1], 3), 40, np.uint8)
    cv2.putText(line, text, (6, LINE_PX - 7), 0, 0.42, LINE_COLOR, 1, cv2.LINE_AA)
    return np.concatenate([line, picture])
