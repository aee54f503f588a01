"""The shortest way from grey frames to what a network sees: the same answers, to rounding, as by way of the input channels."""

import numpy as np
import pytest
import torch
from model_cases import GEOMETRY, model_params, noisy_strip

from tivit.model.background import background_of
from tivit.model.build import build_model
from tivit.model.fold import folded
from tivit.model.inputs import inputs_of
from tivit.model.params import BACKENDS
from tivit.model.sight import sight_of


def network(backend="key_vivit"):
    torch.manual_seed(0)
    model = build_model(model_params(backend), GEOMETRY).eval()
    with torch.no_grad():
        for value in (*model.parameters(), *(b for name, b in model.named_buffers() if name.endswith("running_mean"))):
            value.add_(0.1 * torch.randn_like(value))
    return model


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("is_folded", [True, False])
def test_it_sees_what_the_network_sees_in_the_input_channels(backend, is_folded):
    model, frames = network(backend), noisy_strip(12)
    model = folded(model) if is_folded else model
    background = background_of(frames, GEOMETRY)
    with torch.inference_mode():
        sights = sight_of(model, background)(frames)
        expected = model.see(inputs_of(frames, background))
    assert sights.shape == expected.shape
    torch.testing.assert_close(sights, expected, atol=1e-4, rtol=1e-4)


def test_another_background_is_another_sight():
    model, frames = folded(network()), noisy_strip(12)
    dark, bright = (background_of(np.full_like(frames, grey), GEOMETRY) for grey in (40, 90))
    with torch.inference_mode():
        assert (sight_of(model, dark)(frames) - sight_of(model, bright)(frames)).abs().max() > 0.1


def test_in_bfloat16_the_input_channels_are_made():
    """Sums of whole grey levels, of which the background is taken off afterwards, would be rounded too coarsely."""
    model, frames = folded(network()), noisy_strip(12)
    background = background_of(frames, GEOMETRY)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        sights = sight_of(model, background)(frames)
        assert torch.equal(sights, model.see(inputs_of(frames, background)))
