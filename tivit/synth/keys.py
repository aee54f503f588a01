"""The keyboard as painted polygons: tops, walls, fronts, gaps and the shadows that appear beside a pressed key.

Keys rotate about a far pivot; depths are quantised to LEVELS steps and every face is projected once a clip. Painting goes
from the key farthest (along x) from the camera to the nearest, white keys first, so nearer tops hide farther walls. All is
painted OVERSAMPLING times larger and averaged down, because gap lines are thinner than a pixel and nearly vertical.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core import keyboard
from tivit.core.keyboard import CENTER_MM, IS_BLACK, KEY_COUNT, WHITE_LENGTH_MM
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
BLACK_FRONT_MM = WHITE_LENGTH_MM - keyboard.BLACK_LENGTH_MM
OCCLUSION_REACH = 0.4
"""A black key darkens the white tops as far around it as this share of its height above them."""
BLACK_TRAVEL_MM = 9.5
"""How far a black key's front sinks: black levers are shorter, so their fronts sink nearly as far as those of white keys."""


@dataclass(frozen=True)
class Face:
    """A convex polygon in oversampled image pixels, fixed point (n, 2) int32, and its BGR colour."""

    points: np.ndarray
    color: Color


class KeyPainter:
    """Paints keys of one clip onto oversampled canvases."""

    def __init__(self, rng: np.random.Generator, camera: Camera, scene: Scene) -> None:
        self.camera, self.scene = camera, scene
        center = camera.px_per_mm(np.array([611.0, 75.0, 0.0]))
        self.inset_mm = scene.gap_mm / 2 + 0.5 / (OVERSAMPLING[0] * float(center))
        self.shade = rng.normal(1.0, 0.012, KEY_COUNT)
        self.gap_jitter_mm = rng.normal(0.0, 0.12, (KEY_COUNT, 2))
        distance = np.abs(CENTER_MM - camera.position_mm[0])
        self.order = np.lexsort((-distance, IS_BLACK))
        self._faces: dict[tuple[int, ...], list[Face]] = {}

    def paint(self, canvas: np.ndarray, origin_px: tuple[int, int], levels: np.ndarray, first_key: int, last_key: int) -> None:
        """Paint keys first..last (inclusive) at `levels` (88,) onto `canvas`, whose corner is at image pixel `origin_px`."""
        offset = np.array(origin_px) * OVERSAMPLING << SHIFT
        for key in self.order:
            if first_key <= key <= last_key:
                for face in self.faces(int(key), levels):
                    cv2.fillConvexPoly(canvas, face.points - offset, face.color, cv2.LINE_8, SHIFT)

    def faces(self, key: int, levels: np.ndarray) -> list[Face]:
        """Return the faces of a key, back to front, given the levels (88,) of it and its neighbours."""
        if IS_BLACK[key]:
            state = (key, int(levels[key]))
            if state not in self._faces:
                self._faces[state] = self._black_faces(*state)
        else:
            left, right = self._white_neighbours(key)
            state = (key, int(levels[key]), int(levels[left]), int(levels[right]))
            if state not in self._faces:
                self._faces[state] = self._white_faces(*state)
        return self._faces[state]

    def rectangle_px(self, key: int) -> tuple[int, int, int, int]:
        """Return the image rectangle x0, y0, x1, y1 that holds all that changes when `key` moves."""
        levels = np.zeros(KEY_COUNT, int)
        points = [face.points for face in self.faces(key, levels)]
        levels[key] = LEVELS
        points += [face.points for face in self.faces(key, levels)]
        pixels = np.concatenate(points) / (OVERSAMPLING << SHIFT)
        low, high = np.floor(pixels.min(0)).astype(int) - 2, np.ceil(pixels.max(0)).astype(int) + 3
        x0, y0 = np.maximum(low, 0)
        return int(x0), int(y0), int(min(high[0], self.camera.width_px)), int(min(high[1], self.camera.height_px))

    def face(self, points_mm: np.ndarray, color: Color) -> Face:
        """Return world points (n, 3) as a face."""
        pixels = (self.camera.project(points_mm) + 0.5) * OVERSAMPLING - 0.5
        return Face(np.round(pixels * (1 << SHIFT)).astype(np.int32), color)

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

    def _white_faces(self, key: int, level: int, left_level: int, right_level: int) -> list[Face]:
        scene, inset = self.scene, self.inset_mm
        left_mm, right_mm = self.gap_jitter_mm[key]
        x0, x1 = keyboard.LEFT_MM[key] + inset + left_mm, keyboard.RIGHT_MM[key] - inset + right_mm
        t0 = max(x0, keyboard.TAIL_LEFT_MM[key] + 0.3)
        t1 = min(x1, keyboard.TAIL_RIGHT_MM[key] - 0.3)
        top = _tinted(scene.white, self.shade[key] * (1.0 - 0.025 * level / LEVELS))
        faces = []
        cam_x, cam_y = self.camera.position_mm[:2]
        wall_x = x0 if cam_x < x0 else x1 if cam_x > x1 else None
        if wall_x is not None:
            faces.append(self._wall(wall_x, 0.0, BLACK_FRONT_MM, level, -20.0, scene.wall))
            tail_x = t0 if cam_x < x0 else t1
            faces.append(self._wall(tail_x, BLACK_FRONT_MM, REAR_MM, level, -20.0, scene.wall))
        if cam_y < 0:
            z = self._z(0.0, level)
            faces.append(
                self.face(np.array([[x0, 0, z], [x1, 0, z], [x1, 0, z - 20], [x0, 0, z - 20]]), _tinted(scene.white, 0.72))
            )
        corner = 2.0
        outline = np.array(
            [[x0, corner], [x0 + 0.6, 0.5], [x0 + corner, 0], [x1 - corner, 0], [x1 - 0.6, 0.5], [x1, corner]]
            + [[x1, BLACK_FRONT_MM], [x0, BLACK_FRONT_MM]]
        )
        faces.append(self._top(outline, level, top))
        faces.append(
            self._top(np.array([[t0, BLACK_FRONT_MM - 1], [t1, BLACK_FRONT_MM - 1], [t1, REAR_MM], [t0, REAR_MM]]), level, top)
        )
        for x, inward, other in ((x0, 1.0, left_level), (x1, -1.0, right_level)):
            if level > other:
                faces.append(self._contact_shadow(x, inward, level, level - other, top))
        return faces

    def _contact_shadow(self, x: float, inward: float, level: int, step: int, top: Color) -> Face:
        """Return the dark line on a pressed key beside its higher neighbour: as wide as the step is high."""
        scene = self.scene
        lean = max(0.0, scene.light[0] * inward)
        y = np.array([0.0, BLACK_FRONT_MM])
        width = -self._z(y, step) * (scene.ambient + 0.35 * lean)
        points = np.array([[x, y[0]], [x + inward * width[0], y[0]], [x + inward * width[1], y[1]], [x, y[1]]])
        return self._top(points, level, _tinted(top, 1.0 - scene.edge))

    def _black_faces(self, key: int, level: int) -> list[Face]:
        scene = self.scene
        half_base, half_top = scene.black_mm / 2, scene.black_mm / 2 - 0.8
        x, front, rear = CENTER_MM[key], BLACK_FRONT_MM, REAR_MM
        dim = 1.0 - scene.sunk * level / LEVELS
        top_front = front + scene.bevel_mm
        height = keyboard.BLACK_HEIGHT_MM
        faces = [self._slot(key), *self._black_shadow(x, level)]
        cam_x, cam_y = self.camera.position_mm[:2]

        def corner(px: float, y: float, up: float) -> list[float]:
            return [px, y, up + float(self._black_z(y, level))]

        for sign in (-1.0, 1.0):
            if (cam_x - x) * sign > half_top:
                shade = 0.75 + 0.5 * max(0.0, -sign * scene.light[0])
                base, edge = x + sign * half_base, x + sign * half_top
                quad = [
                    corner(base, front, 0),
                    corner(base, rear, 0),
                    corner(edge, rear, height),
                    corner(edge, top_front, height),
                ]
                faces.append(self.face(np.array(quad), _tinted(scene.black, shade)))
        slope = [corner(x - half_base, front, 0), corner(x + half_base, front, 0)]
        slope += [corner(x + half_top, top_front, height), corner(x - half_top, top_front, height)]
        if cam_y < top_front + 200:
            faces.append(self.face(np.array(slope), _tinted(_added(scene.black, 6 + 38 * scene.gloss), dim)))
        top = [corner(x - half_top, top_front, height), corner(x + half_top, top_front, height)]
        top += [corner(x + half_top, rear, height), corner(x - half_top, rear, height)]
        spot = np.exp(-0.5 * ((x - scene.glare_mm[0]) / scene.glare_mm[1]) ** 2)
        glare = 190.0 * scene.glare * float(spot)
        faces.append(self.face(np.array(top), _tinted(_added(scene.black, 4 + 10 * scene.gloss + glare), dim)))
        sign = 1.0 if scene.light[0] < 0 else -1.0
        shine = [
            corner(x + sign * (half_top - a), y, height)
            for y, a in ((top_front, 0.2), (top_front, 1.6), (rear, 1.6), (rear, 0.2))
        ]
        faces.append(self.face(np.array(shine), _tinted(_added(scene.black, 8 + 34 * scene.gloss + glare), dim)))
        return faces

    def _slot(self, key: int) -> Face:
        """Return the dark slot in which a black key stands."""
        half = (self.scene.black_mm + 1.0) / 2
        x, y0, y1 = CENTER_MM[key], BLACK_FRONT_MM - 0.8, REAR_MM
        return self.face(np.array([[x - half, y0, 0], [x + half, y0, 0], [x + half, y1, 0], [x - half, y1, 0]]), self.scene.gap)

    def _black_shadow(self, x: float, level: int) -> list[Face]:
        """Return what a black key takes from the white tops around it: light from above, less when it is down, and its shadow.

        Without it a press right below a distant camera shows nowhere: no wall is seen and the finger hides the front.
        """
        scene = self.scene
        height = keyboard.BLACK_HEIGHT_MM + float(self._black_z(BLACK_FRONT_MM, level))
        moved = np.array(scene.light) * height * 0.6
        half = scene.black_mm / 2
        base = np.array([[x - half, BLACK_FRONT_MM], [x + half, BLACK_FRONT_MM], [x + half, REAR_MM], [x - half, REAR_MM]])
        outward = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 0.0], [-1.0, 0.0]]) * height
        shadow = cv2.convexHull(np.concatenate([base, base + moved]).astype(np.float32))[:, 0]
        patches = (
            (base + OCCLUSION_REACH * outward, 1.0 - scene.occlusion / 2),
            (shadow, 1.0 - scene.cast),
            (base + OCCLUSION_REACH / 2 * outward, 1.0 - scene.occlusion - scene.cast / 2),
        )
        return [self.face(np.column_stack([points, np.zeros(len(points))]), _tinted(scene.white, f)) for points, f in patches]

    def _top(self, outline_mm: np.ndarray, level: int, color: Color) -> Face:
        return self.face(np.column_stack([outline_mm, self._z(outline_mm[:, 1], level)]), color)

    def _wall(self, x: float, y0: float, y1: float, level: int, bottom: float, color: Color) -> Face:
        z0, z1 = self._z(y0, level), self._z(y1, level)
        return self.face(np.array([[x, y0, z0], [x, y1, z1], [x, y1, z1 + bottom], [x, y0, z0 + bottom]]), color)


def _tinted(color: Color, factor: float) -> Color:
    return tuple(min(max(c * factor, 0.0), 255.0) for c in color)


def _added(color: Color, amount: float) -> Color:
    return tuple(min(max(c + amount, 0.0), 255.0) for c in color)
