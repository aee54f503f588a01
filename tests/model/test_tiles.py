"""Tiles: the plan covers the strip, cutting and joining lose nothing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tivit.core.errors import InputError
from tivit.model.tiles import cut_tiles, join_tiles, plan_tiles


def test_default_plan_by_hand():
    plan = plan_tiles(208, 3, 3)
    assert plan.width == 74
    assert plan.starts == (0, 67, 134)
    assert plan.own == ((0, 70), (70, 137), (137, 208))


@given(st.integers(40, 400), st.integers(1, 8), st.integers(0, 4))
def test_own_columns_cover_the_strip_and_lie_inside_their_tile(columns, tiles, overlap):
    if -(-(columns + 2 * overlap * (tiles - 1)) // tiles) <= 2 * overlap:
        return
    plan = plan_tiles(columns, tiles, overlap)
    assert plan.own[0][0] == 0
    assert plan.own[-1][1] == columns
    for (first, end), start in zip(plan.own, plan.starts, strict=True):
        assert end > first
        assert start + (overlap if start else 0) <= first
        assert end <= start + plan.width - (overlap if start + plan.width < columns else 0)
    assert all(left[1] == right[0] for left, right in zip(plan.own, plan.own[1:], strict=False))


@pytest.mark.parametrize("tiles", [1, 2, 3, 4])
def test_cut_then_join_is_the_identity(tiles):
    images = torch.randn(2, 3, 5, 52)
    plan = plan_tiles(52, tiles, 2)
    torch.testing.assert_close(join_tiles(cut_tiles(images, plan, 1), plan), images, rtol=0, atol=0)


def test_too_many_tiles_are_refused():
    with pytest.raises(InputError, match="model.tiles 13"):
        plan_tiles(6, 13, 3)
