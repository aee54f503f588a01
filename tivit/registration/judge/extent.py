"""Which keys are in view: the keyboard is followed outwards, key by key, from the black keys that were matched.

It ends where a black key that should be there is not (the instrument ends) or where the picture ends. Keys are told by what is
bright beside what is dark near by, over all or a third of their length, because reflections add light. Keys are numbered as in
`pattern`, and places in mm are true places, before the x correction. Which octave they are is decided in `octave`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tivit.core.keyboard import KEY_COUNT, OCTAVE_KEYS, OCTAVE_MM, WHITE_PITCH_MM
from tivit.core.registration import correction_mm
from tivit.registration.find.pattern import (
    BLACK_PER_OCTAVE,
    WHITE_PER_OCTAVE,
    black_midi,
    black_range_mm,
    key_edges_mm,
    tail_mm,
    white_midi,
    whites_between,
)
from tivit.registration.find.pose import black_edges_mm
from tivit.registration.judge.octave import C, E, Extent, F
from tivit.registration.judge.refine import BLACK_BANDS, BLACK_ROWS, FRONT_ROWS, X_MM, Y_MM, Plan
from tivit.video.picture import Region

NEIGHBOURS = 8
"""So many of the matched black keys nearest to an end say how dark and how bright keys are there."""
GLARE, GLARE_LEVEL = 1.3, 235.0
"""What is brighter than white keys by this factor, and brighter than this grey level, is a reflection."""
DIM_GLARE = 2.5
"""In a dark picture a reflection may be darker than GLARE_LEVEL; what is brighter than white keys by this factor is one."""
GLARE_REACH = 4
"""So many white keys, from the last one outwards, are looked at for a reflection that hides how the keyboard goes on."""
MAX_STRAY = 4
"""So many of the outermost black keys matched may be something else, such as the edge of the case."""
MIN_SLOT_MM = 3.0
"""So much of the place of a key must be in the picture to say how bright it is."""
ROWS_IN_VIEW_MM = (float(Y_MM[FRONT_ROWS].min()), float(Y_MM[BLACK_ROWS].max()))
"""y of the rows that a key must have in the picture: those that show a press. Its edges may be out of the picture."""
MOST_RECOUNTED = 2
"""So many keys more or fewer may be in the picture than its first count, which knows the places of keys less well."""
ROW_TOLERANCE_MM = 4.0
"""Where these rows are is known no better than this before the keys are corrected across, and a picture that ends just before
the fronts of the keys would seem to end the keyboard."""
END_TOLERANCE_MM = 7.0
"""So much of the outermost key of an instrument may be cut off by the picture."""
HALF = 0.5
"""A place passes for black up to this share of the way from black to white."""
DARKER = 0.7
"""A slot that is darker than both white keys beside it by this factor holds a black key, whatever the light on them."""
SHADE = 0.25
"""So much of the usual difference between black and white must be left where a reflection adds light."""
BRIDGE = 3
"""So many black keys may be hidden by a reflection when those beyond them are seen."""
RESUMING = 3
"""So many black keys in a row, each between white ones, are the keyboard again: clutter is not spaced like that."""
LIGHT_KEYS, LIGHT_FITS, LIGHT_SPREAD = 10, 6, 0.15
"""From so many white keys on the light along the keyboard is followed, by a robust curve of second power through the logarithm
of their levels; its steps, and the usual spread about it."""
FALLING_LIGHT = 1.5
"""Light that is brighter by less than this factor where it is brightest is taken to be even."""
EDGE_WINDOWS_MM = ((-15.0, -10.0), (-9.0, -4.0), (-2.0, 2.0), (4.0, 9.0), (10.0, 15.0))
"""Where brightness is taken beside the far edge of a white key, from the inside outwards."""
EDGE_SHIFTS_MM = (-3.0, 0.0, 3.0)
"""So far from its place the edge is looked for."""
LEAST_EDGE = {(-1, F): 0.02, (1, E): 0.06, (-1, C): 0.25}
"""How clear the edge beyond the farther of two white keys must be for the instrument to end there, by the side and the nearer
of them: E below F, F above E, B below C. In rendered views, 0.03 or more was seen of 98 % of the Es that are there, and 0.02 or
less of places on a case; above an E up to 0.05 where there is no F, and 0.07 where there is. No common instrument begins at a
B, and a C at the high end is never doubted."""
WHITE_SHARE = 0.62
"""A key is white when it is this far on the way from black to the usual white; wooden cases are often darker."""


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
        None when the picture holds too few of the keys.
    """
    slots = _Slots(plan, camera_mm, correction, keys)

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


def _outermost_key(slots: _Slots, keys: np.ndarray, step: int, in_view) -> tuple[int, bool] | None:
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
    while in_view(midi + step):
        midi += step
    return midi, False


def _end_after(slots: _Slots, outer: int, step: int, levels: _Levels) -> int:
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


@dataclass(frozen=True)
class _Levels:
    """Grey levels (0..255) of keys near one end: black keys, white tails between them, white fronts."""

    dark: float
    tail: float
    front: float


class _Slots:
    """The places of keys in the rectified picture, and whether a key is seen there."""

    def __init__(self, plan: Plan, camera_mm: np.ndarray, correction: tuple[float, ...], blacks: np.ndarray) -> None:
        self.camera_mm, self.correction = camera_mm, correction
        # What black keys hide is asked for again and again.
        self._black_edges = (int(blacks.min()), np.zeros(0), np.zeros(0))
        self._tails: dict[int, tuple[float, float]] = {}
        self.back, self.front = plan.profile(BLACK_ROWS), plan.profile(FRONT_ROWS)
        self.bands = [plan.profile(rows) for rows in BLACK_BANDS]
        # What a spotlight takes from the ends of a keyboard is given back, so that the levels of keys are alike.
        light = self._light(blacks)
        self.back, self.front, *self.bands = (profile / light for profile in (self.back, self.front, *self.bands))
        self.all_over = self._medians(blacks)

    def levels(self, near: np.ndarray) -> _Levels:
        """Return the levels around black keys `near` one end; where a lamp shines, of white keys at most the usual ones, and of
        black keys hardly more."""
        here = self._medians(near)
        most = self.all_over[0] + SHADE * (self.all_over[1] - self.all_over[0])
        return _Levels(min(here[0], most), min(here[1], self.all_over[1]), min(here[2], self.all_over[2]))

    def is_black_there(self, number: int, step: int, levels: _Levels) -> bool | None:
        """Return whether a black key may stand at its place, coming from the side of -step; None: it is not in the picture.

        Only its nearer half is looked at: where an instrument ends, the other half may be the dark case. A reflection may hide
        a key.
        """
        left, right = self._black(number)
        middle = (left + right) / 2
        value = self._median(self.back, *((left, middle) if step > 0 else (middle, right)))
        if np.isnan(value):
            return None
        if _is_glare(value, levels.tail) or value < levels.dark + HALF * (levels.tail - levels.dark):
            return True
        beside = [self._median(self.back, *self._tail(white)) for white in whites_between(number)]
        return bool(value < DARKER * min(beside)) or self.is_shade_at(number, step, levels)

    def is_shade_at(self, number: int, step: int, levels: _Levels) -> bool:
        """Return whether over some of its length a black key's place is clearly darker than the white keys on both sides."""
        left, right = self._black(number)
        middle = (left + right) / 2
        half = (left, middle) if step > 0 else (middle, right)
        tails = [self._tail(white) for white in whites_between(number)]
        for band in self.bands:
            beside = min(self._median(band, *tail) for tail in tails)
            is_white = beside > levels.dark + WHITE_SHARE * (levels.tail - levels.dark)
            if is_white and beside - self._median(band, *half) > SHADE * (levels.tail - levels.dark):
                return True
        return False

    def hidden_by_glare(self, outer: int, step: int, levels: _Levels) -> int:
        """Return how many black keys after the outermost one a reflection hides, before one that is seen; 0 when none is."""
        for hidden in range(1, BRIDGE + 1):
            near = white_midi(whites_between(outer + step * hidden)[0 if step > 0 else 1])
            if not self.is_glare_at(near, step, levels):
                return 0
            if self.is_shade_at(outer + step * (hidden + 1), step, levels):
                return hidden
        return 0

    def hidden_before_more(self, outer: int, step: int, levels: _Levels) -> int:
        """Return how many black keys after the outermost one something hides, such as a hand, before RESUMING ones that are
        seen without a doubt; 0 where there are none."""
        for hidden in range(1, BRIDGE + 1):
            resuming = [outer + step * (hidden + place) for place in range(1, RESUMING + 1)]
            if all(self.is_plain_at(number, levels) for number in resuming):
                return hidden
        return 0

    def is_plain_at(self, number: int, levels: _Levels) -> bool:
        """Return whether a dark key between two bright ones is seen at the place of a black key."""
        value = self._median(self.back, *self._black(number))
        beside = [self._median(self.back, *self._tail(white)) for white in whites_between(number)]
        dark, bright = (levels.dark + share * (levels.tail - levels.dark) for share in (HALF, WHITE_SHARE))
        return bool(value < dark and min(beside) > bright)

    def is_white(self, number: int, levels: _Levels) -> bool | None:
        """Return whether the front or the tail of a white key is bright; None when it is not in the picture."""
        front, tail = self._median(self.front, *self._front(number)), self._median(self.back, *self._tail(number))
        if np.isnan(front) and np.isnan(tail):
            return None
        bright = [levels.dark + WHITE_SHARE * (level - levels.dark) for level in (levels.front, levels.tail)]
        return bool(front > bright[0] or tail > bright[1])

    def edge_beyond(self, white: int, step: int, levels: _Levels) -> float:
        """Return how clear the far edge of a white key is, as a share of the difference between white and black: the step in
        brightness there beside how the light changes around it, or a narrow dark line; NaN where it is not in the picture."""
        edge_mm = (white + (step > 0)) * WHITE_PITCH_MM
        clearest = float("nan")
        for profile, bright in ((self.front, levels.front), (self.back, levels.tail)):
            for shift_mm in EDGE_SHIFTS_MM:
                at = edge_mm + shift_mm + step * np.array(EDGE_WINDOWS_MM)
                inner, inside, line, outside, outer = (self._median(profile, min(pair), max(pair)) for pair in at)
                gradient = max(abs(inner - inside), abs(outside - outer))
                edge = max(abs(inside - outside) - gradient, min(inside, outside) - line) / max(bright - levels.dark, 1.0)
                clearest = np.fmax(clearest, edge)
        return float(clearest)

    def is_glare_at(self, midi: int, step: int, levels: _Levels) -> bool:
        """Return whether a reflection lies on a white key or on what is beyond it: then the instrument may go on below it."""
        number = int(round(key_edges_mm(midi)[0] / WHITE_PITCH_MM))
        for white in range(number, number + GLARE_REACH * step, step):
            front, tail = self._median(self.front, *self._front(white)), self._median(self.back, *self._tail(white))
            if _is_glare(front, levels.front) or _is_glare(tail, levels.tail):
                return True
        return False

    def are_white(self, outer: int, step: int, levels: _Levels) -> bool:
        """Return whether the white keys from a black key to beyond the next one are bright where they are in the picture.

        A hand may lie on one of them, but not on the last: beyond that the instrument may have ended.
        """
        near = whites_between(outer)[1 if step > 0 else 0]
        beyond = whites_between(outer + step)[1 if step > 0 else 0]
        dark = [white for white in range(near, beyond + step, step) if self.is_white(white, levels) is False]
        return len(dark) <= 1 and beyond not in dark

    def _light(self, blacks: np.ndarray) -> np.ndarray:
        """Return how bright the light is at each of X_MM beside its median, by the white keys around black ones."""
        whites = np.array(sorted({white for number in blacks for white in whites_between(int(number))}))
        level = np.array([self._median(self.back, *self._tail(int(white))) for white in whites])
        is_seen = np.isfinite(level) & (level > 0)
        if is_seen.sum() < LIGHT_KEYS:
            return np.ones(len(X_MM))
        place, log_level = whites[is_seen] / WHITE_PER_OCTAVE, np.log(level[is_seen])
        weight = np.ones(len(place))
        for _ in range(LIGHT_FITS):
            curve = np.polynomial.Polynomial.fit(place, log_level, 2, w=weight)
            weight = (1 + ((log_level - curve(place)) / LIGHT_SPREAD) ** 2) ** -0.5
        if np.ptp(curve(place)) < np.log(FALLING_LIGHT):
            return np.ones(len(X_MM))
        return np.exp(curve(np.clip(X_MM / OCTAVE_MM, place.min(), place.max())) - np.median(curve(place)))

    def _medians(self, blacks: np.ndarray) -> tuple[float, float, float]:
        """Return the median levels of black keys and of the tails and fronts of the white keys around them."""
        whites = sorted({white for number in blacks for white in whites_between(int(number))})
        dark = [self._median(self.back, *self._black(int(number))) for number in blacks]
        tails = [self._median(self.back, *self._tail(white)) for white in whites]
        fronts = [self._median(self.front, *self._front(white)) for white in whites]
        return tuple(float(np.median(finite)) if len(finite := _finite(values)) else 0.0 for values in (dark, tails, fronts))

    def _black(self, number: int) -> tuple[float, float]:
        """Return the x extent (mm) of the dark area of a black key, without its edges."""
        left, right = self._edges(number, number + 1)
        return float(left[0]) + 1.5, float(right[0]) - 1.5

    def _tail(self, white: int) -> tuple[float, float]:
        """Return the x extent (mm) of the tail of a white key that no black key hides from the camera, without its edges."""
        if white not in self._tails:
            left, right = tail_mm(white)
            dark_left, dark_right = self._edges(*black_range_mm(left - WHITE_PITCH_MM, right + WHITE_PITCH_MM))
            middle = (left + right) / 2
            before = dark_right[dark_right < middle + WHITE_PITCH_MM / 4]
            after = dark_left[dark_left > middle - WHITE_PITCH_MM / 4]
            self._tails[white] = (
                max(left, float(before.max(initial=left))) + 1,
                min(right, float(after.min(initial=right))) - 1,
            )
        return self._tails[white]

    def _edges(self, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Return `black_edges_mm` of black keys first..end - 1."""
        low, left, right = self._black_edges
        if first < low or end > low + len(left):
            low, high = min(first, low) - BLACK_PER_OCTAVE, max(end, low + len(left)) + BLACK_PER_OCTAVE
            left, right = black_edges_mm(np.arange(low, high), self.camera_mm)
            self._black_edges = (low, left, right)
        return left[first - low : end - low], right[first - low : end - low]

    def _front(self, white: int) -> tuple[float, float]:
        """Return the x extent (mm) of the middle of the front of a white key."""
        return (white + 0.2) * WHITE_PITCH_MM, (white + 0.8) * WHITE_PITCH_MM

    def _median(self, profile: np.ndarray, left: float, right: float) -> float:
        """Return the median of a profile over true x left..right (mm); NaN with less than MIN_SLOT_MM in the picture."""
        x = np.arange(left, right + 0.5, 1.0)
        values = np.interp(x + correction_mm(self.correction, x), X_MM, profile, left=np.nan, right=np.nan)
        values = np.sort(values[np.isfinite(values)])
        count = len(values)
        return float(values[(count - 1) // 2] + values[count // 2]) / 2 if count >= MIN_SLOT_MM else float("nan")


def _is_glare(level: float, white: float) -> bool:
    """Return whether a level is that of a reflection, beside white keys; False where it is no number."""
    return level > max(GLARE * white, GLARE_LEVEL) or level > DIM_GLARE * white


def _finite(values: list[float]) -> np.ndarray:
    array = np.array(values)
    return array[np.isfinite(array)]
