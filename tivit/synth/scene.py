"""Everything that stays the same within a clip: finish of the piano, light, skin, sleeve, room. Drawn once per clip.

Colours are BGR 0..255 before light and tone. Ranges here are those of real rooms and instruments, alike in plain and hard; what
makes a tier hard comes from `TierParams`, and `shifted` goes outside these ranges. Nothing is painted here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tivit.core.keyboard import MIDDLE_MM
from tivit.synth.params import Effect, PressParams, TierParams

Color = tuple[float, float, float]

SKINS = ((128, 160, 214), (120, 152, 210), (112, 146, 205), (96, 128, 190), (72, 100, 160), (48, 70, 118))
"""Colours of hands (BGR), varied a little for each clip."""
FELTS = ((30, 25, 140), (25, 20, 90), (28, 28, 28), (40, 70, 30), (60, 60, 60))
"""Colours of the felt behind the keys (BGR)."""


OVEREXPOSED = (1.1, 1.7)
"""Exposure of overexposed pictures; 1 is well lit."""
MAX_EDGE = 0.6
"""A contact line or a black top never changes by more than this share of its brightness."""
SWELL_SLOPE = 0.5
"""The swelling of a border differs by this share of a second deviate between the middle and an end of the keyboard."""


@dataclass(frozen=True)
class Sinking:
    """What light adds to the geometry of a key that goes down, at its full depth; every sign may be either way.

    Attributes
    ----------
    dim, tail : float
        Share by which the top of a white key is darker, and its tail, between the keys beside it, once more.
    edge : float
        Share by which the contact line beside a higher neighbour is darker.
    edge_width : float
        Width of that line per mm of step.
    growth : float
        Share of the sinking of a white key by which the shadows on it grow.
    black : float
        Share by which the top of a black key is darker.
    swell : two (middle, slope), mm
        How far the left and the right border move outward: in the middle of the keyboard, and how that changes along it.
    """

    dim: float
    tail: float
    edge: float
    edge_width: float
    growth: float
    black: float
    swell: tuple[tuple[float, float], tuple[float, float]]

    def swell_mm(self, side: int, x_mm: float) -> float:
        """Return how far a border of a key moves outward at full depth.

        Parameters
        ----------
        side : int
            0 for the left border, 1 for the right one.
        x_mm : float, mm
            Where along the keyboard the key is.

        Returns
        -------
        float, mm
        """
        middle, slope = self.swell[side]
        return middle + SWELL_SLOPE * slope * (x_mm - MIDDLE_MM) / MIDDLE_MM


@dataclass(frozen=True)
class Scene:
    """Look of one clip.

    Attributes
    ----------
    white, black, gap, wall, case, felt, skin, sleeve : Color
        Key tops, what shows in the gaps, the sides of white keys, the case, the felt behind the keys, hands and sleeves.
    nail : float
        Brightness of the fingertips against the skin.
    gap_mm, black_mm, bevel_mm : float, mm
        Width of the gap between white keys, width of the base of a black key, length of its sloping front.
    pivot_mm : float, mm
        y of the far pivot of the keys.
    light : (float, float)
        Tangent (x, y) of the slope of the main light: shadows fall along it.
    sinking : Sinking
        What light adds to the geometry of a key that goes down.
    stick : Color
        The stick of a black key below the cap: bare wood or the dark of the gap.
    sharpen : float
        Strength of the camera's sharpening; 0 is none.
    cast, occlusion : float
        Darkness of the shadows that black keys cast on white ones, and of the white tops close to a black key.
    gloss : float
        Strength of the highlights on black keys.
    glare, glare_mm : float, and (x, width) in mm
        Strength of the reflection of a lamp on the black tops, and where it is.
    exposure, contrast, gamma, tint, vignette : float, tint a Color
        Tone (`photometry.tone_curve`, `photometry.illumination`).
    blur_px, noise_levels, shadow : float
        As in `TierParams`, for this clip.
    keyslip_mm : float, mm
        y of the rear edge of the key slip, in front of the keys.
    sleeve_mm : float, mm
        Distance of the cuff from the knuckles.
    shutter : float
        Exposure time as a fraction of the time between frames.
    readout : float
        Rolling shutter: time from the first row to the last as a fraction of the time between frames; 0 is a global shutter.
    """

    white: Color
    black: Color
    gap: Color
    wall: Color
    case: Color
    felt: Color
    skin: Color
    sleeve: Color
    nail: float
    gap_mm: float
    black_mm: float
    bevel_mm: float
    pivot_mm: float
    light: tuple[float, float]
    sinking: Sinking
    stick: Color
    sharpen: float
    cast: float
    occlusion: float
    gloss: float
    glare: float
    glare_mm: tuple[float, float]
    exposure: float
    contrast: float
    gamma: float
    tint: Color
    vignette: float
    blur_px: float
    noise_levels: float
    shadow: float
    keyslip_mm: float
    sleeve_mm: float
    shutter: float
    readout: float


def random_sinking(rng: np.random.Generator, press: PressParams) -> Sinking:
    """Return what light adds to a press in one clip.

    Parameters
    ----------
    rng : np.random.Generator
    press : PressParams

    Returns
    -------
    Sinking
        Normal deviates around zero, each only in its share of the clips.
    """

    def drawn(effect: Effect, count: int = 1) -> np.ndarray:
        sizes = rng.normal(0.0, effect.sigma, count)
        return sizes if rng.random() < effect.share else np.zeros(count)

    swell = drawn(press.swell_mm, 4).tolist()
    return Sinking(
        dim=float(drawn(press.dim)[0]),
        tail=float(drawn(press.tail)[0]),
        edge=float(np.clip(drawn(press.edge)[0], -MAX_EDGE, MAX_EDGE)),
        edge_width=rng.uniform(0.02, 0.14),
        growth=float(drawn(press.growth)[0]),
        black=float(np.clip(drawn(press.black)[0], -MAX_EDGE, MAX_EDGE)),
        swell=((swell[0], swell[1]), (swell[2], swell[3])),
    )


def random_scene(rng: np.random.Generator, tier: TierParams, press: PressParams) -> Scene:
    """Return the look of one clip of a tier.

    Parameters
    ----------
    rng : np.random.Generator
    tier : TierParams
    press : PressParams

    Returns
    -------
    Scene
    """
    white_level = rng.uniform(205, 250)
    warmth = rng.uniform(0.0, 0.14)
    black_level = rng.uniform(14, 42)
    wall = rng.uniform(0.25, 0.6) * white_level
    gap = rng.uniform(8, 60)
    case_level = rng.uniform(12, 60) if rng.random() < 0.8 else rng.uniform(120, 220)
    return Scene(
        white=(white_level * (1 - warmth), white_level * (1 - warmth / 3), white_level),
        black=_shade(rng, black_level, 0.04),
        gap=_shade(rng, gap, 0.05),
        wall=(wall * 0.82, wall * 0.93, wall),
        case=_shade(rng, case_level, 0.06 if rng.random() < 0.7 else 0.25),
        felt=tuple(map(float, FELTS[rng.integers(len(FELTS))])),
        skin=tuple(float(c * rng.uniform(0.9, 1.08)) for c in SKINS[rng.integers(len(SKINS))]),
        sleeve=_shade(rng, rng.uniform(20, 200), 0.4),
        nail=rng.uniform(0.72, 1.15),
        gap_mm=rng.uniform(0.4, 1.5),
        black_mm=rng.uniform(10.3, 13.0),
        bevel_mm=rng.uniform(3.0, 10.0),
        pivot_mm=rng.uniform(215.0, 330.0),
        light=(float(rng.normal(0, 0.3)), float(rng.normal(0.1, 0.3))),
        sinking=random_sinking(rng, press),
        stick=_wood(rng, white_level, gap),
        sharpen=rng.uniform(0.0, 1.2) if rng.random() < 0.7 else 0.0,
        cast=rng.uniform(0.0, 0.3) if rng.random() < 0.6 else 0.0,
        occlusion=rng.uniform(0.0, 0.2),
        gloss=rng.uniform(0.0, 1.0),
        glare=rng.uniform(0.1, 0.7) if rng.random() < 0.4 else 0.0,
        glare_mm=(rng.uniform(150, 1070), rng.uniform(40, 160)),
        exposure=rng.uniform(*OVEREXPOSED) if rng.random() < tier.overexposed else rng.uniform(*tier.exposure),
        contrast=rng.uniform(*tier.contrast),
        gamma=rng.uniform(0.8, 1.25),
        tint=tuple(float(v) for v in np.clip(rng.normal([0.95, 1.0, 1.0], [0.1, 0.03, 0.06]), 0.6, 1.15)),
        vignette=rng.uniform(0.0, 0.35),
        blur_px=rng.uniform(*tier.blur_px),
        noise_levels=rng.uniform(*tier.noise_levels),
        shadow=rng.uniform(*tier.shadow),
        keyslip_mm=-rng.uniform(2.0, 6.0),
        sleeve_mm=rng.uniform(60, 260),
        shutter=rng.uniform(0.2, 0.8),
        readout=rng.uniform(0.2, 0.7) if rng.random() < 0.7 else 0.0,
    )


def shifted(rng: np.random.Generator, scene: Scene) -> Scene:
    """Return a scene of the tier shift: finishes, light and hands outside what `random_scene` draws.

    Yellowed ivory or blue light, brown or grey black keys, wide or tight gaps, slanting light with long shadows, a strong
    vignette, hands in white, black or blue gloves or of very dark skin.

    Parameters
    ----------
    rng : np.random.Generator
    scene : Scene
        Gives all that is not drawn anew.

    Returns
    -------
    Scene
    """
    white_level, warmth = rng.uniform(170, 205), rng.choice([-0.15, 0.25]) + rng.uniform(-0.03, 0.03)
    black_level = rng.uniform(44, 75)
    hands = ((235, 235, 235), (25, 25, 28), (30, 44, 80), (160, 120, 60))
    return replace(
        scene,
        white=(white_level * (1 - warmth), white_level * (1 - warmth / 3), white_level),
        black=(black_level * rng.uniform(0.5, 1.0), black_level * rng.uniform(0.7, 1.0), black_level),
        skin=tuple(float(c * rng.uniform(0.9, 1.05)) for c in hands[rng.integers(len(hands))]),
        gap_mm=float(rng.choice([0.3, 1.9])),
        black_mm=float(rng.choice([9.6, 13.4])),
        light=(float(rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.1)), float(rng.uniform(-0.6, 0.8))),
        cast=rng.uniform(0.35, 0.5),
        sharpen=float(rng.choice([0.0, 1.8])),
        vignette=rng.uniform(0.35, 0.6),
        shutter=rng.uniform(0.8, 1.0),
        readout=rng.uniform(0.75, 0.95),
    )


def _wood(rng: np.random.Generator, white_level: float, gap: float) -> Color:
    level = rng.uniform(0.15, 0.8) * white_level if rng.random() < 0.65 else gap
    return (level * 0.8, level * 0.92, level)


def _shade(rng: np.random.Generator, level: float, colorfulness: float) -> Color:
    return tuple(float(np.clip(level * (1 + rng.normal(0, colorfulness)), 0, 255)) for _ in range(3))
