"""Training: clipping, resume to the same bytes after a kill at any step, and that it learns."""

import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from model_cases import ALL_KEYS, GEOMETRY, RUNTIME, model_params, played_clip, train_data, train_params

from tivit.core.errors import InputError
from tivit.core.keyboard import keys_between
from tivit.core.params import section
from tivit.model.checkpoint import save_checkpoint
from tivit.model.setup import prepare_torch
from tivit.training import loader
from tivit.training.loop import TrainData, Trainer, train
from tivit.training.sampler import SamplerParams


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Keep state and TensorBoard files of a test in its own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIVIT_STATE_DIR", raising=False)
    return tmp_path


def trainer(**changes):
    return Trainer(train_data(), model_params(), train_params(**changes), RUNTIME)


def test_gradients_are_clipped_before_the_step(monkeypatch):
    subject = trainer(gradient_clip=1e-3)
    seen = []
    step = subject.optimizer.step

    def remember():
        seen.extend((name, parameter.grad.norm()) for name, parameter in subject.model.named_parameters())
        step()

    monkeypatch.setattr(subject.optimizer, "step", remember)
    subject.train_step()
    for is_velocity in (True, False):
        norms = [norm for name, norm in seen if name.startswith("velocity.") == is_velocity]
        assert torch.stack(norms).norm() <= 1e-3 * 1.001


def test_the_velocity_head_costs_the_others_nothing():
    """With and without it, and whatever it weighs, all other weights are the same bits after training."""
    results = []
    for has_velocity, weight in ((False, 0.1), (True, 0.1), (True, 100.0)):
        subject = Trainer(train_data(), model_params(velocity=has_velocity), train_params(velocity_weight=weight), RUNTIME)
        for _ in range(4):
            subject.train_step()
        results.append(subject.model.state_dict())
    for name, value in results[0].items():
        assert torch.equal(results[1][name], value) and torch.equal(results[2][name], value)
    assert not torch.equal(results[1]["velocity.out.weight"], results[2]["velocity.out.weight"])


def test_every_parameter_is_in_the_optimizer():
    subject = trainer()
    optimized = {id(p) for group in subject.optimizer.param_groups for p in group["params"]}
    assert optimized == {id(p) for p in subject.model.parameters()}


def test_validation_looks_at_keys_in_view_alone():
    """A note that the picture does not show changes neither loss nor precision; one that it shows changes both."""
    points = []
    for in_view, midi in ((keys_between(50, 66), 60), (keys_between(50, 66), (60, 40, 67)), (ALL_KEYS, (60, 40, 67))):
        clip = played_clip("val/a", 30, 2)
        clip = replace(clip, in_view=in_view, notes=clip.notes.take(np.isin(clip.notes.midi, midi)))
        data = replace(train_data(), val=[clip])
        points.append(Trainer(data, model_params(), train_params(val_frames=64), RUNTIME).validate())
    assert points[0] == points[1]
    assert points[2].val_loss != points[1].val_loss and points[2].val_onset_ap != points[1].val_onset_ap


def test_the_average_follows_the_weights():
    subject = trainer(ema_decay=0.0)
    subject.train_step()
    for mean, value in zip(subject.average.parameters(), subject.model.parameters(), strict=True):
        torch.testing.assert_close(mean, value)


def bytes_of(result, path):
    save_checkpoint(path, result.checkpoint)
    return path.read_bytes()


def run(seed=3, runtime=RUNTIME, **changes):
    result = train(train_data(), model_params(dropout=0.1), train_params(seed=seed, **changes), runtime)
    shutil.rmtree(result.states.folder)
    return result


class Killed(BaseException):
    """Stands for a process that ends without a chance to clean up."""


@pytest.mark.parametrize(
    ("mode", "kill_at", "ways"),
    [
        ("uniform", 1, {}),
        ("uniform", 4, {"windows_at_once": 1}),
        ("uniform", 5, {"precision": "bfloat16"}),
        ("onset_balanced", 4, {}),
    ],
)
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, monkeypatch, mode, kill_at, ways):
    sampler, runtime = SamplerParams(mode, 0.5, 0.25, 0.25, 2), replace(RUNTIME, **ways)
    whole = run(runtime=runtime, sampler=sampler)
    draw = loader.draw_batch
    started = []

    def draw_or_die(clips, sampler, params, step, team):
        started.append(step)
        if step == kill_at and len(started) == kill_at + 1:
            raise Killed
        return draw(clips, sampler, params, step, team)

    monkeypatch.setattr(loader, "draw_batch", draw_or_die)
    with pytest.raises(Killed):
        run(runtime=runtime, sampler=sampler)
    resumed = run(runtime=runtime, sampler=sampler)
    assert started.count(0) == (1 if kill_at >= 2 else 2)
    assert resumed.curve == whole.curve
    assert bytes_of(resumed, tmp_path / "b.pt") == bytes_of(whole, tmp_path / "a.pt")


def test_two_runs_give_the_same_bytes_and_another_seed_others(tmp_path):
    first, second = run(), run()
    other = run(seed=4)
    assert bytes_of(first, tmp_path / "a.pt") == bytes_of(second, tmp_path / "b.pt")
    assert bytes_of(first, tmp_path / "a.pt") != bytes_of(other, tmp_path / "c.pt")


def test_the_log_says_which_windows_are_drawn(caplog):
    sampler = SamplerParams("onset_balanced", 0.75, 0.0, 0.25, 0)
    with caplog.at_level("INFO"):
        run(sampler=sampler)
    assert "windows: 75.0 % with an onset, 0.0 % with one near, 25.0 % with none" in caplog.text


def test_the_curve_and_the_best_point():
    result = run(steps=7)
    assert [point.step for point in result.curve] == [3, 6, 7]
    best = max(result.curve, key=lambda point: (point.val_onset_ap, point.step))
    assert result.checkpoint.step == best.step
    assert not result.checkpoint.model.training


def test_smoke_is_short():
    assert train(train_data(), model_params(), train_params(smoke=True, steps=10_000), RUNTIME).curve[-1].step == 20


def test_it_learns_keys_that_turn_dark():
    data = TrainData([played_clip("train/a")], [played_clip("val/a", seed=2)], GEOMETRY)
    result = train(data, model_params(dim=16), train_params(steps=40, val_every_steps=40, ema_decay=0.5), RUNTIME)
    assert result.curve[-1].val_onset_ap > 0.5


@pytest.mark.parametrize("windows_at_once", [1, 3])
def test_gradients_that_are_added_up_are_those_of_the_whole_step(windows_at_once):
    """Of a network that has no BatchNorm; what rounding leaves is a millionth of the largest gradient."""
    gradients, losses = [], []
    for at_once in (None, windows_at_once):
        params, runtime = train_params(clips_per_step=4, gradient_clip=1e9), replace(RUNTIME, windows_at_once=at_once)
        one = Trainer(train_data(), model_params("vivit"), params, runtime)
        losses.append(one.train_step())
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in one.model.parameters()]))
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0, atol=1e-6 * float(gradients[0].abs().max()))
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_with_batch_norm_a_divided_step_has_nearly_the_loss_of_the_whole():
    """Each part is normalised by its own statistics, as the part of each process is on a CPU."""
    losses = []
    for at_once in (None, 2):
        runtime = replace(RUNTIME, windows_at_once=at_once)
        losses.append(sum(Trainer(train_data(), model_params(), train_params(clips_per_step=4), runtime).train_step().values()))
    assert losses[0] != losses[1] == pytest.approx(losses[0], rel=0.01)


def test_bfloat16_trains():
    runtime = replace(RUNTIME, precision="bfloat16")
    result = train(train_data(), model_params(), train_params(), runtime)
    assert np.isfinite(result.curve[-1].val_loss)


def test_an_unknown_or_absent_device_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("cuda", "gpu", "meta"):
        with pytest.raises(InputError, match="runtime.device"):
            prepare_torch(replace(RUNTIME, device=device))


def test_training_without_tensorboard_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r"needs TensorBoard for its curves; pip install 'tivit\[pipeline\]'"):
        train(train_data(), model_params(), train_params(steps=1), RUNTIME)


def test_the_params_file_of_the_project_is_valid(request):
    from tivit.core.params import load
    from tivit.inference.params import LogitsParams
    from tivit.model.params import ModelParams
    from tivit.training.params import TrainParams

    values = load(request.config.rootpath / "params.yaml")
    for name, schema in (("model", ModelParams), ("train", TrainParams), ("logits", LogitsParams)):
        section(values, name, schema)
    with pytest.raises(InputError, match="train.steps"):
        section({"train": {**values["train"], "steps": 0}}, "train", TrainParams)
    with pytest.raises(InputError, match="logits.splits"):
        section({"logits": {**values["logits"], "splits": ["tset"]}}, "logits", LogitsParams)
