"""The keyboard against hand-counted facts."""

import numpy as np
import pytest

from tivit.core import keyboard as kb
from tivit.core.errors import InputError


def test_counts_and_ends():
    assert len(kb.WHITE_KEYS) == 52 and len(kb.BLACK_KEYS) == 36
    assert kb.MIDI[0] == 21 and kb.MIDI[-1] == 108
    assert kb.LEFT_MM[0] == 0 and kb.RIGHT_MM[-1] == 1222


@pytest.mark.parametrize(("midi", "name"), [(21, "A0"), (22, "A#0"), (60, "C4"), (61, "C#4"), (108, "C8")])
def test_names(midi, name):
    assert kb.name_of(midi) == name


@pytest.mark.parametrize(
    ("text", "midi"), [("36", 36), ("C2", 36), ("f#1", 30), ("Gb1", 30), (" A0 ", 21), ("C8", 108), ("Cb4", 59), ("B#3", 60)]
)
def test_keys_by_name_or_number(text, midi):
    assert kb.midi_of_name(text) == midi


@pytest.mark.parametrize("midi", kb.MIDI)
def test_every_name_is_read_back(midi):
    assert kb.midi_of_name(kb.name_of(int(midi))) == midi


@pytest.mark.parametrize("text", ["", "H2", "C", "2C", "C##2", "20", "109", "G#0", "C9", "36.5", "-1", "1000", "A0\n1"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(InputError, match="is not a key"):
        kb.midi_of_name(text)


def test_keys_between_two_keys():
    assert kb.keys_between(21, 108).all()
    assert np.flatnonzero(kb.keys_between(60, 62)).tolist() == [39, 40, 41]


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
