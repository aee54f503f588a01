"""Generated pieces: valid notes, playable by two hands, in their key, with the hard cases a model must see."""

import numpy as np
import pytest
from synth_cases import music

from tivit.core.heads import LEFT_HAND, RIGHT_HAND, TREBLE_STAFF
from tivit.synth.music import HAND_SPAN, MIN_LIFT_S, SCALES, random_piece
from tivit.synth.textures import TEXTURES, TEXTURES_OF_HAND

KRUMHANSL = {
    "major": [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    "minor": [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
}


def piece(seed, length_s=20.0, notes_per_s=(2.0, 10.0)):
    return random_piece(np.random.default_rng(seed), length_s, music(notes_per_s))


@pytest.fixture(scope="module")
def pieces():
    return [piece([9, i]) for i in range(24)]


def found_key(notes):
    weight = np.bincount(notes.midi % 12, notes.offset_s - notes.onset_s, 12)
    scores = {(t, m): np.corrcoef(np.roll(p, t), weight)[0, 1] for m, p in KRUMHANSL.items() for t in range(12)}
    return max(scores, key=scores.get)


def test_same_seed_same_piece_and_other_seed_another():
    first, again, other = piece(3), piece(3), piece(4)
    assert np.array_equal(first.notes.onset_s, again.notes.onset_s) and first.tonic == again.tonic
    assert not np.array_equal(first.notes.onset_s, other.notes.onset_s)


def test_notes_lie_in_the_clip_and_keys_lift_between_presses(pieces):
    for item in pieces:
        notes = item.notes
        assert notes.onset_s.min() > 0 and notes.offset_s.max() < 20.0
        for midi in np.unique(notes.midi):
            of_key = notes.take(notes.midi == midi)
            assert (of_key.onset_s[1:] - of_key.offset_s[:-1] >= MIN_LIFT_S - 1e-9).all()


def test_a_hand_never_holds_more_than_its_span(pieces):
    for item in pieces:
        notes = item.notes
        for hand in (LEFT_HAND, RIGHT_HAND):
            own = notes.take(notes.hand == hand)
            for i in range(len(own)):
                later = (own.onset_s > own.onset_s[i] + 0.11) & (own.onset_s < own.offset_s[i])
                assert (np.abs(own.midi[later] - own.midi[i]) <= HAND_SPAN).all()


def test_pitches_belong_to_the_key(pieces):
    inside = [np.isin((p.notes.midi - p.tonic) % 12, (*SCALES[p.mode], 11)).mean() for p in pieces]
    assert min(inside) > 0.9


def test_a_key_finder_names_most_keys():
    found = [found_key(p.notes) == (p.tonic, p.mode) for p in (piece([5, i], 60.0) for i in range(30))]
    assert np.mean(found) >= 0.7


def test_density_follows_the_parameter():
    sparse = np.mean([len(piece(i, 20.0, (2.0, 2.0)).notes) for i in range(10)])
    dense = np.mean([len(piece(i, 20.0, (10.0, 10.0)).notes) for i in range(10)])
    assert dense > 1.3 * sparse


def test_hand_staff_and_register_are_different_things(pieces):
    hand = np.concatenate([p.notes.hand for p in pieces])
    staff = np.concatenate([p.notes.staff for p in pieces])
    high = np.concatenate([p.notes.midi for p in pieces]) >= 60
    assert 0.005 < np.mean((hand == RIGHT_HAND) != (staff == TREBLE_STAFF)) < 0.2
    assert 0.02 < np.mean(high != (staff == TREBLE_STAFF)) < 0.25


def test_a_held_chord_lasts_while_the_other_hand_plays():
    for seed in range(6):
        notes = random_piece(np.random.default_rng(seed), 20.0, music((4.0, 8.0)), is_held=True).notes
        longest = int(np.argmax(notes.offset_s - notes.onset_s))
        assert notes.offset_s[longest] - notes.onset_s[longest] >= 5.0
        assert (notes.hand != notes.hand[longest]).any()


def test_roaming_hands_reach_both_ends_of_the_keyboard():
    midi = np.concatenate(
        [random_piece(np.random.default_rng(s), 20.0, music((4.0, 8.0), roaming=1.0)).notes.midi for s in range(40)]
    )
    assert midi.min() <= 22 and midi.max() >= 107


@pytest.mark.parametrize(("change", "shorter"), [({"staccato": 1.0}, True), ({"legato": 1.0}, False)])
def test_articulation_changes_how_long_notes_last(change, shorter):
    median_s = [
        np.median(
            np.concatenate(
                [(n := random_piece(np.random.default_rng(s), 20.0, m).notes).offset_s - n.onset_s for s in range(8)]
            )
        )
        for m in (music((4.0, 8.0)), music((4.0, 8.0), **change))
    ]
    assert (median_s[1] < 0.6 * median_s[0]) if shorter else (median_s[1] > 1.05 * median_s[0])


def test_there_are_fast_repeats_and_chords(pieces):
    repeats = chords = 0
    for item in pieces:
        notes = item.notes
        chords += int((np.diff(notes.onset_s) < 0.03).sum())
        for midi in np.unique(notes.midi):
            repeats += int((np.diff(notes.onset_s[notes.midi == midi]) < 0.15).sum())
    assert repeats > 5 and chords > 50


def test_every_texture_that_is_drawn_exists():
    for weights in TEXTURES_OF_HAND.values():
        assert set(weights) <= {*TEXTURES, "rest"}
