"""Hands: fingers in order, tips on the keys they press, hands where their notes are."""

from dataclasses import replace

import numpy as np
import pytest

from tivit.core.heads import LEFT_HAND, RIGHT_HAND
from tivit.core.keyboard import CENTER_MM, KEY_COUNT
from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.synth.kinematics import key_depths
from tivit.synth.motion import HandStyle, assign_fingers, hand_motion
from tivit.synth.posture import NATURAL_Y_MM, SPREAD_MM, natural_mm, turned_mm

STYLE = HandStyle(reach_mm=0.0, lift_mm=8.0, away_mm=100.0, rest_s=0.2, width=1.0, yaw_deg=0.0)
TIMES_S = TimeGrid(30.0, 0.0, 120).times_s()


def notes_of(rows):
    onset, offset, midi = (np.array(column) for column in zip(*rows, strict=True))
    return make_notes(onset, offset, midi)


def motion_of(notes, hand):
    rng = np.random.default_rng(1)
    return hand_motion(rng, notes, key_depths(rng, notes, TIMES_S, (1.0, 1.0)), TIMES_S, STYLE, hand)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_chords_take_fingers_in_order(side):
    notes = notes_of([(1.0, 2.0, 60), (1.0, 2.0, 64), (1.0, 2.0, 67)])
    fingers, _ = assign_fingers(notes, SPREAD_MM * side, 611.0)
    assert len(set(fingers)) == 3
    assert list(np.diff(fingers) > 0) == [side > 0] * 2


def test_a_five_finger_run_uses_neighbouring_fingers():
    notes = notes_of([(1.0 + 0.2 * i, 1.19 + 0.2 * i, midi) for i, midi in enumerate((60, 62, 64, 65, 67))])
    fingers, centers_mm = assign_fingers(notes, SPREAD_MM, 620.0)
    assert (np.diff(fingers) > 0).sum() >= 3
    assert np.ptp(centers_mm) < 60


@pytest.mark.parametrize("hand", [LEFT_HAND, RIGHT_HAND])
def test_a_fingertip_is_on_every_pressed_key(hand):
    notes = notes_of([(0.8, 1.4, 60), (1.7, 2.3, 66), (2.6, 3.2, 72), (2.6, 3.2, 76)])
    motion = motion_of(notes, hand)
    for i in range(len(notes)):
        frame = int(np.argmin(np.abs(TIMES_S - (notes.onset_s[i] + 0.2))))
        distance_mm = np.abs(motion.tips_mm[frame, :, 0] - CENTER_MM[int(notes.midi[i]) - 21])
        assert distance_mm.min() < 11.75


def test_a_hand_leaves_the_keys_in_a_long_rest_and_without_notes():
    motion = motion_of(notes_of([(0.5, 0.8, 60)]), RIGHT_HAND)
    assert motion.tips_mm[-1, :, 1].max() < 0
    empty = make_notes(np.zeros(0), np.zeros(0), np.zeros(0, int))
    away = hand_motion(np.random.default_rng(0), empty, np.zeros((120, KEY_COUNT)), TIMES_S, STYLE, LEFT_HAND)
    assert away.tips_mm[..., 1].max() < 0


def test_fingertips_slip_towards_the_player_while_their_key_is_down_and_only_then(monkeypatch):
    notes = notes_of([(1.0, 2.0, 60), (2.5, 3.0, 64)])
    monkeypatch.setattr("tivit.synth.motion.SLIP_MM", {False: (0.0, 0.0), True: (0.0, 0.0)})
    still = motion_of(notes, RIGHT_HAND)
    monkeypatch.setattr("tivit.synth.motion.SLIP_MM", {False: (4.0, 0.0), True: (4.0, 0.0)})
    slipped = motion_of(notes, RIGHT_HAND)
    moved_mm = (slipped.tips_mm - still.tips_mm)[..., 1].min(axis=1)
    is_down = (TIMES_S > 1.2) & (TIMES_S < 1.9)
    assert np.all(moved_mm[is_down] < -2.0)
    assert np.all(moved_mm[TIMES_S < 0.8] == 0.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_wrist_of_a_turned_hand_lies_outward_and_its_fingertips_stay_over_the_same_place(side):
    wrist = np.tile([0.0, -100.0], (5, 1))
    straight, turned = (turned_mm(wrist, side, np.full(1, np.deg2rad(angle)))[0] for angle in (0.0, 30.0))
    assert straight == pytest.approx(wrist)
    assert (side * turned[:, 0] > 50.0).all()
    assert natural_mm(side, 1.0, np.zeros(1))[0] == pytest.approx(np.stack([side * SPREAD_MM, NATURAL_Y_MM], axis=1))
    assert natural_mm(side, 1.0, np.full(1, 0.5))[0].mean(0) == pytest.approx(
        natural_mm(side, 1.0, np.zeros(1))[0].mean(0), abs=2.0
    )


def test_a_turned_hand_still_plays_its_keys():
    notes = notes_of([(0.8, 1.4, 60), (1.7, 2.3, 66), (2.6, 3.2, 72)])
    rng = np.random.default_rng(1)
    depth = key_depths(rng, notes, TIMES_S, (1.0, 1.0))
    motion = hand_motion(rng, notes, depth, TIMES_S, replace(STYLE, yaw_deg=35.0), RIGHT_HAND)
    assert np.rad2deg(motion.yaw_rad).mean() == pytest.approx(35.0, abs=5.0)
    for onset_s, midi in zip(notes.onset_s, notes.midi, strict=True):
        frame = int(np.argmin(np.abs(TIMES_S - (onset_s + 0.2))))
        assert np.abs(motion.tips_mm[frame, :, 0] - CENTER_MM[int(midi) - 21]).min() < 11.75
