"""A first key given beforehand, of every cut keyboard: right, or one white key off. It never turns one round."""

from itertools import product

import numpy as np
import pytest

from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI
from tivit.registration.find.pattern import is_black_midi
from tivit.registration.judge.octave import MIRROR_OPEN, Extent, align_to_piano

INSTRUMENTS = ((21, 108), (28, 103), (36, 96))
"""88, 76 and 61 keys."""
LEAST_KEYS = 24


def cut_keyboards():
    """Return all stretches of white to white key that a picture can show of these instruments, cut at an end or at both."""
    return [
        Extent(first, last, first == low, last == high)
        for low, high in INSTRUMENTS
        for first, last in product(range(low, high + 1), repeat=2)
        if LEAST_KEYS <= last - first + 1 < high - low + 1 and not (is_black_midi(first) or is_black_midi(last))
    ]


def white_key_beside(midi, step):
    """Return the white key that is `step` white keys away, within a piano."""
    whites = np.array([key for key in range(LOWEST_MIDI, HIGHEST_MIDI + 1) if not is_black_midi(key)])
    return int(whites[np.clip(np.searchsorted(whites, midi) + step, 0, len(whites) - 1)])


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_no_cut_keyboard_is_turned_round_by_a_first_key(step):
    """An upright picture is never read as a mirror image, and its octave is that of the key given."""
    keyboards = cut_keyboards()
    assert len(keyboards) > 1358
    for extent in keyboards:
        found = align_to_piano(extent, white_key_beside(extent.first_midi, step), None)
        if not found.doubt:
            assert not found.is_mirrored, extent
            assert abs(found.extent.first_midi - extent.first_midi) <= 2, extent


def test_the_right_first_key_leaves_no_cut_keyboard_open():
    assert [extent for extent in cut_keyboards() if align_to_piano(extent, extent.first_midi, None).doubt] == []


def every_extent():
    """Return all stretches of keys that a picture can show, each end seen or cut."""
    whites = [midi for midi in range(LOWEST_MIDI, HIGHEST_MIDI + 1) if not is_black_midi(midi)]
    stretches = [(first, last) for first, last in product(whites, repeat=2) if last - first + 1 >= LEAST_KEYS]
    return [Extent(*stretch, *ends) for stretch in stretches for ends in product((False, True), repeat=2)]


def test_whatever_is_left_open_is_settled_by_the_options_that_are_asked_for():
    """The guess of the question, and the same keys an octave off with the picture the other way round."""
    asked = 0
    for extent in every_extent():
        found = align_to_piano(extent, None, None)
        if not found.doubt:
            continue
        asked += 1
        orientation = found.is_mirrored if MIRROR_OPEN in found.doubt else None
        settled = align_to_piano(extent, found.extent.first_midi, orientation)
        assert (settled.doubt, settled.is_mirrored) == ("", found.is_mirrored), extent
        assert settled.extent.first_midi == found.extent.first_midi, extent
        if orientation is not None and (other := align_to_piano(extent, None, not orientation)):
            assert align_to_piano(extent, other.extent.first_midi, not orientation).doubt == "", extent
    assert asked > 1000
