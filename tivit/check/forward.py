"""`tivit check forward`: the network on one batch of a split, to see that data and checkpoint fit before a long run.

The batch holds the middle window of each clip, as validation sees it: nothing is varied.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tivit.core.manifest import Manifest, read_manifest
from tivit.core.params import section
from tivit.core.run.progress import say
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripFolder, open_strips
from tivit.core.timegrid import seconds_of
from tivit.datasets.registry import at_most
from tivit.inference.load import checkpoint_for
from tivit.model.build import build_model, parameter_count
from tivit.model.inputs import make_inputs, window_of
from tivit.model.params import ModelParams
from tivit.model.setup import autocast, prepare_torch
from tivit.targets import make_targets
from tivit.training.data import Batch, TrainClip, collate, load_clips
from tivit.training.losses import head_losses
from tivit.training.params import TrainParams

MANIFEST, STRIPS = Path("data/manifest"), Path("data/strips")
COLUMNS = "{:10}{:>16}{:>9}{:>9}{:>9}{:>9}{:>13}{:>11}"


@dataclass(frozen=True)
class ForwardRequest:
    """What to look at.

    Attributes
    ----------
    split : str
        The split.
    clips : int
        At most so many clips of it.
    checkpoint : Path or None
        The weights; None: a new network of section `model`.
    """

    split: str
    clips: int
    checkpoint: Path | None


def check_forward(params: Mapping[str, Any], request: ForwardRequest) -> int:
    """Print the shapes, logits and losses of one batch, one line per head.

    Parameters
    ----------
    params : mapping
        The content of a params file.
    request : ForwardRequest
        What to look at.

    Returns
    -------
    int
        The exit status: 1 when a value is not finite, else 0.

    Raises
    ------
    InputError
        Strips or manifest are missing or damaged, the split has no clip that is long enough, or the checkpoint cannot be used
        on these strips.
    """
    runtime, train = section(params, "runtime", RuntimeParams), section(params, "train", TrainParams)
    device = prepare_torch(runtime)
    strips = open_strips(STRIPS)
    model = _network(params, request.checkpoint, strips).to(device).eval()
    clips = load_clips(strips, _spread(read_manifest(MANIFEST), request), request.split, train.window_frames)
    batch = middle_batch(clips, train).to(device)
    started_s = time.perf_counter()
    with torch.inference_mode(), autocast(runtime, device):
        inputs = make_inputs(batch.windows, batch.backgrounds, batch.means, batch.contrasts)  # (B, T, 3, H, W)
        logits = model(inputs)  # head name -> (B, T, 88)
        losses = head_losses(logits, batch, train)
    took_s = time.perf_counter() - started_s
    grid = clips[0].grid
    say(f"network: {request.checkpoint or 'new, untrained'}, {parameter_count(model):,} values")
    say(f"batch: {len(clips)} clips of {request.split} ({', '.join(clip.clip_id for clip in clips)})")
    say(f"strips {tuple(batch.windows.shape)} -> inputs {tuple(inputs.shape)}, {grid.fps:g} frames a second")
    say(COLUMNS.format("head", "logits", "lowest", "mean", "highest", "loss", "supervised", "positive"))
    for name, rows in logits.items():
        say(_line(name, rows.float(), batch, float(losses[name])))
    rate = seconds_of(train.window_frames, grid.fps) * len(clips) / took_s
    say(f"{took_s:.2f} s, {rate:.1f} x real time with losses, first pass")
    faults = [name for name, rows in logits.items() if not bool(torch.isfinite(rows).all() and torch.isfinite(losses[name]))]
    if not bool(torch.isfinite(inputs).all()):
        faults.insert(0, "inputs")
    say(f"not finite: {', '.join(faults)}" if faults else "all finite")
    return 1 if faults else 0


def middle_batch(clips: list[TrainClip], params: TrainParams) -> Batch:
    """Return the middle window of each clip as one batch.

    Parameters
    ----------
    clips : list of TrainClip
        B clips, none shorter than a window.
    params : TrainParams
        `window_frames` is the length of a window, `ramp_frames` the half width of the targets' triangles.

    Returns
    -------
    Batch
        Windows uint8 (B, T + 2, H, W).
    """
    windows, targets = [], []
    for clip in clips:
        first = (len(clip.frames) - params.window_frames) // 2
        windows.append(window_of(clip.frames, first, params.window_frames))
        targets.append(make_targets(clip.notes, clip.grid.window(first, params.window_frames), params.ramp_frames))
    return collate(windows, [clip.background for clip in clips], targets, [clip.in_view for clip in clips])


def _spread(manifest: Manifest, request: ForwardRequest) -> Manifest:
    """Return the manifest of the clips that are looked at."""
    clips = tuple(at_most(manifest.of_split(request.split), request.clips))
    return Manifest(clips, {clip.clip_id: manifest.notes[clip.clip_id] for clip in clips})


def _network(params: Mapping[str, Any], path: Path | None, strips: StripFolder) -> nn.Module:
    if path is None:
        torch.manual_seed(section(params, "train", TrainParams).seed)
        return build_model(section(params, "model", ModelParams), strips.geometry)
    return checkpoint_for(strips, path).model


def _line(name: str, rows: torch.Tensor, batch: Batch, loss: float) -> str:
    counted = batch.masks[name].bool()
    positive = float(batch.targets[name][counted].mean()) if bool(counted.any()) else np.nan
    figures = (f"{float(value):.2f}" for value in (rows.min(), rows.mean(), rows.max()))
    share = f"{float(counted.float().mean()):.4f}"
    return COLUMNS.format(
        name, str(tuple(rows.shape)), *figures, f"{loss:.4f}", share, "-" if np.isnan(positive) else f"{positive:.4f}"
    )
