"""Beats and bars of notes, estimated from their onsets alone.

1. Period: the Fourier transform of the onset train at the frequency of a candidate beat and of its halves and quarters, under a
   prior over tempi (after the tempogram of Grosche and Mueller [1]_). A beat is where notes lie on it and on its divisions.
2. Beats: dynamic programming [2]_ over instants, which follows a tempo that drifts by some per cent.
3. Bars: of 3 or 4 beats, from where notes with a low bass, and many at once, return.

Rubato breaks it: where neighbouring beats differ by more than about a tenth, a beat is skipped or doubled.

References
----------
.. [1] P. Grosche and M. Mueller, Extracting predominant local pulse information from music recordings, IEEE TASLP 19, 2011.
.. [2] D. Ellis, Beat tracking by dynamic programming, Journal of New Music Research 36, 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.notes import Notes

SLOWEST_BPM, FASTEST_BPM, USUAL_BPM = 55.0, 160.0, 100.0
TEMPO_SPREAD = 0.4
"""Standard deviation of the natural logarithm of the tempo, under the prior."""
DIVISION_WEIGHTS = ((1, 1.0), (2, 0.9), (4, 0.6), (3, 0.15), (6, 0.1))
"""What the energy at so many divisions of the beat counts."""
PHASE_FACTORS = {2: (1, 1), 3: (2, 1), 4: (2, 2), 6: (3, 3)}
"""Each division of the beat but 1 as a sum of two smaller ones."""
NEAR_TIMES, NEAR_SPREAD = 1.35, 0.1
"""A tempo that is named is looked for as far as this factor from it, and under this spread instead."""
STEP_S = 0.01
"""Raster of the onset train."""
TIGHTNESS = 150.0
"""How much an uneven beat costs: `TIGHTNESS * log(ratio)^2`, against an onset strength of about 1 per beat."""
WINDOW_S, TEMPO_STEP = 10.0, 0.0015
"""Window of the tempogram, and distance of two tempi in it, as a logarithm."""
COARSE_STEPS, LOCAL_SPREAD = 20, 0.1
"""Width of the regions of tempi that are compared (steps), and how far a local tempo lies from that of the piece
(logarithm)."""
FEWEST_NOTES = 16
METERS = (4, 3)
DEFAULT_BPM = 120.0


@dataclass(frozen=True)
class Beats:
    """The beats of a piece.

    Attributes
    ----------
    times_s : ndarray of float64, shape (B,)
        The instants of the beats (s), ascending; at least two.
    beats_per_bar : int
        3 or 4.
    first_downbeat : int
        Index, 0..beats_per_bar - 1, of the first beat that begins a bar.
    is_sure : bool
        False where there was too little to go by: the beats are then a plain raster of 120 a minute.
    """

    times_s: np.ndarray
    beats_per_bar: int
    first_downbeat: int
    is_sure: bool

    @property
    def bpm(self) -> float:
        """Beats a minute, by the median distance."""
        return float(60.0 / np.median(np.diff(self.times_s)))


def find_beats(notes: Notes, near_bpm: float | None = None) -> Beats:
    """Return the beats of notes.

    Parameters
    ----------
    notes : Notes
        The notes, in seconds.
    near_bpm : float, optional
        Beats a minute, 20..400, near which the tempo is looked for; by default wherever music usually lies.

    Returns
    -------
    Beats
        From about the first onset to the last release.
    """
    end_s = float(notes.offset_s.max(initial=1.0))
    if len(notes) < FEWEST_NOTES or float(np.ptp(notes.onset_s)) < 4.0:
        period_s = 60.0 / (near_bpm or DEFAULT_BPM)
        return Beats(np.arange(0.0, end_s + 2 * period_s, period_s), METERS[0], 0, is_sure=False)
    weights = _weights(notes)
    times_s = _track(notes.onset_s, weights, _periods(notes.onset_s, weights, near_bpm), end_s)
    beats_per_bar, first = _bars(notes, weights, times_s)
    return Beats(times_s, beats_per_bar, first, is_sure=True)


def _weights(notes: Notes) -> np.ndarray:
    """Return what each onset counts, (N,): long notes and low ones more, as they lie on beats more often."""
    length = np.clip(notes.offset_s - notes.onset_s, 0.05, 1.0)
    return np.sqrt(length) * np.where(notes.midi < 55, 1.3, 1.0)


def _periods(onset_s: np.ndarray, weights: np.ndarray, near_bpm: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return instants (s), ascending, and the period (s) of the beat around each of them."""
    slowest, fastest = SLOWEST_BPM, FASTEST_BPM
    middle, spread = USUAL_BPM, TEMPO_SPREAD
    if near_bpm is not None:
        slowest, fastest = near_bpm / NEAR_TIMES, near_bpm * NEAR_TIMES
        middle, spread = near_bpm, NEAR_SPREAD
    count = int(np.ceil(np.log(fastest / slowest) / TEMPO_STEP))
    bpm = np.exp(np.linspace(np.log(slowest), np.log(fastest), count))
    centers_s = np.arange(onset_s[0], onset_s[-1] + WINDOW_S / 4, WINDOW_S / 4)
    energy = np.zeros((len(centers_s), count))  # by windows, so that a tempo that drifts does not cancel itself
    for row, center_s in zip(energy, centers_s, strict=True):
        near = np.abs(onset_s - center_s) < WINDOW_S / 2
        window = weights[near] * (0.5 + 0.5 * np.cos(2 * np.pi * (onset_s[near] - center_s) / WINDOW_S))
        # The phases at twice a tempo are the squares of those at the tempo: one exponential serves all divisions.
        powers = {1: np.exp(-2j * np.pi / 60.0 * bpm[:, None] * (onset_s[near] - center_s))}  # (bpm, onsets)
        for division, (one, other) in PHASE_FACTORS.items():
            powers[division] = powers[one] * powers[other]
        for division, weight in DIVISION_WEIGHTS:
            row += weight * np.abs(powers[division] @ window) ** 2 / max(window.sum(), 1e-9)
    prior = np.exp(-0.5 * (np.log(bpm / middle) / spread) ** 2)
    # A drift spreads the energy over neighbouring tempi: which region wins is decided on a coarse scale.
    coarse = np.convolve(energy.sum(axis=0) * prior, np.hanning(2 * COARSE_STEPS + 1), mode="same")
    usual = np.log(bpm / bpm[np.argmax(coarse)])
    local = bpm[np.argmax(energy * np.exp(-0.5 * (usual / LOCAL_SPREAD) ** 2), axis=1)]
    padded = np.pad(local, 2, mode="edge")
    return centers_s, 60.0 / np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)


def _track(onset_s: np.ndarray, weights: np.ndarray, periods: tuple[np.ndarray, np.ndarray], end_s: float) -> np.ndarray:
    """Return the instants of the beats, from before the first onset to after the last release."""
    start_s = onset_s[0] - periods[1][0] / 2
    length = int(np.ceil((end_s - start_s) / STEP_S)) + 1
    train = np.zeros(length)
    np.add.at(train, np.rint((onset_s - start_s) / STEP_S).astype(int), weights)
    width = np.arange(-6, 7)
    strength = np.convolve(train, np.exp(-0.5 * (width / 2.0) ** 2), mode="same")
    strength /= max(float(np.sqrt(np.mean(strength[strength > 0.05] ** 2))), 1e-9) if (strength > 0.05).any() else 1.0
    strength = np.minimum(strength, 3.0)
    period = np.interp(start_s + np.arange(length) * STEP_S, *periods) / STEP_S  # in steps, at each instant
    score, previous = strength.copy(), np.full(length, -1)
    shares = np.exp(np.linspace(np.log(0.6), np.log(1.6), 81))
    cost = -TIGHTNESS * np.log(shares) ** 2
    for k in range(length):
        before = k - np.rint(shares * period[k]).astype(int)
        if before[0] < 0:
            continue
        options = np.where(before >= 0, score[before] + cost, -np.inf)
        best = int(np.argmax(options))
        if options[best] > 0 or before[-1] > period[k]:
            score[k] = strength[k] + options[best]
            previous[k] = before[best]
    last = max(length - int(period[-1]), 0)
    k = last + int(np.argmax(score[last:]))
    path = []
    while k >= 0:
        path.append(k)
        k = previous[k]
    times_s = start_s + np.array(path[::-1]) * STEP_S
    return _refined(times_s, onset_s, weights, float(periods[1][-1]), end_s)


def _refined(times_s: np.ndarray, onset_s: np.ndarray, weights: np.ndarray, period_s: float, end_s: float) -> np.ndarray:
    """Return beats moved to the mean of the onsets near them, and smoothed, since hands are uneven by some milliseconds."""
    moved = times_s.copy()
    for k, time_s in enumerate(times_s):
        near = np.abs(onset_s - time_s) < 0.05
        if near.any():
            moved[k] = np.average(onset_s[near], weights=weights[near])
    if len(moved) >= 5:
        padded = np.concatenate([2 * moved[0] - moved[2:0:-1], moved, 2 * moved[-1] - moved[-2:-4:-1]])
        moved = np.convolve(padded, np.array([1, 2, 3, 2, 1]) / 9.0, mode="valid")
    while len(moved) < 2 or moved[-1] < end_s:
        moved = np.append(moved, moved[-1] + period_s)
    return moved


def _bars(notes: Notes, weights: np.ndarray, times_s: np.ndarray) -> tuple[int, int]:
    """Return the number of beats in a bar, and which of the first beats begins one."""
    middle = (times_s[1:] + times_s[:-1]) / 2
    beat = np.searchsorted(middle, notes.onset_s)
    on_beat = np.abs(notes.onset_s - times_s[beat]) < 0.06
    bass = np.where(notes.midi < 60, (60 - notes.midi) / 12.0, 0.0)
    strength = np.bincount(beat[on_beat], (weights * (1.0 + bass))[on_beat], minlength=len(times_s))
    classes = np.zeros((len(times_s), 12))
    np.add.at(classes, (beat, notes.midi % 12), weights)
    # Harmony changes at bars: how unlike the pitch classes of the beats before and after each beat are.
    change = np.zeros(len(times_s))
    for k in range(1, len(times_s)):
        before, after = classes[max(k - 3, 0) : k].sum(axis=0), classes[k : k + 3].sum(axis=0)
        norm = np.linalg.norm(before) * np.linalg.norm(after)
        change[k] = 1.0 - before @ after / norm if norm > 0 else 0.0
    total = strength / max(strength.mean(), 1e-9) + 4.0 * change
    best = (-np.inf, METERS[0], 0)
    for meter in METERS:
        for first in range(meter):
            is_down = np.arange(len(total)) % meter == first
            if is_down.any() and (~is_down).any():
                contrast = (total[is_down].mean() - total[~is_down].mean()) / np.sqrt(total.var() / is_down.sum() + 1e-12)
                best = max(best, (contrast, meter, first))
    return best[1], best[2]
