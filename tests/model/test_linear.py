"""A linear layer computed as a convolution: the answers, gradients and parameters of torch's own."""

import pytest
import torch
from torch import nn

from tivit.model.linear import TokenLinear


@pytest.mark.parametrize("shape", [(1, 1, 8), (2, 5, 8), (32, 88, 8)])
def test_it_is_the_layer_of_torch(shape):
    torch.manual_seed(0)
    ours, theirs = TokenLinear(8, 12), nn.Linear(8, 12)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape)
    answers = []
    for layer in (ours, theirs):
        tokens = x.clone().requires_grad_()
        y = layer(tokens)
        y.square().sum().backward()
        answers.append((y, tokens.grad, layer.weight.grad, layer.bias.grad))
    for one, other in zip(*answers, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-5)
