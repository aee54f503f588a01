"""Key over time as a hidden Markov model: a piece stays in its key for a while, and moves to near keys rather than far ones.

States are the 24 keys. A chain in continuous time leaves a key after `stay_s` seconds on average; nearer keys on the circle of
fifths are likelier next (Krumhansl 1990, Cognitive Foundations of Musical Pitch, chapter 2; as a hidden Markov model of keys:
Lee and Slaney 2008, Acoustic chord transcription and key extraction from audio, IEEE TASLP 16). A frame's evidence is its key
posterior to the power 1 / window: windows of neighbouring frames overlap, and would count that many times over.
"""

from __future__ import annotations

import numpy as np

from tivit.core.timegrid import seconds_of
from tivit.theory.profiles import KEY_NAMES, PITCH_CLASSES

KEYS = len(KEY_NAMES)
FIFTH, MINOR_THIRD = 7, 3
"""In semitones."""
NEARNESS = 1.0
"""Natural logarithm of how much rarer a change of key is for each step of distance."""
LEAST_EVIDENCE = 1e-12
FORGOTTEN = 1e4
"""After so many mean stays nothing is left of the key that was."""


def key_distance() -> np.ndarray:
    """Return steps between keys, int (24, 24): along the circle of fifths between their scales, one more between modes.

    A minor key has the scale of its relative major, three semitones up; so C major and A minor are one step apart.
    """
    tonic, is_minor = np.arange(KEYS) % PITCH_CLASSES, np.arange(KEYS) >= PITCH_CLASSES
    place = (tonic + MINOR_THIRD * is_minor) * FIFTH % PITCH_CLASSES  # seven is its own inverse modulo twelve
    around = np.abs(place[:, None] - place)
    return np.minimum(around, PITCH_CLASSES - around) + (is_minor[:, None] != is_minor)


def transitions(fps: float, stay_s: float) -> np.ndarray:
    """Return the chances of key j (columns) a frame after key i (rows), (24, 24), rows summing to 1.

    The matrix exponential of the chain's rates over one frame, so n frames at n times the rate are the same chain. Rates are
    symmetric, as every key has as many keys at each distance: all keys are equally likely where nothing is known.
    """
    weight = np.exp(-NEARNESS * key_distance())
    np.fill_diagonal(weight, 0.0)
    values, vectors = np.linalg.eigh(weight / weight.sum(axis=1, keepdims=True) - np.eye(KEYS))
    values[-1] = 0.0  # exactly: the even distribution, to which the chain tends
    stays = min(seconds_of(1, fps) / stay_s, FORGOTTEN)
    return np.maximum((vectors * np.exp(values * stays)) @ vectors.T, 0.0)


def smoothed(posterior: np.ndarray, fps: float, window_frames: int, stay_s: float) -> np.ndarray:
    """Return the key posterior given the whole clip, (T, 24), by the forward-backward algorithm (Rabiner 1989, Proc. IEEE 77).

    Parameters
    ----------
    posterior : (T, 24), rows summing to 1, each from a window of `window_frames` frames (1 and more).
    stay_s : mean time (s) in a key before it changes, above 0.
    """
    evidence = np.maximum(posterior, LEAST_EVIDENCE) ** (1.0 / window_frames)
    step = transitions(fps, stay_s)
    forward, backward = np.empty_like(evidence), np.empty_like(evidence)
    belief = np.full(KEYS, 1.0 / KEYS)
    for t in range(len(evidence)):
        belief = belief * evidence[t]
        belief /= belief.sum()
        forward[t] = belief
        belief = belief @ step
    belief = np.ones(KEYS)
    for t in range(len(evidence) - 1, -1, -1):
        backward[t] = belief
        belief = step @ (belief * evidence[t])
        belief /= belief.sum()
    result = forward * backward
    return result / result.sum(axis=1, keepdims=True)
