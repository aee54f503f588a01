"""The training loop: it can be killed anywhere, or given more steps, and goes on to the same weights, byte for byte.

Step n of a run is a pure function of the state after step n - 1: the batch, the augmentation and the dropout masks come from
the seed and n, and the learning rate from n until the branch that decays (`schedule.py`). The weights that are validated and
kept are an exponential moving average (Polyak and Juditsky 1992).
With several processes (`team.py`) the rank decides too; the steps, the weights and the state are those of all.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tivit.core.errors import InputError
from tivit.core.heads import VELOCITY
from tivit.core.run.progress import progress_bar
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry
from tivit.model.build import build_model, parameter_count
from tivit.model.checkpoint import Checkpoint
from tivit.model.inputs import make_inputs
from tivit.model.params import ModelParams
from tivit.model.setup import autocast, prepare_torch
from tivit.training.data import Batch, TrainClip, content_digest, fixed_batches, sampler_of
from tivit.training.loader import StepBatches, batches_from
from tivit.training.losses import head_losses, onset_average_precision, supervised_counts
from tivit.training.params import TrainParams
from tivit.training.schedule import learning_rate_at
from tivit.training.start import Start, begin_with, read_start
from tivit.training.state import RunStates, identity_of
from tivit.training.team import ALONE, Team

log = logging.getLogger(__name__)
RUNS_DIR = Path(".tivit/runs")
BETAS = (0.9, 0.98)
"""Decay per step of AdamW's running means of the gradient and of its square."""
DROPOUT_STREAM = 2
"""Names the random stream of the dropout masks, apart from the weights and from the batches (`data.TRAIN_STREAM`)."""
VAL_WINDOW_FRAMES = 128
"""Frames of a validation window; fewer where a clip of validation is shorter."""
UNNAMED = ("steps", "decay_share", "state_every_steps")
"""Values of section train that decide nothing of the stable part of a training, and so are no part of its identity."""
# The most that `train.smoke` allows of each value.
SMOKE = {"steps": 20, "warmup_steps": 5, "val_every_steps": 10, "val_frames": VAL_WINDOW_FRAMES, "state_every_steps": 10}


@dataclass(frozen=True)
class Validation:
    """One point of the training curve.

    Losses are sums over heads. `train_loss` is the mean over the steps since the point before, `val_onset_ap` lies in 0..1.
    """

    step: int
    train_loss: float
    val_loss: float
    val_onset_ap: float


@dataclass(frozen=True)
class TrainResult:
    """What a training came to.

    `checkpoint` is the best by onset average precision (`val_onset_ap`, 0..1) on validation, `parameters` the number of trained
    values. `states` is what a killed or a longer run goes on from; call its `finish` once the checkpoint is safely written.
    """

    checkpoint: Checkpoint
    curve: tuple[Validation, ...]
    parameters: int
    states: RunStates


@dataclass(frozen=True)
class TrainData:
    """Clips to learn from and clips to validate on, and the raster of their strips."""

    train: list[TrainClip]
    val: list[TrainClip]
    geometry: StripGeometry


class Trainer:
    """Weights, their average, the optimizer and the curve: all that `train` carries from step to step.

    `start` holds the weights to begin from, for network and average; with None they are random. Of a `team` only the first
    process validates. InputError is raised when the device cannot be used or the network does not fit the strips.
    """

    def __init__(
        self, data: TrainData, model_params: ModelParams, params: TrainParams, runtime: RuntimeParams, *,
        start: Start | None = None, team: Team = ALONE,
    ) -> None:  # fmt: skip
        self.data, self.model_params, self.params, self.runtime = data, model_params, params, runtime
        self.team, self.is_random = team, start is None
        self.device = prepare_torch(runtime)
        torch.manual_seed(params.seed)
        model = build_model(model_params, data.geometry)
        if start is not None:
            begin_with(model, start)
        self.model = team.synchronised(model, self.device).to(self.device)
        self.forward = torch.compile(self.model) if runtime.compile else self.model
        self.average = copy.deepcopy(self.model).eval()
        self.best_weights = copy.deepcopy(self.average.state_dict())
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), params.learning_rate, BETAS, weight_decay=params.weight_decay, fused=True
        )
        self.sampler = sampler_of(data.train, params)
        self.val_batches = [batch.to(self.device) for batch in _validation(data, params)] if team.is_first else []
        self.step = 0
        self.batches: Iterator[Batch] | None = None
        self.loss_sum, self.loss_count = 0.0, 0
        self.curve: list[Validation] = []

    def train_step(self) -> dict[str, float]:
        """Make one step of the optimizer and return head name -> weighted loss, the mean over all processes."""
        batch = self._next_batch().to(self.device)
        stream = self.team.stream(self.params.seed, DROPOUT_STREAM, self.step)
        torch.manual_seed(int(np.random.SeedSequence(stream).generate_state(1)[0]))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.params)
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        losses = self._backward(batch)
        shown = torch.stack([sum(losses.values()), *losses.values()])
        self._average_over_team(shown)  # before clipping, so that every process clips the same gradients
        self._clip_gradients()
        self.optimizer.step()
        self._update_average()
        self.step += 1
        self.loss_sum += float(shown[0])
        self.loss_count += 1
        return dict(zip(losses, shown[1:].tolist(), strict=True))

    @torch.no_grad()
    def validate(self) -> Validation:
        """Score the averaged weights, add a point to the curve and keep the weights if they are the best so far."""
        losses, logits, targets = [], [], []
        for batch in self.val_batches:
            outputs = self._forward(self.average, batch)
            losses.append(float(sum(head_losses(outputs, batch, self.params).values())))
            is_seen = batch.masks["onset"].bool()
            logits.append(outputs["onset"].float()[is_seen].cpu().numpy())
            targets.append(batch.targets["onset"][is_seen].cpu().numpy())
        precision = onset_average_precision(np.concatenate(logits), np.concatenate(targets))
        point = Validation(self.step, self.loss_sum / max(self.loss_count, 1), float(np.mean(losses)), precision)
        if precision >= max((earlier.val_onset_ap for earlier in self.curve), default=0.0):
            self.best_weights = copy.deepcopy(self.average.state_dict())
        self.curve.append(point)
        self.loss_sum, self.loss_count = 0.0, 0
        return point

    def result(self, states: RunStates) -> TrainResult:
        """Return the best weights as a checkpoint."""
        model = build_model(self.model_params, self.data.geometry)
        model.load_state_dict(self.best_weights)
        best = max(self.curve, key=lambda point: (point.val_onset_ap, point.step))
        fps = self.data.train[0].grid.fps
        checkpoint = Checkpoint(model.eval(), self.model_params, self.data.geometry, fps, self.params.seed, best.step)
        return TrainResult(checkpoint, tuple(self.curve), parameter_count(model), states)

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on from here, as `torch.save` takes it."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best_weights,
            "optimizer": self.optimizer.state_dict(),
            "curve": [asdict(point) for point in self.curve],
            "loss": [self.loss_sum, self.loss_count],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state` returned."""
        self.step, self.batches = state["step"], None
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.best_weights = state["best"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.curve = [Validation(**point) for point in state["curve"]]
        self.loss_sum, self.loss_count = state["loss"]

    def _next_batch(self) -> Batch:
        if self.batches is None:
            steps = StepBatches(self.data.train, self.sampler, self.params, self.team)
            self.batches = batches_from(self.step, steps, self.runtime.loaders, pin_memory=self.device.type == "cuda")
        return next(self.batches)

    def _forward(self, model: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        with autocast(self.runtime, self.device):
            return model(make_inputs(batch.windows, batch.backgrounds, batch.means, batch.contrasts))

    def _backward(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Add up the gradients of a step, part by part where not all windows go through at once; return the losses by head."""
        parts = batch.parts(self.runtime.windows_at_once or len(batch.windows))
        counts = supervised_counts(batch)
        sums: dict[str, torch.Tensor] = {}
        for part in parts:
            losses = head_losses(self._forward(self.forward, part), part, self.params, counts)
            sum(losses.values()).backward()
            sums = {name: loss.detach() + sums[name] if sums else loss.detach() for name, loss in losses.items()}
        return sums

    def _average_over_team(self, figures: torch.Tensor) -> None:
        """Average gradients, the statistics of BatchNorm and `figures` over all processes."""
        if self.team.size == 1:
            return
        for parameter in self.model.parameters():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        norms = [module for module in self.model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
        statistics = [tensor for norm in norms for tensor in (norm.running_mean, norm.running_var)]
        self.team.average([*(parameter.grad for parameter in self.model.parameters()), *statistics, figures])

    def _clip_gradients(self) -> None:
        """Clip the gradients of the velocity head apart from all others, which then do not depend on whether there is one."""
        groups: dict[bool, list[nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            groups.setdefault(name.startswith(f"{VELOCITY}."), []).append(parameter)
        for parameters in groups.values():
            nn.utils.clip_grad_norm_(parameters, self.params.gradient_clip, error_if_nonfinite=True)

    @torch.no_grad()
    def _update_average(self) -> None:
        # A young average follows the weights closely, or it would hold their random start for long.
        ramp = (1 + self.step) / (10 + self.step) if self.is_random else 1.0
        decay = min(self.params.ema_decay, ramp)
        for mean, value in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1.0 - decay)
            else:
                mean.copy_(value)


def train(
    data: TrainData, model_params: ModelParams, params: TrainParams, runtime: RuntimeParams, team: Team = ALONE
) -> TrainResult | None:
    """Train a network for `params.steps` steps, going on from the state of an interrupted or a shorter run.

    It begins with the weights of `params.init`, when that is given, and with a fresh optimizer.

    Parameters
    ----------
    data : TrainData
        Clips of train and of validation, at least one of each.
    model_params, params : ModelParams, TrainParams
        `params.seed` decides initial weights, batches, augmentation and dropout.
    runtime : RuntimeParams
        Threads, device, precision and how often figures are logged.
    team : Team
        The processes that train together, from `joined`.

    Returns
    -------
    TrainResult or None
        None in all processes but the first.

    Raises
    ------
    InputError
        The checkpoint of `params.init` cannot be used, the processes cannot share a step's windows evenly, or TensorBoard is
        not installed.
    """
    if params.smoke:
        params = replace(params, **{name: min(value, getattr(params, name)) for name, value in SMOKE.items()})
    start = read_start(params.init, model_params, data.geometry, data.train[0].grid.fps) if params.init else None
    trainer = Trainer(data, model_params, params, runtime, start=start, team=team)
    named = {name: value for name, value in asdict(params).items() if name not in UNNAMED}
    states = RunStates(
        identity_of(
            model=asdict(model_params), train=named, geometry=asdict(data.geometry),
            data=[content_digest(data.train), content_digest(data.val)],
            init=start and start.md5,
            runtime=[runtime.threads, runtime.device, runtime.precision, runtime.compile, runtime.windows_at_once, team.size],
        ),
        params,
    )  # fmt: skip
    state = states.load()
    if state is not None:
        trainer.restore(state)
        log.info("going on from step %d of %d (%s)", trainer.step, params.steps, states.folder)
    # All have read the state before the first replaces it; one that saw another state or other data would train on its own.
    team.refuse_apart(f"{states.name}, step {trainer.step}")
    if not team.is_first:
        for _ in _steps(trainer):
            pass
        return None
    log.info("windows: %.1f %% with an onset, %.1f %% with one near, %.1f %% with none", *(100 * trainer.sampler.shares))
    with _tensorboard(states.name, trainer.step) as board:
        for losses in _with_bar(trainer):
            if trainer.step % runtime.log_every_steps == 0:
                for name, value in losses.items():
                    board.add_scalar(f"train/{name}", value, trainer.step)
                log.debug("step %d: %s", trainer.step, ", ".join(f"{k} {v:.5f}" for k, v in losses.items()))
            if trainer.step % params.val_every_steps == 0:
                _validate(trainer, board)
            if trainer.step % params.state_every_steps == 0 or trainer.step == states.branch_step:
                states.save(trainer.state())
        if not trainer.curve or trainer.curve[-1].step < params.steps:
            _validate(trainer, board)  # after the stable state was saved, which a longer run shares
        if trainer.step > states.branch_step:
            states.save(trainer.state())
    return trainer.result(states)


def _validate(trainer: Trainer, board: Any) -> None:
    point = trainer.validate()
    board.add_scalar("val/loss", point.val_loss, point.step)
    board.add_scalar("val/onset_ap", point.val_onset_ap, point.step)


def _validation(data: TrainData, params: TrainParams) -> list[Batch]:
    window_frames = min(VAL_WINDOW_FRAMES, *(len(clip.frames) for clip in data.val))
    return fixed_batches(data.val, window_frames, params.val_frames, params.ramp_frames)


def _steps(trainer: Trainer) -> Iterator[dict[str, float]]:
    while trainer.step < trainer.params.steps:
        yield trainer.train_step()


def _with_bar(trainer: Trainer) -> Iterator[dict[str, float]]:
    with progress_bar(trainer.params.steps, "train", "step") as bar:
        bar.update(trainer.step)
        bar.unpause()
        for losses in _steps(trainer):
            yield losses
            bar.update()
            if trainer.curve:
                last = trainer.curve[-1]
                bar.set_postfix_str(f"val loss {last.val_loss:.4f}, onset AP {last.val_onset_ap:.3f}", refresh=False)


def _tensorboard(run: str, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        raise InputError("training needs TensorBoard for its curves; pip install 'tivit[pipeline]'") from None
    name = f"{time.strftime('%Y%m%d')}-{run[:12]}"
    return SummaryWriter(str(RUNS_DIR / name), purge_step=step or None)
