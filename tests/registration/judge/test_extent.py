"""Which keys are in view, and where they lie on a piano: drawn keyboards with known ends, and the table of instruments."""

from dataclasses import replace

import numpy as np
import pytest
from registration_cases import drawn_plan

from tivit.registration.find.pattern import black_range, key_edges_mm
from tivit.registration.judge.extent import ROWS_IN_VIEW_MM, cut_by_picture, find_extent, is_in_view
from tivit.registration.judge.octave import Extent, align_to_piano
from tivit.registration.judge.refine import BLACK_BANDS, BLACK_ROWS, X_MM, Plan
from tivit.video.picture import Region

CAMERA_MM = np.array([611.0, 0.0, 1300.0])
MIRROR, OCTAVES, RARE = "mirror image cannot be told", "fit on a piano in", "no known instrument has"


@pytest.mark.parametrize(
    ("first", "last", "low_end", "high_end", "doubts"),
    [
        (21, 108, True, True, ()),
        (21, 108, False, False, ()),
        (21, 105, True, True, ()),
        (28, 103, True, True, ()),
        (21, 92, True, False, ()),
        (21, 60, True, False, ()),
        (36, 96, True, True, (OCTAVES,)),
        (36, 84, True, True, (OCTAVES,)),
        (48, 72, True, True, (OCTAVES,)),
        (30, 99, False, False, (MIRROR,)),
        (40, 90, False, False, (MIRROR, OCTAVES)),
        (23, 102, False, False, (MIRROR,)),
        (22, 104, False, False, (MIRROR,)),
        (21, 106, True, False, ()),
        (24, 96, True, True, (MIRROR, OCTAVES)),
        (28, 100, True, True, (MIRROR,)),
        (22, 108, True, True, (RARE,)),
        (25, 90, True, True, (MIRROR, OCTAVES)),
        (40, 108, False, True, (OCTAVES,)),
        (41, 84, True, True, (OCTAVES,)),
    ],
)
def test_what_is_known_of_a_keyboard(first, last, low_end, high_end, doubts):
    """Whole pianos and keyboards with a low A are known; the mirror image is open where neither end tells it."""
    alignment = align_to_piano(Extent(first, last, low_end, high_end), None, None)
    assert tuple(words for words in (MIRROR, OCTAVES, RARE) if words in alignment.doubt) == doubts
    assert bool(alignment.doubt) == bool(doubts)
    if not doubts:
        assert (alignment.octaves, alignment.is_mirrored) == (0, False)


@pytest.mark.parametrize("ends", [(True, True), (False, False)])
def test_ninety_keys_are_no_piano(ends):
    assert align_to_piano(Extent(20, 109, *ends), None, None) is None


@pytest.mark.parametrize(
    ("seen", "whole"),
    [
        ((21, 110), (21, 108)),
        ((17, 108), (21, 108)),
        ((19, 109), (21, 108)),
        ((14, 103), (16, 103)),
        ((33, 121), (33, 120)),
        ((21, 108), (21, 108)),
        ((22, 111), (22, 111)),
        ((16, 108), (16, 108)),
    ],
)
def test_more_keys_than_a_piano_has_are_trimmed_to_the_one_piano_among_them(seen, whole):
    """The last two hold no piano, and both a piano and its mirror image."""
    found = Extent(*seen, True, False).trimmed()
    assert found == Extent(*whole, True, whole[1] < seen[1])


@pytest.mark.parametrize(
    ("seen", "whole"),
    [
        ((26, 108, True, True), (21, 108)),
        ((21, 103, True, False), (21, 108)),
        ((20, 103, False, True), (16, 103)),
        ((23, 107, False, True), (21, 108)),
    ],
)
def test_a_piano_of_which_a_few_keys_are_hidden_is_completed(seen, whole):
    assert Extent(*seen).completed() == Extent(*whole, True, True)


@pytest.mark.parametrize("seen", [(21, 108), (21, 105), (19, 103), (28, 103), (36, 96), (33, 108), (26, 103), (28, 108)])
def test_known_instruments_and_open_cases_are_not_completed(seen):
    assert Extent(*seen, True, True).completed() == Extent(*seen, True, True)


@pytest.mark.parametrize(("beyond_mm", "is_certain"), [(1.0, False), (30.0, True)])
def test_an_end_is_certain_where_the_missing_black_key_would_be_in_the_picture(beyond_mm, is_certain):
    view_mm = (-200.0, key_edges_mm(96)[1] + beyond_mm)
    found = seen_extent(drawn_plan(CAMERA_MM, (36, 96), view_mm=view_mm), np.arange(8, 28), view_mm)
    assert found == Extent(36, 96, True, is_certain)


@pytest.mark.parametrize("octaves", [-2, -1, 1, 3])
@pytest.mark.parametrize(("first", "last"), [(21, 108), (21, 105), (28, 103)])
def test_an_octave_read_wrongly_is_put_right(first, last, octaves):
    alignment = align_to_piano(Extent(first, last, True, True).moved(octaves), None, None)
    assert (alignment.octaves, alignment.is_mirrored, alignment.doubt) == (-octaves, False, "")


@pytest.mark.parametrize(("first", "last"), [(21, 108), (21, 105), (28, 103)])
def test_a_mirror_image_is_seen_by_its_ends(first, last):
    alignment = align_to_piano(Extent(first, last, True, True).seen_in_mirror(), None, None)
    assert (alignment.is_mirrored, alignment.doubt) == (True, "")


def test_the_mirror_image_of_a_cut_piano_is_left_open_unless_given():
    """A low end at A0 in a mirror is a high end at G, which upright keyboards may have."""
    seen = Extent(21, 70, True, False).seen_in_mirror()
    assert seen == Extent(54, 103, False, True)
    assert MIRROR in align_to_piano(seen, None, None).doubt
    alignment = align_to_piano(seen, None, True)
    assert (alignment.octaves, alignment.is_mirrored, alignment.doubt) == (0, True, "")


def test_keys_of_a_whole_instrument_in_a_mirror_leave_it_open():
    """76 keys from A, the upper end under a reflection: a piano cut off at C7, or 76 keys from E to G in a mirror."""
    assert MIRROR in align_to_piano(Extent(21, 96, True, False), None, None).doubt
    assert align_to_piano(Extent(21, 95, True, False), None, None).doubt == ""
    assert align_to_piano(Extent(21, 96, True, False), 21, None).doubt == ""


@pytest.mark.parametrize("first_key", [24, 36, 48])
def test_a_first_key_given_decides_the_octave(first_key):
    alignment = align_to_piano(Extent(36, 96, True, True), first_key, None)
    assert (36 + 12 * alignment.octaves, alignment.doubt) == (first_key, "")


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_an_orientation_given_decides_the_mirror_image(is_mirrored):
    alignment = align_to_piano(Extent(28, 100, True, True), None, is_mirrored)
    assert alignment.is_mirrored == is_mirrored and MIRROR not in alignment.doubt
    both = align_to_piano(Extent(28, 100, True, True), 24 if is_mirrored else 28, is_mirrored)
    assert (both.is_mirrored, both.doubt) == (is_mirrored, "")


@pytest.mark.parametrize("first", range(21, 50, 4))
@pytest.mark.parametrize("last", range(80, 108, 5))
def test_the_mirror_of_the_mirror_is_the_same(first, last):
    extent = Extent(first, last, True, False)
    assert extent.seen_in_mirror().seen_in_mirror() == extent
    assert extent.seen_in_mirror().count == extent.count
    assert [first + 12 * k >= 21 and last + 12 * k <= 108 for k in extent.octaves()] == [True] * len(extent.octaves())


def seen_extent(plan, keys, view_mm=(-200.0, 1422.0), correction=()):
    """Return the extent of a drawn keyboard in a picture with 1 px per mm that shows `view_mm`."""
    to_image = np.array([[1.0, 0, -view_mm[0]], [0, -1.0, 200.0], [0, 0, 1.0]])
    bounds = Region(0, 0, int(view_mm[1] - view_mm[0]), 320)
    return find_extent(plan, CAMERA_MM, to_image, correction, keys, bounds)


@pytest.mark.parametrize(
    "instrument", [(21, 108), (21, 105), (28, 103), (24, 96), (28, 100), (36, 96), (36, 84), (48, 72), (41, 65)]
)
def test_instruments_are_followed_to_their_ends(instrument):
    blacks = np.arange(*black_range(instrument[0] + 1, instrument[1] - 1))
    found = seen_extent(drawn_plan(CAMERA_MM, instrument), blacks[2:-2])
    assert found == Extent(*instrument, True, True)


def test_black_keys_matched_beyond_the_end_are_left_out():
    assert seen_extent(drawn_plan(CAMERA_MM, (36, 96)), np.arange(4, 33)) == Extent(36, 96, True, True)


@pytest.mark.parametrize("shift_mm", [-4.0, 5.0])
def test_keys_are_looked_for_where_the_correction_says(shift_mm):
    found = seen_extent(drawn_plan(CAMERA_MM, (36, 96), shift_mm), np.arange(8, 28), correction=(shift_mm,))
    assert found == Extent(36, 96, True, True)


@pytest.mark.parametrize(("low", "high"), [(None, 84), (40, None), (40, 84), (33, 93)])
def test_the_picture_cuts_the_keyboard(low, high):
    """The picture ends 2 mm beyond a white key: that key is the last in view, and nothing is known of the instrument's end."""
    view_mm = (-200.0 if low is None else key_edges_mm(low)[0] - 2, 1422.0 if high is None else key_edges_mm(high)[1] + 2)
    found = seen_extent(drawn_plan(CAMERA_MM, view_mm=view_mm), np.arange(12, 24), view_mm)
    assert found == Extent(low or 21, high or 108, low is None, high is None)


def under_glare(plan, x_mm, rows, light=150.0):
    """Return a plan in less light, with light added up to white around a place in some thirds of the black keys' length."""
    grey = 0.7 * plan.grey
    for band in rows:
        grey[np.ix_(BLACK_BANDS[band], np.abs(X_MM - x_mm) < 60)] += light
    return Plan(np.minimum(grey, 255.0))


@pytest.mark.parametrize("rows", [(0, 1), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("midi", [25, 106])
def test_keys_are_followed_under_a_reflection(midi, rows):
    """Whether the instrument ends beyond a reflection is not known, and need not be: these are the keys of a whole piano."""
    found = seen_extent(under_glare(drawn_plan(CAMERA_MM), key_edges_mm(midi)[0], rows), np.arange(8, 28))
    assert (found.first_midi, found.last_midi) == (21, 108)


def test_keys_beyond_a_reflection_are_found():
    """A reflection that shows nothing, three black keys wide; those beyond it are seen."""
    plan = under_glare(drawn_plan(CAMERA_MM), key_edges_mm(90)[0], (0, 1, 2), light=255.0)
    assert seen_extent(plan, np.arange(8, 22)) == Extent(21, 108, True, True)


def test_a_bright_case_beside_the_keys_does_not_make_them_more():
    plan = drawn_plan(CAMERA_MM)
    plan.grey[:, key_edges_mm(108)[1] + 1.5 < X_MM] = 200.0
    assert seen_extent(plan, np.arange(8, 28)) == Extent(21, 108, True, True)


def test_too_few_keys_in_the_picture():
    view_mm = (key_edges_mm(40)[0] - 20, key_edges_mm(40)[1] + 1)
    assert seen_extent(drawn_plan(CAMERA_MM, view_mm=view_mm), np.arange(12, 24), view_mm) is None


@pytest.mark.parametrize(
    ("first_key", "doubts"),
    [(43, False), (42, False), (45, False), (57, False), (33, False), (40, True)],
    ids=["exact", "one key off", "one white key off", "an octave higher", "so in a mirror", "further off"],
)
def test_a_first_key_never_turns_the_keyboard_round(first_key, doubts):
    """People who give one have the picture upright; one key off is repaired, and more leaves the mirror image open."""
    alignment = align_to_piano(Extent(43, 91, False, False), first_key, None)
    assert not alignment.is_mirrored and (MIRROR in alignment.doubt) == doubts
    assert (alignment.extent.first_midi - 43) % 12 == 0 and abs(alignment.extent.first_midi - first_key) <= 6


def test_no_first_key_makes_a_mirror_image_of_a_cut_piano():
    """All stretches of 25 keys and more of a piano, their ends seen or cut, with the first key exact or one key off."""
    for first in range(21, 85):
        for last in range(first + 24, 109):
            if (first, last) == (21, 108):
                continue
            extent = Extent(first, last, first == 21, last == 108)
            for off in (-2, -1, 0, 1, 2):
                if 21 <= first + off <= 108:
                    alignment = align_to_piano(extent, first + off, None)
                    assert (alignment.extent, alignment.is_mirrored, alignment.doubt) == (extent, False, ""), (extent, off)


def test_keys_counted_too_many_at_a_cut_end_are_left_out_where_a_first_key_is_given():
    """81 keys from F# fit on no piano, and 79 do: what the picture cuts may have been counted."""
    seen = Extent(30, 110, False, False)
    assert seen.octaves() == []
    alignment = align_to_piano(seen, 30, None)
    assert (alignment.extent, alignment.is_mirrored, alignment.doubt) == (Extent(30, 108, False, False), False, "")


def test_an_unknown_instrument_is_named_without_its_octave():
    """Keys an octave below 0 have names such as A-2."""
    alignment = align_to_piano(Extent(22, 108, True, True).moved(-3), None, None)
    assert alignment.doubt.endswith("87 keys from A#")


def beside_bright_case(instrument):
    """Return a drawn keyboard between cheek blocks that are nearly as bright as its white keys."""
    plan = drawn_plan(CAMERA_MM, instrument)
    low_mm, high_mm = key_edges_mm(instrument[0])[0], key_edges_mm(instrument[1])[1]
    plan.grey[:, (low_mm - 1.5 > X_MM) | (high_mm + 1.5 < X_MM)] = 180.0
    return plan


@pytest.mark.parametrize("instrument", [(41, 65), (40, 76), (52, 76), (36, 96), (28, 103), (21, 108)])
def test_a_case_as_bright_as_the_keys_has_no_edge_where_a_key_would_have_one(instrument):
    """Some begin and end at F, and more at E or at C, beside them."""
    blacks = np.arange(*black_range(instrument[0] + 1, instrument[1] - 1))
    found = seen_extent(beside_bright_case(instrument), blacks[1:-1])
    assert (found.first_midi, found.last_midi) == instrument


def test_keys_beyond_a_hand_are_found():
    """The hand lies on three black keys and on the white ones between them, and the row of black keys ended before it."""
    plan = drawn_plan(CAMERA_MM)
    plan.grey[:, (key_edges_mm(85)[0] < X_MM) & (key_edges_mm(90)[1] > X_MM)] = 90.0
    assert seen_extent(plan, np.arange(8, 26)) == Extent(21, 108, True, True)


def test_a_hand_on_the_last_keys_does_not_make_more_of_them():
    plan = drawn_plan(CAMERA_MM, (36, 96))
    plan.grey[:, (key_edges_mm(91)[0] < X_MM) & (key_edges_mm(94)[1] > X_MM)] = 90.0
    found = seen_extent(plan, np.arange(8, 24))
    assert (found.first_midi, found.last_midi <= 96) == (36, True)


def test_a_reflection_in_a_dark_picture_is_one():
    """White keys have a level of 20, and the reflection one of 90: no white key is that much brighter than the others."""
    plan = drawn_plan(CAMERA_MM)
    dark = Plan(0.1 * plan.grey)
    dark.grey[np.ix_(BLACK_ROWS, np.abs(X_MM - key_edges_mm(90)[0]) < 60)] = 90.0
    assert seen_extent(dark, np.arange(8, 22)) == Extent(21, 108, True, True)


def test_a_lamp_on_the_last_keys_does_not_hide_those_beyond_it():
    """The last black keys that were matched are as bright as white keys elsewhere, and still darker than white ones there."""
    plan = drawn_plan(CAMERA_MM)
    lit = (key_edges_mm(72)[0] < X_MM) & (key_edges_mm(90)[1] > X_MM)
    plan.grey[:] *= 0.35
    plan.grey[:, lit] += 120.0
    assert seen_extent(plan, np.arange(8, 33)) == Extent(21, 108, True, True)


@pytest.mark.parametrize(("shift_mm", "last"), [(0.0, 84), (-8.0, 83), (20.0, 85), (-30.0, 82)])
def test_keys_at_the_border_are_counted_again_where_their_places_are_known_better(shift_mm, last):
    """The picture ends 3 mm beyond the 84th key as it was first followed; the exact places are `shift_mm` farther left."""
    border_mm = key_edges_mm(84)[1] + 3
    to_image = np.array([[1.0, 0, 200.0], [0, -1.0, 200.0], [0, 0, 1.0]])
    bounds = Region(0, 0, int(border_mm + 200), 320)
    seen = Extent(21, 84, True, False)
    found = cut_by_picture(seen, to_image, (), (-shift_mm,), bounds)
    assert found == replace(seen, last_midi=last)


def test_keys_that_end_within_the_picture_are_not_counted_again():
    to_image = np.array([[1.0, 0, 200.0], [0, -1.0, 200.0], [0, 0, 1.0]])
    seen = Extent(40, 84, False, False)
    assert cut_by_picture(seen, to_image, (), (15.0,), Region(0, 0, 1600, 320)) == seen


@pytest.mark.parametrize(("beyond_mm", "is_in_it"), [(0.0, True), (3.0, True), (12.0, False)])
def test_a_picture_that_ends_just_before_the_rows_that_show_a_press_still_shows_the_key(beyond_mm, is_in_it):
    """Where those rows are is known to a few millimetres only."""
    to_image = np.array([[1.0, 0, 200.0], [0, -1.0, 200.0], [0, 0, 1.0]])
    bottom = int(200 - ROWS_IN_VIEW_MM[0] - beyond_mm) + 1
    assert is_in_view(60, to_image, (), Region(0, 0, 1600, bottom)) == is_in_it


@pytest.mark.parametrize(("first", "last"), [(21, 108), (33, 107)])
def test_the_last_key_of_a_whole_piano_may_be_cut_off_a_little(first, last):
    """5 mm of it are out of the picture; of a keyboard that is cut anyway such a key is not in view."""
    to_image = np.array([[1.0, 0, 200.0], [0, -1.0, 200.0], [0, 0, 1.0]])
    bounds = Region(0, 0, int(key_edges_mm(108)[1] + 200 - 5), 320)
    assert cut_by_picture(Extent(first, 108, True, False), to_image, (), (), bounds).last_midi == last


def test_keys_that_vanish_within_the_picture_are_no_keyboard():
    """Far out the keys lie ever closer together before the border of the picture, so that one more is always in view."""
    plan = drawn_plan(CAMERA_MM, view_mm=(-np.inf, 900.0))
    to_image = np.array([[0.8, 0, 100.0], [0, -0.5, 200.0], [1 / 600, 0, 1.0]])
    blacks = np.arange(*black_range(40, 80))
    assert find_extent(plan, CAMERA_MM, to_image, (), blacks, Region(0, 0, 640, 360)) is None
