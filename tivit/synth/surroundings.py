"""What stands around the keys: floor, case, fallboard with its felt, key slip, cheeks, sheets of music, the player's legs.

All is drawn at random once per clip and does not move (what moves is in `distractors`). Places are mm of the world frame of
`core.keyboard`.
"""

from __future__ import annotations

import cv2
import numpy as np

from tivit.core.keyboard import KEYBOARD_WIDTH_MM, MIDDLE_MM, WHITE_LENGTH_MM
from tivit.synth.keys import OVERSAMPLING, SHIFT, Face, KeyPainter
from tivit.synth.scene import Color


def paint_room(rng: np.random.Generator, painter: KeyPainter) -> np.ndarray:
    """Return the picture of all that lies below the keys: floor, legs, case and the dark key bed; sometimes sheets of music.

    Parameters
    ----------
    rng : np.random.Generator
    painter : KeyPainter
        Gives camera, scene and projection.

    Returns
    -------
    ndarray, (h, w, 3), uint8 BGR
        Oversampled (`keys.OVERSAMPLING`).
    """
    camera, scene = painter.camera, painter.scene
    floor = _floor(rng, (camera.height_px, camera.width_px))
    _legs(rng, floor)
    canvas = cv2.resize(floor, None, fx=int(OVERSAMPLING[0]), fy=int(OVERSAMPLING[1]), interpolation=cv2.INTER_NEAREST)
    body_back = rng.uniform(200, 480)
    _fill(canvas, _slab(painter, (-60, KEYBOARD_WIDTH_MM + 60), (-38, body_back), -5.0, scene.case))
    _fill(canvas, _slab(painter, (0, KEYBOARD_WIDTH_MM), (-8, WHITE_LENGTH_MM + 4), -8.0, scene.gap))
    if rng.random() < 0.45:
        _sheets(rng, canvas, painter)
    return canvas


def front_parts(rng: np.random.Generator, painter: KeyPainter) -> list[Face]:
    """Return the parts that lie over the ends of the keys: felt, fallboard, cheeks, key slip.

    Parameters
    ----------
    rng : np.random.Generator
    painter : KeyPainter
        Gives camera, scene and projection.

    Returns
    -------
    list of Face
        Back to front.
    """
    scene, width = painter.scene, KEYBOARD_WIDTH_MM
    leans_back = painter.camera.position_mm[1] > WHITE_LENGTH_MM - 20
    # A camera behind the fallboard would not see the keys over a high one.
    fall_mm = rng.uniform(3, 8) if leans_back else rng.uniform(6, 45)
    felt_mm = rng.uniform(1.0, 5.0)
    back = WHITE_LENGTH_MM + felt_mm
    lighter = tuple(min(255.0, c * 1.15 + rng.uniform(2, 14)) for c in scene.case)
    parts = [_slab(painter, (-2, width + 2), (WHITE_LENGTH_MM, back), 2.0, scene.felt)]
    parts += _upright(painter, back, 2.0, fall_mm, scene.case)
    parts.append(_slab(painter, (-60, width + 60), (back, back + rng.uniform(20, 70)), fall_mm, lighter))
    cheek_mm = rng.uniform(0.0, 16.0)
    for x0, x1 in ((-60, -1.5), (width + 1.5, width + 60)):
        parts.append(_slab(painter, (x0, x1), (-38, back), cheek_mm, scene.case))
    parts.append(_slab(painter, (-60, width + 60), (-38, scene.keyslip_mm), -rng.uniform(2, 7), lighter))
    return parts


def paint_front(canvas: np.ndarray, origin_px: tuple[int, int], parts: list[Face]) -> None:
    """Paint parts over the keys on a canvas.

    Parameters
    ----------
    canvas : ndarray, (h, w, 3), uint8 BGR
        Oversampled; changed in place.
    origin_px : (int, int)
        Image pixel x, y of its upper left corner.
    parts : list of Face
        As `front_parts` returns them.
    """
    offset = np.array(origin_px) * OVERSAMPLING << SHIFT
    for part in parts:
        cv2.fillPoly(canvas, [part.points - offset], part.color, cv2.LINE_8, SHIFT)


def _slab(painter: KeyPainter, x: tuple[float, float], y: tuple[float, float], z: float, color: Color) -> Face:
    """Return a horizontal rectangle at height z; its long edges follow the lens."""
    along = np.linspace(x[0], x[1], 17)
    front = np.column_stack([along, np.full(17, y[0]), np.full(17, z)])
    back = np.column_stack([along[::-1], np.full(17, y[1]), np.full(17, z)])
    return painter.face(np.concatenate([front, back]), color)


def _upright(painter: KeyPainter, y: float, z0: float, z1: float, color: Color) -> list[Face]:
    """Return a wall across the keyboard at y from z0 up to z1, where the camera sees its front."""
    if painter.camera.position_mm[1] > y:
        return []
    along = np.linspace(-2, KEYBOARD_WIDTH_MM + 2, 17)
    low = np.column_stack([along, np.full(17, y), np.full(17, z0)])
    high = np.column_stack([along[::-1], np.full(17, y), np.full(17, z1)])
    return [painter.face(np.concatenate([low, high]), tuple(c * 0.7 for c in color))]


def _fill(canvas: np.ndarray, face: Face) -> None:
    """Fill a face on a canvas whose corner is that of the image."""
    cv2.fillPoly(canvas, [face.points], face.color, cv2.LINE_8, SHIFT)


def _floor(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a floor, uint8 BGR, of `shape` (height, width): one colour with a soft random texture."""
    base = rng.uniform(15, 190) * (1 + rng.normal(0, 0.12, 3))
    coarse = rng.normal(0, rng.uniform(2, 16), (rng.integers(3, 40), rng.integers(3, 40), 1))
    texture = cv2.resize(coarse.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(texture[..., None] + base.astype(np.float32), 0, 255).astype(np.uint8)


def _legs(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Paint the legs of the player, in 60 % of the clips, over the lower part of the picture."""
    height, width = canvas.shape[:2]
    color = tuple(float(v) for v in rng.uniform(10, 130, 3))
    if rng.random() < 0.6:
        for side in (-1, 1):
            top = width * (0.5 + side * rng.uniform(0.06, 0.12))
            bottom = width * (0.5 + side * rng.uniform(0.02, 0.10))
            start, end = (int(top), int(height * 0.55)), (int(bottom), height)
            cv2.line(canvas, start, end, color, int(width * rng.uniform(0.06, 0.1)))


def _sheets(rng: np.random.Generator, canvas: np.ndarray, painter: KeyPainter) -> None:
    """Paint one to three sheets of music with dark lines, 40 mm above the keys and behind them."""
    x, y = MIDDLE_MM + rng.normal(0, 150), rng.uniform(230, 330)
    paper = float(rng.uniform(150, 245))
    for k in range(int(rng.integers(1, 4))):
        left = x - 300 + k * 215
        _fill(canvas, _slab(painter, (left, left + 210), (y, y + 290), 40.0, (paper, paper, paper)))
        for line in range(int(rng.integers(4, 9))):
            at = y + 20 + line * 32
            _fill(canvas, _slab(painter, (left + 12, left + 198), (at, at + rng.uniform(2, 9)), 40.0, (paper * 0.6,) * 3))
