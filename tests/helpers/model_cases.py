"""Small networks, strips and clips for the tests of model, training and inference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from runtime_cases import RUNTIME as RUNTIME

from tivit.core.artifacts import write_csv
from tivit.core.keyboard import BLACK_FRONT_MM, CENTER_MM
from tivit.core.manifest import LAG_COLUMNS, Clip, Manifest, write_manifest
from tivit.core.notes import Notes, make_notes
from tivit.core.strip import StripGeometry, write_strip_index
from tivit.core.timegrid import TimeGrid
from tivit.model.background import background_of
from tivit.model.params import CnnGruParams, KeyVivitParams, ModelParams, VivitParams
from tivit.training.data import Batch, TrainClip, draw_batch, sampler_of
from tivit.training.loop import TrainData
from tivit.training.params import AugmentParams, TrainParams, TurnParams
from tivit.training.sampler import SamplerParams
from tivit.training.team import ALONE, Team

GEOMETRY = StripGeometry(416, 32, -22.0, 158.0)
"""8 px per white key: 2 token columns."""
OCTAVE_KEYS, OCTAVE_PX = 12, 56
ALL_KEYS = np.ones(88, bool)
NO_AUGMENT = AugmentParams(
    mirror=0.0, octave=0.0, speed=0.0, shift_px=0.0, row_shift_px=0.0, shake_px=0.0, warp_px=0.0, stretch=0.0, gain=0.0,
    gamma=0.0, light=0.0, exposure=0.0, offset_levels=0.0, blur_px=0.0, noise_levels=0.0, background=0.0,
    turn=TurnParams(0.0, 0.0, 0.0, 0.0),
)  # fmt: skip


def model_params(backend: str = "key_vivit", **changes: object) -> ModelParams:
    """Return the sizes of a tiny network."""
    values = {
        "backend": backend,
        "velocity": True,
        "tiles": 3,
        "dim": 8,
        "attention_heads": 2,
        "dropout": 0.0,
        "key_vivit": KeyVivitParams(stem_channels=4, feature_channels=6, key_columns=4, radius_frames=3),
        "vivit": VivitParams(patch_px=16, tubelet_frames=2, space_layers=1, time_layers=1),
        "cnn_gru": CnnGruParams(crop_px=16, channels=4),
    }
    return ModelParams(**{**values, **changes})


def train_params(**changes: object) -> TrainParams:
    """Return a training of six small steps that validates and saves its state on the way."""
    values = {
        "seed": 3, "smoke": False, "init": None, "steps": 6, "clips_per_step": 2, "window_frames": 8, "own_share": 0.5,
        "learning_rate": 0.01, "warmup_steps": 2, "slowing_steps": 4, "decay_share": 0.34, "weight_decay": 0.01,
        "gradient_clip": 1.0, "ema_decay": 0.9, "ramp_frames": 2.0, "event_pos_weight": 3.0,
        "attribute_weight": 0.1, "velocity_weight": 0.1, "val_every_steps": 3, "val_frames": 16, "state_every_steps": 2,
        "sampler": SamplerParams("uniform", 0.5, 0.25, 0.25, 6),
        "augment": AugmentParams(
            mirror=0.5, octave=0.3, speed=0.2, shift_px=2.0, row_shift_px=1.0, shake_px=0.2, warp_px=0.5, stretch=0.003,
            gain=0.2, gamma=0.2, light=0.2, exposure=0.1, offset_levels=8.0, blur_px=0.7, noise_levels=3.0, background=0.5,
                turn=TurnParams(0.5, 0.5, 0.1, 0.1),
        ),
    }  # fmt: skip
    return TrainParams(**{**values, **changes})


def noisy_strip(length: int, seed: int = 0) -> np.ndarray:
    """Return a strip of noise, uint8 (length, 32, 416)."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (length, GEOMETRY.height_px, GEOMETRY.width_px), dtype=np.uint8)


def noisy_inputs(batch: int = 1, frames: int = 6, seed: int = 0) -> torch.Tensor:
    """Return random input channels (batch, frames, 3, 32, 416)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, frames, 3, GEOMETRY.height_px, GEOMETRY.width_px, generator=generator)


def three_notes() -> Notes:
    """Return three notes of both hands within 0.8 s."""
    return make_notes([0.1, 0.3, 0.4], [0.3, 0.5, 0.8], [40, 60, 67], [40, 80, 110], [0, 1, 1], [0, 1, 1])


def played_clip(clip_id: str, length: int = 30, seed: int = 0) -> TrainClip:
    """Return a clip whose keys turn dark where `three_notes` says they are down."""
    grid, notes = TimeGrid(30.0, 0.0, length), three_notes()
    rng = np.random.default_rng(seed)
    frames = rng.integers(180, 200, (length, GEOMETRY.height_px, GEOMETRY.width_px), dtype=np.uint8)
    times_s = grid.times_s()
    for onset_s, offset_s, midi in zip(notes.onset_s, notes.offset_s, notes.midi, strict=True):
        center = int(GEOMETRY.column_px(CENTER_MM[midi - 21]))
        frames[(times_s >= onset_s) & (times_s < offset_s), 8:, center - 2 : center + 3] -= 100
    return TrainClip(
        clip_id, frames, grid, notes, background_of(frames, GEOMETRY), ALL_KEYS, float(GEOMETRY.row_px(BLACK_FRONT_MM))
    )


def train_data() -> TrainData:
    """Return two clips to train on and one to validate on."""
    return TrainData([played_clip("train/a"), played_clip("train/b", 24, 1)], [played_clip("val/a", 30, 2)], GEOMETRY)


def write_clips(clips: list[TrainClip]) -> None:
    """Write clips, whose ids begin with their split, as `data/strips` and `data/manifest` of the current folder."""
    for clip in clips:
        path = Path("data/strips") / f"{clip.clip_id}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, clip.frames)
    write_strip_index("data/strips", GEOMETRY, {clip.clip_id: clip.grid for clip in clips})
    rows = tuple(Clip(clip.clip_id, clip.clip_id.split("/")[0], "plain", "x.mp4", 21, 108) for clip in clips)
    write_manifest("data/manifest", Manifest(rows, {clip.clip_id: clip.notes for clip in clips}))
    write_csv("data/manifest/lags.csv", LAG_COLUMNS, [])


def batch_of(clips: list[TrainClip], params: TrainParams, seed: int, step: int, team: Team = ALONE) -> Batch:
    """Return the batch of a step, its windows drawn as `params.sampler` says."""
    return draw_batch(clips, sampler_of(clips, params), replace(params, seed=seed), step, team)
