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
    """In which `share` of the windows small differences from the background are turned (`augment.draw_turn`).

    Of these: `apart`, share where tails and fronts are turned apart; `no_tails`, `no_fronts`, shares where one does not change.
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
    """How far a training window is varied; every value is the largest departure, 0 turns it off.

    mirror, octave, background: shares of windows seen in a mirror, moved by an octave, with a damaged background picture;
    speed, gain, gamma: as factors 1 / (1 + v) .. 1 + v; shift_px, row_shift_px: along the keys and across; warp_px: smooth x
    error along the keyboard; stretch: relative, both axes; light: uneven light, relative; offset_levels, noise_levels (sigma):
    grey levels; blur_px: sigma; shake_px: sigma of each frame against the background; exposure: drift of the brightness against
    the background, relative; turn: small differences whose sign is left open.
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
    """See params.yaml for the meaning and unit of each value."""

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
