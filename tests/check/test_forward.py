"""`check forward` on tiny strips: one line per head, refusals, and the exit status of values that are not finite."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from model_cases import GEOMETRY, RUNTIME, model_params, played_clip, train_params, write_clips

from tivit.check.forward import ForwardRequest, check_forward, middle_batch
from tivit.core.errors import InputError
from tivit.core.heads import HEAD_NAMES
from tivit.model.build import build_model
from tivit.model.checkpoint import Checkpoint, save_checkpoint

CHECKPOINT = Path("best.pt")


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Return params whose strips, manifest and checkpoint lie in the current folder."""
    monkeypatch.chdir(tmp_path)
    write_clips([played_clip("val/a"), played_clip("val/b", 26, 1), played_clip("val/c", 33, 2), played_clip("train/a")])
    save(build_model(model_params(), GEOMETRY))
    return {"runtime": asdict(RUNTIME), "model": asdict(model_params()), "train": asdict(train_params())}


def save(model, geometry=GEOMETRY):
    save_checkpoint(CHECKPOINT, Checkpoint(model, model_params(), geometry, 30.0, 3, 0))


@pytest.mark.parametrize("checkpoint", [CHECKPOINT, None])
def test_a_line_a_head(params, capsys, checkpoint):
    assert check_forward(params, ForwardRequest("val", 2, checkpoint)) == 0
    said = capsys.readouterr().out
    assert "2 clips of val (val/a, val/b)" in said
    lines = [line.split() for line in said.splitlines()]
    for name in HEAD_NAMES:
        (line,) = [line for line in lines if line and line[0] == name]
        assert "".join(line[1:4]) == "(2,8,88)"
        assert np.isfinite([float(value) for value in line[4:8]]).all()
    assert said.splitlines()[-1] == "all finite"


def test_values_that_are_not_finite_are_named(params, capsys):
    model = build_model(model_params(), GEOMETRY)
    with torch.no_grad():
        model.events.weight[1] = 3e38  # finite, as a checkpoint must be, but its answers overflow
    save(model)
    assert check_forward(params, ForwardRequest("val", 1, CHECKPOINT)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "not finite: onset"


def test_a_checkpoint_of_other_strips_is_refused(params):
    other = replace(GEOMETRY, width_px=832)
    save(build_model(model_params(), other), other)
    with pytest.raises(InputError, match=r"best\.pt was trained on .*832.*, data/strips holds .*416"):
        check_forward(params, ForwardRequest("val", 1, CHECKPOINT))


def test_a_split_without_clips_and_missing_strips_are_refused(params):
    with pytest.raises(InputError, match="no clips in split 'test'"):
        check_forward(params, ForwardRequest("test", 1, None))
    shutil.rmtree("data/strips")
    with pytest.raises(InputError, match=r"strips\.json"):
        check_forward(params, ForwardRequest("val", 1, None))


def test_the_middle_of_each_clip_is_seen():
    clips = [played_clip("val/a", 26), played_clip("val/b", 33, 1)]
    batch = middle_batch(clips, train_params())
    assert batch.windows.shape == (2, 10, GEOMETRY.height_px, GEOMETRY.width_px)
    for window, clip, first in zip(batch.windows.numpy(), clips, (9, 12), strict=True):
        assert np.array_equal(window, clip.frames[first - 2 : first + 8])
