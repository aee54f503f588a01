"""Starting from a checkpoint: its weights and no more, what must agree, and that the resumed run is one of the same start."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from model_cases import GEOMETRY, RUNTIME, model_params, train_data, train_params
from params_cases import section_with

from tivit.core.errors import InputError
from tivit.model.build import build_model
from tivit.model.checkpoint import Checkpoint, save_checkpoint
from tivit.training import loop
from tivit.training.loop import Trainer, train
from tivit.training.params import TrainParams
from tivit.training.start import read_start

PATH = "data/pretrained/best.pt"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Work in a folder of the test's own, with a checkpoint to start from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIVIT_STATE_DIR", raising=False)
    write_checkpoint(1)


def write_checkpoint(seed: int, **changes: object) -> None:
    torch.manual_seed(seed)
    params = model_params(**changes)
    save_checkpoint(PATH, Checkpoint(build_model(params, GEOMETRY).eval(), params, GEOMETRY, 30.0, 7, 100))


def start(geometry=GEOMETRY, fps=30.0, **changes):
    return read_start(PATH, model_params(**changes), geometry, fps)


def test_network_and_average_begin_with_the_weights_and_the_optimizer_is_fresh():
    begun = start()
    trainer = Trainer(train_data(), model_params(), train_params(), RUNTIME, start=begun)
    for weights in (trainer.model.state_dict(), trainer.average.state_dict(), trainer.best_weights):
        assert all(torch.equal(value, begun.weights[name]) for name, value in weights.items())
    assert not trainer.optimizer.state
    other = Trainer(train_data(), model_params(), train_params(), RUNTIME)
    assert not all(torch.equal(value, begun.weights[name]) for name, value in other.model.state_dict().items())


@pytest.mark.parametrize("has_velocity", [True, False])
def test_the_velocity_head_need_not_be_that_of_the_checkpoint(has_velocity):
    write_checkpoint(1, velocity=not has_velocity)
    params = model_params(velocity=has_velocity)
    begun = read_start(PATH, params, GEOMETRY, 30.0)
    trainer = Trainer(train_data(), params, train_params(), RUNTIME, start=begun)
    weights = trainer.model.state_dict()
    assert {name for name in weights.keys() ^ begun.weights.keys() if not name.startswith("velocity.")} == set()
    assert all(torch.equal(weights[name], begun.weights[name]) for name in weights.keys() & begun.weights.keys())
    trainer.train_step()


def test_the_average_leaves_given_weights_slowly():
    trainer = Trainer(train_data(), model_params(), train_params(ema_decay=0.9), RUNTIME, start=start())
    before = next(trainer.average.parameters()).clone()
    trainer.train_step()
    torch.testing.assert_close(next(trainer.average.parameters()), 0.9 * before + 0.1 * next(trainer.model.parameters()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": 16}, "data/pretrained/best.pt: was trained with model.dim 8, params have 16"),
        ({"backend": "vivit"}, "model.backend key_vivit, params have vivit"),
        ({"key_vivit": replace(model_params().key_vivit, radius_frames=4)}, "model.key_vivit.radius_frames 3, params have 4"),
        ({"geometry": replace(GEOMETRY, width_px=832)}, "strips.width_px 416, params have 832"),
        ({"fps": 60.0}, "data.fps 30.0, params have 60.0"),
    ],
)
def test_what_weights_depend_on_must_agree(changes, message):
    with pytest.raises(InputError, match=message):
        start(**changes)


def test_what_weights_do_not_depend_on_may_differ():
    assert start(dropout=0.2, vivit=replace(model_params().vivit, space_layers=2)).weights


def test_a_file_that_is_no_checkpoint_is_refused():
    Path(PATH).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="data/pretrained/best.pt: not a readable checkpoint"):
        start()
    Path(PATH).unlink()
    with pytest.raises(InputError, match="data/pretrained/best.pt: no such file"):
        train(train_data(), model_params(), train_params(init=PATH), RUNTIME)


@pytest.mark.parametrize("path", ["data/model/best.pt", "best.pt", "data/pretrained", "data/pretrained/../best.pt", ""])
def test_only_the_folder_that_dvc_watches_is_started_from(path):
    with pytest.raises(InputError, match="train.init: .* is not null or a file in data/pretrained"):
        section_with(TrainParams, "train.init", path)


def test_another_content_under_the_same_name_is_another_run(monkeypatch):
    names = []

    def remember(identity: dict[str, str], params: TrainParams) -> None:
        names.append(identity)
        raise InterruptedError

    monkeypatch.setattr(loop, "RunStates", remember)
    for seed in (1, 2, 1):
        write_checkpoint(seed)
        with pytest.raises(InterruptedError):
            train(train_data(), model_params(), train_params(init=PATH), RUNTIME)
    assert names[0] == names[2] != names[1]


def test_a_started_training_is_trained_and_saved():
    result = train(train_data(), model_params(), train_params(init=PATH), RUNTIME)
    assert [point.step for point in result.curve] == [3, 6]
    assert all(torch.isfinite(value).all() for value in result.checkpoint.model.parameters())


def test_compile_compiles_the_training_steps_alone(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda model: compiled.append(model) or model)
    trainer = Trainer(train_data(), model_params(), train_params(), replace(RUNTIME, compile=True))
    trainer.train_step()
    assert compiled == [trainer.model]
