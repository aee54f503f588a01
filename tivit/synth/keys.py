"""The keyboard as painted polygons: tops, walls, fronts, gaps, and the shadows of black keys on the white tops beside them.

Keys rotate about a far pivot; depths are quantised to LEVELS steps and every face is projected once per clip. Painting goes
from the key farthest (along x) from the camera to the nearest, white keys first, so nearer tops hide farther walls. All is
painted OVERSAMPLING times larger and averaged down, because gap lines are thinner than a pixel and nearly vertical.

What a pressed white key shows is geometry: its top lies lower and so moves towards the point below the camera. On the side of
a black key that the camera sees, the gap opens and the stick below the black cap comes out; on the other side the gap closes.
So nothing is painted over a white top as if it were at rest: shadows lie on each top where it is. Whatever else light does to
a sunk key (`scene.Sinking`) differs from room to room in its sign, so it is drawn with a random one, or left out: a sign that
is always the same is believed by a network and then missed on real video (docs/transfer.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core import keyboard
from tivit.core.keyboard import BLACK_FRONT_MM, CENTER_MM, IS_BLACK, KEY_COUNT, MIDDLE_MM, WHITE_LENGTH_MM
from tivit.synth.camera import Camera
from tivit.synth.scene import Color, Scene

LEVELS = 10
"""Depth steps: level 0 is released, LEVELS is the full travel."""
OVERSAMPLING = np.array([8, 2])
"""Canvas pixels per image pixel along x and y."""
SHIFT = 4
"""Fixed-point bits of polygon points."""
REACH = 3
"""A key's picture depends on the keys at most this many semitones away."""
REAR_MM = WHITE_LENGTH_MM + 4.0
"""y at which painted keys end, a little behind the fallboard line; felt and fallboard are painted over it."""
FRONT_END_MM = BLACK_FRONT_MM - 0.8
"""Where the broad front part of a white key ends, a gap before the black keys."""
OCCLUSION_REACH = 0.4
"""A black key darkens the white tops as far around it as this share of its height above them."""
BLACK_TRAVEL_MM = 9.5
"""How far a black key's front sinks: black levers are shorter, so their fronts sink nearly as far as those of white keys."""


Polygon = tuple[np.ndarray, Color]
"""World points (n, 3) in mm, and a BGR colour."""


@dataclass(frozen=True)
class Face:
    """A convex polygon of the picture.

    Attributes
    ----------
    points : ndarray, (n, 2), int32
        Oversampled image pixels, x and y in fixed point (SHIFT bits).
    color : Color
        BGR.
    """

    points: np.ndarray
    color: Color


class KeyPainter:
    """Paints keys of one clip onto oversampled canvases.

    Parameters
    ----------
    rng : np.random.Generator
        Varies shade and gaps from key to key.
    camera : Camera
    scene : Scene
    """

    def __init__(self, rng: np.random.Generator, camera: Camera, scene: Scene) -> None:
        self.camera, self.scene = camera, scene
        center = camera.px_per_mm(np.array([MIDDLE_MM, 75.0, 0.0]))
        # Tops end half a gap inside their borders, and half a canvas pixel, because a filled polygon covers its outline too.
        self.inset_mm = scene.gap_mm / 2 + 0.5 / (OVERSAMPLING[0] * float(center))
        self.shade = rng.normal(1.0, 0.012, KEY_COUNT)
        self.gap_jitter_mm = rng.normal(0.0, 0.12, (KEY_COUNT, 2))
        distance = np.abs(CENTER_MM - camera.position_mm[0])
        # White before black, and of each kind the far ones (along x) first: what is nearer to the camera is painted over them.
        self.order = np.lexsort((-distance, IS_BLACK))
        self._faces: dict[tuple[int, ...], list[Face]] = {}

    def paint(self, canvas: np.ndarray, origin_px: tuple[int, int], levels: np.ndarray, first_key: int, last_key: int) -> None:
        """Paint some keys onto a canvas.

        Parameters
        ----------
        canvas : ndarray, (h, w, 3), uint8 BGR
            Oversampled; changed in place.
        origin_px : tuple of int
            Image pixel x, y of its upper left corner.
        levels : ndarray, (88,), int, 0..LEVELS
            Depth of every key.
        first_key, last_key : int, 0..87
            Keys to paint, both included.
        """
        offset = np.array(origin_px) * OVERSAMPLING << SHIFT
        for key in self.order:
            if first_key <= key <= last_key:
                for face in self.faces(int(key), levels):
                    cv2.fillConvexPoly(canvas, face.points - offset, face.color, cv2.LINE_8, SHIFT)

    def faces(self, key: int, levels: np.ndarray) -> list[Face]:
        """Return the faces of a key, back to front.

        Parameters
        ----------
        key : int, 0..87
        levels : ndarray, (88,), int, 0..LEVELS
            Depth of every key; only those of the key and its neighbours count.

        Returns
        -------
        list of Face
        """
        around = [key - 1, key + 1] if IS_BLACK[key] else [*self._white_neighbours(key), key - 1, key + 1]
        # The levels that a picture of the key depends on name it, so each state is projected once per clip.
        state = (key, *levels[np.clip([key, *around], 0, KEY_COUNT - 1)].tolist())
        if state not in self._faces:
            polygons = self._black_key(*state) if IS_BLACK[key] else self._white_key(*state)
            pixels = self._fixed_px(np.concatenate([points for points, _ in polygons]))
            ends = np.cumsum([len(points) for points, _ in polygons])[:-1]
            colors = [color for _, color in polygons]
            self._faces[state] = [Face(*pair) for pair in zip(np.split(pixels, ends), colors, strict=True)]
        return self._faces[state]

    def rectangle_px(self, key: int) -> tuple[int, int, int, int]:
        """Return the part of the image that holds all that changes when a key moves.

        Parameters
        ----------
        key : int, 0..87

        Returns
        -------
        x0, y0, x1, y1 : int, px
            Columns x0..x1 - 1, rows y0..y1 - 1.
        """
        levels = np.zeros(KEY_COUNT, int)
        points = [face.points for face in self.faces(key, levels)]
        levels[key] = LEVELS
        points += [face.points for face in self.faces(key, levels)]
        pixels = np.concatenate(points) / (OVERSAMPLING << SHIFT)
        low, high = np.floor(pixels.min(0)).astype(int) - 2, np.ceil(pixels.max(0)).astype(int) + 3
        x0, y0 = np.maximum(low, 0)
        return int(x0), int(y0), int(min(high[0], self.camera.width_px)), int(min(high[1], self.camera.height_px))

    def face(self, points_mm: np.ndarray, color: Color) -> Face:
        """Return world points (n, 3), mm, as a face of a BGR colour."""
        return Face(self._fixed_px(points_mm), color)

    def _fixed_px(self, points_mm: np.ndarray) -> np.ndarray:
        """Return oversampled image pixels (n, 2), int32 fixed point, of world points (n, 3)."""
        pixels = (self.camera.project(points_mm) + 0.5) * OVERSAMPLING - 0.5
        return np.round(pixels * (1 << SHIFT)).astype(np.int32)

    def _white_neighbours(self, key: int) -> tuple[int, int]:
        """Return the white keys on both sides of a white key (the key itself at the ends)."""
        left = key - (2 if key > 1 and IS_BLACK[key - 1] else 1)
        right = key + (2 if key < KEY_COUNT - 2 and IS_BLACK[key + 1] else 1)
        return max(left, 0), min(right, KEY_COUNT - 1)

    def _z(self, y_mm: np.ndarray, level: int) -> np.ndarray:
        """Return how much (mm, negative) a key's top has sunk at y."""
        pivot = self.scene.pivot_mm
        return -keyboard.KEY_TRAVEL_MM * level / LEVELS * (pivot - np.asarray(y_mm, float)) / pivot

    def _black_z(self, y_mm: np.ndarray, level: int) -> np.ndarray:
        """Return how much (mm, negative) a black key has sunk at y: nearly the whole travel at its own front."""
        pivot = self.scene.pivot_mm
        return -BLACK_TRAVEL_MM * level / LEVELS * (pivot - np.asarray(y_mm, float)) / (pivot - BLACK_FRONT_MM)

    def _white_key(self, key: int, level: int, left_level: int, right_level: int, *beside: int) -> list[Polygon]:
        """Return a white key back to front; `beside` are the levels of the keys next to it, black or white."""
        scene, inset = self.scene, self.inset_mm
        left_mm, right_mm = self.gap_jitter_mm[key]
        x0, x1 = keyboard.LEFT_MM[key] + inset + left_mm, keyboard.RIGHT_MM[key] - inset + right_mm
        t0 = max(x0, keyboard.TAIL_LEFT_MM[key] + 0.3)
        t1 = min(x1, keyboard.TAIL_RIGHT_MM[key] - 0.3)
        sinking, sunk = scene.sinking, level / LEVELS
        # Borders move outward in proportion to the depth, each side by its own amount.
        swell_left, swell_right = (sunk * sinking.swell_mm(side, CENTER_MM[key]) for side in (0, 1))
        x0, t0, x1, t1 = x0 - swell_left, t0 - swell_left, x1 + swell_right, t1 + swell_right
        top = _tinted(scene.white, self.shade[key] * (1.0 - sinking.dim * sunk))
        tail = _tinted(top, 1.0 - sinking.tail * sunk)
        polygons = []
        cam_x, cam_y = self.camera.position_mm[:2]
        # Only the side that faces the camera shows its wall; the top is painted after it.
        wall_x = x0 if cam_x < x0 else x1 if cam_x > x1 else None
        if wall_x is not None:
            polygons.append(self._wall(wall_x, 0.0, FRONT_END_MM, level, -20.0, scene.wall))
            tail_x = t0 if cam_x < x0 else t1
            polygons.append(self._wall(tail_x, FRONT_END_MM, REAR_MM, level, -20.0, scene.wall))
        # A camera that stands before the front edges of the keys sees the fronts too.
        if cam_y < 0:
            z = float(self._z(0.0, level))
            lip = np.array([[x0, 0, z], [x1, 0, z], [x1, 0, z - 20], [x0, 0, z - 20]])
            polygons.append((lip, _tinted(scene.white, 0.72)))
        corner = 2.0
        outline = np.array(
            [[x0, corner], [x0 + 0.6, 0.5], [x0 + corner, 0], [x1 - corner, 0], [x1 - 0.6, 0.5], [x1, corner]]
            + [[x1, FRONT_END_MM], [x0, FRONT_END_MM]]
        )
        polygons.append(self._top(outline, level, top))
        polygons.append(self._top(_rectangle(t0, t1, FRONT_END_MM - 1, REAR_MM), level, tail))
        parts = ((x0, x1, 0.0, FRONT_END_MM), (t0, t1, FRONT_END_MM, REAR_MM))
        # Shade by shade and not key by key, so that shadows of the two neighbours do not cover each other's darker parts.
        shadows = [
            self._shadow_of(key + side, other, level, parts, tail)
            for side, other in zip((-1, 1), beside, strict=True)
            if _is_black(key + side)
        ]
        polygons += [polygon for shade in zip(*shadows, strict=True) for side in shade for polygon in side]
        for x, inward, other in ((x0, 1, left_level), (x1, -1, right_level)):
            if level > other and sinking.edge != 0:
                end_mm = FRONT_END_MM if _is_black(key - inward) else REAR_MM
                polygons.append(self._contact_shadow(x, inward, level, level - other, top, end_mm))
        return polygons

    def _contact_shadow(self, x: float, inward: int, level: int, step: int, top: Color, end_mm: float) -> Polygon:
        """Return the line on a pressed key beside its higher neighbour, up to y `end_mm`: as wide as the step is high."""
        scene = self.scene
        lean = max(0.0, scene.light[0] * inward)
        y = np.array([0.0, end_mm])
        width = -self._z(y, step) * (scene.sinking.edge_width + 0.15 * lean)
        points = np.array([[x, y[0]], [x + inward * width[0], y[0]], [x + inward * width[1], y[1]], [x, y[1]]])
        return self._top(points, level, _tinted(top, 1.0 - scene.sinking.edge))

    def _shadow_of(
        self, key: int, level: int, white_level: int, parts: tuple[tuple[float, float, float, float], ...], top: Color
    ) -> tuple[list[Polygon], list[Polygon], list[Polygon]]:
        """Return what black `key` takes from the white top beside it, in three shades: light from above, and its shadow.

        `parts` are the rectangles (x0, x1, y0, y1) in mm of the white top, which has sunk by `white_level`.
        """
        scene, x, half = self.scene, float(CENTER_MM[key]), self.scene.black_mm / 2
        base = _rectangle(x - half, x + half, BLACK_FRONT_MM, REAR_MM)
        shades: tuple[list[Polygon], list[Polygon], list[Polygon]] = ([], [], [])
        for part in parts:
            sunk = float(self._z(max(part[2], BLACK_FRONT_MM), white_level))
            height = keyboard.BLACK_HEIGHT_MM + float(self._black_z(BLACK_FRONT_MM, level)) - scene.sinking.growth * sunk
            outward = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 0.0], [-1.0, 0.0]]) * height
            cast = np.concatenate([base, base + np.array(scene.light) * height * 0.6])
            patches = (
                (base + OCCLUSION_REACH * outward, 1.0 - scene.occlusion / 2),
                (cv2.convexHull(cast.astype(np.float32))[:, 0], 1.0 - scene.cast),
                (base + OCCLUSION_REACH / 2 * outward, 1.0 - scene.occlusion - scene.cast / 2),
            )
            limits = _rectangle(*part).astype(np.float32)
            for polygons, (points, factor) in zip(shades, patches, strict=True):
                area, inside = cv2.intersectConvexConvex(points.astype(np.float32), limits)
                if area > 0:
                    polygons.append(self._top(inside[:, 0].astype(float), white_level, _tinted(top, factor)))
        return shades

    def _black_key(self, key: int, level: int, left_level: int, right_level: int) -> list[Polygon]:
        """Return a black key back to front; `left_level` and `right_level` are those of the white keys beside it."""
        scene = self.scene
        half_base, half_top = scene.black_mm / 2, scene.black_mm / 2 - 0.8
        x, front, rear = CENTER_MM[key], BLACK_FRONT_MM, REAR_MM
        dim = 1.0 - scene.sinking.black * level / LEVELS
        top_front = front + scene.bevel_mm
        height = keyboard.BLACK_HEIGHT_MM
        polygons = []
        cam_x, cam_y = self.camera.position_mm[:2]

        def corner(px: float, y: float, up: float) -> list[float]:
            return [px, y, up + float(self._black_z(y, level))]

        for sign, white_level in ((-1.0, left_level), (1.0, right_level)):
            base, edge = x + sign * half_base, x + sign * half_top
            if (cam_x - base) * sign > 0:
                polygons += self._stick(base, level, white_level)
            if (cam_x - x) * sign > half_top:
                shade = 0.75 + 0.5 * max(0.0, -sign * scene.light[0])
                quad = [
                    corner(base, front, 0),
                    corner(base, rear, 0),
                    corner(edge, rear, height),
                    corner(edge, top_front, height),
                ]
                polygons.append((np.array(quad), _tinted(scene.black, shade)))
        slope = [corner(x - half_base, front, 0), corner(x + half_base, front, 0)]
        slope += [corner(x + half_top, top_front, height), corner(x - half_top, top_front, height)]
        if cam_y < top_front + 200:
            polygons.append((np.array(slope), _tinted(_added(scene.black, 6 + 38 * scene.gloss), dim)))
        top = [corner(x - half_top, top_front, height), corner(x + half_top, top_front, height)]
        top += [corner(x + half_top, rear, height), corner(x - half_top, rear, height)]
        spot = np.exp(-0.5 * ((x - scene.glare_mm[0]) / scene.glare_mm[1]) ** 2)
        glare = 190.0 * scene.glare * float(spot)
        polygons.append((np.array(top), _tinted(_added(scene.black, 4 + 10 * scene.gloss + glare), dim)))
        sign = 1.0 if scene.light[0] < 0 else -1.0
        shine = [
            corner(x + sign * (half_top - a), y, height)
            for y, a in ((top_front, 0.2), (top_front, 1.6), (rear, 1.6), (rear, 0.2))
        ]
        polygons.append((np.array(shine), _tinted(_added(scene.black, 8 + 34 * scene.gloss + glare), dim)))
        return polygons

    def _stick(self, base: float, level: int, white_level: int) -> list[Polygon]:
        """Return the side of the stick below a black cap at x `base`, where the white key beside it has sunk below the cap."""
        y = np.array([BLACK_FRONT_MM + 1.0, REAR_MM])
        high, low = np.minimum(self._black_z(y, level), 0.0), self._z(y, white_level)
        if low[0] >= high[0]:
            return []
        side = np.array([[base, y[0], high[0]], [base, y[1], high[1]], [base, y[1], low[1]], [base, y[0], low[0]]])
        return [(side, self.scene.stick)]

    def _top(self, outline_mm: np.ndarray, level: int, color: Color) -> Polygon:
        """Return an outline (n, 2), mm, of a white top that has sunk to `level`."""
        return np.column_stack([outline_mm, self._z(outline_mm[:, 1], level)]), color

    def _wall(self, x: float, y0: float, y1: float, level: int, bottom: float, color: Color) -> Polygon:
        """Return the side of a white key at `x` from y0 to y1, down to `bottom` (mm, negative) below its top."""
        z0, z1 = self._z(y0, level), self._z(y1, level)
        return np.array([[x, y0, z0], [x, y1, z1], [x, y1, z1 + bottom], [x, y0, z0 + bottom]]), color


def _is_black(key: int) -> bool:
    return 0 <= key < KEY_COUNT and bool(IS_BLACK[key])


def _rectangle(x0: float, x1: float, y0: float, y1: float) -> np.ndarray:
    """Return the corners (4, 2) of a rectangle, front left first, counter-clockwise."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _tinted(color: Color, factor: float) -> Color:
    return tuple(min(max(c * factor, 0.0), 255.0) for c in color)


def _added(color: Color, amount: float) -> Color:
    return tuple(min(max(c + amount, 0.0), 255.0) for c in color)
