"""Windowed inference: the window length changes nothing, memory maps are read in parts, progress adds up."""

import numpy as np
import pytest
import torch
from model_cases import GEOMETRY, RUNTIME, model_params, noisy_strip

from tivit.core.errors import InputError
from tivit.core.heads import HEAD_NAMES
from tivit.inference.predict import predict_strip
from tivit.model.build import build_model


def network(backend="key_vivit"):
    torch.manual_seed(0)
    model = build_model(model_params(backend), GEOMETRY).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("backend", ["key_vivit", "vivit"])
def test_the_window_length_does_not_change_the_answer(backend):
    model, frames = network(backend), noisy_strip(110)
    whole = predict_strip(model, frames, RUNTIME, 1000)
    for window_frames in (16, 38):
        parts = predict_strip(model, frames, RUNTIME, window_frames)
        for name in HEAD_NAMES:
            assert parts[name].shape == (110, 88)
            np.testing.assert_allclose(parts[name], whole[name], atol=1e-4)


def test_a_window_without_context_would_differ():
    model, frames = network(), noisy_strip(60)
    whole = predict_strip(model, frames, RUNTIME, 1000)
    model.context_frames = 0
    cut = predict_strip(model, frames, RUNTIME, 16)
    assert np.abs(cut["onset"] - whole["onset"]).max() > 1e-3


def test_it_reads_a_memory_map_and_reports_progress(tmp_path):
    frames = noisy_strip(40)
    np.save(tmp_path / "strip.npy", frames)
    mapped = np.load(tmp_path / "strip.npy", mmap_mode="r")
    done = []
    answer = predict_strip(network(), mapped, RUNTIME, 16, done.append)
    assert done == [16, 16, 8]
    np.testing.assert_array_equal(answer["pitch"], predict_strip(network(), frames, RUNTIME, 16)["pitch"])


def test_one_frame_is_enough_and_none_is_refused():
    assert predict_strip(network(), noisy_strip(1), RUNTIME, 16)["hand"].shape == (1, 88)
    with pytest.raises(InputError, match="without frames"):
        predict_strip(network(), noisy_strip(0), RUNTIME, 16)
