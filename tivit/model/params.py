"""The `model` section of params.yaml: which network, and its sizes. A checkpoint stores those of its own backend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from tivit.core.errors import InputError
from tivit.core.params import Choice, Range

BACKENDS = ("key_vivit", "vivit", "cnn_gru")
"""The networks to choose from; each has sizes of its own in a section of the same name."""


@dataclass(frozen=True)
class KeyVivitParams:
    """Sizes of the key-aligned ViViT (`keyvivit.py`).

    Attributes
    ----------
    stem_channels, feature_channels : int
        Channels of the first and of the later convolutions of the stem.
    key_columns : int
        Token columns that a key gathers around its centre; a column is 4 px wide.
    radius_frames : int
        How far the temporal attention sees to either side, frames.
    """

    stem_channels: Annotated[int, Range(1, 512)]
    feature_channels: Annotated[int, Range(1, 512)]
    key_columns: Annotated[int, Range(2, 64)]
    radius_frames: Annotated[int, Range(1, 256)]


@dataclass(frozen=True)
class VivitParams:
    """Sizes of the plain ViViT baseline (`vivit.py`).

    Attributes
    ----------
    patch_px : int
        Side of the square patches, px.
    tubelet_frames : int
        Frames of a tubelet.
    space_layers, time_layers : int
        Transformer layers over space and over time.
    """

    patch_px: Annotated[int, Range(2, 64)]
    tubelet_frames: Annotated[int, Range(1, 8)]
    space_layers: Annotated[int, Range(1, 24)]
    time_layers: Annotated[int, Range(1, 24)]


@dataclass(frozen=True)
class CnnGruParams:
    """Sizes of the per-key CNN and GRU baseline (`cnn_gru.py`).

    Attributes
    ----------
    crop_px : int
        Columns of the crop around a key, px.
    channels : int
        Channels of the last convolution.
    """

    crop_px: Annotated[int, Range(8, 128)]
    channels: Annotated[int, Range(4, 512)]


@dataclass(frozen=True)
class ModelParams:
    """The section `model`: which network, and its sizes.

    Attributes
    ----------
    backend : str
        The network, one of `BACKENDS`.
    velocity : bool
        Whether it has the head of that name.
    tiles : int
        Number of tiles that the strip is cut into along the keyboard.
    dim : int
        Width of a token, a multiple of `attention_heads`.
    attention_heads : int
        Heads of each attention.
    dropout : float
        In the token layers.
    key_vivit, vivit, cnn_gru : KeyVivitParams, VivitParams, CnnGruParams or None
        Sizes of each backend; those of backends that are not used may be None (null in params.yaml).
    """

    backend: Annotated[str, Choice(BACKENDS)]
    velocity: bool
    tiles: Annotated[int, Range(1, 13)]
    dim: Annotated[int, Range(4, 1024)]
    attention_heads: Annotated[int, Range(1, 32)]
    dropout: Annotated[float, Range(0.0, 0.9)]
    key_vivit: KeyVivitParams | None
    vivit: VivitParams | None
    cnn_gru: CnnGruParams | None

    def __post_init__(self) -> None:
        if getattr(self, self.backend) is None:
            raise InputError(f"model.{self.backend} is null, but model.backend {self.backend} needs its sizes; give them")
        if self.dim % self.attention_heads:
            raise InputError(f"model.dim {self.dim} is not a multiple of model.attention_heads {self.attention_heads}")

    def of_backend(self) -> ModelParams:
        """Return the same params, with None for the sizes of backends that are not used."""
        return replace(self, **{name: None for name in BACKENDS if name != self.backend})
