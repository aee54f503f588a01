"""What moves in the picture and tells nothing of the notes: a display or page above the keys, the player's shadow, things worn.

Shares of clips are parameters; how large and fast these things are is alike in all tiers. Frames are uint8 BGR and changed in
place; T counts the frames of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tivit.core.keyboard import KEYBOARD_WIDTH_MM, WHITE_LENGTH_MM
from tivit.synth.camera import Camera
from tivit.synth.params import DistractorParams
from tivit.synth.scene import Color

BEHIND_MM, TOP_MM = 80.0, 45.0
"""What moves above the keys lies beyond this y, at most this high: behind the fallboard and its top."""
LEAST_HEIGHT_PX = 24
"""Displays and pages need so many rows of the image."""
BAR_COUNT = 60
"""Bars that fall over the length of a clip."""
PAGE_TURN_S = 0.7
"""How long it takes to turn a page."""
SHADOW_SCALE = 16
"""The shadow of the body is made at this fraction of the resolution: it is soft."""
METALS: tuple[Color, ...] = ((90.0, 190.0, 230.0), (200.0, 200.0, 205.0), (30.0, 30.0, 32.0))
"""Gold, silver and black (BGR), of rings, watches and bracelets."""


@dataclass(frozen=True)
class Worn:
    """What a hand wears.

    Attributes
    ----------
    metal : Color
        Of ring and band.
    ring_finger : int
        0..4, thumb first; -1 is none.
    band_mm : float, mm
        Width of a watch or bracelet; 0 is none.
    sleeve_mm : float, mm, or None
        Distance of the cuff from the knuckles; None is that of the scene.
    cuff_half_mm : float, mm
        Half of the width of the cuff.
    """

    metal: Color = METALS[0]
    ring_finger: int = -1
    band_mm: float = 0.0
    sleeve_mm: float | None = None
    cuff_half_mm: float = 38.0


BARE = Worn()


class Display:
    """Bars that fall towards the keys, at random places and times, in the rows of the image above the fallboard.

    Parameters
    ----------
    rng : np.random.Generator
    camera : Camera
    times_s : ndarray, (T,), s
        Instants of the frames.
    """

    def __init__(self, rng: np.random.Generator, camera: Camera, times_s: np.ndarray) -> None:
        self.times_s = times_s
        self.rows_px = rows_above(camera)
        self.level = tuple(float(v) for v in rng.uniform(0, 60, 3)) if rng.random() < 0.7 else (235.0, 235.0, 235.0)
        self.speed_px_s = rng.uniform(0.3, 1.5) * self.rows_px
        self.start_s = rng.uniform(-2.0, times_s[-1], BAR_COUNT)
        self.x_px = rng.uniform(0, camera.width_px, BAR_COUNT).astype(int)
        self.size_px = np.stack(
            [rng.uniform(0.008, 0.02, BAR_COUNT) * camera.width_px, rng.uniform(0.1, 0.8, BAR_COUNT) * self.rows_px], axis=1
        ).astype(int)
        self.colors = [tuple(float(v) for v in row) for row in rng.uniform(60, 255, (2, 3))]

    def paint(self, frame: np.ndarray, k: int) -> None:
        """Paint the display over the upper rows of frame `k`, (height, width, 3) uint8 BGR, in place."""
        area = frame[: self.rows_px]
        area[:] = self.level
        bottom_px = ((self.times_s[k] - self.start_s) * self.speed_px_s).astype(int)
        for i in np.flatnonzero((bottom_px > 0) & (bottom_px - self.size_px[:, 1] < self.rows_px)):
            left, (width, height) = int(self.x_px[i]), self.size_px[i].tolist()
            corner = (left + width, int(bottom_px[i]))
            cv2.rectangle(area, (left, corner[1] - height), corner, self.colors[i % len(self.colors)], -1)


class PageTurn:
    """A page above the fallboard that is turned once.

    Parameters
    ----------
    rng : np.random.Generator
    camera : Camera
    times_s : ndarray, (T,), s
        Instants of the frames.
    exposure : float
        That of the scene; 1 is well lit.
    """

    def __init__(self, rng: np.random.Generator, camera: Camera, times_s: np.ndarray, exposure: float) -> None:
        self.times_s = times_s
        self.rows_px = rows_above(camera)
        self.start_s = rng.uniform(0.0, times_s[-1])
        self.spine_px = rng.uniform(0.35, 0.65) * camera.width_px
        self.width_px = rng.uniform(0.12, 0.22) * camera.width_px
        self.level = float(rng.uniform(120, 235)) * min(1.0, exposure)

    def paint(self, frame: np.ndarray, k: int) -> None:
        """Paint two pages, and the one that turns, over the upper rows of frame `k`, (height, width, 3) uint8 BGR, in place."""
        area = frame[: self.rows_px]
        turned = np.clip((self.times_s[k] - self.start_s) / PAGE_TURN_S, 0.0, 1.0)
        self._page(area, self.spine_px - self.width_px, 0.0, 1.0)
        self._page(area, self.spine_px + self.width_px, 0.0, 0.97)
        if 0.0 < turned < 1.0:
            edge_px = self.spine_px + np.cos(np.pi * turned) * self.width_px
            self._page(area, edge_px, 0.3 * np.sin(np.pi * turned), 0.8 + 0.2 * turned)

    def _page(self, area: np.ndarray, edge_px: float, lift: float, shade: float) -> None:
        """Fill a page from the spine to x `edge_px`, its outer edge lifted by a share of the rows."""
        low, raised = self.rows_px, lift * self.rows_px
        outline = [[self.spine_px, 0], [edge_px, -raised], [edge_px, low - raised], [self.spine_px, low]]
        cv2.fillConvexPoly(area, np.round(outline).astype(np.int32), (self.level * shade,) * 3, cv2.LINE_AA)


class BodyShadow:
    """The soft shadow of the player's head or body, swaying over the keyboard from the player's side.

    Parameters
    ----------
    rng : np.random.Generator
    camera : Camera
    times_s : ndarray, (T,), s
        Instants of the frames.
    """

    def __init__(self, rng: np.random.Generator, camera: Camera, times_s: np.ndarray) -> None:
        self.times_s = times_s
        self.size_px = (camera.width_px, camera.height_px)
        x, y = (np.arange(side // SHADOW_SCALE + 1) / (side // SHADOW_SCALE) for side in self.size_px)
        self.x, self.y = x[None], y[:, None]
        self.center = rng.uniform([0.25, 0.6], [0.75, 1.1])
        self.width = rng.uniform([0.08, 0.25], [0.25, 0.6])
        self.darkness = rng.uniform(0.1, 0.35)
        self.sway = rng.uniform([0.02, 0.02], [0.08, 0.1])
        self.sway_hz, self.phase = rng.uniform(0.1, 0.6, 2), rng.uniform(0, 2 * np.pi, 2)

    def paint(self, frame: np.ndarray, k: int) -> None:
        """Darken frame `k`, (height, width, 3) uint8 BGR, in place."""
        x, y = self.center + self.sway * np.sin(2 * np.pi * self.sway_hz * self.times_s[k] + self.phase)
        blob = np.exp(-0.5 * (((self.x - x) / self.width[0]) ** 2 + ((self.y - y) / self.width[1]) ** 2))
        gain = (255.0 * (1.0 - self.darkness * blob)).astype(np.uint8)
        gain = cv2.resize(gain, self.size_px, interpolation=cv2.INTER_LINEAR)
        cv2.multiply(frame, cv2.merge([gain] * 3), frame, scale=1 / 255.0)


Distractor = Display | PageTurn | BodyShadow


def rows_above(camera: Camera) -> int:
    """Return how many rows of the image lie above the fallboard and its top.

    Parameters
    ----------
    camera : Camera

    Returns
    -------
    int
        0 where there are none.
    """
    x_mm = np.linspace(0.0, KEYBOARD_WIDTH_MM, 9)
    places = [np.column_stack([x_mm, np.full(9, WHITE_LENGTH_MM + BEHIND_MM), np.full(9, z)]) for z in (0.0, TOP_MM)]
    return int(np.clip(camera.project(np.concatenate(places))[:, 1].min(), 0, camera.height_px))


def random_distractors(
    rng: np.random.Generator, camera: Camera, params: DistractorParams, times_s: np.ndarray, exposure: float
) -> list[Distractor]:
    """Return what moves in a clip.

    Parameters
    ----------
    rng : np.random.Generator
    camera : Camera
    params : DistractorParams
    times_s : ndarray, (T,), s
        Instants of the frames.
    exposure : float
        That of the scene; 1 is well lit.

    Returns
    -------
    list of Distractor
        In the order in which they are painted; displays and pages only where there is room above the keys.
    """
    has_display, has_page, has_shadow = rng.random(3) < (params.display, params.page_turn, params.body_shadow)
    distractors: list[Distractor] = []
    if rows_above(camera) >= LEAST_HEIGHT_PX:
        if has_display:
            distractors.append(Display(rng, camera, times_s))
        elif has_page:
            distractors.append(PageTurn(rng, camera, times_s, exposure))
    if has_shadow:
        distractors.append(BodyShadow(rng, camera, times_s))
    return distractors


def random_worn(rng: np.random.Generator, params: DistractorParams) -> Worn:
    """Return what one hand wears.

    Parameters
    ----------
    rng : np.random.Generator
    params : DistractorParams

    Returns
    -------
    Worn
    """
    has_ring, has_band, has_low_sleeve = rng.random(3) < (params.ring, params.band, params.low_sleeve)
    return Worn(
        metal=METALS[rng.integers(len(METALS))],
        ring_finger=int(rng.integers(1, 5)) if has_ring else -1,
        band_mm=rng.uniform(5.0, 35.0) if has_band else 0.0,
        sleeve_mm=rng.uniform(15.0, 50.0) if has_low_sleeve else None,
        cuff_half_mm=rng.uniform(40.0, 65.0) if has_low_sleeve else BARE.cuff_half_mm,
    )
