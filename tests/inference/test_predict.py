"""Windowed inference: the window length changes nothing, memory maps are read in parts, progress adds up."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from model_cases import GEOMETRY, RUNTIME, model_params, noisy_strip

from tivit.core.errors import InputError
from tivit.core.heads import HEAD_NAMES
from tivit.core.logits import SILENT_LOGIT
from tivit.core.manifest import Clip
from tivit.core.strip import StripFolder
from tivit.core.timegrid import TimeGrid
from tivit.inference.predict import SEEN_FRAMES, network_heads, predict_stream, predict_strip, split_logits
from tivit.model.background import background_of
from tivit.model.build import build_model


def network(backend="key_vivit", params=None):
    torch.manual_seed(0)
    model = build_model(params or model_params(backend), GEOMETRY).eval()
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("backend", ["key_vivit", "vivit"])
def test_the_window_length_does_not_change_the_answer(backend):
    model, frames = network(backend), noisy_strip(110)
    whole = predict_strip(model, frames, GEOMETRY, RUNTIME, 1000)
    for window_frames in (16, 38):
        parts = predict_strip(model, frames, GEOMETRY, RUNTIME, window_frames)
        for name in HEAD_NAMES:
            assert parts[name].shape == (110, 88)
            np.testing.assert_allclose(parts[name], whole[name], atol=1e-4)


@pytest.mark.parametrize("tubelet_frames", [2, 3, 4])
def test_windows_that_are_no_whole_tubelets_do_not_change_the_answer(tubelet_frames):
    params = model_params("vivit")
    model = network(params=replace(params, vivit=replace(params.vivit, tubelet_frames=tubelet_frames)))
    assert model.frame_multiple == tubelet_frames
    frames = noisy_strip(250)
    whole = predict_strip(model, frames, GEOMETRY, RUNTIME, 1000)
    for window_frames in (31, 79):
        parts = predict_strip(model, frames, GEOMETRY, RUNTIME, window_frames)
        for name in HEAD_NAMES:
            np.testing.assert_allclose(parts[name], whole[name], atol=1e-4)


def test_windows_hardly_change_the_answer_of_a_recurrent_network():
    model, frames = network("cnn_gru"), noisy_strip(300)
    whole, parts = (predict_strip(model, frames, GEOMETRY, RUNTIME, window_frames) for window_frames in (1000, 50))
    model.context_frames = 0
    cut = predict_strip(model, frames, GEOMETRY, RUNTIME, 50)
    for name in HEAD_NAMES:
        np.testing.assert_allclose(parts[name], whole[name], atol=2e-3)
        assert np.abs(cut[name] - whole[name]).max() > 0.01


def test_what_is_seen_lies_in_one_block_of_memory_however_long_the_strip(monkeypatch):
    model, frames = network(), noisy_strip(900)
    read, blocks, lengths = model.read, set(), []

    def watched(sights):
        blocks.add((sights.untyped_storage().data_ptr(), sights.untyped_storage().nbytes()))
        lengths.append(sights.shape[1])
        return read(sights)

    monkeypatch.setattr(model, "read", watched)
    stretches = (frames[first : first + SEEN_FRAMES] for first in range(0, len(frames), SEEN_FRAMES))
    windows = list(predict_stream(model, stretches, background_of(frames, GEOMETRY), RUNTIME, 100, first_frames=25))
    assert [len(window["onset"]) for window in windows] == [25, 50, *[100] * 8, 25] and len(blocks) == 1
    assert max(lengths) <= 100 + 2 * model.context_frames + SEEN_FRAMES


def test_the_clips_of_a_split_keep_their_order_and_keys_out_of_view_are_silent(tmp_path):
    grids = {clip_id: TimeGrid(30.0, 0.0, length) for clip_id, length in (("b", 12), ("a", 9))}
    for clip_id, grid in grids.items():
        np.save(tmp_path / f"{clip_id}.npy", noisy_strip(grid.length))
    clips = [Clip("b", "val", "", "b.mp4", 21, 108), Clip("a", "val", "", "a.mp4", 40, 90)]
    heads_of = network_heads(network(), GEOMETRY, RUNTIME, 16)
    answers = list(split_logits(StripFolder(tmp_path, GEOMETRY, grids), clips, 21, heads_of, "val"))
    assert [(answer.clip_id, answer.grid) for answer in answers] == list(grids.items())
    assert (answers[1].heads["pitch"][:, 0] == SILENT_LOGIT).all() and (answers[0].heads["pitch"] > SILENT_LOGIT).all()


def test_a_window_without_context_would_differ():
    model, frames = network(), noisy_strip(60)
    whole = predict_strip(model, frames, GEOMETRY, RUNTIME, 1000)
    model.context_frames = 0
    cut = predict_strip(model, frames, GEOMETRY, RUNTIME, 16)
    assert np.abs(cut["onset"] - whole["onset"]).max() > 1e-3


def test_it_reads_a_memory_map_and_reports_progress(tmp_path):
    frames = noisy_strip(40)
    np.save(tmp_path / "strip.npy", frames)
    mapped = np.load(tmp_path / "strip.npy", mmap_mode="r")
    done = []
    answer = predict_strip(network(), mapped, GEOMETRY, RUNTIME, 16, done.append)
    assert done == [16, 16, 8]
    np.testing.assert_array_equal(answer["pitch"], predict_strip(network(), frames, GEOMETRY, RUNTIME, 16)["pitch"])


def test_one_frame_is_enough_and_none_is_refused():
    assert predict_strip(network(), noisy_strip(1), GEOMETRY, RUNTIME, 16)["hand"].shape == (1, 88)
    with pytest.raises(InputError, match="without frames"):
        predict_strip(network(), noisy_strip(0), GEOMETRY, RUNTIME, 16)
