"""Which black key is which: blobs on a line read as a stretch of the black-key pattern.

Black keys lie within 0.15 white keys of whole multiples of the white pitch. So a comb of that pitch, seen in perspective, is
looked for first: tau' = tau / (1 + r tau) undoes the perspective, and |sum exp(2 pi i p tau')| over the blobs peaks at the
right r and pitch p, whatever is missing or added. Then the place within the octave is taken that explains the blobs best, and a
curve through what was explained is refitted, u = (a tau + b + d tau^3) / (c tau + 1) with u in white keys.

The pattern without its ends is its own mirror image (about every D), so a row says nothing of the direction. Keys are numbered
upwards from left to right here; what the ends say of it is decided in `octave`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import WHITE_PITCH_MM
from tivit.registration.find.pattern import BLACK_PER_OCTAVE, WHITE_PER_OCTAVE, black_center_mm

PERSPECTIVES = np.linspace(-0.4, 0.4, 41)
"""The values of r that are tried."""
PITCH_STEP = 0.15
"""Step of the comb's pitch, in white keys over half the row: half of it is off by 0.15 keys at the ends."""
SPAN_PER_BLOB = (1.05, 3.2)
"""White keys that a row can span per gap between its blobs: 1.4 when all black keys are found."""
MAX_SPAN = 60.0
"""White keys that a row can span at most; a piano has 52."""
COMBS = 24
"""So many of the strongest combs are tried in all seven places of the octave."""
COARSE_TOLERANCE = 0.45
FINE_TOLERANCE = 0.22
"""How far a blob may lie from its key, in white-key widths: at the first fit (coarse) and at the last (fine)."""
REFITS = 6
"""How often blobs are given to keys and the curve is fitted; the tolerance shrinks from one time to the next."""
FINALISTS = 12
"""So many of the best first guesses are refitted."""
MIN_BLOBS = 7
"""Shorter rows are not read: an octave has five black keys, so fewer hardly repeat it."""
CUBIC_BLOBS = 16
"""From so many blobs on the curve has its cubic term d, which follows a lens."""
MISSING_COST, EXTRA_COST = 0.3, 0.5
"""What the score loses for a key that has no blob, and for a blob that is no key; a key explained counts up to 1."""


@dataclass(frozen=True)
class Match:
    """A labelling of blobs.

    Attributes
    ----------
    keys : ndarray, (k,), int
        Numbers of the black keys that have a blob (`pattern`; the octave is arbitrary), ascending.
    blobs : ndarray, (k,), int
        The blob of each key: indices into the blobs given, ascending.
    score : float
        Keys explained, less the cost of blobs that are no key and of keys that have no blob.
    residual_key : float
        Median distance of the blobs from their keys, in white-key widths.
    """

    keys: np.ndarray
    blobs: np.ndarray
    score: float
    residual_key: float


def match_row(t_px: np.ndarray) -> list[Match]:
    """Return the labellings of a row of blobs, best first.

    Parameters
    ----------
    t_px : ndarray, (n,), px
        Places of the blobs along their row, ascending.

    Returns
    -------
    list of Match
        Different labellings; empty when there are fewer than 7 blobs, or when nothing explains as many.

    Notes
    -----
    The strength of a comb is the periodogram of a point process.

    References
    ----------
    M. S. Bartlett, "The spectral analysis of point processes", Journal of the Royal Statistical Society B 25(2), 1963.
    """
    t_px = np.asarray(t_px, float)
    if len(t_px) < MIN_BLOBS:
        return []
    tau = 2 * (t_px - t_px[0]) / (t_px[-1] - t_px[0]) - 1  # -1..1 along the row
    starts = _starts(tau)
    matches: dict[tuple, Match] = {}
    for i in np.argsort(-_coarse_scores(starts), kind="stable")[:FINALISTS]:
        match = _refit(starts[i], tau)
        if match is not None:
            same = (*match.keys.tolist(), *match.blobs.tolist())
            if same not in matches or matches[same].score < match.score:
                matches[same] = match
    return sorted(matches.values(), key=lambda match: -match.score + match.residual_key)


def _starts(tau: np.ndarray) -> np.ndarray:
    """Return first guesses of the u of each blob, (guesses, n): the best combs in the seven places of an octave."""
    spans = np.clip(np.array(SPAN_PER_BLOB) * (len(tau) - 1), 4.0, MAX_SPAN)
    pitches = np.arange(spans[0] / 2, spans[1] / 2 + PITCH_STEP, PITCH_STEP)
    straight = tau[None] / (1 + PERSPECTIVES[:, None] * tau[None])  # (r, n)
    # Brought to 0..2, so that a pitch is a number of white keys over half the row for every perspective.
    straight = straight - straight[:, :1]
    straight = 2 * straight / straight[:, -1:]
    waves = np.exp(2j * np.pi * pitches[None, :, None] * straight[:, None]).sum(-1)  # (r, pitches)
    strength = np.abs(waves)
    # A comb near a good one is nearly as good, so only local maxima (over 3 x 3 neighbours) are taken.
    padded = np.pad(strength, 1)
    around = np.max([padded[i : i + strength.shape[0], j : j + strength.shape[1]] for i in range(3) for j in range(3)], axis=0)
    peaks = np.argwhere(strength >= around)
    peaks = peaks[np.argsort(-strength[tuple(peaks.T)], kind="stable")[:COMBS]]
    # The phase of the sum says where the teeth of the comb stand: with it subtracted, u is near whole numbers.
    u = pitches[peaks[:, 1], None] * straight[peaks[:, 0]] - np.angle(waves[tuple(peaks.T)])[:, None] / (2 * np.pi)
    return (u[:, None] + np.arange(WHITE_PER_OCTAVE)[None, :, None]).reshape(-1, len(tau))  # (guesses, n)


def _coarse_scores(u: np.ndarray) -> np.ndarray:
    """Return how well guesses (m, n) sit on the pattern, (m,): explained keys count, missing keys and extra blobs cost."""
    number, distance = _nearest(u)  # (m, n) each
    explained = np.clip(1 - (distance / COARSE_TOLERANCE) ** 2, 0, None)
    span = number[:, -1] - number[:, 0] + 1
    extra = (explained <= 0).sum(1)
    return explained.sum(1) - EXTRA_COST * extra - MISSING_COST * np.clip(span - u.shape[1], 0, None)


def _nearest(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the black key nearest to each u and the distance to it in white keys, both of the shape of u."""
    # The keys of the octave that u lies in, with one to either side: the nearest may lie beyond the border.
    octave = np.floor(u / WHITE_PER_OCTAVE).astype(int)
    numbers = octave[..., None] * BLACK_PER_OCTAVE + np.arange(-1, BLACK_PER_OCTAVE + 1)
    distance = np.abs(u[..., None] - black_center_mm(numbers) / WHITE_PITCH_MM)
    best = distance.argmin(-1)[..., None]
    return np.take_along_axis(numbers, best, -1)[..., 0], np.take_along_axis(distance, best, -1)[..., 0]


def _refit(u: np.ndarray, tau: np.ndarray) -> Match | None:
    """Return what a guess explains after the curve was fitted to it a few times, None when it explains too little."""
    for step in range(REFITS):
        number, distance = _nearest(u)
        tolerance = COARSE_TOLERANCE + (FINE_TOLERANCE - COARSE_TOLERANCE) * step / (REFITS - 1)
        # A curve that runs backwards gives keys whose blobs are not in order; no keyboard looks like that.
        keys, blobs = _one_blob_a_key(number, distance, tolerance)
        if len(keys) < MIN_BLOBS or (np.diff(blobs) <= 0).any():
            return None
        if step < REFITS - 1:
            curve = _curve_through(black_center_mm(keys) / WHITE_PITCH_MM, tau[blobs], tau)
            if curve is None:
                return None
            u = curve
    residual = distance[blobs]
    extra = int(((number >= keys[0]) & (number <= keys[-1])).sum()) - len(keys)
    missing = int(keys[-1] - keys[0] + 1 - len(keys))
    score = float((1 - 0.5 * (residual / FINE_TOLERANCE) ** 2).sum()) - EXTRA_COST * extra - MISSING_COST * missing
    # The octave is not known yet; it is set so that equal labellings have equal numbers.
    keys = keys - keys[0] // BLACK_PER_OCTAVE * BLACK_PER_OCTAVE
    return Match(keys, blobs, score, float(np.median(residual)))


def _one_blob_a_key(number: np.ndarray, distance: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys that have a blob within `tolerance`, ascending, and the nearest blob of each."""
    order = np.lexsort((distance, number))
    first = order[np.append(True, number[order][1:] != number[order][:-1])]
    first = first[distance[first] < tolerance]
    return number[first], first


def _curve_through(u: np.ndarray, tau: np.ndarray, at: np.ndarray) -> np.ndarray | None:
    """Return u at the places `at` by the curve fitted to (tau, u), None when the curve folds."""
    middle = u.mean()
    v = u - middle
    # Multiplied out, the curve is linear in its coefficients: v = a tau + b - c tau v + d tau^3, with v = u - mean(u).
    columns = [tau, np.ones_like(tau), -tau * v]
    if len(u) >= CUBIC_BLOBS:
        columns.append(tau**3)
    solution = np.linalg.lstsq(np.stack(columns, axis=1), v, rcond=None)[0]
    a, b, c = solution[:3]
    bottom = c * at + 1
    if (bottom <= 0.05).any():
        return None
    value = (a * at + b + (solution[3] * at**3 if len(solution) > 3 else 0.0)) / bottom
    return value + middle if (np.diff(value) > -1e-9).all() else None
