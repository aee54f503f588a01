"""Pieces: a key, a chord progression and two hands that play textures over it (melody, runs, chords, trills, rests ...).

Pitches keep to the key (with the raised leading note of minor and a few chromatic neighbours), so a key finder works on them.
Hand is who plays; staff is where an editor would write it. The staff follows the register of a phrase and not the hand, and now
and then a hand crosses over, so hand, staff and "pitch >= 60" all differ on some notes. How keys and fingers move is in
`kinematics` and `motion`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.heads import BASS_STAFF, LEFT_HAND, RIGHT_HAND, TREBLE_STAFF
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI
from tivit.core.notes import Notes, make_notes
from tivit.synth.params import MusicParams
from tivit.synth.textures import BUSY, TEXTURES_OF_HAND, Harmony, Phrase, pitches, play

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
"""Degrees of the scales, in semitones above the tonic."""
NEXT_DEGREE = {0: (3, 4, 5, 1, 0), 1: (4, 4, 6), 2: (5, 3), 3: (4, 0, 1, 4), 4: (0, 0, 5, 0), 5: (3, 1, 4), 6: (0,)}
"""Which chord degrees may follow a degree (0 is the tonic); repeated entries are likelier."""

HOME_CHANCE = 0.25
"""How often a bar returns to the tonic whatever came before."""
HELD_LENGTH = (0.3, 0.9)
"""How long a held chord lasts, as a share of the clip."""
STACCATO, LEGATO = (0.15, 0.5), (1.1, 1.3)
"""How long short and tied notes last, as a share of what is written."""
END_MARGIN = 3
"""The middle of a phrase is at least so many semitones from an end of the keyboard."""
HAND_SPAN = 14
"""Semitones a hand can hold at once."""
MIN_LENGTH_S = 0.04
"""Shortest note."""
MIN_LIFT_S = 0.035
"""Shortest time between a release and the next press of the same key."""


@dataclass(frozen=True)
class Piece:
    """What is played in a clip.

    Attributes
    ----------
    notes : Notes
        Hand and staff of all of them are known.
    tonic : int, 0..11
        Pitch class of the tonic; C is 0.
    mode : str
        "major" or "minor".
    """

    notes: Notes
    tonic: int
    mode: str


def random_piece(rng: np.random.Generator, length_s: float, music: MusicParams, is_held: bool | None = None) -> Piece:
    """Return a piece; it begins after a short rest.

    Parameters
    ----------
    rng : np.random.Generator
    length_s : float, s
        All notes end before it.
    music : MusicParams
        The mean density is drawn from its `notes_per_s`.
    is_held : bool or None
        Whether one hand holds a chord for much of the piece; None: as often as `music.held` says.

    Returns
    -------
    Piece
    """
    tonic, mode = int(rng.integers(12)), str(rng.choice(["major", "minor"]))
    density = rng.uniform(*music.notes_per_s)
    beat_s = rng.uniform(0.42, 0.85)
    beats = int(rng.choice([3, 4]))
    start_s = rng.uniform(0.3, 0.9)
    bars = int(np.ceil(length_s / (beat_s * beats))) + 1
    harmonies = _harmonies(rng, tonic, mode, bars)
    rows: list[tuple[float, float, int, int, int, int]] = []
    loudness = rng.uniform(45, 90)
    holding = int(rng.integers(2)) if (rng.random() < music.held if is_held is None else is_held) else None
    roams = rng.random() < music.roaming
    for hand in (LEFT_HAND, RIGHT_HAND):
        center = rng.normal(50, 4) if hand == LEFT_HAND else rng.normal(73, 4)
        if roams:
            center = rng.uniform(LOWEST_MIDI, 58) if hand == LEFT_HAND else rng.uniform(62, HIGHEST_MIDI)
        if hand == holding:
            rows += _held_chord(rng, hand, center, harmonies, length_s, loudness)
            continue
        bar = 0
        while bar < bars:
            span = min(int(rng.choice([1, 1, 2])), bars - bar)
            phrase = _phrase(rng, hand, center, density * beat_s, music.crossing)
            staff, lasting = _staff(rng, phrase), _articulation(rng, music)
            for k in range(bar, bar + span):
                bar_start_s = start_s + k * beats * beat_s
                # Textures count in beats from the start of a bar; here they become seconds.
                for onset, length, midi, accent in play(rng, phrase, harmonies[k], beats):
                    velocity = int(loudness + 14 * accent)
                    onset_s, note_s = bar_start_s + onset * beat_s, length * beat_s * lasting
                    rows.append((onset_s, note_s, midi, velocity, hand, staff))
            bar += span
    return Piece(_humanised(rng, rows, length_s), tonic, mode)


def _harmonies(rng: np.random.Generator, tonic: int, mode: str, bars: int) -> list[Harmony]:
    """Return the scale and chord of each bar: a walk over chord degrees that often comes back to the tonic."""
    result, degree = [], 0
    for _ in range(bars):
        steps = list(SCALES[mode])
        # Dominant chords of minor have the raised leading note.
        if mode == "minor" and degree in (4, 6):
            steps[6] = 11
        sizes = (0, 2, 4, 6) if rng.random() < 0.2 else (0, 2, 4)
        chord = tuple((tonic + steps[(degree + k) % 7]) % 12 for k in sizes)
        result.append(Harmony(tuple((tonic + step) % 12 for step in steps), chord))
        degree = 0 if rng.random() < HOME_CHANCE else int(rng.choice(NEXT_DEGREE[degree]))
    return result


def _held_chord(
    rng: np.random.Generator, hand: int, center: float, harmonies: list[Harmony], length_s: float, loudness: float
) -> list[tuple[float, float, int, int, int, int]]:
    """Return the rows (onset s, length s, midi, velocity, hand, staff) of a hand that holds a chord for much of the clip.

    It strikes the chord again when it is over, and rests in between.
    """
    chord = pitches(harmonies[0].chord, center - 6, center + 6)
    pitch_choice = np.sort(rng.choice(chord, size=min(int(rng.integers(1, 4)), len(chord)), replace=False))
    staff = TREBLE_STAFF if center >= 60 else BASS_STAFF
    rows, at_s = [], rng.uniform(0.25, 0.15 * length_s + 0.3)
    while at_s < length_s - 0.5:
        lasts_s = rng.uniform(*HELD_LENGTH) * length_s
        rows += [(at_s + rng.normal(0, 0.008), lasts_s, int(midi), int(loudness), hand, staff) for midi in pitch_choice]
        at_s += lasts_s + rng.uniform(0.1, 1.5)
    return rows


def _phrase(rng: np.random.Generator, hand: int, center: float, notes_per_beat: float, crossing: float) -> Phrase:
    """Return a phrase of a hand: its texture, and its register, which is now and then that of the other hand or far out."""
    per_hand = notes_per_beat / 2
    calm = min(1.0, per_hand**2)
    weights = {name: weight * (calm if name in BUSY else 1.0) for name, weight in TEXTURES_OF_HAND[hand].items()}
    texture = str(rng.choice(list(weights), p=np.array(list(weights.values())) / sum(weights.values())))
    moved = center + rng.normal(0, 4)
    if rng.random() < crossing:
        moved += 14 if hand == LEFT_HAND else -14
    if rng.random() < 0.10:
        moved += -10 if hand == LEFT_HAND else 13
    return Phrase(texture, hand, float(np.clip(moved, LOWEST_MIDI + END_MARGIN, HIGHEST_MIDI - END_MARGIN)), per_hand)


def _articulation(rng: np.random.Generator, music: MusicParams) -> float:
    """Return how long the notes of a phrase last, as a share of what is written."""
    kind = rng.random()
    if kind < music.staccato:
        return rng.uniform(*STACCATO)
    return rng.uniform(*LEGATO) if kind < music.staccato + music.legato else 1.0


def _staff(rng: np.random.Generator, phrase: Phrase) -> int:
    """Return the staff of a phrase by its register, leaning to that of the hand."""
    lean = 4.0 if phrase.hand == RIGHT_HAND else -4.0
    return TREBLE_STAFF if phrase.center_midi + lean + rng.normal(0, 2) >= 60 else BASS_STAFF


def _humanised(rng: np.random.Generator, rows: list[tuple], length_s: float) -> Notes:
    """Return the notes of rows (onset s, length s, midi, velocity, hand, staff), a little uneven in time and force.

    A key that is pressed again is released before; a note for which that leaves no time is left out.
    """
    table = np.array(rows, float).reshape(-1, 6)
    count = len(table)
    onset_s = table[:, 0] + rng.normal(0, 0.008, count)
    offset_s = onset_s + np.maximum(table[:, 1] * rng.uniform(0.82, 1.0, count), MIN_LENGTH_S)
    velocity = np.clip(table[:, 3] + rng.normal(0, 7, count), 18, 120).astype(int)
    midi, hand, staff = (table[:, i].astype(int) for i in (2, 4, 5))
    last_s = length_s - 0.15
    keep = (onset_s > 0.2) & (onset_s < last_s - 0.1) & (midi >= LOWEST_MIDI) & (midi <= HIGHEST_MIDI)
    offset_s = np.minimum(offset_s, last_s)
    for key in np.unique(midi):
        index = np.flatnonzero(keep & (midi == key))
        index = index[np.argsort(onset_s[index], kind="stable")]
        previous = None
        for i in index:
            if previous is not None:
                free_s = onset_s[i] - MIN_LIFT_S
                if free_s - onset_s[previous] < MIN_LENGTH_S:
                    keep[i] = False
                    continue
                offset_s[previous] = min(offset_s[previous], free_s)
            previous = i
    _release_out_of_reach(onset_s, offset_s, midi, hand)
    return make_notes(onset_s[keep], offset_s[keep], midi[keep], velocity[keep], hand[keep], staff[keep])


def _release_out_of_reach(onset_s: np.ndarray, offset_s: np.ndarray, midi: np.ndarray, hand: np.ndarray) -> None:
    """Shorten (in place) notes that are still held when the same hand presses a key farther than its span away."""
    for i in range(len(onset_s)):
        later = (hand == hand[i]) & (onset_s > onset_s[i] + 2 * MIN_LENGTH_S) & (np.abs(midi - midi[i]) > HAND_SPAN)
        if later.any():
            offset_s[i] = max(min(offset_s[i], onset_s[later].min() - MIN_LENGTH_S), onset_s[i] + MIN_LENGTH_S)
