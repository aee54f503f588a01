"""Key profiles: how strongly each pitch class belongs to a major and to a minor key, and the 24 keys made from them.

Values are written from the tonic upwards in semitones. The 24 keys are C major .. B major, then C minor .. B minor; pitch
class 0 is C. Profiles are only compared by correlation or normalised to sum 1, so their scale has no meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import PITCH_CLASS_NAMES
from tivit.core.params import check_choice

PITCH_CLASSES = len(PITCH_CLASS_NAMES)
KEY_NAMES = tuple(f"{name} {mode}" for mode in ("major", "minor") for name in PITCH_CLASS_NAMES)


@dataclass(frozen=True)
class Profile:
    """How strongly the pitch classes belong to a key.

    Attributes
    ----------
    major, minor : tuple of 12 floats
        Weights of the pitch classes from the tonic up, for a major and for a minor key.
    paper : str
        Where the weights come from.
    """

    major: tuple[float, ...]
    minor: tuple[float, ...]
    paper: str


PROFILES = {
    "krumhansl": Profile(
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
        "Krumhansl and Kessler 1982, Tracing the dynamic changes in perceived tonal organization, Psychological Review 89",
    ),
    "temperley": Profile(
        (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
        (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
        "Temperley 2007, Music and Probability, MIT Press: counts of the Kostka-Payne corpus",
    ),
    "albrecht_shanahan": Profile(
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
        "Albrecht and Shanahan 2013, Large corpora and a new type of key-finding algorithm, Music Perception 31",
    ),
    "bellman_budge": Profile(
        (16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57),
        (18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21),
        "Bellman 2005, About the determination of key, CMMR, after Budge 1943, A study of chord frequencies",
    ),
    "sapp": Profile(
        (2.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 1.0),
        (2.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 0.5, 0.5),
        "Sapp 2011, Computational methods for the analysis of musical structure, thesis, Stanford University: simple weights",
    ),
}


def key_profiles(name: str) -> np.ndarray:
    """Return the profiles of the 24 keys.

    Parameters
    ----------
    name : str
        One of `PROFILES`, where the paper of each is given.

    Returns
    -------
    ndarray of float64, shape (24, 12)
        One row per key, in the order of `KEY_NAMES`, one column per pitch class; every row sums to 1.

    Raises
    ------
    InputError
        There is no such profile.
    """
    check_choice("decode.profile", name, PROFILES)
    profile = PROFILES[name]
    rows = [np.roll(mode, tonic) for mode in (profile.major, profile.minor) for tonic in range(PITCH_CLASSES)]
    table = np.array(rows, dtype=np.float64)
    return table / table.sum(axis=1, keepdims=True)
