"""A network that goes on learning from a take, with rendered clips among its windows so that it forgets nothing.

Chosen on development clips (docs/transfer.md): the learning rate, the number of steps, and that small differences from the
background keep their sign (`train.augment.turn` is off), because in one room light always has the same one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from tivit.core.errors import InputError
from tivit.core.keyboard import keys_between
from tivit.core.notes import read_midi
from tivit.core.params import section
from tivit.core.registration import is_usable
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import RuntimeParams, Workers
from tivit.model.background import background_of
from tivit.model.checkpoint import Checkpoint
from tivit.registration.clip import register_video
from tivit.registration.params import NOTHING_KNOWN, RegistrationParams
from tivit.synth.dataset import clip_tasks, write_clip
from tivit.synth.params import SynthParams
from tivit.training.data import TrainClip
from tivit.training.loop import TrainData, Trainer
from tivit.training.params import TrainParams
from tivit.training.start import Start
from tivit.video.rectify import write_strip


def rendered_clips(params: Mapping[str, Any], checkpoint: Checkpoint, front_row: float, workers: Workers) -> list[TrainClip]:
    """Return rendered clips to learn beside a take.

    Parameters
    ----------
    params : mapping
        Sections `synth` and `registration`; `synth.train_clips` says how many.
    checkpoint : Checkpoint
        Gives the raster and the rate of the strips.
    front_row : float
        Row (px) where the fronts of white keys begin.
    workers : Workers
        What renders them.

    Returns
    -------
    list of TrainClip
        At least one; a clip whose keyboard is not found is left out.

    Raises
    ------
    InputError
        A clip cannot be rendered, or the keyboard is found in none.
    """
    synth = section(params, "synth", SynthParams)
    tasks = [task for task in clip_tasks(synth) if task.split == "train"]
    with tempfile.TemporaryDirectory(prefix="tivit-") as folder:
        (Path(folder) / "train").mkdir()
        work = _Rendering(Path(folder), synth, section(params, "registration", RegistrationParams), checkpoint, front_row)
        found = map_clips(work, tasks, workers, "render", lambda task: f"{task.split}/{task.stem}", len(tasks))
        clips = [clip for _, clip in found if clip is not None]
    if not clips:
        raise InputError("no keyboard was found in any rendered clip, so nothing keeps the network from forgetting")
    return clips


class _Rendering:
    """Renders a clip and returns it as training takes it; a class, so that processes can be given it."""

    def __init__(
        self, folder: Path, synth: SynthParams, registration: RegistrationParams, checkpoint: Checkpoint, front_row: float
    ) -> None:
        self.folder, self.synth, self.registration = folder, synth, registration
        self.geometry, self.fps, self.front_row = checkpoint.geometry, checkpoint.fps, front_row

    def __call__(self, task: Any) -> TrainClip | None:
        import numpy as np

        write_clip(self.folder, self.synth, task)
        video = self.folder / task.split / f"{task.stem}.mp4"
        found = register_video(video, self.registration, self.geometry, NOTHING_KNOWN).registration
        if not is_usable(found):
            return None
        strip = video.with_suffix(".npy")
        grid = write_strip(video, found, self.geometry, self.fps, strip)
        frames, notes = np.load(strip, allow_pickle=False), read_midi(video.with_suffix(".mid"))
        in_view = keys_between(found.first_midi, found.last_midi)
        background = background_of(frames, self.geometry)
        return TrainClip(f"train/{task.stem}", frames, grid, notes, background, in_view, self.front_row)


def learned(
    checkpoint: Checkpoint,
    take: TrainClip,
    rendered: list[TrainClip],
    params: TrainParams,
    runtime: RuntimeParams,
    on_step: Callable[[], object] = lambda: None,
) -> Checkpoint:
    """Return a checkpoint that has learned from a take; the same input gives the same weights on a CPU.

    Parameters
    ----------
    checkpoint : Checkpoint
        The network to start from; it stays as it is.
    take : TrainClip
        The part of the take that is learned.
    rendered : list of TrainClip
        Rendered clips; `params.own_share` says how often windows are not theirs.
    params : TrainParams
        How it learns.
    runtime : RuntimeParams
        Where it runs.
    on_step : callable, optional
        Called after each step.

    Returns
    -------
    Checkpoint
        The averaged weights after the last step.
    """
    clips = [clip for clip in (take, *rendered) if len(clip.frames) >= params.window_frames]
    weights = {name: value.detach().cpu().clone() for name, value in checkpoint.model.state_dict().items()}
    start = Start(weights, "")
    trainer = Trainer(TrainData(clips, clips[-1:], checkpoint.geometry), checkpoint.params, params, runtime, start=start)
    for _ in range(params.steps):
        trainer.train_step()
        on_step()
    model: nn.Module = trainer.average.eval()
    return replace(checkpoint, model=model, seed=params.seed, step=checkpoint.step + params.steps)
