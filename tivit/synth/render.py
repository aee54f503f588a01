"""Frames of one clip: static keyboard, keys that moved, hands with their shadows, then the camera's tone, blur and noise."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from tivit.core.keyboard import KEY_COUNT
from tivit.synth.camera import Camera
from tivit.synth.hands import HandPainter
from tivit.synth.keys import LEVELS, REACH, KeyPainter
from tivit.synth.photometry import Noise, illumination, tone_curve
from tivit.synth.scene import Scene
from tivit.synth.surroundings import front_parts, paint_front, paint_room

OVERSAMPLING_WIDTH_PX = 2600
"""Pictures are painted at least this wide before they are averaged down (3 to 5 times the image)."""
SHADOW_SCALE = 4
HAND_HEIGHT_MM = 22.0
MAX_STREAK_PX = 15


class KeyboardPicture:
    """The picture of the keyboard without hands; repaints only the keys whose depth level changed."""

    def __init__(self, rng: np.random.Generator, camera: Camera, scene: Scene) -> None:
        oversampling = int(np.clip(round(OVERSAMPLING_WIDTH_PX / camera.width_px), 2, 5))
        self.painter = KeyPainter(camera, scene, oversampling)
        self.size_px = (camera.width_px, camera.height_px)
        self.room = paint_room(rng, self.painter)
        self.parts = front_parts(rng, self.painter)
        light = illumination(rng, self.size_px, scene)
        self.light = np.repeat(light[..., None], 3, axis=2)
        self.levels = np.zeros(KEY_COUNT, np.int64)
        self.rectangles = [self.painter.rectangle_px(key) for key in range(KEY_COUNT)]
        self.patches: dict[tuple[int, ...], np.ndarray] = {}
        self.image = self._painted((0, 0, *self.size_px), 0, KEY_COUNT - 1)

    def at(self, depth: np.ndarray) -> np.ndarray:
        """Return the picture, uint8 BGR, with keys at `depth` (88,) 0..1; a later call changes the same array."""
        levels = np.round(depth * LEVELS).astype(np.int64)
        changed = np.flatnonzero(levels != self.levels)
        self.levels = levels
        for key in changed:
            first, last = max(key - REACH, 0), min(key + REACH, KEY_COUNT - 1)
            state = (int(key), *levels[first : last + 1].tolist())
            x0, y0, x1, y1 = self.rectangles[key]
            if state not in self.patches:
                self.patches[state] = self._painted((x0, y0, x1, y1), first, last)
            self.image[y0:y1, x0:x1] = self.patches[state]
        return self.image

    def _painted(self, rectangle: tuple[int, int, int, int], first: int, last: int) -> np.ndarray:
        x0, y0, x1, y1 = rectangle
        scale = self.painter.oversampling
        canvas = self.room[y0 * scale : y1 * scale, x0 * scale : x1 * scale].copy()
        self.painter.paint(canvas, (x0, y0), self.levels, first, last)
        paint_front(canvas, (x0, y0), scale, self.parts)
        small = cv2.resize(canvas, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
        return np.clip(small * self.light[y0:y1, x0:x1], 0, 255).astype(np.uint8)


def render(
    rng: np.random.Generator, camera: Camera, scene: Scene, depth: np.ndarray, hands: list[HandPainter]
) -> Iterator[np.ndarray]:
    """Yield frames, uint8 BGR (height, width, 3): frame k shows keys at `depth[k]` (T, 88) and hands at their frame k."""
    keyboard = KeyboardPicture(rng, camera, scene)
    curve = tone_curve(scene)
    noise = Noise(rng, keyboard.size_px, scene.noise_levels)
    sigma = scene.blur_px * camera.width_px / 640.0
    for k in range(len(depth)):
        frame = keyboard.at(depth[k]).copy()
        for hand in hands:
            _add_hand(frame, hand, scene, k)
        if sigma > 0.25:
            frame = cv2.GaussianBlur(frame, (0, 0), sigma)
        yield noise.apply(cv2.LUT(frame, curve))


def _add_hand(frame: np.ndarray, hand: HandPainter, scene: Scene, k: int) -> None:
    x0, y0, x1, y1 = hand.window_px(k)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return
    layer = hand.layer(k, (x0, y0), (x1 - x0, y1 - y0))
    streak = _streak_px(hand, k)
    if streak >= 3:
        layer = cv2.blur(layer, (streak, 1))
    _add_shadow(frame, layer[..., 3], hand, scene, (x0, y0))
    window = frame[y0:y1, x0:x1]
    through = cv2.merge([255 - layer[..., 3]] * 3)
    window[:] = cv2.add(cv2.multiply(window, through, scale=1 / 255.0), layer[..., :3])


def _streak_px(hand: HandPainter, k: int) -> int:
    """Return the length (px, odd) of the streak that a moving hand leaves during the exposure."""
    x_mm = hand.motion.center_mm[:, 0]
    step_mm = abs(x_mm[min(k + 1, len(x_mm) - 1)] - x_mm[max(k - 1, 0)]) / 2
    scale = float(hand.camera.px_per_mm(np.array([x_mm[k], 0.0, 30.0])))
    length = int(min(step_mm * scale * hand.scene.shutter, MAX_STREAK_PX))
    return length | 1


def _add_shadow(frame: np.ndarray, alpha: np.ndarray, hand: HandPainter, scene: Scene, origin_px: tuple[int, int]) -> None:
    """Darken the frame below a hand: its outline moved along the light and blurred, at a quarter of the resolution."""
    height, width = frame.shape[:2]
    scale = float(hand.camera.px_per_mm(np.array([611.0, 0.0, 0.0])))
    moved = np.array([scene.light[0], -scene.light[1]]) * HAND_HEIGHT_MM * scale
    margin = int(np.ceil(14 * scale / SHADOW_SCALE)) * SHADOW_SCALE
    padded = cv2.copyMakeBorder(alpha, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    small = cv2.resize(padded, None, fx=1 / SHADOW_SCALE, fy=1 / SHADOW_SCALE, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(0.8, 5 * scale / SHADOW_SCALE))
    gain = cv2.resize(255 - cv2.multiply(small, scene.shadow), padded.shape[::-1], interpolation=cv2.INTER_LINEAR)
    left, top = (np.array(origin_px) - margin + np.round(moved).astype(int)).tolist()
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + gain.shape[1], width), min(top + gain.shape[0], height)
    if x1 <= x0 or y1 <= y0:
        return
    window = frame[y0:y1, x0:x1]
    part = gain[y0 - top : y1 - top, x0 - left : x1 - left]
    window[:] = cv2.multiply(window, cv2.merge([part] * 3), scale=1 / 255.0)
