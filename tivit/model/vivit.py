"""Baseline: a plain ViViT (backend `vivit`). Tubelet patches, a spatial then a temporal transformer, 88-way heads.

This is the factorised encoder of Arnab et al., "ViViT: A Video Vision Transformer", ICCV 2021, model 2: the tokens of a tubelet
are averaged over space and tiles before time is looked at. The network has no notion of a key. It stands here so that the claim
that key tokens matter can be measured again at any time.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tivit.core.errors import InputError
from tivit.core.heads import ATTRIBUTE_HEADS, EVENT_HEADS, VELOCITY, head_names
from tivit.core.keyboard import KEY_COUNT
from tivit.core.strip import StripGeometry
from tivit.model.inputs import CHANNELS
from tivit.model.keyvivit import HEAD_BIAS
from tivit.model.params import ModelParams
from tivit.model.tiles import cut_tiles, plan_tiles

BASE_HEADS = (*EVENT_HEADS, *ATTRIBUTE_HEADS)
TIME_REACH_FRAMES = 32
"""How far the temporal transformer sees to either side, in frames."""


class Block(nn.Module):
    """A pre-norm transformer layer on sequences (N, L, dim); `mask` (L, L) is True where a token may look."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the sequences after this layer, (N, L, dim).

        Parameters
        ----------
        x : Tensor
            (N, L, dim).
        mask : Tensor, optional
            bool (L, L), True where a token (row) may look at another (column); None: everywhere.

        Returns
        -------
        Tensor
        """
        count, length, dim = x.shape
        q, k, v = self.qkv(self.norm(x)).view(count, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        # q, k, v and y: (N, heads, L, dim / heads)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=self.dropout if self.training else 0.0)
        x = x + self.out(y.transpose(1, 2).reshape(count, length, dim))
        return x + self.mlp(x)


class PlainVivit(nn.Module):
    """The baseline `vivit`: inputs (B, T, 3, H, W) -> head name -> logits (B, T, 88).

    Parameters
    ----------
    params : ModelParams
        The `model` section, with sizes for `vivit`.
    geometry : StripGeometry
        The raster of the strips.

    Raises
    ------
    InputError
        The patches do not divide the strip, or the tiles do not fit it.
    """

    def __init__(self, params: ModelParams, geometry: StripGeometry) -> None:
        super().__init__()
        own, dim = params.vivit, params.dim
        if geometry.width_px % own.patch_px or geometry.height_px % own.patch_px:
            raise InputError(
                f"model.vivit.patch_px {own.patch_px} does not divide strips of {geometry.width_px} x {geometry.height_px}"
            )
        self.patch_px, self.tubelet = own.patch_px, own.tubelet_frames
        self.plan = plan_tiles(geometry.width_px // own.patch_px, params.tiles, overlap=1)
        rows = geometry.height_px // own.patch_px
        self.patches = nn.Conv2d(CHANNELS * self.tubelet, dim, own.patch_px, own.patch_px)
        self.place = nn.Parameter(0.02 * torch.randn(len(self.plan.starts), rows * self.plan.width, dim))
        self.space = nn.ModuleList(Block(dim, params.attention_heads, params.dropout) for _ in range(own.space_layers))
        self.time = nn.ModuleList(Block(dim, params.attention_heads, params.dropout) for _ in range(own.time_layers))
        self.time_step = nn.Conv1d(dim, dim, 3, padding=1)
        self.out_norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, self.tubelet * len(BASE_HEADS) * KEY_COUNT)
        with torch.no_grad():
            self.out.bias.view(self.tubelet, len(BASE_HEADS), KEY_COUNT)[:, : len(EVENT_HEADS)] = HEAD_BIAS
        self.head_names = head_names(params.velocity)
        self.velocity = nn.Linear(dim, self.tubelet * KEY_COUNT) if params.velocity else None
        # Two tubelets more: the convolution reaches one, and a frame may be the last or the first of its own.
        self.context_frames = own.time_layers * TIME_REACH_FRAMES + 2 * self.tubelet
        self.frame_multiple = self.tubelet

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return head name -> logits (B, T, 88) of inputs (B, T, 3, H, W): `read(see(inputs))`."""
        return self.read(self.see(inputs))

    def see(self, inputs: Tensor) -> Tensor:
        """Return the inputs (B, T, 3, H, W): a tubelet holds several frames, so nothing can be said of one alone."""
        return inputs

    def read(self, sights: Tensor) -> dict[str, Tensor]:
        """Return the logits of frames in a row.

        Parameters
        ----------
        sights : Tensor
            float (B, T, 3, H, W), from `see`.

        Returns
        -------
        dict[str, Tensor]
            Head name -> logits (B, T, 88).
        """
        batch, frames, channels, height, width = sights.shape
        steps = -(-frames // self.tubelet)
        missing = steps * self.tubelet - frames
        if missing:  # the last frame is repeated to fill the last tubelet; what is said of the copies is dropped below
            sights = torch.cat([sights, sights[:, -1:].expand(-1, missing, -1, -1, -1)], dim=1)
        tubelets = sights.reshape(batch * steps, self.tubelet * channels, height, width)
        # With S steps (tubelets of a window) and P patches in a tile, tokens are (tiles * B * S, P, dim).
        tokens = self.patches(cut_tiles(tubelets, self.plan, self.patch_px)).flatten(2).transpose(1, 2)
        tiles = len(self.plan.starts)
        x = (tokens.view(tiles, batch * steps, *tokens.shape[1:]) + self.place.unsqueeze(1)).flatten(0, 1)
        for block in self.space:
            x = block(x)
        x = x.view(tiles, batch, steps, -1, x.shape[-1]).mean(dim=(0, 3))  # (B, S, dim)
        x = x + self.time_step(x.transpose(1, 2)).transpose(1, 2)
        place = torch.arange(steps, device=x.device)
        near = (place - place.unsqueeze(1)).abs() * self.tubelet <= TIME_REACH_FRAMES  # (S, S)
        for block in self.time:
            x = block(x, near)
        x = self.out_norm(x)
        y = self.out(x).view(batch, steps * self.tubelet, len(BASE_HEADS), KEY_COUNT)[:, :frames]  # (B, T, heads, 88)
        outputs = dict(zip(BASE_HEADS, y.unbind(2), strict=True))
        if self.velocity is not None:
            outputs[VELOCITY] = self.velocity(x.detach()).view(batch, steps * self.tubelet, KEY_COUNT)[:, :frames]
        return outputs
