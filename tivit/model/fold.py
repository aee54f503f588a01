"""Batch norms folded into the convolutions before them.

A trained network then gives the same answers in fewer passes over memory.
"""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(model: nn.Module) -> nn.Module:
    """Return a copy of a network in which no batch norm follows a convolution; it can only answer, not learn.

    Pairs are folded that stand next to each other in an `nn.Sequential`.

    Parameters
    ----------
    model : nn.Module
        In `eval()` mode; it stays as it is.

    Returns
    -------
    nn.Module
        A copy in which no parameter takes a gradient.

    References
    ----------
    Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018,
    section 3.2.
    """
    model = copy.deepcopy(model)
    for layers in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        for i in range(len(layers) - 1):
            if isinstance(layers[i], nn.Conv2d) and isinstance(layers[i + 1], nn.BatchNorm2d):
                layers[i] = fuse_conv_bn_eval(layers[i], layers[i + 1])
                layers[i + 1] = nn.Identity()
    return model.requires_grad_(False)
