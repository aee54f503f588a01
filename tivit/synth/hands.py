"""Hands as layers: tapered fingers, the back of the hand, forearm and sleeve, projected from their place above the keys."""

from __future__ import annotations

import cv2
import numpy as np

from tivit.core.heads import RIGHT_HAND
from tivit.synth.camera import Camera
from tivit.synth.keys import SHIFT
from tivit.synth.motion import SPREAD_MM, HandMotion
from tivit.synth.scene import Scene

FINGER_LENGTH_MM = np.array([62.0, 88.0, 98.0, 92.0, 74.0])
"""Distance on the plane from knuckle to tip of a curved finger."""
KNUCKLE_Z_MM = np.array([24.0, 52.0, 58.0, 54.0, 44.0])
RADII_MM = np.array([[12.0, 10.5, 9.0], [9.8, 9.0, 7.2], [10.0, 9.2, 7.4], [9.6, 8.8, 7.0], [8.6, 7.6, 6.2]])
"""Half widths at knuckle, middle joint and tip."""
ARC = np.linspace(-np.pi / 2, np.pi / 2, 7)


class HandPainter:
    """Paints one hand of one clip; `arm_mm` is how far outward (x) the elbow lies."""

    def __init__(self, camera: Camera, scene: Scene, motion: HandMotion, width: float, arm_mm: float) -> None:
        self.camera, self.scene, self.motion, self.width, self.arm_mm = camera, scene, motion, width, arm_mm
        self.side = 1.0 if motion.hand == RIGHT_HAND else -1.0
        self.dark = (*(c * 0.66 for c in scene.skin), 255.0)
        self.mid = (*(c * 0.9 for c in scene.skin), 255.0)
        self.light = (*scene.skin, 255.0)
        self.cloth = (*scene.sleeve, 255.0)

    def joints_mm(self, frame: int) -> np.ndarray:
        """Return knuckle, middle joint and tip of the five fingers, shape (5, 3, 3)."""
        tips = self.motion.tips_mm[frame]
        center_x, reach = self.motion.center_mm[frame]
        knuckles = np.empty((5, 3))
        knuckles[:, 0] = center_x + self.side * SPREAD_MM * self.width * np.array([0.62, 0.8, 0.85, 0.85, 0.85])
        knuckles[:, 1] = np.array([10.0, 36.0, 46.0, 40.0, 22.0]) + reach - FINGER_LENGTH_MM * self.width
        knuckles[:, 2] = KNUCKLE_Z_MM
        middle = 0.45 * knuckles + 0.55 * tips
        middle[:, 2] = 0.5 * knuckles[:, 2] + 0.5 * tips[:, 2] + 10.0
        return np.stack([knuckles, middle, tips], axis=1)

    def layer(self, frame: int, origin_px: tuple[int, int], size_px: tuple[int, int]) -> np.ndarray:
        """Return premultiplied BGRA uint8 of the hand in the window `origin_px`, `size_px` (width, height)."""
        layer = np.zeros((size_px[1], size_px[0], 4), np.uint8)
        joints = self.joints_mm(frame)
        pixels = self.camera.project(joints) - origin_px
        radii = RADII_MM * self.width * self.camera.px_per_mm(joints)
        fingers = [_outline(pixels[i], radii[i]) for i in range(5)]
        arm, cuff = self._arm(joints, origin_px)
        palm = cv2.convexHull(np.concatenate([pixels[1:, 0], arm[1:3], pixels[:1, 0]]).astype(np.float32))[:, 0]
        for points in (arm, palm, *fingers):
            _fill(layer, points, self.dark)
        shift = np.array(self.scene.light) * np.array([-1.0, 1.0]) * radii.mean() * 0.25
        _fill(layer, _shrunk(arm, 0.8), self.mid)
        _fill(layer, _shrunk(palm, 0.86) + shift, self.mid)
        for i in range(5):
            _fill(layer, _outline(pixels[i], radii[i] * 0.74) + shift, self.mid)
        for i in range(5):
            _fill(layer, _outline(pixels[i], radii[i] * 0.4) + 1.5 * shift, self.light)
        _fill(layer, cuff, self.cloth)
        return layer

    def window_px(self, frame: int) -> tuple[int, int, int, int]:
        """Return the image rectangle x0, y0, x1, y1 of the hand, down to the image's lower border; empty if out of view."""
        joints = self.joints_mm(frame).reshape(-1, 3)
        arm, cuff = self._arm(joints.reshape(5, 3, 3), (0, 0))
        points = np.concatenate([self.camera.project(joints), arm, cuff])
        margin = 16 * self.camera.px_per_mm(joints).mean()
        low, high = points.min(0) - margin, points.max(0) + margin
        width, height = self.camera.width_px, self.camera.height_px
        x0, x1 = np.clip([np.floor(low[0]), np.ceil(high[0])], 0, width).astype(int)
        y0, y1 = np.clip([np.floor(low[1]), np.ceil(high[1])], 0, height).astype(int)
        return int(x0), int(y0), int(x1), int(y1)

    def _arm(self, joints: np.ndarray, origin_px: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the outlines of wrist with forearm and of the sleeve, image pixels."""
        middle = joints[2, 0] * 0.5 + joints[3, 0] * 0.5
        wrist = middle + np.array([0.0, -78.0 * self.width, -8.0])
        elbow = wrist + np.array([self.side * self.arm_mm, -330.0, 0.0])
        along = (elbow - wrist) / np.linalg.norm(elbow - wrist)
        across = np.array([-along[1], along[0], 0.0])
        half_wrist, half_elbow = 27.0 * self.width, 42.0 * self.width
        arm = [
            elbow + across * half_elbow,
            wrist + across * half_wrist,
            wrist - across * half_wrist,
            elbow - across * half_elbow,
        ]
        start = middle + along * self.scene.sleeve_mm
        half = half_wrist + 10.0
        cuff = [
            start - across * half,
            start + across * half,
            elbow + across * (half_elbow + 22),
            elbow - across * (half_elbow + 22),
        ]
        return self.camera.project(np.array(arm)) - origin_px, self.camera.project(np.array(cuff)) - origin_px


def _outline(joints_px: np.ndarray, radii_px: np.ndarray) -> np.ndarray:
    """Return the outline (n, 2) of a finger through joints (3, 2) with half widths (3,), round at the tip."""
    steps = np.diff(joints_px, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True) + 1e-9
    directions = np.stack([steps[0], steps.mean(0), steps[1]])
    normals = np.stack([-directions[:, 1], directions[:, 0]], axis=1) * radii_px[:, None]
    angle = np.arctan2(directions[2, 1], directions[2, 0])
    tip = joints_px[2] + radii_px[2] * np.stack([np.cos(angle - ARC), np.sin(angle - ARC)], axis=1)
    return np.concatenate([joints_px[:2] + normals[:2], tip, (joints_px[:2] - normals[:2])[::-1]])


def _shrunk(points: np.ndarray, factor: float) -> np.ndarray:
    center = points.mean(0)
    return center + (points - center) * factor


def _fill(layer: np.ndarray, points: np.ndarray, color: tuple[float, ...]) -> None:
    cv2.fillPoly(layer, [np.round(points * (1 << SHIFT)).astype(np.int32)], color, cv2.LINE_AA, SHIFT)
