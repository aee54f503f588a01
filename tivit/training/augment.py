"""Varying a training window as rooms, cameras and registrations vary: one draw moves frames, background and notes alike.

Geometry (a registration that is a little wrong, a mirror) is one `cv2.remap` for all frames. Light is one look-up table and one
smooth field. Noise is drawn per frame, and the background has none, because it is a median over many frames. Every function
that draws takes the generator `rng` and reads from it in a fixed order, so the same seed gives the same window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from tivit.core.heads import UNKNOWN
from tivit.core.keyboard import (
    CENTER_MM,
    HIGHEST_MIDI,
    KEY_COUNT,
    KEYBOARD_WIDTH_MM,
    LOWEST_MIDI,
    MIRROR_MIDI_SUM,
    OCTAVE_KEYS,
    OCTAVE_MM,
    key_of,
    midi_of,
    mirrored_midi,
)
from tivit.core.notes import Notes
from tivit.training.params import AugmentParams, TurnParams

WARP_WAVES = 3
"""Cosines along the keyboard that a smooth x error is made of."""
MIN_BLUR_PX = 0.25
"""Below this sigma no blur is applied: it would change next to nothing."""
SHAKE_FRAMES, KNOCK_SHARE = 3, 0.25
"""Frames that a knock against the camera lasts, and the share of the time that knocks take."""
TURN_FULL, TURN_NONE = 0.62, 0.87
"""Differences up to this share of the background's contrast are turned in full, from the second on not at all: a press changes
a border by 20 grey levels where the contrast is 80, a hand the keys by 100."""
TURN_KNOTS = (3.0, 100.0)
"""Fewest and most knots of a turning field along the keyboard: one for a third of the keyboard, one for half a key."""
TURN_LARGEST = 1.6
"""Nothing is turned to more than this times its size."""
TURN_BLEND_ROWS = 4.0
"""Rows over which the field of the tails passes into that of the fronts."""
MIRROR_AXIS = CENTER_MM[key_of(MIRROR_MIDI_SUM // 2)] / KEYBOARD_WIDTH_MM
"""Place of the mirror as a share of the strip's width."""


@dataclass(frozen=True)
class Augmentation:
    """One draw: how frames, background, notes and keys of a window are changed.

    Attributes
    ----------
    is_mirrored : bool
        The picture is seen in a mirror.
    octaves : int
        How far up the picture is moved, after the mirror: -1, 0 or 1.
    speed : float
        Frames of the clip per frame of the window.
    columns_px, rows_px : np.ndarray
        Column and row of the source at which each column and row of the result looks, float32 (W,) and (H,).
    table : np.ndarray
        New grey level of each grey level, uint8 (256,).
    light : np.ndarray
        Factor on each pixel, float32 (H, W).
    blur_px : float
        Sigma of the blur.
    noise_levels : float
        Sigma of the noise, grey levels.
    """

    is_mirrored: bool
    octaves: int
    speed: float
    columns_px: np.ndarray
    rows_px: np.ndarray
    table: np.ndarray
    light: np.ndarray
    blur_px: float
    noise_levels: float

    def apply(self, images: np.ndarray, shake_px: np.ndarray | None = None) -> np.ndarray:
        """Return images moved, blurred and relit, without noise.

        Parameters
        ----------
        images : np.ndarray
            uint8 (N, H, W).
        shake_px : np.ndarray, optional
            How far each image is moved by itself, (N, 2): x and y.

        Returns
        -------
        np.ndarray
            float32 (N, H, W), grey levels.
        """
        columns, rows = np.meshgrid(self.columns_px, self.rows_px)
        maps = cv2.convertMaps(columns, rows, cv2.CV_16SC2)
        result = np.empty_like(images)
        size = images.shape[:0:-1]
        for i, (image, out) in enumerate(zip(images, result, strict=True)):
            cv2.remap(image, *maps, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)
            if shake_px is not None:
                move = np.array([[1.0, 0.0, shake_px[i, 0]], [0.0, 1.0, shake_px[i, 1]]])
                cv2.warpAffine(out.copy(), move, size, dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            if self.blur_px >= MIN_BLUR_PX:
                cv2.GaussianBlur(out, (0, 0), self.blur_px, dst=out)
        relit = cv2.LUT(result.reshape(len(images), -1), self.table).reshape(images.shape).astype(np.float32)
        relit *= self.light
        return relit

    def apply_to_notes(self, notes: Notes) -> Notes:
        """Return the notes that are seen in the changed picture; their times stay as they are.

        In a mirror keys, hands and staves change sides. After a move by octaves no staff is known. Notes that end up beyond the
        keyboard are left out.
        """
        midi, hand, staff = notes.midi, notes.hand, notes.staff
        if self.is_mirrored:
            midi = mirrored_midi(midi)
            hand, staff = (np.where(side == UNKNOWN, UNKNOWN, 1 - side) for side in (hand, staff))
        if self.octaves:
            midi = midi + OCTAVE_KEYS * self.octaves
            staff = np.full_like(staff, UNKNOWN)
        moved = replace(notes, midi=midi, hand=hand, staff=staff)
        return moved.take((midi >= LOWEST_MIDI) & (midi <= HIGHEST_MIDI))

    def apply_to_keys(self, in_view: np.ndarray) -> np.ndarray:
        """Return which keys are in view in the changed picture.

        Parameters
        ----------
        in_view : np.ndarray
            Keys in view in the unchanged picture, bool (88,).

        Returns
        -------
        np.ndarray
            bool (88,). A key is out of view where the picture shows what lay beyond the keyboard.
        """
        # The way back: which key of the unchanged picture lies where each key is now. It is the octave first, then the mirror.
        keys = np.arange(KEY_COUNT) - OCTAVE_KEYS * self.octaves
        source = key_of(mirrored_midi(midi_of(keys))) if self.is_mirrored else keys
        exists = (source >= 0) & (source < KEY_COUNT)
        return exists & in_view[np.clip(source, 0, KEY_COUNT - 1)]


def draw_augmentation(rng: np.random.Generator, params: AugmentParams, shape: tuple[int, int]) -> Augmentation:
    """Return a random augmentation for images of `shape` (height, width), px; `params` says how far it goes at most."""
    height, width = shape
    is_mirrored = bool(rng.random() < params.mirror)
    octaves = int(rng.choice([-1, 1])) if rng.random() < params.octave else 0
    x = np.arange(width) + rng.uniform(-1, 1) * params.shift_px
    x = x + rng.uniform(-1, 1) * params.stretch * (np.arange(width) - rng.uniform(0, width))
    x = x + params.warp_px * _waves(rng, width)
    x = x - octaves * OCTAVE_MM / KEYBOARD_WIDTH_MM * width
    if is_mirrored:
        x = 2 * MIRROR_AXIS * width - 1 - x
    y = np.arange(height) + rng.uniform(-1, 1) * params.row_shift_px
    y = y + rng.uniform(-1, 1) * params.stretch * (np.arange(height) - height / 2)
    gain, gamma = _factor(rng, params.gain), _factor(rng, params.gamma)
    levels = 255.0 * (np.arange(256) / 255.0) ** gamma * gain + rng.uniform(-1, 1) * params.offset_levels
    light = 1 + params.light / 2 * (_waves(rng, width) + _waves(rng, height)[:, None]) / 2
    return Augmentation(
        is_mirrored=is_mirrored,
        octaves=octaves,
        speed=_factor(rng, params.speed),
        columns_px=x.astype(np.float32),
        rows_px=y.astype(np.float32),
        table=np.clip(np.rint(levels), 0, 255).astype(np.uint8),
        light=light.astype(np.float32),
        blur_px=rng.uniform(0, 1) * params.blur_px * (rng.random() < 0.5),
        noise_levels=rng.uniform(0, 1) * params.noise_levels,
    )


@dataclass(frozen=True)
class Turn:
    """How small differences from the background are turned: multiplied by a factor that may be negative.

    Attributes
    ----------
    factor : what they are multiplied by, minus 1; float32 (H, W)
    low, high : differences below `low` grey levels are multiplied in full, those above `high` not at all
    """

    factor: np.ndarray
    low: float
    high: float

    def apply(self, frames: np.ndarray, background: np.ndarray) -> None:
        """Multiply, in place, what differs little from the background.

        Parameters
        ----------
        frames : float32 (T, H, W), grey levels; changed
        background : float32 (H, W), grey levels
        """
        change = np.empty_like(background)
        share = np.empty_like(background)
        for frame in frames:
            np.subtract(frame, background, out=change)
            np.abs(change, out=share)
            np.subtract(self.high, share, out=share)
            share *= 1.0 / (self.high - self.low)
            np.clip(share, 0.0, 1.0, out=share)
            share *= self.factor
            share *= change
            frame += share


def draw_turn(
    rng: np.random.Generator, params: TurnParams, shape: tuple[int, int], front_row: float, contrast: float
) -> Turn | None:
    """Return a random turn, or None where this window has none.

    Which way a key's borders change when it is pressed is geometry, but what else changes with it (shade, reflections, lit
    sides) has another sign in every room. So in some windows everything small is multiplied by a smooth random field of either
    sign, which passes through nought. Hands are large differences and stay. The field may change along the keyboard slowly or
    from border to border, and tails and fronts may each have a field of their own.

    Parameters
    ----------
    params : TurnParams
        How often this is done, and how often tails and fronts differ.
    shape : (int, int)
        Height and width of the frames, px.
    front_row, contrast : float
        Row (px) where the fronts of white keys begin; contrast of the background, grey levels.
    """
    if rng.random() >= params.share:
        return None
    height, width = shape
    tails, fronts = (_turning_field(rng, width) for _ in range(2))
    if rng.random() >= params.apart:
        fronts = tails
    hidden = rng.random()
    if hidden < params.no_tails:
        tails = np.zeros_like(tails)
    elif hidden < params.no_tails + params.no_fronts:
        fronts = np.zeros_like(fronts)
    is_front = np.clip((np.arange(height) + 0.5 - front_row) / TURN_BLEND_ROWS + 0.5, 0.0, 1.0).astype(np.float32)[:, None]
    factor = tails + is_front * (fronts - tails)
    return Turn((factor - 1.0).astype(np.float32), TURN_FULL * contrast, TURN_NONE * contrast)


def _turning_field(rng: np.random.Generator, width: int) -> np.ndarray:
    """Return factors (width,), float32: normal deviates at knots, smooth between them; the number of knots is drawn as well."""
    count = int(round(np.exp(rng.uniform(*np.log(TURN_KNOTS)))))
    knots = np.clip(rng.normal(0.0, 1.0, (1, count)), -TURN_LARGEST, TURN_LARGEST).astype(np.float32)
    return cv2.resize(knots, (width, 1), interpolation=cv2.INTER_CUBIC)[0]


def draw_shake(rng: np.random.Generator, largest_px: float, count: int) -> np.ndarray | None:
    """Return how a camera on a desk shakes: slightly all the time, and now and then a knock of a few frames.

    Parameters
    ----------
    rng : np.random.Generator
    largest_px : float
        Largest sigma of a knock, px; between knocks it is less than a third of that.
    count : int
        Number of frames.

    Returns
    -------
    np.ndarray or None
        Shift of each frame, x and y, px, (count, 2); None where `largest_px` is 0.
    """
    if largest_px <= 0:
        return None
    sigma = rng.uniform(0, 1) * largest_px
    knocks = np.repeat(rng.random(count // SHAKE_FRAMES + 1) < KNOCK_SHARE, SHAKE_FRAMES)[:count]
    return rng.normal(0.0, sigma, (count, 2)) * np.where(knocks, 1.0, 0.3)[:, None]  # (count, 2)


def draw_exposure(rng: np.random.Generator, largest: float, count: int) -> np.ndarray | None:
    """Return how a camera's automatic exposure differs from the background's: a steady drift over the window.

    Parameters
    ----------
    rng : np.random.Generator
    largest : float
        Largest departure from 1, relative.
    count : int
        Number of frames.

    Returns
    -------
    np.ndarray or None
        Factor on each frame, float32 (count, 1, 1); None where `largest` is 0.
    """
    if largest <= 0:
        return None
    first, last = rng.uniform(-1, 1, 2) * rng.uniform(0, 1) * largest
    return (1.0 + np.linspace(first, last, count, dtype=np.float32))[:, None, None]


def add_noise(rng: np.random.Generator, images: np.ndarray, sigma_levels: float) -> None:
    """Add white noise of a sigma (grey levels) to float32 images (N, H, W), in place; a sigma of 0 leaves them as they are.

    One field is drawn per call and cut at a random place for each image, which is cheaper than noise of its own for each.
    """
    if sigma_levels <= 0:
        return
    size = images[0].size
    field = rng.standard_normal(2 * size, dtype=np.float32)
    field *= np.float32(sigma_levels)
    for image, start in zip(images, rng.integers(0, size, len(images)), strict=True):
        image += field[start : start + size].reshape(image.shape)


def damage_background(rng: np.random.Generator, background: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return a background, uint8 (H, W), in which a random stretch shows `frame`: hands that rested there too long.

    Parameters
    ----------
    background, frame : uint8 (H, W) each; neither is changed, the stretch is a sixteenth to a quarter of the width
    """
    width = background.shape[1]
    first = int(rng.integers(0, width))
    end = first + int(rng.integers(width // 16, width // 4 + 1))
    result = background.copy()
    result[:, first:end] = frame[:, first:end]
    return result


def _factor(rng: np.random.Generator, largest: float) -> float:
    """Return a factor from 1 / (1 + largest) to 1 + largest; its logarithm is uniform."""
    return float((1.0 + largest) ** rng.uniform(-1, 1))


def _waves(rng: np.random.Generator, length: int) -> np.ndarray:
    """Return a smooth random curve (length,) within about -1.8..1.8."""
    place = np.linspace(-1.0, 1.0, length)
    waves = np.arange(1, WARP_WAVES + 1)
    amplitudes = rng.uniform(-1, 1, WARP_WAVES) / waves
    phases = rng.uniform(0, 2 * np.pi, WARP_WAVES)
    return (amplitudes * np.cos(np.pi * waves * place[:, None] + phases)).sum(axis=1)
