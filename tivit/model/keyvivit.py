"""The model: a tiled ViViT whose tokens are the 88 keys (backend `key_vivit`).

1. A convolutional tubelet stem on each tile: overlapping (kernel 16 x 8, stride 8 x 4 px), because a patch grid whose borders
   fall on the gaps between keys cannot see them. Time enters through the input channels and a difference of features.
2. Key tokens: each key gathers the token columns around its own centre, at its exact (interpolated) place; white and black
   keys have their own projection.
3. One attention over the 88 keys of a frame, with a learned bias per distance in keys.
4. Two temporal convolutions and one temporal self-attention per key, which sees `radius_frames` to either side.
5. Heads shared by all keys. `hand` and `clef` have a coarse look of their own at the hands and look over the keys once more,
   because a hand is told by where the other one is; they read the tokens but send no gradient into them, which cost onsets.
   They alone know a key's absolute place (a learned embedding per key), so pitch, onset and offset move with the picture when
   it moves along the keyboard. `velocity`, if asked for, reads the tokens of step 2 over nine frames,
   which tell a stroke better than the later ones, and sends no gradient into them either.

Factorised attention over space, then time: Arnab et al., "ViViT: A Video Vision Transformer", ICCV 2021, model 3.
Frames in = frames out.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS, VELOCITY, head_names
from tivit.core.keyboard import CENTER_MM, IS_BLACK, KEY_COUNT, PITCH_CLASS
from tivit.core.strip import StripGeometry
from tivit.model.attention import BiasedAttention
from tivit.model.inputs import CHANNELS
from tivit.model.linear import TokenLinear
from tivit.model.params import ModelParams
from tivit.model.tiles import cut_tiles, join_tiles, plan_tiles

STRIDE_PX, KERNEL_PX = 4, 8
ROW_STRIDE_PX, ROW_KERNEL_PX = 8, 16
"""Of the first convolution, along the keys and across them; a stride along the keys is the width of a token column."""
STEM_REACH = 3
"""Token columns on either side that the stem's result at a column depends on."""
HAND_PX, HAND_CHANNELS = 8, 24
"""Raster (px) and number of channels of the coarse look at the hands."""
TIME_KERNEL, VELOCITY_KERNEL = 5, 9
"""Frames that a temporal convolution sees, and the velocity head."""
MOTION_FRAMES = 1
"""A key is compared with itself so many frames before."""
HEAD_BIAS = -3.0
"""Events are rare: the heads start near probability 0.05."""


class Stem(nn.Module):
    """Pictures (N, 3, H, 4 w) -> features (N, C, H / 32, w)."""

    def __init__(self, stem_channels: int, feature_channels: int) -> None:
        super().__init__()
        kernel, stride = (ROW_KERNEL_PX, KERNEL_PX), (ROW_STRIDE_PX, STRIDE_PX)
        padding = ((ROW_KERNEL_PX - ROW_STRIDE_PX) // 2, (KERNEL_PX - STRIDE_PX) // 2)
        c, d = stem_channels, feature_channels
        self.layers = nn.Sequential(
            nn.Conv2d(CHANNELS, c, kernel, stride, padding, bias=False), nn.BatchNorm2d(c), nn.ReLU(inplace=True),
            nn.Conv2d(c, d, 3, (2, 1), 1, bias=False), nn.BatchNorm2d(d), nn.ReLU(inplace=True),
            nn.Conv2d(d, d, (2, 3), (2, 1), (0, 1), bias=False), nn.BatchNorm2d(d), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class KeyWindows(nn.Module):
    """Features (N, C, rows, columns) -> what lies in each key's own columns (N, 88, key_columns x rows x C).

    `centers` (88,) are the centres of the keys in token columns, fractions included.
    """

    def __init__(self, key_columns: int, centers: np.ndarray) -> None:
        super().__init__()
        first = np.floor(centers - key_columns / 2).astype(np.int64)
        self.key_columns = key_columns
        index = first[:, None] + np.arange(key_columns + 1) + key_columns
        self.register_buffer("index", torch.from_numpy(index.reshape(-1)), persistent=False)
        fraction = torch.from_numpy((centers - key_columns / 2 - first).astype(np.float32))
        self.register_buffer("fraction", fraction.view(1, KEY_COUNT, 1, 1), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        columns = features.permute(0, 3, 2, 1).flatten(2)  # (N, columns, rows * C)
        columns = F.pad(columns, (0, 0, self.key_columns, self.key_columns))
        return Interpolation.apply(columns, self.index, self.fraction.to(columns.dtype)).flatten(2)


class Interpolation(torch.autograd.Function):
    """Columns (N, W, features) -> k columns per key, each between two neighbours, (N, 88, k, features).

    `index` (88 (k + 1),) holds the columns of each key, `fraction` (1, 88, 1, 1) how far it lies from one to the next. It has
    its own backward, which writes the gradients of both neighbours into one array; torch's makes two, each filled with zeros
    first.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, columns: Tensor, index: Tensor, fraction: Tensor) -> Tensor:
        ctx.save_for_backward(index, fraction)
        ctx.shape = columns.shape
        columns_of_key = columns.index_select(1, index).unflatten(1, (KEY_COUNT, -1))
        return torch.lerp(columns_of_key[:, :, :-1], columns_of_key[:, :, 1:], fraction)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        index, fraction = ctx.saved_tensors
        count, keys, columns, features = gradient.shape
        columns_of_key = gradient.new_empty(count, keys, columns + 1, features)
        torch.mul(gradient, 1 - fraction, out=columns_of_key[:, :, :-1])
        columns_of_key[:, :, -1] = 0
        columns_of_key[:, :, 1:] += gradient * fraction
        return gradient.new_zeros(ctx.shape).index_add_(1, index, columns_of_key.flatten(1, 2)), None, None


class KeyProjection(nn.Module):
    """Windows (N, 88, features) -> tokens (N, 88, out), with separate weights for white and black keys."""

    def __init__(self, features: int, out: int) -> None:
        super().__init__()
        white, black = np.flatnonzero(~IS_BLACK), np.flatnonzero(IS_BLACK)
        self.register_buffer("white", torch.from_numpy(white), persistent=False)
        self.register_buffer("black", torch.from_numpy(black), persistent=False)
        self.register_buffer("order", torch.from_numpy(np.argsort(np.concatenate([white, black]))), persistent=False)
        self.project_white = TokenLinear(features, out)
        self.project_black = TokenLinear(features, out)

    def forward(self, windows: Tensor) -> Tensor:
        white = self.project_white(windows.index_select(1, self.white))
        black = self.project_black(windows.index_select(1, self.black))
        return torch.cat([white, black], dim=1).index_select(1, self.order)


def coarse_picture(images: Tensor) -> Tensor:
    """Return pictures (N, H, W, channels) at an eighth of their size, (N, H / 8, W / 8, channels)."""
    rows = images.unflatten(1, (-1, HAND_PX)).mean(dim=2)  # first over rows: torch's own pool is slow
    return rows.unflatten(2, (-1, HAND_PX)).mean(dim=3)


class HandView(nn.Module):
    """Coarse pictures (N, 3, H / 8, W / 8) -> features (N, C, 1, W / 8).

    A look is about nine white keys wide, so that it holds a hand. Fingers and the side of the thumb tell which hand it is where
    its place among the keys does not, as when hands cross.
    """

    def __init__(self, channels: int, out: int, height_px: int) -> None:
        super().__init__()
        rows = height_px // (2 * HAND_PX)
        self.layers = nn.Sequential(
            nn.Conv2d(CHANNELS, channels, (3, 5), padding=(1, 2), bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, (4, 5), (2, 1), (1, 2), bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, out, (rows, 9), padding=(0, 4), bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class TimeMix(nn.Module):
    """A temporal convolution per key on (B, T, keys, dim), added to its input."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.conv = nn.Conv2d(dim, dim, (TIME_KERNEL, 1), padding=(TIME_KERNEL // 2, 0))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.norm(x).permute(0, 3, 1, 2))  # (B, dim, T, keys); channels_last, so no copy
        return x + self.dropout(F.gelu(y.permute(0, 2, 3, 1)))


class VelocityHead(nn.Module):
    """Tokens (B, T, keys, dim) -> velocity logits (B, T, keys), from `VELOCITY_KERNEL` frames; no gradient into the tokens."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        width = max(dim // 2, 1)
        self.conv = nn.Conv2d(dim, width, (VELOCITY_KERNEL, 1), padding=(VELOCITY_KERNEL // 2, 0))
        self.out = nn.Linear(width, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        y = self.conv(tokens.detach().permute(0, 3, 1, 2))  # (B, width, T, keys)
        return self.out(F.gelu(y.permute(0, 2, 3, 1))).squeeze(-1)


class KeyVivit(nn.Module):
    """The network `key_vivit`: inputs (B, T, 3, H, W) -> head name -> logits (B, T, 88).

    It raises InputError when the strip's `geometry` does not fit its raster or the tiles.
    """

    def __init__(self, params: ModelParams, geometry: StripGeometry) -> None:
        super().__init__()
        if geometry.width_px % HAND_PX or geometry.height_px % (4 * ROW_STRIDE_PX):
            raise InputError(
                f"strips of {geometry.width_px} x {geometry.height_px} px do not fit model.backend key_vivit: "
                f"the width must be a multiple of {HAND_PX}, the height of {4 * ROW_STRIDE_PX}"
            )
        own = params.key_vivit
        dim, columns = params.dim, geometry.width_px // STRIDE_PX
        self.plan = plan_tiles(columns, params.tiles, STEM_REACH)
        self.stem = Stem(own.stem_channels, own.feature_channels)
        rows = geometry.height_px // (4 * ROW_STRIDE_PX)
        centers = geometry.column_px(CENTER_MM) / STRIDE_PX
        self.windows = KeyWindows(own.key_columns, centers)
        self.project = KeyProjection(own.feature_channels * rows * own.key_columns, 2 * dim)
        self.pitch_class = nn.Parameter(torch.zeros(12, dim))
        self.register_buffer("pitch_class_of", torch.from_numpy(PITCH_CLASS.astype(np.int64)), persistent=False)
        self.token_norm = nn.LayerNorm(dim)
        self.key_attention = BiasedAttention(dim, params.attention_heads, KEY_COUNT - 1, params.dropout)
        self.time_mix = nn.ModuleList(TimeMix(dim, params.dropout) for _ in range(2))
        self.time_attention = BiasedAttention(dim, params.attention_heads, own.radius_frames, params.dropout)
        self.out_norm = nn.LayerNorm(dim)
        self.events = nn.Linear(dim, len(EVENT_HEADS))
        self.hand_view = HandView(HAND_CHANNELS, dim, geometry.height_px)
        self.hand_windows = KeyWindows(1, geometry.column_px(CENTER_MM) / HAND_PX)
        self.attribute_attention = nn.ModuleList(
            BiasedAttention(dim, params.attention_heads, KEY_COUNT - 1, params.dropout) for _ in range(2)
        )
        self.key_place = nn.Parameter(torch.zeros(KEY_COUNT, dim))
        self.hand = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, 1))
        self.clef = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, 1))
        nn.init.constant_(self.events.bias, HEAD_BIAS)
        self.head_names = head_names(params.velocity)
        self.velocity = VelocityHead(dim) if params.velocity else None
        self.context_frames = MOTION_FRAMES + 2 * (TIME_KERNEL // 2) + own.radius_frames
        self.frame_multiple = 1

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return head name -> logits (B, T, 88) of inputs (B, T, 3, H, W)."""
        return self.read(self.see(inputs))

    def see(self, inputs: Tensor) -> Tensor:
        """Return what each frame shows of each key and of the hands above it.

        Parameters
        ----------
        inputs : Tensor, float (B, T, 3, H, W), from `inputs.make_inputs`.

        Returns
        -------
        Tensor, float (B, T, 88, 3 dim): the key itself, the key for comparison with earlier frames, the hands.
        """
        pictures = inputs.flatten(0, 1)  # (B * T, 3, H, W)
        coarse = coarse_picture(pictures.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (B * T, 3, H / 8, W / 8)
        return self.sights(self._features(pictures), self.hand_view(coarse)).unflatten(0, inputs.shape[:2])

    def sights(self, features: Tensor, hands: Tensor) -> Tensor:
        """Return what frames show of each key, (N, 88, 3 dim), from what the stem and the look at the hands saw in them."""
        return torch.cat([self.project(self.windows(features)), self.hand_windows(hands)], dim=-1)

    def _features(self, pictures: Tensor) -> Tensor:
        """Return what the stem sees, (N, C, H / 32, W / 4).

        In `eval()` mode batch norms are fixed, so a tile says of its columns what the whole strip says, and no tiles are cut.
        """
        if not self.training:
            return self.stem(pictures)
        return join_tiles(self.stem(cut_tiles(pictures, self.plan, STRIDE_PX)), self.plan)

    def read(self, sights: Tensor) -> dict[str, Tensor]:
        """Return the logits of frames in a row.

        Parameters
        ----------
        sights : Tensor, float (B, T, 88, 3 dim), from `see`.

        Returns
        -------
        dict[str, Tensor], head name -> logits (B, T, 88).
        """
        still, moving, hands = sights.chunk(3, dim=-1)  # (B, T, 88, dim) each, as are tokens and x below
        tokens = self.key_tokens(still, moving)
        x = tokens + self.key_attention(tokens.flatten(0, 1)).view_as(tokens)
        for mix in self.time_mix:
            x = mix(x)
        by_key = x.transpose(1, 2).flatten(0, 1)  # (B * 88, T, dim)
        y = self.time_attention(by_key).view(len(x), KEY_COUNT, -1, x.shape[-1]).transpose(1, 2)
        x = self.out_norm(x + y)
        outputs = dict(zip(EVENT_HEADS, self.events(x).unbind(-1), strict=True))
        x = x.detach() + hands  # hand and clef send no gradient back: it cost onsets
        for attention in self.attribute_attention:
            x = x + attention(x.flatten(0, 1)).view_as(x)
        x = x + self.key_place
        outputs["hand"] = self.hand(x).squeeze(-1)
        outputs["clef"] = self.clef(x).squeeze(-1)
        if self.velocity is not None:
            outputs[VELOCITY] = self.velocity(tokens)
        return outputs

    def key_tokens(self, still: Tensor, moving: Tensor) -> Tensor:
        """Return the tokens of the keys, (B, T, 88, dim) like `still` and `moving`: what each shows, and how that changes."""
        change = moving - torch.cat([moving[:, :MOTION_FRAMES], moving[:, :-MOTION_FRAMES]], dim=1)
        return self.token_norm(F.gelu(still + change + self.pitch_class[self.pitch_class_of]))
