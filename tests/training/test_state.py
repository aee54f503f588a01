"""The states that a training goes on from: bursts equal one long run, and a state of another run is never used."""

from dataclasses import replace
from pathlib import Path

import pytest
from model_cases import RUNTIME, model_params, train_data, train_params

from tivit.model.checkpoint import save_checkpoint
from tivit.training.loop import Trainer, train
from tivit.training.state import KEPT_STATES, RunStates, fingerprint_of, identity_of


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Keep the states of a test in its own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIVIT_STATE_DIR", raising=False)
    return tmp_path


def bytes_of(result):
    """Return the bytes of the checkpoint of a result."""
    save_checkpoint("kept.pt", result.checkpoint)
    return Path("kept.pt").read_bytes()


def burst(steps, seed=3, data=None, **changes):
    """Train for so many steps from where the folder's states are; return the bytes of best.pt and of state.pt."""
    result = train(data or train_data(), model_params(dropout=0.1), train_params(steps=steps, seed=seed, **changes), RUNTIME)
    content = bytes_of(result), result.states.stable_path.read_bytes()
    result.states.finish()
    return content


@pytest.fixture
def steps_made(monkeypatch):
    """Return the list to which every step that is made adds its number."""
    made, step = [], Trainer.train_step
    monkeypatch.setattr(Trainer, "train_step", lambda self: made.append(self.step) or step(self))
    return made


@pytest.mark.parametrize("share", [0.34, 0.0, 1.0])
def test_three_bursts_are_one_long_run(monkeypatch, tmp_path, steps_made, share):
    """3 + 3 + 3 steps and 9 in one go leave the same bytes, kept weights and state; only branches are made twice."""
    monkeypatch.setenv("TIVIT_STATE_DIR", str(tmp_path / "whole"))
    whole = burst(9, decay_share=share)
    monkeypatch.setenv("TIVIT_STATE_DIR", str(tmp_path / "bursts"))
    steps_made.clear()
    parts = [burst(steps, decay_share=share) for steps in (3, 6, 9)]
    assert parts[2] == whole
    assert len({best for best, _ in parts}) == 3
    made = {0.34: [0, 1, 2, 2, 3, 4, 5, 4, 5, 6, 7, 8], 0.0: [*range(9)], 1.0: [0, 1, 2, *range(1, 6), *range(1, 9)]}
    assert steps_made == made[share]


def test_fewer_steps_do_not_use_a_later_state_nor_lose_it(steps_made):
    nine, three = burst(9), burst(3)
    steps_made.clear()
    assert burst(3) == three and steps_made == [2]
    steps_made.clear()
    assert burst(9) == nine and steps_made == [6, 7, 8]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.02}, "of a training with other train; it is not used"),
        ({"data": replace(train_data(), val=train_data().train[:1])}, "of a training with other data; it is not used"),
        ({"seed": 4}, "of a training with other train; it is not used"),
    ],
)
def test_a_state_of_another_run_is_named_and_not_used(tmp_path, monkeypatch, caplog, steps_made, changes, message):
    _, state = burst(9)
    whole = burst(9, **changes)
    monkeypatch.setenv("TIVIT_STATE_DIR", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/offered.pt").write_bytes(state)
    steps_made.clear()
    assert burst(9, **changes) == whole
    assert steps_made == [*range(9)] and f"offered.pt: {message}" in caplog.text


def test_a_state_from_elsewhere_is_gone_on_from(tmp_path, monkeypatch, steps_made):
    _, state = burst(6)
    whole = burst(9)
    monkeypatch.setenv("TIVIT_STATE_DIR", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/offered.pt").write_bytes(state)
    steps_made.clear()
    assert burst(3) and steps_made == [0, 1, 2]
    steps_made.clear()
    assert burst(9) == whole and steps_made == [4, 5, 6, 7, 8]


def test_states_stay_where_they_are_needed(tmp_path):
    for steps in range(3, 20, 3):
        burst(steps)
    (folder,) = (tmp_path / ".tivit/state").iterdir()
    assert sorted(int(path.stem) for path in folder.glob("*.pt")) == [8, 10, 12][-KEPT_STATES:]


def test_the_state_stays_until_the_result_is_written(monkeypatch):
    save, saved = RunStates.save, []
    monkeypatch.setattr(RunStates, "save", lambda self, state: (saved.append(state["step"]), save(self, state)))
    first = train(train_data(), model_params(), train_params(steps=7), RUNTIME)
    assert saved == [2, 4, 5, 6, 7]
    again = train(train_data(), model_params(), train_params(steps=7), RUNTIME)
    assert saved == [2, 4, 5, 6, 7, 7]
    assert bytes_of(again) == bytes_of(first)


@pytest.mark.parametrize("content", [b"half a file", b""])
def test_a_damaged_state_is_reported_and_not_used(caplog, content):
    params = train_params()
    whole = burst(6)
    states = RunStates({"a": "b"}, params)
    states.folder.mkdir(parents=True)
    (states.folder / "2.pt").write_bytes(content)
    assert states.load() is None
    assert "2.pt" in caplog.text and "not used" in caplog.text
    assert burst(6) == whole


def test_the_fingerprint_sees_its_parts_and_the_code(monkeypatch):
    assert fingerprint_of(seed=1, train={"a": 2.0}) == fingerprint_of(train={"a": 2.0}, seed=1)
    assert fingerprint_of(seed=1) != fingerprint_of(seed=2)
    before = identity_of(seed=1)
    monkeypatch.setattr("tivit.training.state.CODE", ("core",))
    after = identity_of(seed=1)
    assert before["source"] != after["source"]
