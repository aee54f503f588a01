"""The `model` section of params.yaml: which network, and its sizes. A checkpoint stores those of its own backend."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tivit.core.errors import InputError
from tivit.core.params import check_choice, check_range

BACKENDS = ("key_vivit", "vivit", "cnn_gru")
"""The networks to choose from; each has sizes of its own in a section of the same name."""


@dataclass(frozen=True)
class KeyVivitParams:
    """Sizes of the key-aligned ViViT (`keyvivit.py`).

    Attributes
    ----------
    stem_channels, feature_channels : int
        Channels of the first and of the later convolutions of the stem, 1..512.
    key_columns : int
        Token columns that a key gathers around its centre, 2..64; a column is 4 px wide.
    radius_frames : int
        How far the temporal attention sees to either side, 1..256 frames.
    """

    stem_channels: int
    feature_channels: int
    key_columns: int
    radius_frames: int

    def __post_init__(self) -> None:
        check_range("model.key_vivit.stem_channels", self.stem_channels, 1, 512)
        check_range("model.key_vivit.feature_channels", self.feature_channels, 1, 512)
        check_range("model.key_vivit.key_columns", self.key_columns, 2, 64)
        check_range("model.key_vivit.radius_frames", self.radius_frames, 1, 256)


@dataclass(frozen=True)
class VivitParams:
    """Sizes of the plain ViViT baseline (`vivit.py`).

    Attributes
    ----------
    patch_px : int
        Side of the square patches, 2..64 px.
    tubelet_frames : int
        Frames of a tubelet, 1..8.
    space_layers, time_layers : int
        Transformer layers over space and over time, 1..24.
    """

    patch_px: int
    tubelet_frames: int
    space_layers: int
    time_layers: int

    def __post_init__(self) -> None:
        check_range("model.vivit.patch_px", self.patch_px, 2, 64)
        check_range("model.vivit.tubelet_frames", self.tubelet_frames, 1, 8)
        check_range("model.vivit.space_layers", self.space_layers, 1, 24)
        check_range("model.vivit.time_layers", self.time_layers, 1, 24)


@dataclass(frozen=True)
class CnnGruParams:
    """Sizes of the per-key CNN and GRU baseline (`cnn_gru.py`).

    Attributes
    ----------
    crop_px : int
        Columns of the crop around a key, 8..128 px.
    channels : int
        Channels of the last convolution, 4..512.
    """

    crop_px: int
    channels: int

    def __post_init__(self) -> None:
        check_range("model.cnn_gru.crop_px", self.crop_px, 8, 128)
        check_range("model.cnn_gru.channels", self.channels, 4, 512)


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
        Number of tiles that the strip is cut into along the keyboard, 1..13.
    dim : int
        Width of a token, 4..1024, a multiple of `attention_heads`.
    attention_heads : int
        Heads of each attention, 1..32.
    dropout : float
        In the token layers, 0..0.9.
    key_vivit, vivit, cnn_gru : KeyVivitParams, VivitParams, CnnGruParams or None
        Sizes of each backend; those of backends that are not used may be None (null in params.yaml).
    """

    backend: str
    velocity: bool
    tiles: int
    dim: int
    attention_heads: int
    dropout: float
    key_vivit: KeyVivitParams | None
    vivit: VivitParams | None
    cnn_gru: CnnGruParams | None

    def __post_init__(self) -> None:
        check_choice("model.backend", self.backend, BACKENDS)
        if getattr(self, self.backend) is None:
            raise InputError(f"model.{self.backend} is null, but model.backend {self.backend} needs its sizes; give them")
        check_range("model.tiles", self.tiles, 1, 13)
        check_range("model.dim", self.dim, 4, 1024)
        check_range("model.attention_heads", self.attention_heads, 1, 32)
        check_range("model.dropout", self.dropout, 0.0, 0.9)
        if self.dim % self.attention_heads:
            raise InputError(f"model.dim {self.dim} is not a multiple of model.attention_heads {self.attention_heads}")

    def of_backend(self) -> ModelParams:
        """Return the same params, with None for the sizes of backends that are not used."""
        return replace(self, **{name: None for name in BACKENDS if name != self.backend})
