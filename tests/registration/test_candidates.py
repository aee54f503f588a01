"""Which reading is taken, and how far the keyboard is followed: stand-ins with known answers."""

from types import SimpleNamespace

import numpy as np
import pytest
from registration_cases import PARAMS, drawn_plan

from tivit.core.keyboard import KEYBOARD_WIDTH_MM
from tivit.registration import candidates, estimate
from tivit.registration.candidates import best_of
from tivit.registration.find.pattern import black_range
from tivit.registration.find.rows import SEARCHES
from tivit.registration.judge.depth import Depth
from tivit.registration.judge.octave import Alignment, Extent
from tivit.registration.judge.refine import X_MM
from tivit.registration.params import NOTHING_KNOWN
from tivit.video.picture import Region

CAMERA_MM = np.array([611.0, 0.0, 1300.0])
WHOLE = Extent(21, 108, True, True)


def stand_in(is_rotated, confidence, doubt="", score=32.0, err=0.01, aspect=1.0, extent=WHOLE):
    """Return a candidate of which only what the choice looks at is there."""
    return candidates.Candidate(
        reading=SimpleNamespace(is_rotated=is_rotated, score=score, pose=SimpleNamespace(aspect=aspect)),
        extent=extent,
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


@pytest.mark.parametrize(("last", "is_odd"), [(72, False), (76, True), (73, True)])
def test_ends_that_no_instrument_has_count_less(monkeypatch, last, is_odd):
    """A dark case beside 25 keys passes for a few black ones, and the row scores more with them."""
    more = stand_in(False, 1.0, doubt="octave", score=10.4, extent=Extent(48, last, True, True))
    known = stand_in(False, 1.0, doubt="octave", score=10.0, extent=Extent(48, 72, True, True))
    assert more.extent.is_odd == is_odd
    assert chosen(monkeypatch, more, known) is (known if is_odd else more)


@pytest.mark.parametrize(
    ("aspect", "confidence", "is_searched_again"), [(1.8, 0.7, True), (1.8, 0.95, False), (1.0, 0.7, False), (1.0, 0.5, True)]
)
def test_keys_of_odd_proportions_are_searched_for_in_other_ways(monkeypatch, aspect, confidence, is_searched_again):
    """Keys and their reflection in a fallboard together may be believed a little; mini keys are believed more."""
    first, later = stand_in(True, confidence, aspect=aspect), stand_in(False, 0.97)
    found = iter([first, later, later])
    monkeypatch.setattr(estimate, "find_labellings", lambda *_: [])
    monkeypatch.setattr(estimate, "find_readings", lambda *_: [])
    monkeypatch.setattr(estimate, "best_of", lambda *_: next(found))
    best, _ = estimate._search([], SimpleNamespace(shape=(360, 640)), PARAMS, NOTHING_KNOWN, SEARCHES, None, None)
    assert best is (later if is_searched_again else first)


def test_keys_are_counted_again_with_the_camera_that_was_fitted_anew(monkeypatch):
    """How far black keys lean over white ones depends on the camera, so one that was misled loses the end of the keyboard."""
    reading = SimpleNamespace(is_rotated=False, pose=SimpleNamespace(camera_mm=CAMERA_MM), plane_to_image=np.eye(3))
    reading.with_ends_moved = reading.moved = reading.bent = lambda *_: reading
    counts = iter([Extent(21, 99, True, False), WHOLE])
    errors = iter([(0.3, 0.02), (0.02, 0.02)])
    monkeypatch.setattr(candidates, "content_of", lambda *_: None)
    monkeypatch.setattr(candidates, "_on_the_piano", lambda *_: (reading, fitted, Alignment(next(counts), 0, False, "")))
    monkeypatch.setattr(candidates, "fit_depth", lambda *_: Depth(np.eye(3), next(errors)))
    monkeypatch.setattr(candidates, "_measured", lambda *args, **_: SimpleNamespace(extent=args[3].extent, verdict=sure))
    fitted, sure = SimpleNamespace(coefficients=()), SimpleNamespace(confidence=1.0)
    found = candidates._examine(SimpleNamespace(within=lambda _: None), PARAMS, reading, NOTHING_KNOWN)
    assert found.extent == WHOLE


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
