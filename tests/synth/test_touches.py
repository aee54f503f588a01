"""Touches: on keys that nobody plays meanwhile, near what the hand plays, and never as deep as a press."""

import numpy as np
import pytest
from synth_cases import music

from tivit.core.notes import joined, make_notes
from tivit.core.timegrid import TimeGrid
from tivit.synth.music import random_piece
from tivit.synth.touches import FREE_S, LENGTH_S, REACH, random_touches, touch_depths


@pytest.mark.parametrize("seed", range(4))
def test_touches_stay_clear_of_notes_and_near_the_hand(seed):
    notes = random_piece(np.random.default_rng(seed), 20.0, music((4.0, 8.0))).notes
    touches = random_touches(np.random.default_rng(seed), notes, 20.0, 1.0)
    assert len(touches) > 5 and len(joined(notes, touches)) == len(notes) + len(touches)
    for onset_s, offset_s, midi, hand in zip(touches.onset_s, touches.offset_s, touches.midi, touches.hand, strict=True):
        assert offset_s - onset_s >= LENGTH_S[0] - 1e-9
        same = notes.take(notes.midi == midi)
        assert ((same.onset_s >= offset_s + FREE_S - 1e-9) | (same.offset_s <= onset_s - FREE_S + 1e-9)).all()
        own = notes.take(notes.hand == hand)
        assert abs(own.midi[np.argmin(np.abs(own.onset_s - onset_s))] - midi) <= REACH


def test_none_are_drawn_for_a_hand_without_notes():
    assert len(random_touches(np.random.default_rng(0), make_notes([], [], np.zeros(0, int)), 10.0, 2.0)) == 0


def test_touched_keys_give_way_a_little():
    touches = make_notes([0.5], [1.5], [60])
    depth = touch_depths(np.random.default_rng(0), touches, TimeGrid(30.0, 0.0, 90).times_s(), 0.2)
    assert 0 < depth.max() <= 0.2 and set(np.flatnonzero(depth.any(axis=0))) == {39}
    assert not depth[:12].any() and not depth[50:].any()
