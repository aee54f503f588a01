"""The key over time as a hidden Markov model: a piece stays in its key for a while, and moves to near keys rather than far.

States are the 24 keys. A chain in continuous time leaves a key after `stay_s` seconds on average; nearer keys on the circle of
fifths are likelier next (Krumhansl 1990, Cognitive Foundations of Musical Pitch, chapter 2; as a hidden Markov model of keys:
Lee and Slaney 2008, Acoustic chord transcription and key extraction from audio, IEEE TASLP 16). A frame's evidence is its key
posterior to the power 1 / window, because windows of neighbouring frames overlap: a note lies in as many windows as a window
has frames, and would otherwise count that many times.
"""

from __future__ import annotations

import numpy as np

from tivit.core.timegrid import seconds_of
from tivit.theory.profiles import KEY_NAMES, PITCH_CLASSES

KEYS = len(KEY_NAMES)
FIFTH, MINOR_THIRD = 7, 3
"""Intervals in semitones."""
NEARNESS = 1.0
"""Natural logarithm of how much rarer a change of key is for each step of distance."""
LEAST_EVIDENCE = 1e-12
"""No frame rules a key out altogether, or a single wrong frame could leave no key at all."""
FORGOTTEN = 1e4
"""After so many mean stays nothing is left of the key that was; longer times are cut to it."""


def key_distance() -> np.ndarray:
    """Return how many steps lie between keys.

    Steps are counted along the circle of fifths between the scales of the keys, and one more between modes. A minor key has the
    scale of its relative major, three semitones up; so C major and A minor are one step apart.

    Returns
    -------
    ndarray of int, shape (24, 24)
        Steps, 0 or more, with keys in the order of `KEY_NAMES`.
    """
    tonic, is_minor = np.arange(KEYS) % PITCH_CLASSES, np.arange(KEYS) >= PITCH_CLASSES
    # The position of each key's scale on the circle of fifths.
    place = (tonic + MINOR_THIRD * is_minor) * FIFTH % PITCH_CLASSES  # seven is its own inverse modulo twelve
    around = np.abs(place[:, None] - place)
    return np.minimum(around, PITCH_CLASSES - around) + (is_minor[:, None] != is_minor)


def transitions(fps: float, stay_s: float) -> np.ndarray:
    """Return the chances of going from one key to another within a frame.

    Parameters
    ----------
    fps : float
        Frames per second.
    stay_s : float
        Mean time in a key before it changes (s), above 0.

    Returns
    -------
    ndarray of float64, shape (24, 24)
        The chance of key j (columns) one frame after key i (rows); rows sum to 1.

    Notes
    -----
    The matrix exponential of the chain's rates over one frame, so n frames at n times the rate are the same chain. Rates are
    symmetric, as every key has as many keys at each distance: all keys are equally likely where nothing is known.
    """
    weight = np.exp(-NEARNESS * key_distance())
    np.fill_diagonal(weight, 0.0)
    # Rates per mean stay: out of a key at rate 1, into the others by nearness. They are symmetric, hence eigh.
    values, vectors = np.linalg.eigh(weight / weight.sum(axis=1, keepdims=True) - np.eye(KEYS))
    values[-1] = 0.0  # exactly: the even distribution, to which the chain tends
    stays = min(seconds_of(1, fps) / stay_s, FORGOTTEN)
    return np.maximum((vectors * np.exp(values * stays)) @ vectors.T, 0.0)


def smoothed(posterior: np.ndarray, fps: float, window_frames: int, stay_s: float) -> np.ndarray:
    """Return the key posterior given the whole clip, by the forward-backward algorithm.

    Parameters
    ----------
    posterior : ndarray of float, shape (T, 24)
        Key posterior of each frame from a window around it; rows sum to 1.
    fps : float
        Frames per second.
    window_frames : int
        Length of that window (frames), at least 1.
    stay_s : float
        Mean time in a key before it changes (s), above 0.

    Returns
    -------
    ndarray of float64, shape (T, 24)
        Probabilities; rows sum to 1.

    References
    ----------
    L. R. Rabiner, A tutorial on hidden Markov models and selected applications in speech recognition, Proceedings of the IEEE
    77(2), 1989.
    """
    evidence = np.maximum(posterior, LEAST_EVIDENCE) ** (1.0 / window_frames)
    step = transitions(fps, stay_s)
    forward, backward = np.empty_like(evidence), np.empty_like(evidence)
    # Forward: what a key owes to the frames up to t. Backward: what it owes to those after t. Each is scaled in every step,
    # since only the proportions within a frame matter.
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
