"""The endless key pattern: on the piano it is the 88 keys, beyond its ends the octaves go on."""

import numpy as np
import pytest

from tivit.core import keyboard as kb
from tivit.registration.find.pattern import (
    black_center_mm,
    black_midi,
    black_range,
    black_range_mm,
    is_black_midi,
    key_edges_mm,
    mirrored_black,
    tail_mm,
    white_midi,
    white_range,
    whites_between,
)

BLACKS, WHITES = np.arange(kb.BLACK_COUNT), np.arange(kb.WHITE_COUNT)
BEYOND = range(-12, 60)


@pytest.mark.parametrize(("number", "midi"), [(-5, 10), (-1, 20), (0, 22), (1, 25), (35, 106), (36, 109), (37, 111), (40, 118)])
def test_black_keys_by_hand(number, midi):
    """G#0, A#0, C#1 .. A#7, C#8, D#8."""
    assert black_midi(number) == midi and is_black_midi(midi)


@pytest.mark.parametrize(("number", "midi"), [(-2, 17), (-1, 19), (0, 21), (1, 23), (2, 24), (51, 108), (52, 110), (58, 120)])
def test_white_keys_by_hand(number, midi):
    assert white_midi(number) == midi and not is_black_midi(midi)


@pytest.mark.parametrize(("number", "x_mm"), [(-1, 0.0), (0, 26.86), (1, 68.15), (35, 50 * 23.5 + 3.36), (36, 1222 - 2.35)])
def test_black_centers_by_hand(number, x_mm):
    assert black_center_mm(number) == pytest.approx(x_mm)


def test_on_the_piano_it_is_the_keyboard():
    assert [black_midi(number) for number in BLACKS] == kb.midi_of(kb.BLACK_KEYS).tolist()
    assert [white_midi(number) for number in WHITES] == kb.midi_of(kb.WHITE_KEYS).tolist()
    np.testing.assert_allclose(black_center_mm(BLACKS), kb.CENTER_MM[kb.BLACK_KEYS])
    np.testing.assert_allclose([key_edges_mm(midi) for midi in kb.MIDI], np.stack([kb.LEFT_MM, kb.RIGHT_MM], axis=1))
    np.testing.assert_array_equal([is_black_midi(midi) for midi in kb.MIDI], kb.IS_BLACK)
    inner = kb.WHITE_KEYS[1:-1]
    expected = np.stack([kb.TAIL_LEFT_MM[inner], kb.TAIL_RIGHT_MM[inner]], axis=1)
    np.testing.assert_allclose([tail_mm(number) for number in WHITES[1:-1]], expected)


def test_the_tails_of_the_outermost_keys_have_neighbours_beyond_the_piano():
    assert tail_mm(0) == pytest.approx((13.7 / 2, 26.86 - 13.7 / 2))
    assert tail_mm(51) == pytest.approx((51 * 23.5, 1222 - 2.35 - 13.7 / 2))


@pytest.mark.parametrize("midi", range(0, 140))
def test_an_octave_further_everything_is_the_same(midi):
    np.testing.assert_allclose(np.subtract(key_edges_mm(midi + 12), key_edges_mm(midi)), 164.5)


def test_an_octave_is_five_black_and_seven_white_keys():
    for number in BEYOND:
        assert black_midi(number + 5) == black_midi(number) + 12 and white_midi(number + 7) == white_midi(number) + 12
        np.testing.assert_allclose(np.subtract(tail_mm(number + 7), tail_mm(number)), 164.5)
        assert whites_between(number + 5) == tuple(white + 7 for white in whites_between(number))


def test_white_keys_beside_a_black_key():
    for number in BEYOND:
        left, right = whites_between(number)
        assert (white_midi(left), white_midi(right)) == (black_midi(number) - 1, black_midi(number) + 1)
    assert whites_between(0) == (0, 1) and whites_between(-1) == (-1, 0) and whites_between(35) == (49, 50)


def test_the_mirror_image_of_a_black_key():
    assert mirrored_black(np.array([0, 35, 36])).tolist() == [33, -2, -3]
    for number in BEYOND:
        assert black_midi(int(mirrored_black(np.array(number)))) == kb.mirrored_midi(black_midi(number))
    middle = kb.CENTER_MM[kb.key_of(62)]
    numbers = np.array(BEYOND)
    np.testing.assert_allclose(black_center_mm(mirrored_black(numbers)), 2 * middle - black_center_mm(numbers))


@pytest.mark.parametrize(
    ("first", "last", "blacks", "whites"),
    [(21, 108, (0, 36), (0, 52)), (36, 96, (6, 31), (9, 45)), (9, 33, (-5, 5), (-7, 8))],
)
def test_ranges_by_hand(first, last, blacks, whites):
    assert (black_range(first, last), white_range(first, last)) == (blacks, whites)


def test_ranges_hold_all_keys_of_a_stretch():
    for first in range(9, 60, 7):
        for last in range(first + 13, first + 90, 11):
            midi = range(first, last + 1)
            assert [black_midi(n) for n in range(*black_range(first, last))] == [m for m in midi if is_black_midi(m)]
            assert [white_midi(n) for n in range(*white_range(first, last))] == [m for m in midi if not is_black_midi(m)]


def test_a_range_between_two_black_keys():
    assert (black_range(22, 106), white_range(22, 106)) == ((0, 36), (1, 50))


def test_no_black_key_in_a_gap():
    assert black_range_mm(30.0, 60.0) == (0, 0)
