"""Textures: what one hand plays in one bar, as (onset, length, pitch, accent) rows in beats and MIDI numbers.

A texture knows the harmony of the bar and the register of its phrase; it never spans more than a hand can reach. An accent of 1
is some 14 steps of velocity (`music`). To add a texture, write its function and name it in TEXTURES and TEXTURES_OF_HAND.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.heads import LEFT_HAND, RIGHT_HAND

Row = tuple[float, float, int, float]
"""Onset and length in beats of the bar, MIDI number, accent (0 is none)."""

TEXTURES_OF_HAND = {
    RIGHT_HAND: {
        "melody": 5, "run": 3, "chords": 3, "arpeggio": 3, "two_voices": 2, "repeats": 1.2, "trill": 1, "octaves": 1,
        "rest": 0.8,
    },
    LEFT_HAND: {
        "arpeggio": 4, "bass_chord": 3, "chords": 3, "held": 3, "melody": 1.5, "octaves": 1.5, "run": 1.2, "two_voices": 1,
        "repeats": 0.8, "rest": 0.8,
    },
}  # fmt: skip
"""Textures of each hand and how likely they are beside each other."""
BUSY = ("run", "arpeggio", "repeats", "trill")
"""Textures that are many notes per beat by nature: rare in sparse pieces."""


@dataclass(frozen=True)
class Harmony:
    """One bar of harmony.

    Attributes
    ----------
    scale : tuple of int, 0..11
        Pitch classes of the scale, from the tonic upwards.
    chord : tuple of int, 0..11
        Pitch classes of the chord, root first.
    """

    scale: tuple[int, ...]
    chord: tuple[int, ...]


@dataclass(frozen=True)
class Phrase:
    """What one hand does for a bar or two.

    Attributes
    ----------
    texture : str
        A name of TEXTURES, or "rest".
    hand : int
        LEFT_HAND or RIGHT_HAND.
    center_midi : float
        MIDI number around which it lies.
    notes_per_beat : float
        Density it aims at, of this hand alone.
    """

    texture: str
    hand: int
    center_midi: float
    notes_per_beat: float


def play(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    """Return what a phrase plays in one bar.

    Parameters
    ----------
    rng : np.random.Generator
    phrase : Phrase
    harmony : Harmony
        Of this bar.
    beats : int
        Beats of the bar.

    Returns
    -------
    list of Row
        In no particular order, the first beat accented; pitches may lie outside 21..108.
    """
    if phrase.texture == "rest":
        return []
    rows = TEXTURES[phrase.texture](rng, phrase, harmony, beats)
    return [(onset, length, midi, accent + (0.8 if onset == 0 else 0.0)) for onset, length, midi, accent in rows]


def pitches(pitch_classes: tuple[int, ...], low: float, high: float) -> np.ndarray:
    """Return the pitches of some pitch classes within a register.

    Parameters
    ----------
    pitch_classes : tuple of int, 0..11
    low, high : float
        MIDI numbers, both included.

    Returns
    -------
    ndarray, (n,), int
        MIDI numbers, ascending.
    """
    midi = np.arange(int(np.ceil(low)), int(high) + 1)
    return midi[np.isin(midi % 12, pitch_classes)]


def nearest(candidates: np.ndarray, midi: float) -> int:
    """Return which of some pitches is nearest to another.

    Parameters
    ----------
    candidates : ndarray, (n,)
        MIDI numbers, at least one.
    midi : float

    Returns
    -------
    int
        Index of the candidate; the first one in a tie.
    """
    return int(np.argmin(np.abs(candidates - midi)))


def _steps(rng: np.random.Generator, phrase: Phrase, beats: int) -> np.ndarray:
    """Return onsets in beats, ascending: an even division of the beat near the wanted density, or a mixed rhythm."""
    division = int(rng.choice([1, 2, 2, 3, 4], p=_division_weights(phrase.notes_per_beat)))
    onsets = np.arange(beats * division) / division
    if division > 1 and rng.random() < 0.5:
        drop = rng.random(len(onsets)) < 0.3
        drop[0] = False
        onsets = onsets[~drop]
    return onsets


def _division_weights(notes_per_beat: float) -> np.ndarray:
    """Return the chances (5,) of dividing the beat by 1, 2, 2, 3, 4: near the wanted density they are greatest."""
    weights = np.exp(-0.5 * ((np.array([1, 2, 2, 3, 4]) - notes_per_beat) / 0.9) ** 2) + 0.02
    return weights / weights.sum()


def _lengths(onsets: np.ndarray, beats: int) -> np.ndarray:
    """Return lengths in beats that reach to the next onset, the last one to the end of the bar."""
    return np.diff(np.append(onsets, beats))


def _melody(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    scale = pitches(harmony.scale, phrase.center_midi - 10, phrase.center_midi + 10)
    chord = pitches(harmony.chord, phrase.center_midi - 10, phrase.center_midi + 10)
    onsets = _steps(rng, phrase, beats)
    midi, rows = int(chord[nearest(chord, phrase.center_midi + rng.normal(0, 4))]), []
    for onset, length in zip(onsets, _lengths(onsets, beats), strict=True):
        if rng.random() > 0.08:
            rows.append((float(onset), float(length), midi, 0.3))
        if rng.random() < 0.3:
            midi = int(chord[nearest(chord, midi + rng.normal(0, 4))])
        else:
            index = nearest(scale, midi) + int(rng.choice([-2, -1, -1, 0, 1, 1, 2]))
            midi = int(scale[np.clip(index, 0, len(scale) - 1)])
        if rng.random() < 0.03:
            midi += 1
    return rows


def _run(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    scale = pitches(harmony.scale, phrase.center_midi - 14, phrase.center_midi + 14)
    division = 4 if phrase.notes_per_beat > 1.2 or rng.random() < 0.4 else 3
    direction = int(rng.choice([-1, 1]))
    index, rows = nearest(scale, phrase.center_midi - direction * 8), []
    for onset in np.arange(beats * division) / division:
        rows.append((float(onset), 1.0 / division, int(scale[index]), 0.0))
        if not 0 <= index + direction < len(scale) or rng.random() < 0.08:
            direction = -direction
        index = int(np.clip(index + direction, 0, len(scale) - 1))
    return rows


def _voicing(rng: np.random.Generator, phrase: Phrase, harmony: Harmony) -> list[int]:
    """Return 2..4 chord pitches within an octave near the phrase's register."""
    chord = pitches(harmony.chord, phrase.center_midi - 9, phrase.center_midi + 11)
    first = int(rng.integers(0, max(1, len(chord) - 3)))
    size = int(rng.choice([2, 3, 3, 4]))
    return [int(midi) for midi in chord[first : first + size] if midi - chord[first] <= 13]


def _chords(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    rows = []
    for beat in range(beats):
        if beat and rng.random() < 0.35:
            continue
        for midi in _voicing(rng, phrase, harmony):
            rows.append((beat + rng.normal(0, 0.008), float(rng.choice([0.5, 0.95])), midi, 0.2))
    return rows


def _held(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    roll = rng.choice([0.0, 0.0, 0.06])
    return [(i * roll, beats - 0.1, midi, 0.0) for i, midi in enumerate(_voicing(rng, phrase, harmony))]


def _arpeggio(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    chord = pitches(harmony.chord, phrase.center_midi - 8, phrase.center_midi + 9)[:5]
    order = [0, 2, 1, 2] if rng.random() < 0.4 else [0, 1, 2, 3, 2, 1]
    division = 2 if phrase.notes_per_beat < 1.6 else int(rng.choice([2, 3, 4]))
    rows = []
    for i, onset in enumerate(np.arange(beats * division) / division):
        midi = int(chord[min(order[i % len(order)], len(chord) - 1)])
        rows.append((float(onset), 0.95 / division, midi, 0.0))
    return rows


def _bass_chord(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    low = pitches(harmony.chord[:1], phrase.center_midi - 18, phrase.center_midi - 5)
    rows: list[Row] = [(0.0, 0.8, int(low[-1]), 0.5)] if len(low) else []
    voicing = _voicing(rng, phrase, harmony)
    for beat in range(1, beats):
        rows += [(float(beat), 0.6, midi, -0.3) for midi in voicing]
    return rows


def _octaves(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    shift = 12 if phrase.hand == RIGHT_HAND else -12
    line = _melody(rng, phrase, harmony, beats)
    return line + [(onset, length, midi + shift, accent) for onset, length, midi, accent in line]


def _two_voices(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    upper = _melody(rng, phrase, harmony, beats)
    top = max((row[2] for row in upper), default=int(phrase.center_midi))
    held = pitches(harmony.chord, top - 12, min(row[2] for row in upper) - 1) if upper else np.zeros(0, int)
    return upper + ([(0.0, beats - 0.2, int(held[-1]), -0.5)] if len(held) else [])


def _repeats(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    chord = pitches(harmony.chord, phrase.center_midi - 8, phrase.center_midi + 8)
    division, rows = int(rng.choice([3, 4, 5])), []
    for beat in range(beats):
        midi = int(rng.choice(chord))
        rows += [(beat + k / division, 0.55 / division, midi, 0.1) for k in range(division)]
    return rows


def _trill(rng: np.random.Generator, phrase: Phrase, harmony: Harmony, beats: int) -> list[Row]:
    scale = pitches(harmony.scale, phrase.center_midi - 8, phrase.center_midi + 8)
    index = int(rng.integers(0, len(scale) - 1))
    division = int(rng.choice([4, 5, 6]))
    end = int(rng.integers(1, beats + 1))
    rows = [(k / division, 0.9 / division, int(scale[index + k % 2]), 0.0) for k in range(end * division)]
    return rows + [(float(beat), 0.9, int(scale[index]), 0.2) for beat in range(end, beats)]


TEXTURES = {
    "melody": _melody, "run": _run, "chords": _chords, "held": _held, "arpeggio": _arpeggio, "bass_chord": _bass_chord,
    "octaves": _octaves, "two_voices": _two_voices, "repeats": _repeats, "trill": _trill,
}  # fmt: skip
