"""Parameters of the rendered dataset (section `synth`): how many clips, how large, and how each tier looks.

Of an interval, one value is drawn per clip, uniformly, unless the field says otherwise. What varies alike in both tiers
(finish, light, skin, rooms) lives in `scene`; here stands what makes a tier easy or hard and what decides the size of the
dataset.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from tivit.core.errors import InputError
from tivit.core.params import Interval, Range, Seed, Share, Within, check_range

SHIFT = "shift"
"""The tier that no training sees."""
ClipCount = Annotated[int, Range(1, 100_000)]
"""How many clips of a split."""
ClipLength = Annotated[float, Range(1.0, 3600.0)]
"""How long they are (s)."""
CameraFps = Annotated[float, Range(10.0, 120.0)]
"""How many pictures a camera takes per second."""


def check_filled(where: str, values: Collection[object]) -> None:
    """Raise InputError when there is nothing to draw from.

    Parameters
    ----------
    where : str
        What the values are, for the message, such as `synth.camera.fps`.
    values : collection
        The values, of which one is drawn per clip.

    Raises
    ------
    InputError
        There is none.
    """
    if not values:
        raise InputError(f"{where} is empty; it must hold at least one value")


def check_size(where: str, size_px: tuple[int, int]) -> None:
    """Raise InputError unless a video can have a size.

    Parameters
    ----------
    where : str
        What the size is, for the message, such as `--size`.
    size_px : (width, height), px
        The size of its pictures.

    Raises
    ------
    InputError
        The width is outside 320..3840, the height is outside 180..2160, or one of them is odd.
    """
    width_px, height_px = size_px
    check_range(f"{where}: width", width_px, 320, 3840)
    check_range(f"{where}: height", height_px, 180, 2160)
    if width_px % 2 or height_px % 2:
        raise InputError(f"{where}: {width_px}x{height_px} has an odd side; the video codec needs even ones")


@dataclass(frozen=True)
class TierParams:
    """How one tier is filmed.

    Attributes
    ----------
    press_travel : Interval
        Depth of a full press, as a fraction of the 10 mm travel; drawn per note.
    hand_reach_mm : Interval, mm
        How much deeper over the keys than is natural the hands lie.
    hand_yaw_deg : Interval, degrees
        How far a hand is turned about the vertical; with positive angles its wrist lies outward.
    exposure : Interval
        Brightness of the picture; 1 is well lit.
    contrast : Interval
        1 keeps the full tonal range.
    blur_px : Interval, px
        Sigma of the lens blur at 640 px image width (it grows with the width).
    noise_levels : Interval, grey levels
        Standard deviation of the sensor noise.
    shadow : Interval
        Share of the light that a hand takes from the keys below it.
    overexposed : float
        Share of clips in which white keys are as bright as a file can say, and hands nearly so.
    """

    press_travel: Annotated[Interval, Within(0.3, 1.0)]
    hand_reach_mm: Annotated[Interval, Within(-40.0, 60.0)]
    hand_yaw_deg: Annotated[Interval, Within(-45.0, 45.0)]
    exposure: Annotated[Interval, Within(0.1, 1.5)]
    contrast: Annotated[Interval, Within(0.3, 1.0)]
    blur_px: Annotated[Interval, Within(0.0, 3.0)]
    noise_levels: Annotated[Interval, Within(0.0, 30.0)]
    shadow: Annotated[Interval, Within(0.0, 0.9)]
    overexposed: Share


@dataclass(frozen=True)
class Effect:
    """Something that may happen to a pressed key.

    Attributes
    ----------
    share : float
        Share of the clips in which it happens.
    sigma : float
        Its size is drawn from normal(0, sigma), so it goes either way.
    """

    share: Share
    sigma: Annotated[float, Range(0.0, 2.0)]


@dataclass(frozen=True)
class PressParams:
    """What light adds to the geometry of a press; sizes are relative brightness at full depth unless said otherwise.

    Attributes
    ----------
    dim, tail : Effect
        Darkness of the top of a white key, and of its tail in addition.
    edge : Effect
        Darkness of the contact line beside a higher neighbour.
    growth : Effect
        Growth of the shadows on a white key, as a share of its sinking.
    black : Effect
        Darkness of the top of a black key.
    swell_mm : Effect, mm
        How far each border of a white key moves outward.
    """

    dim: Effect
    tail: Effect
    edge: Effect
    growth: Effect
    black: Effect
    swell_mm: Effect


@dataclass(frozen=True)
class MusicParams:
    """What is played.

    Attributes
    ----------
    notes_per_s : Interval
        Mean density of a piece, both hands together.
    crossing : float
        Share of the phrases of a hand that lie in the register of the other hand.
    roaming : float
        Share of the pieces whose hands play anywhere on their half of the keyboard, ends included.
    held : float
        Share of the pieces in which one hand holds a chord for 30 to 90 % of the time.
    staccato, legato : float, together at most 1
        Shares of the phrases whose notes are short, or last into the next one.
    touches_per_s : Interval
        How often a finger touches a key without playing it, per second and hand.
    touch_depth : float
        How far such a finger pushes the key at most, as a fraction of the travel.
    """

    notes_per_s: Annotated[Interval, Within(0.5, 20.0)]
    crossing: Share
    roaming: Share
    held: Share
    staccato: Share
    legato: Share
    touches_per_s: Annotated[Interval, Within(0.0, 5.0)]
    touch_depth: Annotated[float, Range(0.0, 0.3)]

    def __post_init__(self) -> None:
        check_range("synth.music.staccato + legato", self.staccato + self.legato, 0.0, 1.0)


@dataclass(frozen=True)
class CameraParams:
    """A family of cameras.

    Attributes
    ----------
    fps : tuple of float
        Frame rates of the file, one drawn per clip.
    source_fps : tuple of float
        Frame rates of cameras whose pictures were put into a file of a higher rate.
    converted : float
        Share of clips that were, where `source_fps` has a lower rate.
    blended : float
        Share of the converted clips whose frames are blends of two pictures.
    sizes : tuple of (width, height), px
        Image sizes with even sides, one drawn per clip.
    keyboard_width : Interval
        Width of the keyboard as a fraction of the image width.
    angle_deg : Interval, degrees
        Angle between the axis of the camera and the vertical; positive leans towards the player. Values near
        `camera.USUAL_LEAN_DEG` are likelier.
    aside_mm : float, mm
        Standard deviation of where along the keys the camera aims.
    turned, turned_deg : float, and Interval, degrees
        Share of clips whose camera stands far to one side and looks at the middle, and by how much such a camera is turned.
    jpeg_quality : Interval
        Of each frame before the video codec; 100: not compressed twice.
    drift : Interval
        Slow walk of the gain: standard deviation as a fraction of the brightness.
    reaction : Interval
        Share of a change of the mean brightness, as by hands, that automatic exposure takes back.
    flicker, flicker_height : float, and Interval
        Share of clips under flickering lamps, and half of its peak-to-peak height as a fraction of the brightness.
    crf : Interval
        Constant rate factor of the H.264 file, 0 (lossless) to 51; six more halve the bits.
    """

    fps: Annotated[tuple[CameraFps, ...], check_filled]
    source_fps: tuple[CameraFps, ...]
    converted: Share
    blended: Share
    sizes: Annotated[tuple[Annotated[tuple[int, int], check_size], ...], check_filled]
    keyboard_width: Annotated[Interval, Within(0.4, 0.97)]
    angle_deg: Annotated[Interval, Within(-20.0, 60.0)]
    aside_mm: Annotated[float, Range(0.0, 300.0)]
    turned: Share
    turned_deg: Annotated[Interval, Within(0.0, 45.0)]
    jpeg_quality: Annotated[Interval, Within(1.0, 100.0)]
    drift: Annotated[Interval, Within(0.0, 0.2)]
    reaction: Annotated[Interval, Within(0.0, 1.0)]
    flicker: Share
    flicker_height: Annotated[Interval, Within(0.0, 0.2)]
    crf: Annotated[Interval, Within(0.0, 51.0)]


@dataclass(frozen=True)
class DistractorParams:
    """Shares of clips (of hands, for what is worn) with things that tell nothing of the notes.

    Attributes
    ----------
    display, page_turn : float
        Falling bars, or a page that is turned, above the keys, where the image has room.
    body_shadow : float
        A soft swaying shadow of the player over the keyboard.
    ring, band, low_sleeve : float
        A ring on a finger, a watch or bracelet, a wide cuff near the knuckles.
    """

    display: Share
    page_turn: Share
    body_shadow: Share
    ring: Share
    band: Share
    low_sleeve: Share


@dataclass(frozen=True)
class SynthParams:
    """Size and content of the rendered dataset; half of the clips of each split are plain, half hard.

    Attributes
    ----------
    seed : int
        Of every random draw; the same number gives the same bytes.
    train_clips, val_clips, test_clips : int
        Plain and hard clips per split.
    shift_clips : int
        Clips of the tier shift; they are in test alone, and no training sees its cameras, finishes, light and hands.
    train_s, val_s, test_s : float, s
        Length of each clip.
    music : MusicParams
    press : PressParams
    distractors : DistractorParams
        What is played, what a pressed key shows besides geometry, what else moves: alike in all tiers.
    camera, shift_camera : CameraParams
        The cameras of plain and hard, and those of shift.
    plain, hard, shift : TierParams
    """

    seed: Seed
    train_clips: ClipCount
    val_clips: ClipCount
    test_clips: ClipCount
    shift_clips: Annotated[int, Range(0, 100_000)]
    train_s: ClipLength
    val_s: ClipLength
    test_s: ClipLength
    music: MusicParams
    press: PressParams
    distractors: DistractorParams
    camera: CameraParams
    shift_camera: CameraParams
    plain: TierParams
    hard: TierParams
    shift: TierParams

    def clips_of(self, split: str) -> int:
        """Return the number of plain and hard clips of a split."""
        return int(getattr(self, f"{split}_clips"))

    def length_s(self, split: str) -> float:
        """Return the length (s) of the clips of a split."""
        return float(getattr(self, f"{split}_s"))

    def tier(self, name: str) -> TierParams:
        """Return the parameters of the tier `plain`, `hard` or `shift`."""
        return {"plain": self.plain, "hard": self.hard, SHIFT: self.shift}[name]

    def camera_of(self, tier: str) -> CameraParams:
        """Return the cameras that film a tier."""
        return self.shift_camera if tier == SHIFT else self.camera
