"""The `train` section of params.yaml: from what, how long, how fast, on what, and how the pictures are varied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from tivit.core.errors import InputError
from tivit.core.params import MAX_SEED, check_range
from tivit.training.sampler import SamplerParams

INIT_FOLDER = PurePosixPath("data/pretrained")
"""Where `train.init` lies: DVC declares no dependency that may be null, so the folder is one and the file must be in it."""


@dataclass(frozen=True)
class TurnParams:
    """In which windows small differences from the background are turned (`augment.draw_turn`).

    Attributes
    ----------
    share : float
        Share of windows in which this is done, 0..1.
    apart : float
        Share of these in which tails and fronts are turned by separate fields, 0..1.
    no_tails, no_fronts : float
        Shares of these in which tails, or fronts, do not change at all; together at most 1.
    """

    share: float
    apart: float
    no_tails: float
    no_fronts: float

    def __post_init__(self) -> None:
        for name in ("share", "apart", "no_tails", "no_fronts"):
            check_range(f"train.augment.turn.{name}", getattr(self, name), 0.0, 1.0)
        check_range("train.augment.turn.no_tails + no_fronts", self.no_tails + self.no_fronts, 0.0, 1.0)


@dataclass(frozen=True)
class AugmentParams:
    """How far a training window is varied. Every value is the largest departure or a share of windows; 0 turns it off.

    Attributes
    ----------
    mirror, octave, background : float
        Shares of windows that are seen in a mirror, moved by an octave, or have a damaged background picture; 0..1.
    speed, gain, gamma : float
        Largest change of the speed, of the brightness and of its exponent: v stands for a factor from 1 / (1 + v) to 1 + v.
    shift_px, row_shift_px : float
        Shift along the keys and across them, px.
    shake_px : float
        Sigma of the shift of each frame against the background, px.
    warp_px : float
        Size of a smooth x error along the keyboard, px.
    stretch : float
        Relative stretch of both axes.
    light : float
        Uneven light over the strip, relative.
    exposure : float
        Drift of the brightness against the background, relative.
    offset_levels : float
        Change of all grey levels, grey levels.
    blur_px : float
        Sigma of a blur, px.
    noise_levels : float
        Sigma of the noise, grey levels.
    turn : TurnParams
        Small differences whose sign is left open.
    """

    mirror: float
    octave: float
    speed: float
    shift_px: float
    row_shift_px: float
    shake_px: float
    warp_px: float
    stretch: float
    gain: float
    gamma: float
    light: float
    exposure: float
    offset_levels: float
    blur_px: float
    noise_levels: float
    background: float
    turn: TurnParams

    def __post_init__(self) -> None:
        for name in ("shift_px", "row_shift_px", "shake_px", "warp_px", "blur_px"):
            check_range(f"train.augment.{name}", getattr(self, name), 0.0, 16.0)
        check_range("train.augment.mirror", self.mirror, 0.0, 1.0)
        check_range("train.augment.octave", self.octave, 0.0, 1.0)
        check_range("train.augment.speed", self.speed, 0.0, 1.0)
        check_range("train.augment.light", self.light, 0.0, 0.9)
        check_range("train.augment.exposure", self.exposure, 0.0, 0.9)
        check_range("train.augment.stretch", self.stretch, 0.0, 0.2)
        check_range("train.augment.gain", self.gain, 0.0, 3.0)
        check_range("train.augment.gamma", self.gamma, 0.0, 3.0)
        check_range("train.augment.offset_levels", self.offset_levels, 0.0, 64.0)
        check_range("train.augment.noise_levels", self.noise_levels, 0.0, 32.0)
        check_range("train.augment.background", self.background, 0.0, 1.0)


@dataclass(frozen=True)
class TrainParams:
    """The section `train`.

    Attributes
    ----------
    seed : int
        Of the initial weights, the windows that are drawn, how they are varied, and dropout.
    smoke : bool
        Make a few steps only, to see that everything runs.
    init : str or None
        A checkpoint in `INIT_FOLDER` to start from; None: random weights.
    steps : int
        Steps of the optimizer.
    clips_per_step, window_frames : int
        Windows of a step, and frames of each.
    own_share : float
        Share of windows drawn from the user's own clips, where there are any; 0..1.
    learning_rate : float
        The highest, after the warm-up.
    warmup_steps : int
        Steps of linear warm-up; after them comes half a cosine.
    weight_decay, gradient_clip : float
        Of AdamW; and the largest norm of the gradients.
    ema_decay : float
        Decay per step of the averaged weights, which are the ones that are kept.
    ramp_frames : float
        Half width of the triangle around an onset or offset, frames.
    event_pos_weight, attribute_weight, velocity_weight : float
        Weights in the loss: of the positives of onset and offset, of hand and clef, of velocity.
    val_every_steps, state_every_steps : int
        How often the averaged weights are validated, and the state to resume from is saved.
    val_frames : int
        Frames that validation takes, spread over all its clips.
    sampler : SamplerParams
        Which windows are drawn.
    augment : AugmentParams
        How they are varied.
    """

    seed: int
    smoke: bool
    init: str | None
    steps: int
    clips_per_step: int
    window_frames: int
    own_share: float
    learning_rate: float
    warmup_steps: int
    weight_decay: float
    gradient_clip: float
    ema_decay: float
    ramp_frames: float
    event_pos_weight: float
    attribute_weight: float
    velocity_weight: float
    val_every_steps: int
    val_frames: int
    state_every_steps: int
    sampler: SamplerParams
    augment: AugmentParams

    def __post_init__(self) -> None:
        if self.init is not None and PurePosixPath(self.init).parent != INIT_FOLDER:
            raise InputError(
                f"train.init: {self.init!r} is not null or a file in {INIT_FOLDER}, which DVC watches; copy it there"
            )
        check_range("train.seed", self.seed, 0, MAX_SEED)
        check_range("train.own_share", self.own_share, 0.0, 1.0)
        check_range("train.steps", self.steps, 1, 10_000_000)
        check_range("train.clips_per_step", self.clips_per_step, 1, 1024)
        check_range("train.window_frames", self.window_frames, 4, 4096)
        check_range("train.learning_rate", self.learning_rate, 1e-8, 1.0)
        check_range("train.warmup_steps", self.warmup_steps, 0, 1_000_000)
        check_range("train.weight_decay", self.weight_decay, 0.0, 10.0)
        check_range("train.gradient_clip", self.gradient_clip, 1e-6, 1e6)
        check_range("train.ema_decay", self.ema_decay, 0.0, 0.99999)
        check_range("train.ramp_frames", self.ramp_frames, 1.0, 16.0)
        check_range("train.event_pos_weight", self.event_pos_weight, 0.01, 1000.0)
        check_range("train.attribute_weight", self.attribute_weight, 0.0, 1000.0)
        check_range("train.velocity_weight", self.velocity_weight, 0.0, 1000.0)
        check_range("train.val_every_steps", self.val_every_steps, 1, 10_000_000)
        check_range("train.val_frames", self.val_frames, 1, 10_000_000)
        check_range("train.state_every_steps", self.state_every_steps, 1, 10_000_000)
