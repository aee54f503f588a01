"""Rows of blobs read as stretches of the black-key pattern: exact rows, then rows as detection leaves them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tivit.core.keyboard import WHITE_PITCH_MM
from tivit.registration.find.match import MIN_BLOBS, match_row
from tivit.registration.find.pattern import black_center_mm


def row_of(numbers: np.ndarray, bend: float = 0.0, white_px: float = 12.0) -> np.ndarray:
    """Return places (px) of black keys along their row; `bend` is the perspective over half the row."""
    u = black_center_mm(numbers) / WHITE_PITCH_MM
    half = (u[-1] - u[0]) / 2
    s = (u - u[0]) / half - 1
    return 340 + white_px * half * s / (1 + bend * s)


def octaves_between(keys: np.ndarray, true: np.ndarray) -> float:
    """Return by how many octaves keys lie beside the true ones; NaN when not all by the same number of whole ones."""
    steps = np.unique(np.subtract(keys, true))
    return steps[0] / 5 if len(steps) == 1 and steps[0] % 5 == 0 else np.nan


@pytest.mark.parametrize("bend", [-0.3, 0.0, 0.2])
@pytest.mark.parametrize(("first", "count"), [(0, 36), (1, 10), (3, 12), (4, 20), (9, 28), (-2, 16)])
def test_a_perfect_row_is_read_exactly(first, count, bend):
    numbers = np.arange(first, first + count)
    best, *others = match_row(row_of(numbers, bend))
    assert not np.isnan(octaves_between(best.keys, numbers)) and 0 <= best.keys[0] < 5
    assert best.blobs.tolist() == list(range(count))
    assert best.score == pytest.approx(count, abs=0.3) and best.residual_key < 0.03
    assert all(other.score < best.score - 1 for other in others)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(10, 36), st.integers(0, 4))
def test_a_row_with_gaps_extras_jitter_and_perspective_is_still_read(seed, count, first):
    rng = np.random.default_rng(seed)
    numbers = np.arange(first, first + count)
    white_px = rng.uniform(5, 30)
    t = row_of(numbers, rng.uniform(-0.3, 0.3), white_px)
    hidden = rng.choice(np.arange(2, count - 2), count // 8, replace=False)
    extra = rng.uniform(t[1], t[-2], count // 15)
    places = np.concatenate([np.delete(t + rng.normal(0, 0.03 * white_px, count), hidden), extra])
    order = np.argsort(places)
    source = np.concatenate([np.delete(numbers, hidden), np.full(len(extra), -99)])[order]
    best = match_row(places[order])[0]
    real = source[best.blobs] != -99
    assert real.sum() >= 0.8 * (count - len(hidden))
    assert not np.isnan(octaves_between(best.keys[real], source[best.blobs][real]))


def test_a_row_read_backwards_is_the_mirror_image():
    """Nothing in a row alone tells the direction: keys are numbered upwards either way."""
    t = row_of(np.arange(36), 0.1)
    there, back = match_row(t)[0], match_row(-t[::-1])[0]
    assert there.score == pytest.approx(back.score, abs=0.05)
    assert not np.isnan(octaves_between(back.keys, np.arange(-2, 34)))
    assert not np.isnan(octaves_between(33 - back.keys[::-1], there.keys))


@pytest.mark.parametrize("count", [10, 24, 36])
def test_evenly_spaced_stripes_are_a_worse_row_than_keys(count):
    keys = match_row(row_of(np.arange(count)))[0]
    stripes = match_row(340 + 17.0 * np.arange(count))
    assert all(match.score < 0.8 * keys.score for match in stripes)


def test_too_few_blobs_are_not_read():
    assert match_row(row_of(np.arange(MIN_BLOBS - 1))) == []
