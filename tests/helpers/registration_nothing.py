"""Pictures without a keyboard for `registration_views`: what must be refused, some of it nearly the pattern of the keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from registration_scenery import (
    CLUTTER,
    KeyDecor,
    ViewPicture,
    finished,
    paint_clutter,
    random_overlay,
    score_page,
    view_scene,
)

from tivit.core.keyboard import KEY_COUNT, KEYBOARD_WIDTH_MM
from tivit.synth.camera import Camera
from tivit.synth.keys import OVERSAMPLING
from tivit.synth.photometry import Noise


def paint_nothing(rng: np.random.Generator, camera: Camera, decor: KeyDecor) -> list[np.ndarray]:
    """Return frames without a keyboard: a room, striped things, a covered keyboard, a piano from behind, a page of a score."""
    kinds: dict[str, Callable[..., np.ndarray]] = {"piano": _closed_piano, "stripes": _stripes, "score": _page, "title": _title}
    kind = str(rng.choice(list(kinds), p=[0.5, 0.3, 0.1, 0.1]))
    picture = kinds[kind](rng, camera, decor)
    bare = replace(decor, overlay="", over_gain=1.0)
    overlay = random_overlay(rng, camera, (0, KEY_COUNT - 1), bare)
    noise = Noise(rng, (camera.width_px, camera.height_px), decor.noise_levels)
    return [noise.apply(finished(picture.copy(), bare, overlay, k)) for k in range(4)]


def _closed_piano(rng: np.random.Generator, camera: Camera, decor: KeyDecor) -> np.ndarray:
    """Return a room with a piano whose keys are under a cloth or a lid, or no piano, with striped things around."""
    painter_picture = ViewPicture(rng, camera, view_scene(rng, decor), (0, KEY_COUNT - 1))
    clutter = decor.clutter or (str(rng.choice(CLUTTER)),)
    for kind in clutter:
        paint_clutter(rng, painter_picture, kind, is_behind=bool(rng.random() < 0.5))
    width = KEYBOARD_WIDTH_MM
    case = painter_picture.painter.scene.case
    kind = rng.choice(["lid", "cloth", "room"])
    if kind != "room":
        painter_picture.fill((-60, width + 60), (-38, rng.uniform(240, 480)), (0, 0), case)
        cover = case if kind == "lid" else tuple(map(float, rng.uniform(10, 200, 3)))
        painter_picture.fill((-10, width + 10), (-20, 170), (12, 12), tuple(min(255.0, c * 1.15 + 6) for c in cover))
        painter_picture.fill((-60, width + 60), (170, 178), (14, 14), tuple(c * 0.6 for c in case))
    sx, sy = OVERSAMPLING.tolist()
    room = painter_picture.room
    picture = cv2.resize(room, (room.shape[1] // sx, room.shape[0] // sy), interpolation=cv2.INTER_AREA)
    return cv2.LUT(np.clip(picture * painter_picture.light, 0, 255).astype(np.uint8), painter_picture.curve)


def _stripes(rng: np.random.Generator, camera: Camera, decor: KeyDecor) -> np.ndarray:
    """Return a picture full of stripes: a radiator, blinds or a shelf, a little turned."""
    width, height = camera.width_px, camera.height_px
    picture = np.full((height, width, 3), rng.uniform(30, 220, 3), np.uint8)
    period, is_even = width * rng.uniform(0.012, 0.05), rng.random() < 0.6
    top, bottom, lean = rng.uniform(0, 0.4) * height, rng.uniform(0.6, 1.0) * height, rng.uniform(-0.1, 0.1) * height
    x = rng.uniform(0, 0.1) * width
    groups = rng.integers(0, 5, 2) * (rng.random() < 0.5)
    count = 0
    cv2.rectangle(picture, (0, int(top) - 5), (width, int(bottom) + 5), (225, 228, 230), -1)
    while x < width:
        wide = period if is_even else period * rng.uniform(0.4, 1.8)
        shade = (28, 26, 24) if is_even else tuple(rng.uniform(10, 220, 3))
        corners = [(x, top), (x + wide * 0.5, top), (x + wide * 0.5 + lean, bottom), (x + lean, bottom)]
        cv2.fillConvexPoly(picture, np.round(np.array(corners) * 16).astype(np.int32), shade, cv2.LINE_AA, 4)
        count += 1
        # Bars in groups of two and four, say, with a gap between: nearly the black keys, but not theirs.
        is_gap = groups.all() and count % int(groups.sum()) in (0, int(groups[0]))
        x += wide * (2.0 if is_gap else 1.0)
    return np.clip(picture * decor.exposure, 0, 255).astype(np.uint8)


def _page(rng: np.random.Generator, camera: Camera, decor: KeyDecor) -> np.ndarray:
    """Return a page of a score that fills the picture."""
    return score_page(rng, (camera.width_px, camera.height_px))


def _title(rng: np.random.Generator, camera: Camera, decor: KeyDecor) -> np.ndarray:
    """Return a dark screen with words."""
    width, height = camera.width_px, camera.height_px
    picture = np.full((height, width, 3), rng.uniform(0, 40, 3), np.uint8)
    for words in ("THANKS FOR WATCHING", "Prelude in C", "subscribe | like | share", "IIII III II IIII II III IIII"):
        place = (int(rng.uniform(0.02, 0.4) * width), int(rng.uniform(0.15, 0.9) * height))
        cv2.putText(
            picture, words, place, 0, width / rng.uniform(500, 1200), (230, 230, 230), max(1, width // 500), cv2.LINE_AA
        )
    return picture
