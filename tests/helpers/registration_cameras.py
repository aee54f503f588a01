"""Cameras of `registration_views`: with a lens, far wider than those of the training data, and what such a camera shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import (
    CENTER_MM,
    KEY_COUNT,
    LEFT_MM,
    OCTAVE_KEYS,
    RIGHT_MM,
    WHITE_KEYS,
    WHITE_LENGTH_MM,
    WHITE_PITCH_MM,
)
from tivit.synth.camera import Camera

LEAST_KEY_PX = 4.0
LEAST_KEYS = 24
MOST_TILT_DEG = 16.0


@dataclass(frozen=True)
class ViewCamera(Camera):
    """A camera with a second lens term that also gives finite pixels for points beside or behind it.

    `depth_scale` is how long the keys are for their width, beside those of a piano.
    """

    k2: float = 0.0
    depth_scale: float = 1.0

    def project(self, points_mm: np.ndarray) -> np.ndarray:
        """Return image pixels (..., 2); beyond 1.6 focal lengths the lens stays as it is there."""
        local = (np.asarray(points_mm, float) * (1.0, self.depth_scale, 1.0) - self.position_mm) @ self.rotation.T
        plane = local[..., :2] / np.maximum(local[..., 2:], 40.0)
        radius2 = np.minimum((plane**2).sum(-1, keepdims=True), 1.6**2)
        plane = plane * (1.0 + self.k1 * radius2 + self.k2 * radius2**2)
        return self.focal_px * plane + np.array([(self.width_px - 1) / 2, (self.height_px - 1) / 2])

    def px_per_mm(self, points_mm: np.ndarray) -> np.ndarray:
        """Return the image scale (px per mm) at world points, as if none were nearer than 40 mm."""
        depth_mm = (np.asarray(points_mm, float) - self.position_mm) @ self.rotation[2]
        return self.focal_px / np.maximum(depth_mm, 40.0)


def draw_camera(
    rng: np.random.Generator,
    size_wh: tuple[int, int],
    instrument: tuple[int, int],
    kind: str,
    depth_scale: float = 1.0,
) -> tuple[ViewCamera, tuple[str, ...]]:
    """Return a camera that shows the instrument where and as wide as drawn, and tags; it may be an impossible one."""
    width, height = size_wh
    is_tilted, is_lean, is_side = rng.random(3) < (0.3, 0.3, 0.35)
    roll = rng.choice([-1, 1]) * rng.uniform(4, 15) if is_tilted else np.clip(rng.normal(0, 1.5), -4, 4)
    lean = rng.uniform(25, 50) if is_lean else rng.uniform(-15, 25)
    side = rng.choice([-1, 1]) * rng.uniform(8, 25) if is_side else rng.normal(0, 3)
    rotation = _rotation(np.deg2rad(lean), np.deg2rad(side), np.deg2rad(roll))
    focal_px = max(width, height) / 2 / np.tan(np.deg2rad(rng.uniform(45, 85)) / 2)
    is_lens = rng.random() < 0.5
    k1, k2 = (rng.uniform(-0.08, 0.05), rng.uniform(-0.015, 0.02)) if is_lens else (rng.normal(0, 0.008), 0.0)
    wide, left = _placement(rng, kind)
    row = rng.uniform(0.15, 0.85)
    low_mm, high_mm = LEFT_MM[instrument[0]], RIGHT_MM[instrument[1]]
    outline = points_mm(np.linspace(low_mm, high_mm, 9)[:, None], np.array([0.0, WHITE_LENGTH_MM])).reshape(-1, 3)
    middle = np.array([(low_mm + high_mm) / 2, WHITE_LENGTH_MM / 2, 0.0])
    position = middle - rotation[2] * focal_px * (high_mm - low_mm) / (wide * width)
    for _ in range(14):
        camera = ViewCamera(width, height, float(focal_px), position, rotation, float(k1), float(k2), depth_scale)
        pixels = camera.project(outline)
        seen_left, seen_right = pixels[:, 0].min(), pixels[:, 0].max()
        error = np.array([(seen_left + seen_right) / 2 - (left + wide / 2) * width, pixels[:, 1].mean() - row * height])
        position = position + rotation[:2].T @ error / float(camera.px_per_mm(middle))
        position = middle + (position - middle) * float(np.clip((seen_right - seen_left) / (wide * width), 0.5, 2.0))
    names = (("tilt", is_tilted), ("lean", is_lean), ("side", is_side), ("lens", is_lens), ("far", wide < 0.5))
    return camera, tuple(name for name, is_so in names if is_so)


def _placement(rng: np.random.Generator, kind: str) -> tuple[float, float]:
    """Return the instrument's width and its left end, fractions of the picture's width."""
    if kind == "both ends cut":
        wide = rng.uniform(1.02, 1.18)
        return wide, -(wide - 1.0) * rng.uniform(0.1, 0.9)
    if kind == "one end cut":
        out = rng.uniform(0.03, 0.35)
        wide = rng.uniform(0.55, min(1.18, 0.985 / (1.0 - out)))
        return wide, -out * wide if rng.random() < 0.5 else 1.0 - wide * (1.0 - out)
    wide = rng.uniform(0.3, 0.55) if rng.random() < 0.25 else rng.uniform(0.55, 0.975)
    return wide, rng.uniform(0.01, 0.99 - wide) if wide < 0.98 else (1.0 - wide) / 2


def _rotation(lean: float, side: float, roll: float) -> np.ndarray:
    """Return world -> camera of an axis that leans off the vertical and to one side, turned about itself (radians)."""
    forward = np.array([np.sin(side), np.sin(lean), -np.cos(lean) * np.cos(side)])
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    return np.vstack([turn @ np.stack([right, np.cross(forward, right)]), forward])


def points_mm(x_mm: np.ndarray, y_mm: np.ndarray | float, z_mm: float = 0.0) -> np.ndarray:
    """Return world points (..., 3)."""
    x, y = np.broadcast_arrays(np.asarray(x_mm, float), np.asarray(y_mm, float))
    return np.stack([x, y, np.full_like(x, z_mm)], axis=-1)


def keys_in_view(camera: ViewCamera, instrument: tuple[int, int], margin_key: float) -> tuple[int, int]:
    """Return the first and last key whose area y = 0..150 mm lies in the picture, grown by white-key widths; (0, -1): none."""
    low, high = instrument
    corners = np.stack([points_mm(x[low : high + 1], y) for x in (LEFT_MM, RIGHT_MM) for y in (0.0, 75.0, WHITE_LENGTH_MM)])
    pixels = camera.project(corners)
    margin = margin_key * camera.px_per_mm(corners)[..., None] * WHITE_PITCH_MM
    inside = ((pixels >= -0.5 - margin) & (pixels <= np.array([camera.width_px, camera.height_px]) - 0.5 + margin)).all((0, 2))
    found = np.flatnonzero(inside)
    return (low + int(found[0]), low + int(found[-1])) if len(found) else (0, -1)


def white_key_px(camera: ViewCamera, keys: tuple[int, int]) -> float:
    """Return the smallest distance (px) of neighbouring white keys in view."""
    whites = WHITE_KEYS[(keys[0] <= WHITE_KEYS) & (keys[1] >= WHITE_KEYS)]
    if len(whites) < 3:
        return 0.0
    return float(np.linalg.norm(np.diff(camera.project(points_mm(CENTER_MM[whites], 30.0)), axis=0), axis=1).min())


def is_plausible(camera: ViewCamera, keys: tuple[int, int], kind: str, instrument: tuple[int, int]) -> bool:
    """True for a view as drawn that a person could take and read."""
    if keys[1] - keys[0] + 1 < LEAST_KEYS or white_key_px(camera, keys) < LEAST_KEY_PX:
        return False
    if kind in ("88", "short") and keys != instrument:
        return False
    cut = (keys[0] > instrument[0]) + (keys[1] < instrument[1])
    if kind.endswith("cut") and cut != (1 if kind.startswith("one") else 2):
        return False
    middle = np.array([CENTER_MM[list(keys)].mean(), WHITE_LENGTH_MM / 2, 0.0])
    ray = camera.position_mm - middle
    angle = np.rad2deg(np.arctan2(-ray[1], ray[2]))
    ends = camera.project(points_mm(CENTER_MM[list(keys)], WHITE_LENGTH_MM / 2))
    slope = np.rad2deg(np.arctan2(ends[1, 1] - ends[0, 1], ends[1, 0] - ends[0, 0]))
    # No key inside the range may stick out above or below: whole rows only.
    between = points_mm(CENTER_MM[keys[0] : keys[1] + 1, None], np.array([-15.0, WHITE_LENGTH_MM]))
    rows = camera.project(between)[..., 1]
    return bool(
        -18 < angle < 55
        and abs(slope) < MOST_TILT_DEG
        and ray[2] > 280
        and rows.min() >= 0
        and rows.max() <= camera.height_px - 1
    )


def octave_known(
    camera: ViewCamera, instrument: tuple[int, int], strict: tuple[int, int], loose: tuple[int, int]
) -> tuple[bool, bool]:
    """Return whether the octave can be known, and whether that is a matter of taste."""
    lone = [first < OCTAVE_KEYS and last + OCTAVE_KEYS >= KEY_COUNT for first, last in (strict, loose)]
    has_end = instrument[0] == 0 and strict[0] == 0
    beside = camera.project(np.array([[-25.0, 0.0, 0.0], [-25.0, WHITE_LENGTH_MM, 0.0]]))
    clear = bool(((beside >= 0) & (beside <= np.array([camera.width_px, camera.height_px]) - 1)).all())
    known = lone[0] or has_end
    return known, lone[0] != lone[1] or (has_end and not clear and not lone[0])
