"""A linear layer for sequences of tokens that is fast on every CPU."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class TokenLinear(nn.Linear):
    """The layer `nn.Linear` on (N, L, in) -> (N, L, out): the same parameters, and the same answers to rounding.

    On a CPU it is computed as a convolution of size 1. torch hands linear layers to MKL and convolutions to oneDNN, and on
    processors of AMD MKL takes twice as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return what `nn.Linear` returns.

        Parameters
        ----------
        x : Tensor
            (N, L, in). With fewer than 16 sequences torch takes MKL again.

        Returns
        -------
        Tensor
            (N, L, out).
        """
        if x.device.type != "cpu":
            return super().forward(x)
        pictures = x.transpose(1, 2).unsqueeze(2)  # (N, in, 1, L); `channels_last`, so no copy
        return F.conv2d(pictures, self.weight[:, :, None, None], self.bias).squeeze(2).transpose(1, 2)
