"""The `train` section of params.yaml: from what, how long, how fast, on what, and how the pictures are varied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated

from tivit.core.errors import InputError, quoted
from tivit.core.params import Range, Seed, Share, check_range
from tivit.training.sampler import SamplerParams

INIT_FOLDER = PurePosixPath("data/pretrained")
"""Where `train.init` lies: DVC declares no dependency that may be null, so the folder is one and the file must be in it."""


def check_init(where: str, path: str) -> None:
    """Raise InputError unless a checkpoint to start from lies in `INIT_FOLDER`.

    Parameters
    ----------
    where : str
        Key of the params, for the message.
    path : str
        The file, relative to the project.

    Raises
    ------
    InputError
        It lies elsewhere.
    """
    if PurePosixPath(path).parent != INIT_FOLDER:
        raise InputError(f"{where}: {quoted(path)} is not null or a file in {INIT_FOLDER}, which DVC watches; copy it there")


@dataclass(frozen=True)
class TurnParams:
    """In which windows small differences from the background are turned (`augment.draw_turn`).

    Attributes
    ----------
    share : float
        Share of windows in which this is done.
    apart : float
        Share of these in which tails and fronts are turned by separate fields.
    no_tails, no_fronts : float
        Shares of these in which tails, or fronts, do not change at all; together at most 1.
    """

    share: Share
    apart: Share
    no_tails: Share
    no_fronts: Share

    def __post_init__(self) -> None:
        check_range("train.augment.turn.no_tails + no_fronts", self.no_tails + self.no_fronts, 0.0, 1.0)


@dataclass(frozen=True)
class AugmentParams:
    """How far a training window is varied. Every value is the largest departure or a share of windows; 0 turns it off.

    Attributes
    ----------
    mirror, octave, background : float
        Shares of windows that are seen in a mirror, moved by an octave, or have a damaged background picture.
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

    mirror: Share
    octave: Share
    speed: Annotated[float, Range(0.0, 1.0)]
    shift_px: Annotated[float, Range(0.0, 16.0)]
    row_shift_px: Annotated[float, Range(0.0, 16.0)]
    shake_px: Annotated[float, Range(0.0, 16.0)]
    warp_px: Annotated[float, Range(0.0, 16.0)]
    stretch: Annotated[float, Range(0.0, 0.2)]
    gain: Annotated[float, Range(0.0, 3.0)]
    gamma: Annotated[float, Range(0.0, 3.0)]
    light: Annotated[float, Range(0.0, 0.9)]
    exposure: Annotated[float, Range(0.0, 0.9)]
    offset_levels: Annotated[float, Range(0.0, 64.0)]
    blur_px: Annotated[float, Range(0.0, 16.0)]
    noise_levels: Annotated[float, Range(0.0, 32.0)]
    background: Share
    turn: TurnParams


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
        Steps of the optimizer, those of the branch that decays among them.
    clips_per_step, window_frames : int
        Windows of a step, and frames of each.
    own_share : float
        Share of windows drawn from the user's own clips, where there are any.
    learning_rate : float
        The highest, after the warm-up.
    warmup_steps, slowing_steps : int
        Steps of linear warm-up; after n further steps the rate is divided by the root of 1 + n / slowing_steps.
    decay_share : float
        Share of the steps, at the end, over which the rate falls to nearly nothing.
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

    seed: Seed
    smoke: bool
    init: Annotated[str, check_init] | None
    steps: Annotated[int, Range(1, 10_000_000)]
    clips_per_step: Annotated[int, Range(1, 1024)]
    window_frames: Annotated[int, Range(4, 4096)]
    own_share: Share
    learning_rate: Annotated[float, Range(1e-8, 1.0)]
    warmup_steps: Annotated[int, Range(0, 1_000_000)]
    slowing_steps: Annotated[int, Range(1, 1_000_000_000)]
    decay_share: Share
    weight_decay: Annotated[float, Range(0.0, 10.0)]
    gradient_clip: Annotated[float, Range(1e-6, 1e6)]
    ema_decay: Annotated[float, Range(0.0, 0.99999)]
    ramp_frames: Annotated[float, Range(1.0, 16.0)]
    event_pos_weight: Annotated[float, Range(0.01, 1000.0)]
    attribute_weight: Annotated[float, Range(0.0, 1000.0)]
    velocity_weight: Annotated[float, Range(0.0, 1000.0)]
    val_every_steps: Annotated[int, Range(1, 10_000_000)]
    val_frames: Annotated[int, Range(1, 10_000_000)]
    state_every_steps: Annotated[int, Range(1, 10_000_000)]
    sampler: SamplerParams
    augment: AugmentParams
