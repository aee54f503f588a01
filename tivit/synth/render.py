"""Frames of one clip: static keyboard, keys that moved, hands with their shadows, noise.

Light, lens blur and tone are applied when a part of the keyboard is painted (once, then remembered), so a frame costs a copy,
two small hand layers and the noise. What parts look like is in `keys`, `hands` and `surroundings`, what a camera does to them
in `photometry`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from tivit.core.keyboard import KEY_COUNT, MIDDLE_MM
from tivit.synth.camera import Camera
from tivit.synth.distractors import Distractor
from tivit.synth.hands import HandPainter
from tivit.synth.keys import LEVELS, OVERSAMPLING, REACH, KeyPainter
from tivit.synth.photometry import AutoExposure, Noise, illumination, tone_curve
from tivit.synth.scene import Scene
from tivit.synth.surroundings import front_parts, paint_front, paint_room

BLUR_MARGIN_PX = 4
"""Pixels painted beyond a patch so that the lens blur has something to mix in."""
SHADOW_SCALE = 4
"""Shadows of hands are made at this fraction of the resolution: they are soft."""
HAND_HEIGHT_MM = 22.0
"""Height of a hand above the keys, as far as its shadow is concerned."""
MAX_STREAK_PX = 9
"""Longest streak of a moving hand."""
MIN_BLUR_PX = 0.25
"""Less lens blur than this is left out."""
HAND_BLUR_PX = 0.8
"""Least blur of the outline and shading of a hand, at 640 px image width."""

Rectangle = tuple[int, int, int, int]
"""x0, y0, x1, y1 in image px: columns x0..x1 - 1, rows y0..y1 - 1."""


class KeyboardPicture:
    """The picture of the keyboard without hands; it repaints only the keys whose depth level changed.

    Parameters
    ----------
    rng : np.random.Generator
    camera : Camera
    scene : Scene
    """

    def __init__(self, rng: np.random.Generator, camera: Camera, scene: Scene) -> None:
        self.painter = KeyPainter(rng, camera, scene)
        self.size_px = (camera.width_px, camera.height_px)
        self.sigma_px, self.sharpen = blur_px(camera, scene.blur_px), scene.sharpen
        self.curve = tone_curve(scene)
        self.room = paint_room(rng, self.painter)
        self.parts = front_parts(rng, self.painter)
        self.light = np.repeat(illumination(rng, self.size_px, scene)[..., None], 3, axis=2)
        self.levels = np.zeros(KEY_COUNT, np.int64)
        self.changed = np.zeros(0, np.int64)
        self.rectangles = [self.painter.rectangle_px(key) for key in range(KEY_COUNT)]
        self.patches: dict[tuple[int, ...], np.ndarray] = {}
        self.image = self._painted((0, 0, *self.size_px), 0, KEY_COUNT - 1)

    def at(self, depth: np.ndarray) -> np.ndarray:
        """Return the picture with keys at some depth.

        Parameters
        ----------
        depth : ndarray, (88,), 0..1
            How deep every key is, as a fraction of the travel.

        Returns
        -------
        ndarray, (height, width, 3), uint8 BGR
            A later call changes the same array.
        """
        levels = np.round(depth * LEVELS).astype(np.int64)
        changed = np.flatnonzero(levels != self.levels)
        self.levels, self.changed = levels, changed
        for key in changed:
            first, last = max(key - REACH, 0), min(key + REACH, KEY_COUNT - 1)
            # What a key looks like depends on its near neighbours too, so their levels are part of what a patch is remembered
            # by.
            state = (int(key), *levels[first : last + 1].tolist())
            x0, y0, x1, y1 = self.rectangles[key]
            if state not in self.patches:
                self.patches[state] = self._painted((x0, y0, x1, y1), first, last)
            self.image[y0:y1, x0:x1] = self.patches[state]
        return self.image

    def _painted(self, rectangle: Rectangle, first: int, last: int) -> np.ndarray:
        """Return the picture within `rectangle` with keys first..last painted, through light, lens and tone."""
        x0, y0 = (max(v - BLUR_MARGIN_PX, 0) for v in rectangle[:2])
        x1, y1 = (min(v + BLUR_MARGIN_PX, limit) for v, limit in zip(rectangle[2:], self.size_px, strict=True))
        sx, sy = OVERSAMPLING.tolist()
        canvas = self.room[y0 * sy : y1 * sy, x0 * sx : x1 * sx].copy()
        self.painter.paint(canvas, (x0, y0), self.levels, first, last)
        paint_front(canvas, (x0, y0), self.parts)
        picture = cv2.resize(canvas, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
        picture = np.clip(picture * self.light[y0:y1, x0:x1], 0, 255).astype(np.uint8)
        if self.sigma_px > MIN_BLUR_PX:
            picture = cv2.GaussianBlur(picture, (0, 0), self.sigma_px)
        if self.sharpen > 0:
            soft = cv2.GaussianBlur(picture, (0, 0), max(1.0, 1.2 * self.sigma_px))
            picture = cv2.addWeighted(picture, 1.0 + self.sharpen, soft, -self.sharpen, 0.0)
        # Only the inside is kept: at the border of what was painted the blur lacks its neighbours.
        inner = np.s_[rectangle[1] - y0 : rectangle[3] - y0, rectangle[0] - x0 : rectangle[2] - x0]
        return cv2.LUT(picture, self.curve)[inner]


def blur_px(camera: Camera, sigma: float) -> float:
    """Return the blur of a camera.

    Parameters
    ----------
    camera : Camera
    sigma : float, px
        The blur at 640 px image width.

    Returns
    -------
    float, px
        In proportion to the width of the camera's pictures.
    """
    return sigma * camera.width_px / 640.0


def render(
    rng: np.random.Generator,
    camera: Camera,
    scene: Scene,
    depth: np.ndarray,
    hands: list[HandPainter],
    exposure: AutoExposure | None = None,
    distractors: Sequence[Distractor] = (),
) -> Iterator[np.ndarray]:
    """Yield the frames of a clip.

    Parameters
    ----------
    rng : np.random.Generator
    camera : Camera
    scene : Scene
    depth : ndarray, (T, 88), 0..1
        How deep the keys are in each frame, as a fraction of the travel.
    hands : list of HandPainter
        Their instant k is that of frame k.
    exposure : AutoExposure or None
        Changes the gain over time.
    distractors : sequence of Distractor
        Painted over all, in this order.

    Yields
    ------
    ndarray, (height, width, 3), uint8 BGR
    """
    keyboard = KeyboardPicture(rng, camera, scene)
    noise = Noise(rng, keyboard.size_px, scene.noise_levels)
    for k, frame in enumerate(_exposed(keyboard, depth, scene.shutter)):
        for hand in hands:
            _add_hand(frame, hand, keyboard.light, k)
        for distractor in distractors:
            distractor.paint(frame, k)
        yield noise.apply(exposure.apply(frame, k) if exposure else frame)


def _exposed(keyboard: KeyboardPicture, depth: np.ndarray, shutter: float) -> Iterator[np.ndarray]:
    """Yield the keyboard without hands: moving keys are blurred over `shutter` of the time between frames.

    The mean, around a frame's instant, of what changes linearly between frames: `shutter` / 8 of each neighbour.
    """
    before, now, moved = None, keyboard.at(depth[0]).copy(), []
    for k in range(len(depth)):
        after = keyboard.at(depth[min(k + 1, len(depth) - 1)]).copy()
        moves = [keyboard.rectangles[key] for key in keyboard.changed]
        # Only rectangles of keys that move differ from one picture to the next; all else is the same in all three.
        frame = now.copy() if moves or moved else now
        for neighbour, rectangles in ((before, moved), (after, moves)):
            for x0, y0, x1, y1 in rectangles:
                part = np.s_[y0:y1, x0:x1]
                frame[part] = cv2.addWeighted(frame[part], 1.0 - shutter / 8, neighbour[part], shutter / 8, 0.0)
        yield frame
        before, now, moved = now, after, moves


def _add_hand(frame: np.ndarray, hand: HandPainter, light: np.ndarray, k: int) -> None:
    """Paint hand `hand` at instant k over the frame, with its shadow; the hand is lit as the keys under its fingers are."""
    scene = hand.scene
    x0, y0, x1, y1 = hand.window_px(k)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return
    gain = float(light[y0 : (y0 + y1) // 2 : 8, x0:x1:8, 0].mean())
    layer = cv2.multiply(hand.layer(k), (gain, gain, gain, 1.0))
    streak = _streak_px(hand, k)
    if streak >= 3:
        layer = cv2.blur(layer, (streak, 1))
    layer = cv2.GaussianBlur(layer, (0, 0), blur_px(hand.camera, max(scene.blur_px, HAND_BLUR_PX)))
    alpha = layer[..., 3]
    _add_shadow(frame, alpha, hand, scene, (x0, y0))
    window = frame[y0:y1, x0:x1]
    through = cv2.merge([255 - alpha] * 3)
    window[:] = cv2.add(cv2.multiply(window, through, scale=1 / 255.0), layer[..., :3])


def _streak_px(hand: HandPainter, k: int) -> int:
    """Return the length (px, odd) of the streak along x that a moving hand leaves during the exposure."""
    x_mm = hand.motion.center_mm[:, 0]
    step_mm = abs(x_mm[min(k + 1, len(x_mm) - 1)] - x_mm[max(k - 1, 0)]) / 2
    scale = float(hand.camera.px_per_mm(np.array([x_mm[k], 0.0, 30.0])))
    return int(min(step_mm * scale * hand.scene.shutter, MAX_STREAK_PX)) | 1


def _add_shadow(frame: np.ndarray, alpha: np.ndarray, hand: HandPainter, scene: Scene, origin_px: tuple[int, int]) -> None:
    """Darken the frame below a hand: its outline moved along the light and blurred, at a quarter of the resolution."""
    height, width = frame.shape[:2]
    scale = float(hand.camera.px_per_mm(np.array([MIDDLE_MM, 0.0, 0.0])))
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
