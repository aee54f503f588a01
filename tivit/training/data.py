"""Clips in memory and the windows drawn from them.

A batch depends on the seed, the step and the rank of the process alone, so training can resume.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tivit.core.errors import InputError
from tivit.core.heads import HEAD_NAMES
from tivit.core.keyboard import BLACK_FRONT_MM
from tivit.core.manifest import OWN_TIER, Manifest
from tivit.core.notes import Notes
from tivit.core.strip import StripFolder
from tivit.core.timegrid import TimeGrid
from tivit.model.background import Background, background_of, describe_background, sample_frames
from tivit.model.inputs import window_of
from tivit.targets import Targets, make_targets
from tivit.training.augment import add_noise, damage_background, draw_augmentation, draw_exposure, draw_shake, draw_turn
from tivit.training.params import TrainParams
from tivit.training.sampler import WindowSampler, make_sampler
from tivit.training.team import ALONE, Team

log = logging.getLogger(__name__)
TRAIN_STREAM = 1
"""Names the random stream of the batches, apart from the network's initial weights."""


@dataclass(frozen=True)
class TrainClip:
    """A clip as training uses it.

    Attributes
    ----------
    clip_id : str
    frames : np.ndarray
        Its strip, a memory map, uint8 (T, H, W).
    grid : TimeGrid
        The instants of the frames.
    notes : Notes
        In seconds of the grid's clock.
    background : Background
        The keyboard at rest.
    in_view : np.ndarray
        Keys in view, bool (88,).
    front_row : float
        Row (px) where the fronts of white keys begin.
    is_own : bool
        One of the user's own clips, which are drawn as often as `train.own_share` says.
    """

    clip_id: str
    frames: np.ndarray
    grid: TimeGrid
    notes: Notes
    background: Background
    in_view: np.ndarray
    front_row: float
    is_own: bool = False


@dataclass(frozen=True)
class Batch:
    """Windows of B clips, with what the network should say of them.

    Attributes
    ----------
    windows : Tensor
        Grey levels (B, T + 2, H, W): float32 where they are varied, uint8 where they are not.
    backgrounds : Tensor
        Grey levels (B, H, W), of the same type.
    means, contrasts : Tensor
        Of the backgrounds, grey levels, float32 (B,).
    targets : dict[str, Tensor]
        Head name -> float32 (B, T, 88), 0..1.
    masks : dict[str, Tensor]
        Head name -> float32 (B, T, 88): 1 where the head is supervised, else 0. That is at keys in view, and for hand, clef and
        velocity only where `targets` has a label.
    """

    windows: Tensor
    backgrounds: Tensor
    means: Tensor
    contrasts: Tensor
    targets: dict[str, Tensor]
    masks: dict[str, Tensor]

    def to(self, device: torch.device) -> Batch:
        """Return the batch on `device`."""
        return self._with(lambda part: part.to(device, non_blocking=True))

    def parts(self, windows: int) -> list[Batch]:
        """Return the batch in parts of so many windows, the last one smaller where they do not come out even."""
        starts = range(0, len(self.windows), windows)
        return [self._with(lambda part, start=start: part[start : start + windows]) for start in starts]

    def pin_memory(self) -> Batch:
        """Return the batch in page-locked memory; torch's loader asks for it."""
        return self._with(Tensor.pin_memory)

    def _with(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return Batch(
            *map(change, (self.windows, self.backgrounds, self.means, self.contrasts)),
            targets={name: change(value) for name, value in self.targets.items()},
            masks={name: change(value) for name, value in self.masks.items()},
        )


def load_clips(strips: StripFolder, manifest: Manifest, split: str, window_frames: int) -> list[TrainClip]:
    """Return the clips of a split; one that is shorter than a window is left out and named in the log.

    Parameters
    ----------
    strips : StripFolder
        The strips of all clips.
    manifest : Manifest
        Their notes, keys in view and splits.
    split : str
        `train`, `val` or `test`.
    window_frames : int
        Frames of a window.

    Returns
    -------
    list of TrainClip
        In the order of the manifest; at least one.

    Raises
    ------
    InputError
        The split has no clip that is long enough, a strip is missing or damaged, or no note of an own clip lies in its video.
    """
    clips = []
    front_row = float(strips.geometry.row_px(BLACK_FRONT_MM))
    for clip in manifest.of_split(split):
        frames = strips.open(clip.clip_id)
        if len(frames) < window_frames:
            log.warning("clip %s has %d frames, fewer than a window of %d: left out", clip.clip_id, len(frames), window_frames)
            continue
        grid, notes = strips.grids[clip.clip_id], manifest.notes[clip.clip_id]
        is_own = clip.tier == OWN_TIER
        if is_own and not ((notes.offset_s > grid.start_s) & (notes.onset_s < grid.end_s)).any():
            raise InputError(
                f"clip {clip.clip_id!r}: none of its {len(notes)} notes lies in its video ({grid.start_s:.2f} to "
                f"{grid.end_s:.2f} s); is offset_s in data/own/clips.csv right?"
            )
        clips.append(
            TrainClip(
                clip.clip_id, frames, grid, notes, background_of(frames, strips.geometry), clip.in_view, front_row, is_own
            )
        )
    if not clips:
        raise InputError(f"no clip of split {split!r} has the {window_frames} frames of train.window_frames")
    return clips


def content_digest(clips: list[TrainClip]) -> str:
    """Return a digest of clips, by which a run is told from one on other data.

    Parameters
    ----------
    clips : list of TrainClip
        Their ids, grids, notes, keys in view and the frames that the background is made from count.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.clip_id} {clip.grid}".encode())
        digest.update(np.ascontiguousarray(clip.frames[sample_frames(len(clip.frames))]).tobytes())
        for column in (*vars(clip.notes).values(), clip.in_view):
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def sampler_of(clips: list[TrainClip], params: TrainParams) -> WindowSampler:
    """Return what draws the windows of clips.

    Parameters
    ----------
    clips : list of TrainClip
        None is shorter than a window.
    params : TrainParams
        The length of a window, the sampler, and the share of own clips.

    Returns
    -------
    WindowSampler
        It speaks of clips by their place in `clips`.
    """
    return make_sampler(
        [clip.grid.frame(clip.notes.onset_s) for clip in clips],
        [len(clip.frames) for clip in clips],
        params.window_frames,
        params.sampler,
        np.array([clip.is_own for clip in clips]),
        params.own_share,
    )


def draw_batch(clips: list[TrainClip], sampler: WindowSampler, params: TrainParams, step: int, team: Team = ALONE) -> Batch:
    """Return this process's part of the batch of a step: windows as the sampler draws them, each varied.

    Parameters
    ----------
    clips : list of TrainClip
    sampler : WindowSampler
        From `sampler_of` for the same clips.
    params : TrainParams
    step : int
        Number of the step; with the seed and the rank it decides every random choice.
    team : Team
        The processes that share the step.

    Returns
    -------
    Batch
        `train.clips_per_step` / `team.size` windows of `train.window_frames` frames.

    Raises
    ------
    InputError
        The windows of a step cannot be shared evenly by the processes.
    """
    rng = np.random.default_rng(team.stream(params.seed, TRAIN_STREAM, step))
    windows, backgrounds, targets, in_view = [], [], [], []
    for index in sampler.clips(rng, team.part_of(params.clips_per_step)):
        clip = clips[index]
        image = clip.background.image
        augmentation = draw_augmentation(rng, params.augment, image.shape)
        first = sampler.first(rng, index)
        last = first + int(np.ceil((params.window_frames - 1) * augmentation.speed))
        speed = augmentation.speed if last < len(clip.frames) else 1.0  # a fast window must not run past the end of the clip
        if rng.random() < params.augment.background:
            image = damage_background(rng, image, clip.frames[int(rng.integers(0, len(clip.frames)))])
        window = window_of(clip.frames, first, params.window_frames, speed)
        frames = augmentation.apply(window, draw_shake(rng, params.augment.shake_px, len(window)))  # (T + 2, H, W)
        still = augmentation.apply(image[None])[0]  # (H, W): moved and relit as the frames are, but it does not shake
        turn = draw_turn(rng, params.augment.turn, still.shape, clip.front_row, float(still.std()))
        if turn is not None:
            turn.apply(frames, still)
        exposure = draw_exposure(rng, params.augment.exposure, len(window))
        if exposure is not None:
            frames *= exposure
        add_noise(rng, frames, augmentation.noise_levels)
        windows.append(frames)
        backgrounds.append(describe_background(still))
        # The grid of the window has the new speed, so the notes keep their seconds and still fall on the right frames.
        grid = clip.grid.window(first, params.window_frames, speed)
        targets.append(make_targets(augmentation.apply_to_notes(clip.notes), grid, params.ramp_frames))
        in_view.append(augmentation.apply_to_keys(clip.in_view))
    return collate(windows, backgrounds, targets, in_view)


def fixed_batches(clips: list[TrainClip], window_frames: int, total_frames: int, ramp_frames: float) -> list[Batch]:
    """Return plain windows for validation, one in each batch, spread evenly over the clips.

    Parameters
    ----------
    clips : list of TrainClip
        None is shorter than a window.
    window_frames : int
        Frames of a window.
    total_frames : int
        About how many frames all windows have together; each clip gives one window at least.
    ramp_frames : float
        Half width of the targets' triangles, frames.

    Returns
    -------
    list of Batch
        Their windows are uint8.
    """
    per_clip = max(1, round(total_frames / window_frames / len(clips)))
    batches = []
    for clip in clips:
        last = len(clip.frames) - window_frames
        count = min(per_clip, last // window_frames + 1)
        for first in np.linspace(0, last, count + 2)[1:-1].astype(int):
            frames = window_of(clip.frames, int(first), window_frames)
            targets = make_targets(clip.notes, clip.grid.window(int(first), window_frames), ramp_frames)
            batches.append(collate([frames], [clip.background], [targets], [clip.in_view]))
    return batches


def collate(
    windows: list[np.ndarray], backgrounds: list[Background], targets: list[Targets], in_view: list[np.ndarray]
) -> Batch:
    """Return single windows as one batch.

    Parameters
    ----------
    windows : list of np.ndarray
        Grey levels (T + 2, H, W) each.
    backgrounds : list of Background
    targets : list of Targets
        Arrays (T, 88) by head.
    in_view : list of np.ndarray
        Keys in view, bool (88,) each.

    Returns
    -------
    Batch
    """
    masks = {
        name: np.stack([_mask(item, name) & keys for item, keys in zip(targets, in_view, strict=True)]) for name in HEAD_NAMES
    }
    return Batch(
        windows=torch.from_numpy(np.stack(windows)),
        backgrounds=torch.from_numpy(np.stack([background.image for background in backgrounds])),
        means=torch.tensor([background.mean for background in backgrounds]),
        contrasts=torch.tensor([background.contrast for background in backgrounds]),
        targets={name: torch.from_numpy(np.stack([item.values[name] for item in targets])) for name in HEAD_NAMES},
        masks={name: torch.from_numpy(mask).float() for name, mask in masks.items()},
    )


def _mask(targets: Targets, name: str) -> np.ndarray:
    """Return where a head has a target, bool (T, 88); an event head has one everywhere."""
    return targets.masks[name] if name in targets.masks else np.ones(targets.values[name].shape, bool)
