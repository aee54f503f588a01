"""Cutting the strip along the keyboard into overlapping, token-aligned tiles that share one encoder.

A tile is seen with `overlap` token columns beyond its own; those columns exist only to give the encoder's border the same
surroundings as without a cut, and are dropped when the tiles are joined. So the number of tiles changes memory and speed, not
the result, as long as `overlap` covers the encoder's receptive field.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tivit.core.errors import InputError


@dataclass(frozen=True)
class TilePlan:
    """Where the tiles of a strip lie; all figures are token columns.

    Attributes
    ----------
    starts : tuple of int
        First column of each tile.
    width : int
        Columns of every tile.
    own : tuple of (int, int)
        The columns [first, end) of the strip that each tile gives; together they are the whole strip, once.
    """

    starts: tuple[int, ...]
    width: int
    own: tuple[tuple[int, int], ...]


def plan_tiles(columns: int, tiles: int, overlap: int) -> TilePlan:
    """Return tiles of one width over a strip, each seen with `overlap` columns more at every inner border.

    Parameters
    ----------
    columns : int
        Token columns of the strip.
    tiles : int
        Number of tiles, >= 1.
    overlap : int
        Token columns that a tile sees beyond its own: at least the reach of the encoder.

    Returns
    -------
    TilePlan

    Raises
    ------
    InputError
        The keyboard is too narrow for so many tiles.
    """
    width = -(-(columns + 2 * overlap * (tiles - 1)) // tiles)
    if width > columns or width <= 2 * overlap:
        raise InputError(f"model.tiles {tiles} does not fit {columns} token columns that overlap by {overlap}")
    starts = tuple(round(i * (columns - width) / max(tiles - 1, 1)) for i in range(tiles))
    borders = [0, *(start + overlap for start in starts[1:]), columns]
    return TilePlan(starts, width, tuple(zip(borders[:-1], borders[1:], strict=True)))


def cut_tiles(images: Tensor, plan: TilePlan, column_px: int) -> Tensor:
    """Return the tiles of images as one batch, tile after tile.

    Parameters
    ----------
    images : Tensor
        (N, C, H, columns x column_px).
    plan : TilePlan
        From `plan_tiles`.
    column_px : int
        Width of a token column, px.

    Returns
    -------
    Tensor
        (tiles x N, C, H, width x column_px).
    """
    if len(plan.starts) == 1:
        return images
    return torch.cat([images[..., start * column_px : (start + plan.width) * column_px] for start in plan.starts])


def join_tiles(features: Tensor, plan: TilePlan) -> Tensor:
    """Return the features of the whole strip from those of its tiles.

    Parameters
    ----------
    features : Tensor
        (tiles x N, C, rows, width), tile after tile, as from `cut_tiles`.
    plan : TilePlan
        The plan they were cut by.

    Returns
    -------
    Tensor
        (N, C, rows, columns).
    """
    parts = features.chunk(len(plan.starts))
    own = zip(parts, plan.starts, plan.own, strict=True)
    return torch.cat([part[..., first - start : end - start] for part, start, (first, end) in own], dim=-1)
