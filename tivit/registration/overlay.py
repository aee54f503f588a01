"""A picture to look at: the 88 keys of a registration drawn over a frame, with names."""

from __future__ import annotations

import cv2
import numpy as np

from tivit.core.keyboard import (
    BLACK_LENGTH_MM,
    IS_BLACK,
    KEY_COUNT,
    KEYBOARD_WIDTH_MM,
    LEFT_MM,
    RIGHT_MM,
    TAIL_LEFT_MM,
    TAIL_RIGHT_MM,
    WHITE_LENGTH_MM,
    midi_of,
    name_of,
)
from tivit.core.registration import Registration
from tivit.core.strip import StripGeometry

WIDTH_PX = 960
AROUND_PX = 50
WHITE_COLOR, BLACK_COLOR, TEXT_COLOR = (60, 180, 0), (255, 120, 0), (0, 0, 220)
SUBPIXEL_BITS = 4


def draw_overlay(frame: np.ndarray, registration: Registration, geometry: StripGeometry) -> np.ndarray:
    """Return `frame` (BGR or grey, uint8), 960 px wide and cut to the keyboard's rows, with key outlines and names.

    A refused registration gives the whole frame with the reason.
    """
    scale = WIDTH_PX / frame.shape[1]
    size = (WIDTH_PX, max(1, int(round(frame.shape[0] * scale))))
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if not registration.is_usable:
        return cv2.putText(picture, f"refused: {registration.reason}", (8, 20), 0, 0.5, TEXT_COLOR, 1, cv2.LINE_AA)
    for key in range(KEY_COUNT):
        outline, label_mm = _shape(key)
        points = (registration.image_points(*outline.T, geometry) + 0.5) * scale - 0.5
        color = BLACK_COLOR if IS_BLACK[key] else WHITE_COLOR
        fixed = np.round(points * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.polylines(picture, [fixed], True, color, 1, cv2.LINE_AA, SUBPIXEL_BITS)
        if label_mm is not None:
            _write_name(picture, key, (registration.image_points(*label_mm, geometry) + 0.5) * scale - 0.5)
    ends_mm = np.array([[0, 0], [0, WHITE_LENGTH_MM], [KEYBOARD_WIDTH_MM, 0], [KEYBOARD_WIDTH_MM, WHITE_LENGTH_MM]])
    rows = registration.image_points(*ends_mm.T, geometry)[:, 1] * scale
    return picture[max(0, int(rows.min()) - AROUND_PX) : int(rows.max()) + AROUND_PX]


def _shape(key: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a key's outline (n, 2) in mm on the white-key plane and where its name goes (None for black keys)."""
    black_front = WHITE_LENGTH_MM - BLACK_LENGTH_MM
    left, right = LEFT_MM[key], RIGHT_MM[key]
    if IS_BLACK[key]:
        corners = [(left, black_front), (right, black_front), (right, WHITE_LENGTH_MM), (left, WHITE_LENGTH_MM)]
        return np.array(corners), None
    tail_left, tail_right = TAIL_LEFT_MM[key], TAIL_RIGHT_MM[key]
    corners = [(left, 0), (right, 0), (right, black_front), (tail_right, black_front)]
    corners += [(tail_right, WHITE_LENGTH_MM), (tail_left, WHITE_LENGTH_MM), (tail_left, black_front), (left, black_front)]
    return np.array(corners), np.array([(left + right) / 2, 20.0])


def _write_name(picture: np.ndarray, key: int, place_px: np.ndarray) -> None:
    """Write the pitch letter at a key, and below the keyboard the whole name of every C and of the lowest key."""
    name = name_of(int(midi_of(key)))
    x, y = place_px
    cv2.putText(picture, name[0], (int(x) - 3, int(y) + 3), 0, 0.28, TEXT_COLOR, 1, cv2.LINE_AA)
    if name[0] == "C" or key == 0:
        cv2.putText(picture, name, (int(x) - 6, int(y) + 28), 0, 0.36, (0, 220, 255), 1, cv2.LINE_AA)
