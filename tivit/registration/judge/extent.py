"""Which keys are in view: the keyboard is followed outwards, key by key, from the black keys that were matched.

It ends where a black key that should be there is not (the instrument ends) or where the picture ends. What is seen at the place
of a key is in `slots`, and which octave the keys are is decided in `octave`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tivit.core.keyboard import KEY_COUNT, OCTAVE_KEYS
from tivit.core.registration import correction_mm
from tivit.registration.find.pattern import (
    black_midi,
    key_edges_mm,
    white_midi,
    whites_between,
)
from tivit.registration.judge.octave import C, E, Extent, F
from tivit.registration.judge.refine import BLACK_ROWS, FRONT_ROWS, Y_MM, Plan
from tivit.registration.judge.slots import Levels, Slots
from tivit.video.picture import Region

NEIGHBOURS = 8
"""So many of the matched black keys nearest to an end say how dark and how bright keys are there."""
MAX_STRAY = 4
"""So many of the outermost black keys matched may be something else, such as the edge of the case."""
ROWS_IN_VIEW_MM = (float(Y_MM[FRONT_ROWS].min()), float(Y_MM[BLACK_ROWS].max()))
"""y of the rows that a key must have in the picture: those that show a press. Its edges may be out of the picture."""
MOST_RECOUNTED = 2
"""So many keys more or fewer may be in the picture than its first count, which knows the places of keys less well."""
ROW_TOLERANCE_MM = 4.0
"""Where these rows are is known no better than this before the keys are corrected across, and a picture that ends just before
the fronts of the keys would seem to end the keyboard."""
END_TOLERANCE_MM = 7.0
"""So much of the outermost key of an instrument may be cut off by the picture."""
LEAST_EDGE = {(-1, F): 0.02, (1, E): 0.06, (-1, C): 0.25}
"""How clear the edge beyond the farther of two white keys must be for the instrument to end there, by the side and the nearer
of them: E below F, F above E, B below C. In rendered views, 0.03 or more was seen of 98 % of the Es that are there, and 0.02 or
less of places on a case; above an E up to 0.05 where there is no F, and 0.07 where there is. No common instrument begins at a
B, and a C at the high end is never doubted."""


def find_extent(
    plan: Plan,
    camera_mm: np.ndarray,
    plane_to_image: np.ndarray,
    correction: tuple[float, ...],
    keys: np.ndarray,
    bounds: Region,
) -> Extent | None:
    """Return which keys are in view, following the keyboard outwards from black keys that were found.

    Parameters
    ----------
    plan : Plan
        The picture on the raster of the white-key plane.
    camera_mm : ndarray, (3,), mm
        Where the camera is.
    plane_to_image : ndarray, (3, 3)
        Homography from (x_mm, y_mm, 1) of that plane to image px.
    correction : tuple of float, mm
        The x correction that holds so far, lowest power first.
    keys : ndarray, (n,), int
        Numbers of the black keys that were found (`pattern`).
    bounds : Region
        Where the picture is; what lies beyond, such as a slide that it is set into, shows no key.

    Returns
    -------
    Extent or None
        None when the picture holds too few of the keys, or more than a piano has.
    """
    slots = Slots(plan, camera_mm, correction, keys)

    def in_view(midi: int, tolerance_mm: float = 0.0) -> bool:
        return is_in_view(midi, plane_to_image, correction, bounds, tolerance_mm)

    ends = [_outermost_key(slots, keys, step, in_view) for step in (-1, 1)]
    if None in ends:
        return None
    (first, is_low_end), (last, is_high_end) = ends
    if first >= last:
        return None
    extent = Extent(first, last, is_low_end, is_high_end).trimmed()
    whole = extent.completed()
    return whole if all(in_view(midi, END_TOLERANCE_MM) for midi in (whole.first_midi, whole.last_midi)) else extent


def cut_by_picture(
    extent: Extent, plane_to_image: np.ndarray, correction: tuple[float, ...], exact: tuple[float, ...], bounds: Region
) -> Extent:
    """Return the keys in view where the places of keys are known better than when the keyboard was followed.

    Parameters
    ----------
    extent : Extent
        What `find_extent` returned.
    plane_to_image : ndarray, (3, 3)
        Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
    correction, exact : tuple of float, mm
        The x correction with which the keyboard was followed, and the one that holds.
    bounds : Region
        Where the picture is.

    Returns
    -------
    Extent
        With up to MOST_RECOUNTED keys more or fewer at an end where the picture cuts the keyboard; the same keys elsewhere, and
        where the outermost key of a whole piano is cut off no more than it may be.
    """
    is_whole = extent.count == KEY_COUNT

    def recounted(midi: int, step: int) -> int:
        if is_in_view(midi + step, plane_to_image, correction, bounds):
            return midi  # not the picture ends here but what can be seen of the keys
        if is_whole and is_in_view(midi, plane_to_image, exact, bounds, END_TOLERANCE_MM):
            return midi
        keys = range(midi + step * MOST_RECOUNTED, midi - step * (MOST_RECOUNTED + 1), -step)
        return next((key for key in keys if is_in_view(key, plane_to_image, exact, bounds)), midi)

    first = extent.first_midi if extent.is_low_end else recounted(extent.first_midi, -1)
    last = extent.last_midi if extent.is_high_end else recounted(extent.last_midi, 1)
    return replace(extent, first_midi=first, last_midi=last)


def is_in_view(
    midi: int, plane_to_image: np.ndarray, correction: tuple[float, ...], bounds: Region, tolerance_mm: float = 0.0
) -> bool:
    """Return whether the rows of a key that show a press (ROWS_IN_VIEW_MM) are in the picture.

    Parameters
    ----------
    midi : int
        MIDI number of the key.
    plane_to_image : ndarray, (3, 3)
        Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
    correction : tuple of float, mm
        The x correction, lowest power first.
    bounds : Region
        Where the picture is.
    tolerance_mm : float, mm
        So much of the key may be cut off at either side.

    Returns
    -------
    bool
    """
    left, right = key_edges_mm(midi)
    left, right = left + tolerance_mm, right - tolerance_mm
    x_mm = np.array([left, right, right, left])
    rows_mm = np.array(ROWS_IN_VIEW_MM) + (ROW_TOLERANCE_MM, -ROW_TOLERANCE_MM)
    plane = np.stack([x_mm + correction_mm(correction, x_mm), np.repeat(rows_mm, 2), np.ones(4)])
    image = plane_to_image @ plane
    points = image[:2] / image[2]
    begin, end = (np.array(side)[:, None] - 0.5 for side in ((bounds.left, bounds.top), (bounds.right, bounds.bottom)))
    return bool((image[2] > 0).all() and (points > begin).all() and (points < end).all())


def _outermost_key(slots: Slots, keys: np.ndarray, step: int, in_view) -> tuple[int, bool] | None:
    """Return the outermost key (MIDI) in view on one side (step -1: low, 1: high) and whether the instrument ends there.

    The end is certain only where the place of the black key that is missing is wholly in the picture.
    """
    blacks = np.sort(keys)[:NEIGHBOURS] if step < 0 else np.sort(keys)[-NEIGHBOURS:]
    outer = int(blacks[0] if step < 0 else blacks[-1])
    levels = slots.levels(blacks)
    # Inwards first: the outermost black key that was matched may be none.
    for _ in range(MAX_STRAY):
        if slots.is_black_there(outer, step, levels) is not False and slots.are_white(outer - step, step, levels):
            break
        outer -= step
    # Outwards, as long as there is a black key with white ones to either side; where it seems to stop, a reflection may hide
    # keys, and the search goes on beyond it when there are keys again.
    while True:
        while (there := slots.is_black_there(outer + step, step, levels)) and slots.are_white(outer, step, levels):
            outer += step
        hidden = slots.hidden_by_glare(outer, step, levels) if there is False else 0
        hidden = hidden or slots.hidden_before_more(outer, step, levels)
        if hidden == 0:
            break
        outer += step * (hidden + 1)
    # A black key is missing, or what would be white beside it is not: the instrument ends before it.
    if there is False or (there and not slots.are_white(outer, step, levels)):
        end = _end_after(slots, outer, step, levels)
        if in_view(end, END_TOLERANCE_MM):
            return end, in_view(black_midi(outer + step)) and not slots.is_glare_at(end, step, levels)
    # Otherwise the picture ends first: the last key that is wholly in it counts.
    midi = black_midi(int(blacks[-1] if step < 0 else blacks[0]))
    if not in_view(midi):
        return None
    # Keys that vanish within the picture would go on for ever; no piano has so many.
    for _ in range(KEY_COUNT):
        if not in_view(midi + step):
            return midi, False
        midi += step
    return None


def _end_after(slots: Slots, outer: int, step: int, levels: Levels) -> int:
    """Return the white key (MIDI) at which the instrument ends, beyond its outermost black key.

    Where two white keys stand before the missing black one, a bright case passes for the farther one. A key has an edge on its
    far side, and a case goes on. How clear that edge must be says how common such an end is (LEAST_EDGE).
    """
    near = whites_between(outer)[1 if step > 0 else 0]
    far = whites_between(outer + step)[0 if step > 0 else 1]
    if near == far:
        return white_midi(near)
    least = LEAST_EDGE.get((step, white_midi(near) % OCTAVE_KEYS), 0.0)
    edge = slots.edge_beyond(far, step, levels)
    is_far = slots.is_white(far, levels) is not False and not edge < least
    return white_midi(far if is_far else near)
