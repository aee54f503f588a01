"""Baseline: one small CNN per key crop and a bidirectional GRU over time, both shared by all keys (backend `cnn_gru`).

Each key is seen alone, in the `crop_px` columns around its centre; nothing tells the network what other keys do. This is the
pattern of the strongest published per-key systems, at a size that trains on a CPU.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tivit.core.heads import ATTRIBUTE_HEADS, EVENT_HEADS, VELOCITY, head_names
from tivit.core.keyboard import CENTER_MM, IS_BLACK, KEY_COUNT
from tivit.core.strip import StripGeometry
from tivit.model.inputs import CHANNELS
from tivit.model.keyvivit import HEAD_BIAS
from tivit.model.params import ModelParams

MEMORY_FRAMES = 64
"""Frames on either side after which the recurrent state is taken to have forgotten, for windowed inference. Its reach has no
end, so windows of another length move its logits a little (by less than 0.05 after a short training)."""


class CnnGru(nn.Module):
    """The baseline `cnn_gru`: inputs (B, T, 3, H, W) -> head name -> logits (B, T, 88).

    Parameters
    ----------
    params : ModelParams
        The `model` section, with sizes for `cnn_gru`.
    geometry : StripGeometry
        The raster of the strips.
    """

    def __init__(self, params: ModelParams, geometry: StripGeometry) -> None:
        super().__init__()
        own, dim = params.cnn_gru, params.dim
        self.crop_px = own.crop_px
        first_px = np.round(geometry.column_px(CENTER_MM) - own.crop_px / 2).astype(np.int64)
        self.starts_px = (first_px + own.crop_px).tolist()  # in the picture with `crop_px` more columns at either end
        self.register_buffer("is_black", torch.from_numpy(IS_BLACK.astype(np.int64)), persistent=False)
        half = max(own.channels // 2, 1)
        self.cnn = nn.Sequential(
            nn.Conv2d(CHANNELS, half, (8, 4), (4, 2), bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, own.channels, 3, 2, 1, bias=False),
            nn.BatchNorm2d(own.channels),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Flatten(),
        )
        with torch.no_grad():
            features = self.cnn(torch.zeros(1, CHANNELS, geometry.height_px, own.crop_px)).shape[1]
        self.token = nn.Linear(features, dim)
        self.colour = nn.Embedding(2, dim)
        self.dropout = nn.Dropout(params.dropout)
        self.gru = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.events = nn.Linear(2 * dim, len(EVENT_HEADS))
        self.key_place = nn.Parameter(torch.zeros(KEY_COUNT, 2 * dim))
        self.attributes = nn.Linear(2 * dim, len(ATTRIBUTE_HEADS))
        nn.init.constant_(self.events.bias, HEAD_BIAS)
        self.head_names = head_names(params.velocity)
        self.velocity = nn.Sequential(nn.Linear(2 * dim, dim), nn.GELU(), nn.Linear(dim, 1)) if params.velocity else None
        self.context_frames = MEMORY_FRAMES
        self.frame_multiple = 1

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return head name -> logits (B, T, 88) of inputs (B, T, 3, H, W): `read(see(inputs))`."""
        return self.read(self.see(inputs))

    def see(self, inputs: Tensor) -> Tensor:
        """Return the token of each key in each frame.

        Parameters
        ----------
        inputs : Tensor
            float (B, T, 3, H, W), from `inputs.make_inputs`.

        Returns
        -------
        Tensor
            float (B, T, 88, dim).
        """
        tokens = self.token(self.cnn(self._crops(inputs.flatten(0, 1))))  # (B * T * 88, dim)
        return tokens.view(*inputs.shape[:2], KEY_COUNT, -1) + self.colour(self.is_black)

    def read(self, sights: Tensor) -> dict[str, Tensor]:
        """Return the logits of frames in a row from the tokens of their keys.

        Parameters
        ----------
        sights : Tensor
            float (B, T, 88, dim), from `see`.

        Returns
        -------
        dict[str, Tensor]
            Head name -> logits (B, T, 88).
        """
        batch, frames = sights.shape[:2]
        by_key = self.dropout(sights).transpose(1, 2).flatten(0, 1)  # (B * 88, T, dim)
        x = self.gru(by_key)[0].view(batch, KEY_COUNT, frames, -1).transpose(1, 2)  # (B, T, 88, 2 dim)
        events = self.events(x).unbind(-1)
        attributes = self.attributes(x + self.key_place).unbind(-1)
        outputs = dict(zip((*EVENT_HEADS, *ATTRIBUTE_HEADS), (*events, *attributes), strict=True))
        if self.velocity is not None:
            outputs[VELOCITY] = self.velocity(x.detach()).squeeze(-1)  # no gradient: the other heads do not depend on this one
        return outputs

    def _crops(self, pictures: Tensor) -> Tensor:
        """Return the crop of every key, (N * 88, 3, H, crop), of pictures (N, 3, H, W), channels innermost in memory.

        Beyond the ends of the strip its edge columns are repeated.
        """
        rows = pictures.permute(0, 2, 3, 1)  # (N, H, W, 3): whole runs of columns are copied, not single values
        left, right = (rows[:, :, end].unsqueeze(2).expand(-1, -1, self.crop_px, -1) for end in (0, -1))
        rows = torch.cat([left, rows, right], dim=2)
        crops = torch.stack([rows[:, :, start : start + self.crop_px] for start in self.starts_px], dim=1)
        return crops.flatten(0, 1).permute(0, 3, 1, 2)  # from (N, 88, H, crop, 3)
