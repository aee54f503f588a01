"""Hand landmarks: strict reading, and the hand of a note by the nearest fingertip through a known registration."""

import json
from dataclasses import replace

import numpy as np
import pytest
from datasets_cases import FIXTURES, TIMES
from registration_cases import known_registration, random_view

from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.core.keyboard import CENTER_MM, key_of
from tivit.core.notes import make_notes
from tivit.core.registration import Move
from tivit.core.strip import StripGeometry
from tivit.datasets.skeleton import Skeleton, hands_of_notes, read_skeleton

GEOMETRY = StripGeometry(832, 64, -22.0, 158.0)
FIXTURE = FIXTURES / f"PianoVAM/Handskeleton/{TIMES[0]}.json"


@pytest.fixture
def registration():
    return known_registration(random_view(np.random.default_rng(4)), GEOMETRY)


def tips_over(registration, midi, shift_mm=0.0):
    """Return five fingertips (5, 2), in shares, of a hand whose third finger is over a key and whose others are 25 mm apart."""
    x_mm = CENTER_MM[key_of(midi)] + shift_mm + 25.0 * np.arange(-2, 3)
    height, width = registration.source_hw
    return registration.image_points(x_mm, np.full(5, 60.0), GEOMETRY) / (width, height)


def skeleton_of(*frames):
    """Return a skeleton of (frame, left tips or None, right tips or None)."""
    empty = np.full((5, 2), np.nan)
    tips = [[empty if hand is None else hand for hand in hands] for _, *hands in frames]
    return Skeleton(np.array([frame for frame, *_ in frames]), np.array(tips))


def test_the_file_is_read_in_frame_order_with_gaps_where_no_hand_is():
    found = read_skeleton(FIXTURE)
    assert found.frames.tolist() == [59, 60, 61] and found.tips.shape == (3, 2, 5, 2)
    assert np.isnan(found.tips[0]).all() and np.isnan(found.tips[1, 1]).all()
    np.testing.assert_allclose(found.tips[1, 0, :, 0], 0.2 + 0.002 * np.array([4, 8, 12, 16, 20]))
    np.testing.assert_allclose(found.tips[2, 1, 0], [0.608, 0.504])


def test_the_nearer_hand_plays_the_note(registration):
    hands = (tips_over(registration, 48), tips_over(registration, 72))
    notes = make_notes([1.0, 1.0, 1.0], [1.5, 1.5, 1.5], [48, 60, 72])
    labels = hands_of_notes(notes, skeleton_of((60, *hands)), registration, GEOMETRY, 0.6)
    assert labels.hand.tolist() == [LEFT_HAND, UNKNOWN, RIGHT_HAND]
    assert labels.is_known.tolist() == [True, False, True] and (labels.confidence[[0, 2]] > 0.85).all()
    swapped = hands_of_notes(notes, skeleton_of((60, *reversed(hands))), registration, GEOMETRY, 0.6)
    assert swapped.hand.tolist() == [RIGHT_HAND, UNKNOWN, LEFT_HAND]
    np.testing.assert_allclose(swapped.confidence, labels.confidence)


def test_two_hands_over_one_key_are_unsure_and_so_is_none(registration):
    both = (tips_over(registration, 60, -2.0), tips_over(registration, 60, 2.0))
    notes = make_notes([1.0], [1.5], [60])
    labels = hands_of_notes(notes, skeleton_of((60, *both)), registration, GEOMETRY, 0.6)
    assert labels.confidence[0] == pytest.approx(1 / 2.1, abs=0.01) and not labels.is_known[0]
    nobody = hands_of_notes(notes, skeleton_of((60, None, None)), registration, GEOMETRY, 0.6)
    assert nobody.confidence.tolist() == [0.0] and nobody.hand.tolist() == [UNKNOWN]


def test_only_frames_around_the_onset_count_and_one_bad_frame_does_not(registration):
    left, away = tips_over(registration, 60), tips_over(registration, 90)
    notes = make_notes([1.0], [1.5], [60])
    near = skeleton_of((59, left, None), (60, away, None), (61, left, None))
    assert hands_of_notes(notes, near, registration, GEOMETRY, 0.6).hand.tolist() == [LEFT_HAND]
    late = skeleton_of((40, left, None), (80, left, None))
    assert hands_of_notes(notes, late, registration, GEOMETRY, 0.6).hand.tolist() == [UNKNOWN]


def test_a_hand_in_front_of_or_behind_the_keys_does_not_play(registration):
    height, width = registration.source_hw
    behind = registration.image_points(CENTER_MM[[key_of(60)]], np.array([230.0]), GEOMETRY) / (width, height)
    labels = hands_of_notes(
        make_notes([1.0], [1.5], [60]), skeleton_of((60, np.repeat(behind, 5, 0), None)), registration, GEOMETRY, 0.6
    )
    assert labels.hand.tolist() == [UNKNOWN]


def test_a_camera_that_moved_is_followed(registration):
    shift = np.array([[1.0, 0.0, -40.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    moved = tuple(map(tuple, (np.array(registration.homography) @ shift).tolist()))
    both = replace(registration, moves=(Move(2.0, moved, registration.x_correction),))
    later = replace(registration, homography=moved)
    skeleton = skeleton_of((60, tips_over(registration, 60), None), (180, None, tips_over(later, 60)))
    labels = hands_of_notes(make_notes([1.0, 3.0], [1.5, 3.5], [60, 60]), skeleton, both, GEOMETRY, 0.6)
    assert labels.hand.tolist() == [LEFT_HAND, RIGHT_HAND]


POINTS = [[0.5, 0.5, 0.0]] * 21


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "line 1: expected a mapping of frames, found list"),
        ("{}", "line 1: expected a mapping of frames"),
        ('{"0": {"Left": null}}', "line 1, frame '0': expected Left and Right, found"),
        ('{"0": {"Left": null, "Right": null, "Middle": null}}', "frame '0': expected Left and Right"),
        ('{"-1": {"Left": null, "Right": null}}', "frame '-1': not a frame number"),
        (
            '{"7": {"Left": null, "Right": null},\n"07": {"Left": null, "Right": null}}',
            "line 2, frame '07': not a frame number of",
        ),
        ('{"123456789": {"Left": null, "Right": null}}', "frame '123456789': not a frame number"),
        (
            json.dumps({"0": {"Left": POINTS[:20], "Right": None}}),
            "frame '0', Left: expected null or 21 points of three numbers",
        ),
        (json.dumps({"0": {"Left": None, "Right": [[1, 2]] * 21}}), "frame '0', Right: expected null or 21 points"),
        (json.dumps({"0": {"Left": POINTS[:20] + [[0, "x", 0]], "Right": None}}), "Left: expected null or 21 points"),
        (json.dumps({"0": {"Left": POINTS[:20] + [[0, True, 0]], "Right": None}}), "Left: expected null or 21 points"),
        (json.dumps({"0": {"Left": POINTS[:20] + [[0, 7, 0]], "Right": None}}), "Left: a coordinate is outside -1..2"),
        (json.dumps({"0": {"Left": POINTS[:20] + [[0, 10**400, 0]], "Right": None}}), "Left: a coordinate is too large"),
        (json.dumps({"0": {"Left": POINTS[:20] + [[float("nan"), 0, 0]], "Right": None}}), "line 1: NaN is not a number"),
        ('{"0": {"Left": [[1e999, 0, 0]]', "line 1: not JSON"),
        ("\x80\x04\x95 a pickle", "line 1: not JSON"),
        ("[" * 100000, "line 1: not usable JSON .nested too deeply"),
    ],
)
def test_a_fault_is_named_with_line_and_frame(tmp_path, content, message):
    path = tmp_path / "t.json"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"t\.json, .*{message}|t\.json, {message}"):
        read_skeleton(path)


def test_bytes_that_are_no_text_are_named(tmp_path):
    path = tmp_path / "t.json"
    path.write_bytes(b'{"0":\n\x80\x04\x95}')
    with pytest.raises(InputError, match="t.json, line 2: not UTF-8 text"):
        read_skeleton(path)
