"""Which black key is which: the ordered match of blobs on a line to the 36 black keys of a full keyboard.

A line of a plane maps to the picture as t = (a s + b) / (c s + 1), s in -1..1 along the keyboard. For a grid of curvatures c,
two blobs near the ends of the row are tied to two keys near the ends of the template, read in both directions; the best
hypotheses are refitted to all the keys they explain. The pattern alone decides the direction: mirrored, turned or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import BLACK_COUNT, BLACK_KEYS, CENTER_MM, KEYBOARD_WIDTH_MM, WHITE_PITCH_MM

TEMPLATE_S = 2.0 * CENTER_MM[BLACK_KEYS] / KEYBOARD_WIDTH_MM - 1.0
"""Centres of the black keys on -1..1, low to high, shape (36,)."""
WHITE_S = 2.0 * WHITE_PITCH_MM / KEYBOARD_WIDTH_MM
CURVATURES = np.linspace(-0.42, 0.42, 43)
END_BLOBS = 5
END_KEYS = 3
COARSE_TOLERANCE = 0.45
FINE_TOLERANCE = 0.22
"""How far from its place a blob may lie, in white-key widths: before and after the refit."""
REFITS = 6
MIN_BLOBS = 18


@dataclass(frozen=True)
class Match:
    """A labelling of blobs.

    Attributes
    ----------
    keys : black-key numbers 0..35 (low to high) that have a blob, ascending.
    blobs : the blob of each, indices into the blobs given.
    is_reversed : True where the low keys lie at larger t (to the right).
    score : keys explained less blobs in the keyboard's range that explain nothing, 36 at best.
    residual_key : median distance from place, in white-key widths.
    """

    keys: np.ndarray
    blobs: np.ndarray
    is_reversed: bool
    score: float
    residual_key: float


def match_row(t_px: np.ndarray) -> list[Match]:
    """Return labellings of blobs at `t_px` (n,), ascending along the row: the best one of each direction, best first.

    The list is empty when there are fewer than 18 blobs.
    """
    t_px = np.asarray(t_px, float)
    if len(t_px) < MIN_BLOBS:
        return []
    matches = []
    for is_reversed in (False, True):
        template = -TEMPLATE_S[::-1] if is_reversed else TEMPLATE_S
        coefficients = _hypotheses(t_px, template)
        scores = _scores(coefficients, t_px, template)
        finalists = [_refit(coefficients[i], t_px, template) for i in np.argsort(-scores, kind="stable")[:40]]
        keys, blobs, score, residual = max(finalists, key=lambda item: (item[2], -item[3]))
        if is_reversed:
            keys, blobs = BLACK_COUNT - 1 - keys[::-1], blobs[::-1]
        matches.append(Match(keys, blobs, is_reversed, score, residual))
    return sorted(matches, key=lambda match: -match.score + match.residual_key)


def _hypotheses(t_px: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Return rows (a, b, c) of all curves through an end pair of blobs and an end pair of keys, ascending in s."""
    first, last = np.arange(END_BLOBS), np.arange(len(t_px) - END_BLOBS, len(t_px))
    low, high = np.arange(END_KEYS), np.arange(BLACK_COUNT - END_KEYS, BLACK_COUNT)
    i, j, p, q, c = (axis.ravel() for axis in np.meshgrid(first, last, low, high, CURVATURES, indexing="ij"))
    left, right = t_px[i] * (c * template[p] + 1), t_px[j] * (c * template[q] + 1)
    a = (right - left) / (template[q] - template[p])
    rows = np.stack([a, left - a * template[p], c], axis=1)
    return rows[(a - rows[:, 1] * c) > 0]


def _places(coefficients: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return t and the width of a white key in px at `s`, each (rows, len(s))."""
    a, b, c = (coefficients[:, i : i + 1] for i in range(3))
    bottom = c * s + 1
    return (a * s + b) / bottom, np.abs(a - b * c) / bottom**2 * WHITE_S


def _scores(coefficients: np.ndarray, t_px: np.ndarray, template: np.ndarray) -> np.ndarray:
    place, white_px = _places(coefficients, template)
    right = np.clip(np.searchsorted(t_px, place), 1, len(t_px) - 1)
    distance = np.minimum(np.abs(place - t_px[right - 1]), np.abs(place - t_px[right])) / white_px
    return np.clip(1 - (distance / COARSE_TOLERANCE) ** 2, 0, None).sum(1)


def _refit(row: np.ndarray, t_px: np.ndarray, template: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return template numbers, blobs, score and residual after fitting the curve to what it explains, a few times."""
    for step in range(REFITS):
        place, white_px = _places(row[None], template)
        tolerance = COARSE_TOLERANCE + (FINE_TOLERANCE - COARSE_TOLERANCE) * step / (REFITS - 1)
        distance = np.abs(place[0][:, None] - t_px[None]) / white_px[0][:, None]
        blob = distance.argmin(1)
        mutual = distance.argmin(0)[blob] == np.arange(len(template))
        keys = np.flatnonzero(mutual & (distance[np.arange(len(template)), blob] < tolerance))
        if len(keys) < MIN_BLOBS:
            return keys, blob[keys], 0.0, 1.0
        s, t = template[keys], t_px[blob[keys]]
        row = np.linalg.lstsq(np.stack([s, np.ones_like(s), -s * t], axis=1), t, rcond=None)[0]
    residual = distance[keys, blob[keys]]
    inside = (t_px > place[0][0] - white_px[0][0]) & (t_px < place[0][-1] + white_px[0][-1])
    unexplained = int(inside.sum()) - len(keys)
    score = float((1 - 0.5 * (residual / FINE_TOLERANCE) ** 2).sum()) - 0.5 * max(0, unexplained)
    return keys, blob[keys], score, float(np.median(residual))
