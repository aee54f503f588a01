"""Parameters of the rendered dataset (section `synth`): how many clips, how large, and how each tier looks.

Ranges are (low, high); one value is drawn per clip, uniformly, unless the field says otherwise. What varies alike in both tiers
(finish, light, skin, rooms) lives in `scene`; here stands what makes a tier easy or hard and what decides the size of the
dataset. A value outside its limits is an InputError.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from tivit.core.errors import InputError
from tivit.core.params import MAX_SEED, check_range

Range = tuple[float, float]

SHIFT = "shift"
"""The tier that no training sees."""
TIER_LIMITS = {
    "press_travel": (0.3, 1.0),
    "hand_reach_mm": (-40.0, 60.0),
    "exposure": (0.1, 1.5),
    "contrast": (0.3, 1.0),
    "blur_px": (0.0, 3.0),
    "noise_levels": (0.0, 30.0),
    "shadow": (0.0, 0.9),
}
"""What the ranges of a tier must lie within, in the units of `TierParams`."""


@dataclass(frozen=True)
class TierParams:
    """How one tier is filmed; the ranges lie within `TIER_LIMITS`.

    Attributes
    ----------
    press_travel : Range
        Depth of a full press, as a fraction of the 10 mm travel; drawn per note.
    hand_reach_mm : Range, mm
        How much deeper over the keys than is natural the hands lie.
    exposure : Range
        Brightness of the picture; 1 is well lit.
    contrast : Range
        1 keeps the full tonal range.
    blur_px : Range, px
        Sigma of the lens blur at 640 px image width (it grows with the width).
    noise_levels : Range, grey levels
        Standard deviation of the sensor noise.
    shadow : Range
        Share of the light that a hand takes from the keys below it.
    overexposed : float, 0..1
        Share of clips in which white keys are as bright as a file can say, and hands nearly so.
    """

    press_travel: Range
    hand_reach_mm: Range
    exposure: Range
    contrast: Range
    blur_px: Range
    noise_levels: Range
    shadow: Range
    overexposed: float

    def __post_init__(self) -> None:
        check_range("synth tier overexposed", self.overexposed, 0.0, 1.0)
        for name, limits in TIER_LIMITS.items():
            _check_interval(f"synth tier {name}", getattr(self, name), *limits)


@dataclass(frozen=True)
class Effect:
    """Something that may happen to a pressed key.

    Attributes
    ----------
    share : float, 0..1
        Share of the clips in which it happens.
    sigma : float, 0..2
        Its size is drawn from normal(0, sigma), so it goes either way.
    """

    share: float
    sigma: float

    def __post_init__(self) -> None:
        check_range("synth.press share", self.share, 0.0, 1.0)
        check_range("synth.press sigma", self.sigma, 0.0, 2.0)


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
    notes_per_s : Range, 0.5..20
        Mean density of a piece, both hands together.
    crossing : float, 0..1
        Share of the phrases of a hand that lie in the register of the other hand.
    roaming : float, 0..1
        Share of the pieces whose hands play anywhere on their half of the keyboard, ends included.
    held : float, 0..1
        Share of the pieces in which one hand holds a chord for 30 to 90 % of the time.
    staccato, legato : float, together 0..1
        Shares of the phrases whose notes are short, or last into the next one.
    touches_per_s : Range, 0..5
        How often a finger touches a key without playing it, per second and hand.
    touch_depth : float, 0..0.3
        How far such a finger pushes the key at most, as a fraction of the travel.
    """

    notes_per_s: Range
    crossing: float
    roaming: float
    held: float
    staccato: float
    legato: float
    touches_per_s: Range
    touch_depth: float

    def __post_init__(self) -> None:
        _check_interval("synth.music.notes_per_s", self.notes_per_s, 0.5, 20.0)
        _check_interval("synth.music.touches_per_s", self.touches_per_s, 0.0, 5.0)
        for name in ("crossing", "roaming", "held", "staccato", "legato"):
            check_range(f"synth.music.{name}", getattr(self, name), 0.0, 1.0)
        check_range("synth.music.staccato + legato", self.staccato + self.legato, 0.0, 1.0)
        check_range("synth.music.touch_depth", self.touch_depth, 0.0, 0.3)


@dataclass(frozen=True)
class CameraParams:
    """A family of cameras.

    Attributes
    ----------
    fps : tuple of float, 10..120
        Frame rates of the file, one drawn per clip.
    source_fps : tuple of float, 10..120
        Frame rates of cameras whose pictures were put into a file of a higher rate.
    converted : float, 0..1
        Share of clips that were, where `source_fps` has a lower rate.
    blended : float, 0..1
        Share of the converted clips whose frames are blends of two pictures.
    sizes : tuple of (width, height), px
        Image sizes with even sides, one drawn per clip.
    keyboard_width : Range
        Width of the keyboard as a fraction of the image width.
    angle_deg : Range, degrees
        Angle between the axis of the camera and the vertical; positive leans towards the player. Values near
        `camera.USUAL_LEAN_DEG` are likelier.
    aside_mm : float, mm
        Standard deviation of where along the keys the camera aims.
    turned, turned_deg : float, 0..1, and Range, degrees
        Share of clips whose camera stands far to one side and looks at the middle, and by how much such a camera is turned.
    jpeg_quality : Range, 1..100
        Of each frame before the video codec; 100: not compressed twice.
    drift : Range
        Slow walk of the gain: standard deviation as a fraction of the brightness.
    reaction : Range
        Share of a change of the mean brightness, as by hands, that automatic exposure takes back.
    flicker, flicker_height : float, 0..1, and Range
        Share of clips under flickering lamps, and half of its peak-to-peak height as a fraction of the brightness.
    crf : Range, 0..51
        Constant rate factor of the H.264 file, 0 (lossless) to 51; six more halve the bits.
    """

    fps: tuple[float, ...]
    source_fps: tuple[float, ...]
    converted: float
    blended: float
    sizes: tuple[tuple[int, int], ...]
    keyboard_width: Range
    angle_deg: Range
    aside_mm: float
    turned: float
    turned_deg: Range
    jpeg_quality: Range
    drift: Range
    reaction: Range
    flicker: float
    flicker_height: Range
    crf: Range

    def __post_init__(self) -> None:
        if not self.fps or not self.sizes:
            raise InputError("synth camera fps and sizes must each hold at least one value")
        for name in ("fps", "source_fps"):
            for rate in getattr(self, name):
                check_range(f"synth camera {name}", rate, 10.0, 120.0)
        for name in ("converted", "blended", "flicker", "turned"):
            check_range(f"synth camera {name}", getattr(self, name), 0.0, 1.0)
        for width_px, height_px in self.sizes:
            check_range("synth camera sizes width", width_px, 320, 3840)
            check_range("synth camera sizes height", height_px, 180, 2160)
            if width_px % 2 or height_px % 2:
                raise InputError(f"synth camera sizes: {width_px}x{height_px} has an odd side; the video codec needs even ones")
        _check_interval("synth camera keyboard_width", self.keyboard_width, 0.4, 0.97)
        _check_interval("synth camera angle_deg", self.angle_deg, -20.0, 60.0)
        check_range("synth camera aside_mm", self.aside_mm, 0.0, 300.0)
        _check_interval("synth camera turned_deg", self.turned_deg, 0.0, 45.0)
        _check_interval("synth camera jpeg_quality", self.jpeg_quality, 1.0, 100.0)
        _check_interval("synth camera drift", self.drift, 0.0, 0.2)
        _check_interval("synth camera reaction", self.reaction, 0.0, 1.0)
        _check_interval("synth camera flicker_height", self.flicker_height, 0.0, 0.2)
        _check_interval("synth camera crf", self.crf, 0.0, 51.0)


@dataclass(frozen=True)
class DistractorParams:
    """Shares 0..1 of clips (of hands, for what is worn) with things that tell nothing of the notes.

    Attributes
    ----------
    display, page_turn : float
        Falling bars, or a page that is turned, above the keys, where the image has room.
    body_shadow : float
        A soft swaying shadow of the player over the keyboard.
    ring, band, low_sleeve : float
        A ring on a finger, a watch or bracelet, a wide cuff near the knuckles.
    """

    display: float
    page_turn: float
    body_shadow: float
    ring: float
    band: float
    low_sleeve: float

    def __post_init__(self) -> None:
        for field in fields(self):
            check_range(f"synth.distractors.{field.name}", getattr(self, field.name), 0.0, 1.0)


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

    seed: int
    train_clips: int
    val_clips: int
    test_clips: int
    shift_clips: int
    train_s: float
    val_s: float
    test_s: float
    music: MusicParams
    press: PressParams
    distractors: DistractorParams
    camera: CameraParams
    shift_camera: CameraParams
    plain: TierParams
    hard: TierParams
    shift: TierParams

    def __post_init__(self) -> None:
        check_range("synth.seed", self.seed, 0, MAX_SEED)
        for split in ("train", "val", "test"):
            check_range(f"synth.{split}_clips", getattr(self, f"{split}_clips"), 1, 100_000)
            check_range(f"synth.{split}_s", getattr(self, f"{split}_s"), 1.0, 3600.0)
        check_range("synth.shift_clips", self.shift_clips, 0, 100_000)

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


def _check_interval(where: str, interval: Range, low: float, high: float) -> None:
    """Raise InputError unless low <= interval[0] <= interval[1] <= high."""
    check_range(where, interval[0], low, high)
    check_range(where, interval[1], interval[0], high)
