"""What surrounds and disturbs the keyboards of `registration_views`: shorter instruments, clutter, overlays, light.

The keys, hands, room and tone come from `tivit.synth`; here is what that renderer cannot do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from synth_cases import GEOMETRY_ALONE

from tivit.core.keyboard import (
    BLACK_FRONT_MM,
    IS_BLACK,
    KEY_COUNT,
    KEYBOARD_WIDTH_MM,
    LEFT_MM,
    RIGHT_MM,
    TAIL_LEFT_MM,
    TAIL_RIGHT_MM,
    WHITE_LENGTH_MM,
)
from tivit.synth.camera import Camera
from tivit.synth.keys import REAR_MM, SHIFT, Face, KeyPainter
from tivit.synth.params import TierParams
from tivit.synth.photometry import illumination, tone_curve
from tivit.synth.render import KeyboardPicture, blur_px
from tivit.synth.scene import Color, Scene, random_scene
from tivit.synth.surroundings import front_parts, paint_room

CASES = (
    (30.0, 50.0, 85.0),
    (45.0, 85.0, 140.0),
    (80.0, 125.0, 175.0),
    (235.0, 235.0, 235.0),
    (20.0, 20.0, 20.0),
    (30, 30, 120),
)
"""Walnut, oak, pine, white, black, red (BGR)."""
TIER = TierParams((0.6, 1.0), (0.0, 0.0), (0.0, 0.0), (0.7, 1.1), (0.75, 1.0), (0.0, 0.4), (0.5, 3.0), (0.15, 0.6), 0.0)
CLUTTER = ("books", "blinds", "bars", "planks")
BAR_COLORS = ((80, 220, 90), (230, 160, 60), (60, 120, 240), (200, 80, 200), (60, 220, 230))


@dataclass(frozen=True)
class KeyDecor:
    """Everything but camera and keys: light, surroundings and file quality of one view; `tags` name what is special."""

    tags: tuple[str, ...]
    exposure: float
    over_gain: float
    bloom: float
    has_reflection: bool
    glare_spots: int
    overlay: str
    clutter: tuple[str, ...]
    case: Color | None
    blur_px: float
    noise_levels: float
    jpeg_quality: int
    has_black_frame: bool


def random_decor(rng: np.random.Generator, key_px: float) -> KeyDecor:
    """Return the surroundings of a view whose white keys are at least `key_px` wide; narrow ones stay readable."""
    light = rng.choice(["plain", "dark", "over"], p=[0.66, 0.17, 0.17])
    overlay = str(rng.choice(["", "notes", "score"], p=[0.74, 0.16, 0.10]))
    spots = int(rng.integers(1, 4)) if light != "over" and rng.random() < 0.2 else 0
    clutter = tuple(str(c) for c in rng.choice(CLUTTER, int(rng.choice([0, 1, 2], p=[0.45, 0.4, 0.15])), replace=False))
    quality = int(rng.integers(30, 91)) if rng.random() < 0.6 else 92
    # A small or dark picture at a low quality is not readable for anyone.
    quality = max(quality, int(np.interp(key_px, [4, 12], [70, 30])), 60 if light == "dark" else 0)
    is_blurred = rng.random() < 0.2
    blur = rng.uniform(0.08, 0.13) * key_px if is_blurred else rng.uniform(0.0, 0.05) * key_px
    noise = rng.uniform(3.0, 8.0) if rng.random() < 0.2 and key_px > 7 else rng.uniform(0.3, 3.0)
    noise = min(noise, 2.5) if light == "dark" else noise
    case = CASES[rng.integers(len(CASES))] if rng.random() < 0.4 else None
    has_black, has_reflection = rng.random(2) < (0.06, 0.25)
    special = (
        (light, light != "plain"), (f"overlay {overlay}", bool(overlay)), ("glare", spots > 0), ("clutter", bool(clutter)),
        ("blurred", is_blurred), ("noisy", noise > 3.0), ("jpeg < 50", quality < 50), ("black frame", has_black),
        ("reflection", has_reflection),
        ("coloured case", case is not None),
    )  # fmt: skip
    return KeyDecor(
        tags=tuple(str(name) for name, is_so in special if is_so),
        exposure=rng.uniform(0.15, 0.4) if light == "dark" else rng.uniform(0.65, 1.1),
        over_gain=rng.uniform(1.4, 2.6) if light == "over" else 1.0,
        bloom=rng.uniform(0.4, 1.3),
        has_reflection=has_reflection,
        glare_spots=spots, overlay=overlay, clutter=clutter, case=case, blur_px=blur, noise_levels=noise,
        jpeg_quality=quality, has_black_frame=has_black,
    )  # fmt: skip


def view_scene(rng: np.random.Generator, decor: KeyDecor) -> Scene:
    """Return the scene of a view: the renderer's, with the decor's case and light."""
    scene = random_scene(rng, TIER, GEOMETRY_ALONE)
    case = scene.case if decor.case is None else tuple(float(c * rng.uniform(0.85, 1.1)) for c in decor.case)
    glare = scene.glare / decor.over_gain**2
    return replace(scene, case=case, exposure=decor.exposure, glare=glare, blur_px=0.0, noise_levels=0.0)


class ShortPainter(KeyPainter):
    """Paints the keys first..last of an instrument that has no others: its end keys are whole where a neighbour is missing."""

    def __init__(self, rng: np.random.Generator, camera: Camera, scene: Scene, instrument: tuple[int, int]) -> None:
        super().__init__(rng, camera, scene)
        self.instrument = instrument

    def paint(self, canvas: np.ndarray, origin_px: tuple[int, int], levels: np.ndarray, first_key: int, last_key: int) -> None:
        """Paint those of the keys first..last that the instrument has."""
        first_key, last_key = max(first_key, self.instrument[0]), min(last_key, self.instrument[1])
        super().paint(canvas, origin_px, levels, first_key, last_key)

    def faces(self, key: int, levels: np.ndarray) -> list[Face]:
        """Return the faces of a key; an end key gets the part that a missing black neighbour would take."""
        found = list(super().faces(key, levels))
        low, high = self.instrument
        y0, y1 = BLACK_FRONT_MM - 1, REAR_MM
        for end, tail, side, step in ((low, TAIL_LEFT_MM, LEFT_MM, -1), (high, TAIL_RIGHT_MM, RIGHT_MM, 1)):
            neighbour = end + step
            if key == end and not IS_BLACK[key] and 0 <= neighbour < KEY_COUNT and IS_BLACK[neighbour]:
                x0, x1 = sorted((float(tail[key]) - step, float(side[key]) - step * self.inset_mm))
                outline = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
                color = tuple(min(c * self.shade[key], 255.0) for c in self.scene.white)
                found.append(self.face(*self._top(outline, int(levels[key]), color)))
        return found


class _Placed:
    """A painter of rooms and cases: their x = 0..1222 mm spans the instrument, its cheeks are `cheek` times as wide."""

    def __init__(self, painter: ShortPainter, cheek: float) -> None:
        self.painter, self.camera, self.scene, self.cheek = painter, painter.camera, painter.scene, cheek
        self.low_mm, self.high_mm = LEFT_MM[painter.instrument[0]], RIGHT_MM[painter.instrument[1]]

    def face(self, points_mm: np.ndarray, color: Color) -> Face:
        """Return world points (n, 3) as a face, moved along x."""
        points = np.array(points_mm, float)
        x = points[:, 0]
        scale = (self.high_mm - self.low_mm) / KEYBOARD_WIDTH_MM
        points[:, 0] = np.where(
            x < 0,
            self.low_mm + x * (1.0 if (x > -5).all() else self.cheek),
            np.where(
                x > KEYBOARD_WIDTH_MM,
                self.high_mm + (x - KEYBOARD_WIDTH_MM) * self.cheek,
                self.low_mm + np.maximum(x, 0) * scale,
            ),
        )
        return self.painter.face(points, color)


class ViewPicture(KeyboardPicture):
    """The picture of an instrument without hands; `paintable` are its keys that a press can be shown on."""

    def __init__(self, rng: np.random.Generator, camera: Camera, scene: Scene, instrument: tuple[int, int]) -> None:
        self.painter = ShortPainter(rng, camera, scene, instrument)
        self.size_px = (camera.width_px, camera.height_px)
        self.sigma_px, self.sharpen = blur_px(camera, scene.blur_px), scene.sharpen
        self.curve = tone_curve(scene)
        self.placed = _Placed(self.painter, 1.0 if instrument == (0, KEY_COUNT - 1) else rng.uniform(0.3, 2.5))
        self.room = paint_room(rng, self.placed)
        self.parts = front_parts(rng, self.placed)
        self.light = np.repeat(illumination(rng, self.size_px, scene)[..., None], 3, axis=2)
        self.levels = np.zeros(KEY_COUNT, np.int64)
        self.rectangles = [self.painter.rectangle_px(key) for key in range(KEY_COUNT)]
        low, high = instrument
        seen = [key for key, (x0, y0, x1, y1) in enumerate(self.rectangles) if x1 - x0 > 2 and y1 - y0 > 2]
        self.paintable = [key for key in seen if low <= key <= high]
        self.patches = {}
        self.image = np.zeros((camera.height_px, camera.width_px, 3), np.uint8)
        self.repaint()

    def repaint(self) -> None:
        """Paint everything anew, after a change of the room."""
        self.image = self._painted((0, 0, *self.size_px), 0, KEY_COUNT - 1)

    def fill(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], color: Color) -> None:
        """Paint a rectangle onto the room: x and y (mm) at height z[0] in front and z[1] behind."""
        along = np.linspace(*x, 9)
        outline = np.concatenate([_line(along, y[0], z[0]), _line(along[::-1], y[1], z[1])])
        cv2.fillPoly(self.room, [self.placed.face(outline, color).points], color, cv2.LINE_8, SHIFT)

    def restore_case(self, back_mm: float) -> None:
        """Paint case and key bed again over what `fill` put there."""
        self.fill((-60, KEYBOARD_WIDTH_MM + 60), (-38, back_mm), (-5, -5), self.painter.scene.case)
        self.fill((0, KEYBOARD_WIDTH_MM), (-8, WHITE_LENGTH_MM + 4), (-8, -8), self.painter.scene.gap)


def add_reflection(rng: np.random.Generator, picture: ViewPicture) -> None:
    """Put a polished fallboard behind the keys that shows them as a second row; nothing where the camera does not see it."""
    painter, scene = picture.painter, picture.painter.scene
    back, tall = REAR_MM + 3.0, rng.uniform(20, 60)
    if painter.camera.position_mm[1] > 0:
        return
    low, high = painter.instrument
    strength = rng.uniform(0.15, 0.45)
    bright = tuple(strength * w + (1 - strength) * 0.7 * c for w, c in zip(scene.white, scene.case, strict=True))
    lighter = tuple(min(255.0, c * 1.15 + 8) for c in scene.case)
    columns = [(LEFT_MM[low], RIGHT_MM[high], tall, bright)]
    columns += [
        (LEFT_MM[key], RIGHT_MM[key], tall * 0.9, tuple(0.6 * c for c in scene.case))
        for key in range(low, high + 1)
        if IS_BLACK[key]
    ]
    for left, right, top, color in columns:
        x = np.linspace(left, right, 17)
        outline = np.concatenate([_line(x, back, 0.0), _line(x[::-1], back, top)])
        picture.parts.append(painter.face(outline, color))
    x = np.linspace(LEFT_MM[low] - 60, RIGHT_MM[high] + 60, 17)
    picture.parts.append(painter.face(np.concatenate([_line(x, back, tall), _line(x[::-1], back + 45, tall)]), lighter))
    picture.repaint()


def _line(x_mm: np.ndarray, y_mm: float, z_mm: float) -> np.ndarray:
    return np.column_stack([x_mm, np.full_like(x_mm, y_mm), np.full_like(x_mm, z_mm)])


def add_clutter(rng: np.random.Generator, picture: ViewPicture, decor: KeyDecor) -> None:
    """Paint striped things behind and in front of the instrument, which hides them where it stands."""
    for kind in decor.clutter:
        paint_clutter(rng, picture, kind, is_behind=bool(rng.random() < 0.65))
    if decor.clutter:
        picture.restore_case(rng.uniform(190, 260))
        picture.repaint()


def paint_clutter(rng: np.random.Generator, picture: ViewPicture, kind: str, is_behind: bool) -> None:
    """Paint one striped thing (of CLUTTER) onto the room, behind the keys or in front of them."""
    start_mm = rng.uniform(200, 320) if is_behind else -rng.uniform(220, 480)
    deep_mm = rng.uniform(90, 400) if kind != "bars" else rng.uniform(50, 130)
    stands = is_behind and picture.painter.camera.position_mm[1] < 120
    z = (0.0, rng.uniform(30, 200) if stands else 0.0)
    x, end = rng.uniform(-400, 200), rng.uniform(900, 1700)
    base = rng.uniform(20, 230, 3)
    if kind == "bars":
        light = rng.uniform(140, 250)
        picture.fill((x - 15, end + 15), (start_mm - 10, start_mm + deep_mm + 30), z, (light, light, light))
    period = rng.uniform(18, 60)
    while x < end:
        wide = rng.uniform(12, 45) if kind == "books" else period
        if kind == "books":
            color, share = tuple(rng.uniform(10, 230, 3) * rng.uniform(0.4, 1.0)), 0.94
        elif kind == "planks":
            color, share = tuple(np.clip(base * rng.uniform(0.85, 1.1), 0, 255)), 0.96
        else:
            color, share = (tuple(base) if kind == "blinds" else (25.0, 25.0, 28.0)), 0.5
        tall = deep_mm * (rng.uniform(0.75, 1.0) if kind == "books" else 1.0)
        picture.fill((x, x + wide * share), (start_mm, start_mm + tall), z, tuple(map(float, color)))
        x += wide


@dataclass(frozen=True)
class Overlay:
    """What is put over the picture: `glare` (height, width) levels or None; a panel above `row_px`; bars per frame."""

    glare: np.ndarray | None
    row_px: int
    panel: np.ndarray | None
    alpha: float
    bars: tuple[tuple[float, float, float, float, Color], ...]


def random_overlay(rng: np.random.Generator, camera: Camera, keys: tuple[int, int], decor: KeyDecor) -> Overlay:
    """Return glare over the keys and the notes or the score above them, which may touch the rear of the keys."""
    width, height = camera.width_px, camera.height_px
    x_mm = np.linspace(LEFT_MM[keys[0]], RIGHT_MM[keys[1]], 40)
    level = np.zeros_like(x_mm)
    glare = None
    if decor.glare_spots:
        glare = np.zeros((height, width), np.float32)
        for _ in range(decor.glare_spots):
            spot_mm = np.array([rng.choice(x_mm), rng.uniform(0, 150), 0.0])
            x, y = camera.project(spot_mm)
            size = rng.uniform(20, 85) * float(camera.px_per_mm(spot_mm)) * np.array([1.0, rng.uniform(0.3, 1.2)])
            u, v = np.meshgrid((np.arange(width) - x) / size[0], (np.arange(height) - y) / size[1])
            level_max = rng.uniform(70, 230) * float(np.clip(decor.exposure, 0.5, 1.0))
            glare += level_max * np.exp(-0.5 * (u * u + v * v) ** rng.uniform(1.0, 3.0)).astype(np.float32)
    if not decor.overlay:
        return Overlay(glare, 0, None, 0.0, ())
    rear = camera.project(np.stack([x_mm, level + WHITE_LENGTH_MM - rng.uniform(-30, 25), level], axis=1))[:, 1]
    row = int(np.clip(rear.min(), 0, height))
    bars = []
    if decor.overlay == "notes":
        panel = np.full((row, width, 3), rng.uniform(5, 50), np.float32)
        for _ in range(int(rng.integers(8, 40))):
            key = int(rng.integers(keys[0], keys[1] + 1))
            x0, x1 = (camera.project(np.array([mm[key], WHITE_LENGTH_MM, 0.0]))[0] for mm in (LEFT_MM, RIGHT_MM))
            tall = rng.uniform(0.04, 0.3) * height
            bars.append((float(x0), float(x1), rng.uniform(-0.2, 1.0) * row, tall, BAR_COLORS[rng.integers(len(BAR_COLORS))]))
        return Overlay(glare, row, panel, rng.uniform(0.8, 1.0), tuple(bars))
    return Overlay(glare, row, score_page(rng, (width, max(row, 1)))[:row].astype(np.float32), 1.0, ())


def score_page(rng: np.random.Generator, size_wh: tuple[int, int]) -> np.ndarray:
    """Return a white page with staves, stems, heads and bar lines."""
    width, height = size_wh
    page = np.full((height, width, 3), rng.uniform(225, 255), np.uint8)
    space = max(3, int(width * rng.uniform(0.006, 0.012)))
    for top in range(2 * space, max(height - 4 * space, 0), 9 * space):
        for line in range(5):
            cv2.line(page, (width // 30, top + line * space), (width - width // 30, top + line * space), (60, 60, 60), 1)
        x = width // 15
        while x < width - width // 15:
            y = top + int(rng.integers(-1, 10)) * space // 2
            cv2.ellipse(page, (x, y), (int(space * 0.62), int(space * 0.45)), -20, 0, 360, (20, 20, 20), -1, cv2.LINE_AA)
            cv2.line(page, (x + space // 2, y), (x + space // 2, y - 3 * space), (20, 20, 20), max(1, space // 5))
            x += int(space * rng.uniform(1.6, 4.5))
    return page


def finished(frame: np.ndarray, decor: KeyDecor, overlay: Overlay, k: int) -> np.ndarray:
    """Return frame `k` after over-exposure with bloom, glare, overlay and blur, uint8."""
    if decor.over_gain > 1.0 or overlay.glare is not None:
        levels = frame.astype(np.float32) * decor.over_gain
        if decor.over_gain > 1.0:
            bloom = cv2.GaussianBlur(np.maximum(levels - 255.0, 0.0), (0, 0), 0.0025 * frame.shape[1] + 0.5)
            levels += decor.bloom * bloom
        if overlay.glare is not None:
            levels += overlay.glare[..., None]
        frame = np.clip(levels, 0, 255).astype(np.uint8)
    if overlay.panel is not None and overlay.row_px > 0:
        panel = overlay.panel.copy()
        for x0, x1, start, tall, color in overlay.bars:
            bottom = (start + k * 0.35 * overlay.row_px) % (1.3 * overlay.row_px)
            cv2.rectangle(panel, (int(x0), int(bottom - tall)), (int(x1), int(bottom)), color, -1)
        part = frame[: overlay.row_px].astype(np.float32)
        frame[: overlay.row_px] = np.clip(panel * overlay.alpha + part * (1.0 - overlay.alpha), 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(frame, (0, 0), decor.blur_px) if decor.blur_px > 0.25 else frame
