"""How deep each key is at each instant: strokes whose speed follows the velocity, releases, repeats.

Depth is a fraction of the full travel at the front of the key. A note sounds, and a digital piano sends it, as its key passes
one depth late in the stroke: hammers meet strings within some milliseconds of the arrival of the key at its bed (Goebl, Bresin
and Galembo, "Touch and temporal behavior of grand piano actions", JASA 118, 2005), contacts close a little before. That depth
belongs to the instrument, so it is drawn once per clip and differs little from note to note. What the fingers do is in
`motion`.
"""

from __future__ import annotations

import numpy as np

from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.notes import Notes

STROKE_S = (0.130, 0.025)
"""Duration of the stroke at velocity 1 and at 127."""
ONSET_DEPTH, ONSET_DEPTH_SIGMA = (0.85, 1.0), 0.04
"""Depth at which the notes of an instrument sound (range), and how much that varies between its notes (deviation)."""
RELEASE_S = (0.05, 0.13)
"""Duration of a release, from pressed to at rest."""
RELEASE_FRACTION = (0.35, 0.75)
"""How much of the depth is left at the MIDI offset."""
ACCELERATION = 1.6
"""Exponent of depth over time within a stroke."""


def key_depths(rng: np.random.Generator, notes: Notes, times_s: np.ndarray, travel: tuple[float, float]) -> np.ndarray:
    """Return how deep every key is at given instants.

    Parameters
    ----------
    rng : np.random.Generator
    notes : Notes
        What is played, velocities known.
    times_s : ndarray, (T,), s
        Instants, ascending.
    travel : (float, float)
        Range of the depth of a full press, drawn per note, as a fraction of the travel.

    Returns
    -------
    ndarray, (T, 88), float32, 0..1
        Fraction of the travel.
    """
    depth = np.zeros((len(times_s), KEY_COUNT), np.float32)
    next_onset_s = _next_onset_of_key(notes)
    last_gap_s = _gap_before(notes)
    onset_depths = np.clip(rng.normal(rng.uniform(*ONSET_DEPTH), ONSET_DEPTH_SIGMA, len(notes)), 0.5, 1.0)
    for i in range(len(notes)):
        full = rng.uniform(*travel)
        stroke_s = np.interp(notes.velocity[i], (1, 127), STROKE_S) * rng.uniform(0.8, 1.25)
        # A key that was released just before is struck from where it is, and not while it is still held.
        stroke_s = min(stroke_s, max(STROKE_S[1], 1.6 * last_gap_s[i]))
        # Depth is ((t - start) / stroke)^ACCELERATION, so that it passes the onset depth just at the onset.
        start_s = notes.onset_s[i] - stroke_s * onset_depths[i] ** (1.0 / ACCELERATION)
        left = rng.uniform(*RELEASE_FRACTION)
        release_s = rng.uniform(*RELEASE_S)
        # A key that is struck again soon comes up faster, or it would not come up at all.
        gap_s = next_onset_s[i] - notes.offset_s[i]
        release_s = min(release_s, max(0.03, 1.6 * gap_s))
        release_start_s = max(notes.offset_s[i] - (1.0 - left) * release_s, notes.onset_s[i] + 0.01)
        first, last = np.searchsorted(times_s, [start_s, release_start_s + release_s])
        t = times_s[first:last]
        down = np.clip((t - start_s) / stroke_s, 0.0, 1.0) ** ACCELERATION
        up = 1.0 - np.clip((t - release_start_s) / release_s, 0.0, 1.0)
        column = depth[first:last, key_of(int(notes.midi[i]))]
        np.maximum(column, full * np.minimum(down, up), out=column)
    return depth


def _gap_before(notes: Notes) -> np.ndarray:
    """Return the time (s) since the note before of the same key ended, infinity where there is none, shape (N,)."""
    gaps = np.full(len(notes), np.inf)
    order = np.lexsort((notes.onset_s, notes.midi))
    same = notes.midi[order[:-1]] == notes.midi[order[1:]]
    gaps[order[1:][same]] = (notes.onset_s[order[1:]] - notes.offset_s[order[:-1]])[same]
    return gaps


def _next_onset_of_key(notes: Notes) -> np.ndarray:
    """Return for each note the onset (s) of the next note of the same key, infinity where there is none, shape (N,)."""
    following = np.full(len(notes), np.inf)
    order = np.lexsort((notes.onset_s, notes.midi))
    same = notes.midi[order[:-1]] == notes.midi[order[1:]]
    following[order[:-1][same]] = notes.onset_s[order[1:][same]]
    return following
