"""Input channels: exact values, the background, and windows at the ends of a clip."""

import numpy as np
import torch
from model_cases import noisy_strip

from tivit.model.inputs import (
    GAIN,
    LOOKBACK_FRAMES,
    MIN_CONTRAST,
    background_of,
    clip_inputs,
    describe_background,
    make_inputs,
    sample_frames,
    window_of,
)


def test_channels_by_hand():
    window = torch.tensor([10.0, 20.0, 40.0, 80.0]).view(1, 4, 1, 1)
    background = torch.tensor([[[30.0]]])
    inputs = make_inputs(window, background, torch.tensor([20.0]), torch.tensor([10.0]))
    assert inputs.shape == (1, 2, 3, 1, 1)
    expected = [[2.0, GAIN * 1.0, GAIN * 3.0], [6.0, GAIN * 5.0, GAIN * 6.0]]
    torch.testing.assert_close(inputs[0, :, :, 0, 0], torch.tensor(expected))


def test_a_gain_of_the_camera_changes_nothing():
    frames = noisy_strip(12) // 2
    dark, bright = (clip_inputs(picture, background_of(picture), 2, 6) for picture in (frames, frames * 2))
    torch.testing.assert_close(dark, bright, atol=0.1, rtol=0.02)


def test_background_is_the_median_over_an_even_subsample():
    frames = np.zeros((1000, 2, 3), np.uint8)
    frames[:300] = 200
    assert background_of(frames).image.max() == 0
    index = sample_frames(1000)
    assert len(index) == 64
    assert np.ptp(np.diff(index)) <= 1
    assert sample_frames(3).tolist() == [0, 1, 2]


def test_a_blank_picture_has_the_smallest_contrast():
    background = describe_background(np.full((4, 4), 77, np.uint8))
    assert (background.mean, background.contrast) == (77.0, MIN_CONTRAST)


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
