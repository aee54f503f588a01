"""The keyboard against hand-counted facts."""

import numpy as np
import pytest

from tivit.core import keyboard as kb


def test_counts_and_ends():
    assert len(kb.WHITE_KEYS) == 52 and len(kb.BLACK_KEYS) == 36
    assert kb.MIDI[0] == 21 and kb.MIDI[-1] == 108
    assert kb.LEFT_MM[0] == 0 and kb.RIGHT_MM[-1] == 1222


@pytest.mark.parametrize(("midi", "name"), [(21, "A0"), (22, "A#0"), (60, "C4"), (61, "C#4"), (108, "C8")])
def test_names(midi, name):
    assert kb.name_of(midi) == name


def test_black_keys_lie_off_the_white_seams():
    middle_c_left = kb.LEFT_MM[kb.key_of(60)]
    offsets = [kb.CENTER_MM[kb.key_of(m)] - middle_c_left for m in (61, 63, 66, 68, 70)]
    np.testing.assert_allclose(offsets, [23.5 - 2.35, 47 + 2.35, 94 - 3.36, 117.5, 141 + 3.36])


def test_centers_rise_strictly():
    assert (np.diff(kb.CENTER_MM) > 0).all()


def test_tails_leave_room_for_the_black_slots():
    c, c_sharp, d = (kb.key_of(m) for m in (60, 61, 62))
    assert kb.TAIL_RIGHT_MM[c] == pytest.approx(kb.CENTER_MM[c_sharp] - 6.85)
    assert kb.TAIL_LEFT_MM[d] == pytest.approx(kb.CENTER_MM[c_sharp] + 6.85)


def test_hz():
    np.testing.assert_allclose(kb.hz_of(np.array([69, 81, 57])), [440, 880, 220])
