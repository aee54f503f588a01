"""Which reading is taken, and how far the keyboard is followed: stand-ins with known answers."""

from types import SimpleNamespace

import numpy as np
import pytest
from registration_cases import PARAMS, drawn_plan

from tivit.core.keyboard import KEYBOARD_WIDTH_MM
from tivit.registration import candidates
from tivit.registration.candidates import best_of
from tivit.registration.find.pattern import black_range
from tivit.registration.judge.octave import Extent
from tivit.registration.judge.refine import X_MM
from tivit.registration.params import NOTHING_KNOWN
from tivit.video.picture import Region

CAMERA_MM = np.array([611.0, 0.0, 1300.0])


def stand_in(is_rotated, confidence, doubt="", score=32.0, err=0.01):
    """Return a candidate of which only what the choice looks at is there."""
    return candidates.Candidate(
        reading=SimpleNamespace(is_rotated=is_rotated, score=score, pose=SimpleNamespace(aspect=1.0)),
        extent=Extent(21, 108, True, True),
        correction=SimpleNamespace(err=(err, err)),
        depth=None,
        verdict=SimpleNamespace(confidence=confidence, fit=0.8),
        doubt=doubt,
    )


def chosen(monkeypatch, *found):
    monkeypatch.setattr(candidates, "_examine", lambda picture, params, reading, override: reading)
    return best_of(found, None, PARAMS, NOTHING_KNOWN)


def test_a_reading_from_the_wrong_side_is_not_taken_for_what_it_leaves_open(monkeypatch):
    """The upper of two manuals has its fronts where the lower one would have them if it were played from behind."""
    right, wrong = stand_in(False, 1.0, doubt="mirror image"), stand_in(True, 0.82)
    assert wrong.weight > right.weight
    assert chosen(monkeypatch, right, wrong) is right


def test_from_the_same_side_the_reading_that_leaves_nothing_open_is_taken(monkeypatch):
    opened, told = stand_in(False, 0.85, doubt="mirror image"), stand_in(False, 0.8)
    assert chosen(monkeypatch, opened, told) is told


def test_of_two_sides_that_are_believed_alike_the_one_whose_keys_lie_in_their_places_is_taken(monkeypatch):
    opened, told = stand_in(False, 1.0, doubt="mirror image", err=0.006), stand_in(True, 1.0, err=0.05)
    assert chosen(monkeypatch, opened, told) is opened


def test_without_readings_there_is_no_best_one(monkeypatch):
    assert chosen(monkeypatch, None) is None


def followed(plan, keys):
    """Return the keys that are followed outwards in a picture with 1 px per mm."""
    to_image = np.array([[1.0, 0, 200.0], [0, -1.0, 200.0], [0, 0, 1.0]])
    picture = SimpleNamespace(look_from_above=lambda _: plan, bounds=Region(0, 0, 1622, 320))
    reading = SimpleNamespace(keys=keys, pose=SimpleNamespace(camera_mm=CAMERA_MM), plane_to_image=to_image)
    return candidates._followed(picture, PARAMS, reading)


def test_a_keyboard_that_bends_away_from_the_keys_of_its_row_is_followed_to_its_end():
    """The row has half of the black keys, and the keys beyond bend away by more than a white key, as under a strong lens."""
    place = np.clip(X_MM / KEYBOARD_WIDTH_MM, 0, 1)
    _, extent = followed(drawn_plan(CAMERA_MM, shift_mm=30.0 * place**3), np.arange(0, 18))
    assert extent == Extent(21, 108, True, True)


def test_where_it_goes_to_and_fro_the_first_count_is_taken(monkeypatch):
    ends = iter([90, 92, 95, 97, 100, 102, 104])
    monkeypatch.setattr(candidates, "find_extent", lambda *_: Extent(21, next(ends), True, True))
    _, extent = followed(drawn_plan(CAMERA_MM), np.arange(*black_range(21, 84)))
    assert extent == Extent(21, 90, True, True)


@pytest.mark.parametrize("missing", ["correction", "extent"])
def test_a_row_that_the_picture_does_not_bear_out_is_left(monkeypatch, missing):
    name = {"correction": "fit_correction", "extent": "find_extent"}[missing]
    monkeypatch.setattr(candidates, name, lambda *_: None)
    assert followed(drawn_plan(CAMERA_MM), np.arange(0, 36)) is None
