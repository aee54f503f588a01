"""The places of keys in the rectified picture: how bright they are near one end of the keyboard, and what is seen there.

Keys are told by what is bright beside what is dark near by, over all or a third of their length, because reflections add light.
Keys are numbered as in `pattern`, and places in mm are true places, before the x correction. Which keys are in view is decided
in `extent`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import OCTAVE_MM, WHITE_PITCH_MM
from tivit.core.registration import correction_mm
from tivit.registration.find.pattern import (
    BLACK_PER_OCTAVE,
    WHITE_PER_OCTAVE,
    black_range_mm,
    key_edges_mm,
    tail_mm,
    white_midi,
    whites_between,
)
from tivit.registration.find.pose import black_edges_mm
from tivit.registration.judge.refine import BLACK_BANDS, BLACK_ROWS, FRONT_ROWS, X_MM, Plan

GLARE, GLARE_LEVEL = 1.3, 235.0
"""What is brighter than white keys by this factor, and brighter than this grey level, is a reflection."""
DIM_GLARE = 2.5
"""In a dark picture a reflection may be darker than GLARE_LEVEL; what is brighter than white keys by this factor is one."""
GLARE_REACH = 4
"""So many white keys, from the last one outwards, are looked at for a reflection that hides how the keyboard goes on."""
MIN_SLOT_MM = 3.0
"""So much of the place of a key must be in the picture to say how bright it is."""
HALF = 0.5
"""A place passes for black up to this share of the way from black to white."""
DARKER = 0.7
"""A slot that is darker than both white keys beside it by this factor holds a black key, whatever the light on them."""
SHADE = 0.25
"""So much of the usual difference between black and white must be left where a reflection adds light."""
BRIDGE = 3
"""So many black keys may be hidden, by a reflection or a hand, when those beyond them are seen."""
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
WHITE_SHARE = 0.62
"""A key is white when it is this far on the way from black to the usual white; wooden cases are often darker."""


@dataclass(frozen=True)
class Levels:
    """Grey levels of keys near one end of the keyboard.

    Attributes
    ----------
    dark, tail, front : float, 0..255
        Of black keys, of the white tails between them, and of white fronts.
    """

    dark: float
    tail: float
    front: float


class Slots:
    """The places of keys in the rectified picture, and whether a key is seen there.

    In all methods `number` and `outer` are those of black keys and `white` those of white ones (`pattern`), and `step` is -1
    at the low end of the keyboard and 1 at the high end.

    Parameters
    ----------
    plan : Plan
        The picture on the raster of the white-key plane.
    camera_mm : ndarray, (3,), mm
        Where the camera is.
    correction : tuple of float, mm
        The x correction that holds so far, lowest power first.
    blacks : ndarray, (n,), int
        Numbers of the black keys that were found.
    """

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

    def levels(self, near: np.ndarray) -> Levels:
        """Return the levels around black keys `near` one end; where a lamp shines, of white keys at most the usual ones, and of
        black keys hardly more."""
        here = self._medians(near)
        most = self.all_over[0] + SHADE * (self.all_over[1] - self.all_over[0])
        return Levels(min(here[0], most), min(here[1], self.all_over[1]), min(here[2], self.all_over[2]))

    def is_black_there(self, number: int, step: int, levels: Levels) -> bool | None:
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

    def is_shade_at(self, number: int, step: int, levels: Levels) -> bool:
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

    def hidden_by_glare(self, outer: int, step: int, levels: Levels) -> int:
        """Return how many black keys after the outermost one a reflection hides, before one that is seen; 0 when none is."""
        for hidden in range(1, BRIDGE + 1):
            near = white_midi(whites_between(outer + step * hidden)[0 if step > 0 else 1])
            if not self.is_glare_at(near, step, levels):
                return 0
            if self.is_shade_at(outer + step * (hidden + 1), step, levels):
                return hidden
        return 0

    def hidden_before_more(self, outer: int, step: int, levels: Levels) -> int:
        """Return how many black keys after the outermost one something hides, such as a hand, before RESUMING ones that are
        seen without a doubt; 0 where there are none."""
        for hidden in range(1, BRIDGE + 1):
            resuming = [outer + step * (hidden + place) for place in range(1, RESUMING + 1)]
            if all(self.is_plain_at(number, levels) for number in resuming):
                return hidden
        return 0

    def is_plain_at(self, number: int, levels: Levels) -> bool:
        """Return whether a dark key between two bright ones is seen at the place of a black key."""
        value = self._median(self.back, *self._black(number))
        beside = [self._median(self.back, *self._tail(white)) for white in whites_between(number)]
        dark, bright = (levels.dark + share * (levels.tail - levels.dark) for share in (HALF, WHITE_SHARE))
        return bool(value < dark and min(beside) > bright)

    def is_white(self, white: int, levels: Levels) -> bool | None:
        """Return whether the front or the tail of a white key is bright; None when it is not in the picture."""
        front, tail = self._median(self.front, *self._front(white)), self._median(self.back, *self._tail(white))
        if np.isnan(front) and np.isnan(tail):
            return None
        bright = [levels.dark + WHITE_SHARE * (level - levels.dark) for level in (levels.front, levels.tail)]
        return bool(front > bright[0] or tail > bright[1])

    def edge_beyond(self, white: int, step: int, levels: Levels) -> float:
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

    def is_glare_at(self, midi: int, step: int, levels: Levels) -> bool:
        """Return whether a reflection lies on a white key or on what is beyond it: then the instrument may go on below it."""
        number = int(round(key_edges_mm(midi)[0] / WHITE_PITCH_MM))
        for white in range(number, number + GLARE_REACH * step, step):
            front, tail = self._median(self.front, *self._front(white)), self._median(self.back, *self._tail(white))
            if _is_glare(front, levels.front) or _is_glare(tail, levels.tail):
                return True
        return False

    def are_white(self, outer: int, step: int, levels: Levels) -> bool:
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
