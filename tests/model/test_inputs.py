"""Input channels: exact values, the background, and windows at the ends of a clip."""

import numpy as np
import torch
from model_cases import GEOMETRY, noisy_strip

from tivit.model.background import background_of
from tivit.model.inputs import GAIN, LOOKBACK_FRAMES, inputs_of, make_inputs, window_of


def test_channels_by_hand():
    window = torch.tensor([10.0, 20.0, 40.0, 80.0]).view(1, 4, 1, 1)
    background = torch.tensor([[[30.0]]])
    inputs = make_inputs(window, background, torch.tensor([20.0]), torch.tensor([10.0]))
    assert inputs.shape == (1, 2, 3, 1, 1)
    expected = [[2.0, GAIN * 1.0, GAIN * 3.0], [6.0, GAIN * 5.0, GAIN * 6.0]]
    torch.testing.assert_close(inputs[0, :, :, 0, 0], torch.tensor(expected))


def test_a_gain_of_the_camera_changes_nothing():
    frames = noisy_strip(12) // 2
    dark, bright = (inputs_of(window_of(picture, 2, 6), background_of(picture, GEOMETRY)) for picture in (frames, frames * 2))
    torch.testing.assert_close(dark, bright, atol=0.1, rtol=0.02)


def test_window_repeats_the_ends_of_the_clip():
    frames = np.arange(5, dtype=np.uint8).reshape(5, 1, 1)
    assert window_of(frames, 2, 2).ravel().tolist() == [0, 1, 2, 3]
    assert window_of(frames, 0, 2).ravel().tolist() == [0, 0, 0, 1]
    assert window_of(frames, 3, 4).ravel().tolist() == [1, 2, 3, 4, 4, 4]
    assert len(window_of(frames, 0, 3)) == 3 + LOOKBACK_FRAMES


def test_window_with_a_step():
    frames = np.arange(20, dtype=np.uint8).reshape(20, 1, 1)
    assert window_of(frames, 4, 3, step=2.0).ravel().tolist() == [0, 2, 4, 6, 8]
    assert window_of(frames, 4, 4, step=0.5).ravel().tolist() == [3, 4, 4, 4, 5, 6]
