"""Which octave the keys in view are, and whether the picture is a mirror image: read off the ends of the keyboard.

The pattern of the black keys repeats every octave and is its own mirror image, so only ends decide: instruments begin and end
at few keys, none has more than 88, and a stretch of 77 keys or more fits on a piano in one place only. What is not decided is
said so, never guessed. This is the only module that knows which instruments are common; it looks at no picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from tivit.core.keyboard import (
    HIGHEST_MIDI,
    KEY_COUNT,
    LOWEST_MIDI,
    OCTAVE_KEYS,
    PITCH_CLASS_NAMES,
    mirrored_midi,
)
from tivit.registration.find.pattern import key_edges_mm

MOST_MISSING = 5
"""So many keys at the ends of a whole piano may be unseen, and are taken to be there all the same."""
BORDER_KEYS = 2
"""Where the picture cuts the keyboard, so many keys too many may have been counted."""
C, E, F, G, A = 0, 4, 5, 7, 9
"""Pitch classes of the keys at which instruments begin and end."""
WHOLE = {
    (A, KEY_COUNT): 1.0, (A, 85): 0.2, (E, 76): 0.3, (E, 73): 0.15, (C, 73): 0.1, (C, 61): 1.0, (C, 49): 0.7, (C, 37): 0.3,
    (C, 25): 0.5, (F, 44): 0.05, (F, 32): 0.05,
}  # fmt: skip
"""How common instruments are beside each other, by pitch class of the lowest key and number of keys; all others are RARE."""
LOW_ENDS, HIGH_ENDS = {A: 1.0, C: 1.0, E: 0.3, F: 0.1}, {C: 1.0, A: 0.1, G: 0.3, E: 0.3}
"""How common an end is by pitch class, when the other end is not in view; all others are ODD."""
WHOLE_STARTS = (LOWEST_MIDI, int(mirrored_midi(HIGHEST_MIDI)))
"""Lowest key of a whole piano as it is, and of one that was read as its mirror image."""
RARE, ODD = 0.001, 0.01
"""How common an instrument outside WHOLE is, and an end outside LOW_ENDS or HIGH_ENDS."""
MIRRORED_SHARE = 0.1
"""How common mirrored pictures are taken to be."""
MIRROR_OPEN = "whether the picture is a mirror image cannot be told from the keys in view"
"""The doubt of a picture that may be a mirror image."""
WHITE_STEP = 2
"""Semitones from a white key to the next one at most: by so many a first key given may be one key off."""
MORE_THAN_CHANCE = 4.0
"""Keys in view that are those of a whole instrument, though an end of it is not seen, are so many times as likely to be it."""
SURE_RATIO = 20.0
"""One way round must be so many times as likely as the other, or whether the picture is a mirror image stays open."""


@dataclass(frozen=True)
class Extent:
    """The keys that are wholly in view.

    Attributes
    ----------
    first_midi, last_midi : int
        MIDI numbers of the lowest and highest of them; they may be octaves off, and outside 21..108.
    is_low_end, is_high_end : bool
        Whether the instrument ends there; False where the picture cuts the keyboard, or where nothing is known.
    """

    first_midi: int
    last_midi: int
    is_low_end: bool
    is_high_end: bool

    @property
    def count(self) -> int:
        """The number of keys."""
        return self.last_midi - self.first_midi + 1

    @property
    def ends_mm(self) -> tuple[float, float]:
        """The left end of the lowest key and the right end of the highest, x (mm)."""
        return key_edges_mm(self.first_midi)[0], key_edges_mm(self.last_midi)[1]

    def moved(self, octaves: int) -> Extent:
        """Return the same keys `octaves` higher (negative: lower)."""
        shift = OCTAVE_KEYS * octaves
        return Extent(self.first_midi + shift, self.last_midi + shift, self.is_low_end, self.is_high_end)

    def seen_in_mirror(self) -> Extent:
        """Return the keys that the mirror image of the picture would show: low is high."""
        first, last = mirrored_midi(self.last_midi), mirrored_midi(self.first_midi)
        return Extent(int(first), int(last), self.is_high_end, self.is_low_end)

    def trimmed(self) -> Extent:
        """Return the 88 keys of a whole piano when more keys were counted than it has.

        A bright case beside the keyboard passes for white keys, clutter for a black one.

        Returns
        -------
        Extent
            The 88 keys, with ends where keys were cut off; itself when it has no more than 88, or when they are among them in
            more than one place or in none.
        """
        firsts = [self.first_midi + (start - self.first_midi) % OCTAVE_KEYS for start in WHOLE_STARTS]
        fitting = [int(first) for first in firsts if first + KEY_COUNT - 1 <= self.last_midi]
        if self.count <= KEY_COUNT or len(fitting) != 1:
            return self
        first, last = fitting[0], fitting[0] + KEY_COUNT - 1
        return Extent(first, last, self.is_low_end or first > self.first_midi, self.is_high_end or last < self.last_midi)

    def completed(self) -> Extent:
        """Return the 88 keys of which these are all but a few.

        A reflection that hides the last keys passes for an end. An end that was seen stays where it is, if it can.

        Returns
        -------
        Extent
            The 88 keys, with both ends; itself when a known instrument or its mirror image has these keys, when more than
            MOST_MISSING are missing, or when the 88 can lie in more than one place or in none.
        """
        mirror_low = int(mirrored_midi(self.last_midi)) % OCTAVE_KEYS
        is_known = any((low, self.count) in WHOLE for low in (self.first_midi % OCTAVE_KEYS, mirror_low))
        if is_known or not KEY_COUNT - MOST_MISSING <= self.count < KEY_COUNT:
            return self
        firsts = [self.first_midi - (self.first_midi - start) % OCTAVE_KEYS for start in WHOLE_STARTS]
        fitting = [int(first) for first in firsts if first + KEY_COUNT - 1 >= self.last_midi]
        likely = [first for first in fitting if self._keeps_ends(first)] or fitting
        return Extent(likely[0], likely[0] + KEY_COUNT - 1, True, True) if len(likely) == 1 else self

    def _keeps_ends(self, first_midi: int) -> bool:
        """Return whether 88 keys from `first_midi` end where these were seen to end."""
        is_low_kept = not self.is_low_end or first_midi == self.first_midi
        return is_low_kept and (not self.is_high_end or first_midi + KEY_COUNT - 1 == self.last_midi)

    def octaves(self) -> list[int]:
        """Return by how many octaves the keys can move and lie on a piano.

        Returns
        -------
        list of int
            All ways, ascending; empty when there is none.
        """
        lowest = -((self.first_midi - LOWEST_MIDI) // OCTAVE_KEYS)
        return [k for k in range(lowest, lowest + 9) if self.last_midi + OCTAVE_KEYS * k <= HIGHEST_MIDI]

    def on_a_piano(self) -> Extent | None:
        """Return the keys without those that a cut end has too many for a piano.

        Returns
        -------
        Extent or None
            Itself where it lies on a piano in some octave, else the largest part that does; None when BORDER_KEYS fewer at each
            cut end are not enough.
        """
        low, high = (1 if is_end else 1 + BORDER_KEYS for is_end in (self.is_low_end, self.is_high_end))
        fewer = [
            replace(self, first_midi=self.first_midi + i, last_midi=self.last_midi - j)
            for i, j in sorted(product(range(low), range(high)), key=sum)
        ]
        return next((extent for extent in fewer if extent.octaves()), None)

    @property
    def is_rare(self) -> bool:
        """Whether both ends are seen, and no known instrument has them."""
        return self.is_low_end and self.is_high_end and self.commonness() <= RARE

    @property
    def is_odd(self) -> bool:
        """Whether no known instrument has both ends, nor its mirror image: one of them is misread, mostly."""
        return self.is_rare and self.seen_in_mirror().is_rare

    def commonness(self) -> float:
        """Return how common keyboards with such ends are, relative to each other.

        Returns
        -------
        float, above 0
            By WHOLE when both ends are seen, else by the end that is, 1 when neither is; RARE squared when the keys are on no
            piano.
        """
        if self.on_a_piano() is None:
            return RARE**2
        low, high = self.first_midi % OCTAVE_KEYS, self.last_midi % OCTAVE_KEYS
        if self.is_low_end and self.is_high_end:
            return WHOLE.get((low, self.count), RARE)
        return (LOW_ENDS.get(low, ODD) if self.is_low_end else 1.0) * (HIGH_ENDS.get(high, ODD) if self.is_high_end else 1.0)


@dataclass(frozen=True)
class Alignment:
    """How an extent lies on the piano.

    Attributes
    ----------
    extent : Extent
        The keys in view, on the piano.
    octaves : int
        By how many octaves they were moved, after they were mirrored.
    is_mirrored : bool
        Whether the picture is a mirror image. Both are the best guess.
    doubt : str
        What is not known, in words; "" when everything is.
    """

    extent: Extent
    octaves: int
    is_mirrored: bool
    doubt: str


def align_to_piano(extent: Extent, first_key: int | None, is_mirrored: bool | None) -> Alignment | None:
    """Return how the keys in view lie on a piano of 88.

    Parameters
    ----------
    extent : Extent
        The keys as they were read from the picture.
    first_key : int, 21..108, or None
        MIDI number of the lowest key in view, where it is known. It decides the octave, and never the mirror image, because a
        count that is one key off would turn the keyboard round. Where the ends leave the mirror image open, a picture whose
        lowest key is within a white key of the one given is taken to be upright, and stays open otherwise.
    is_mirrored : bool or None
        Whether the picture is a mirror image, where it is known.

    Returns
    -------
    Alignment or None
        None when the keys cannot lie on a piano.
    """
    doubt = ""
    if is_mirrored is None:
        is_mirrored, is_open = _mirror_image(extent)
        is_mirrored = is_mirrored and not (is_open and first_key is not None)
        if is_open and (first_key is None or not _begins_near(extent, first_key)):
            doubt = MIRROR_OPEN
    keys = extent.seen_in_mirror() if is_mirrored else extent
    if first_key is not None:
        keys = keys.on_a_piano() or keys
    options = keys.octaves()
    if not options:
        return None
    octaves, unknown = _octave(keys, options, first_key)
    # Ends that no known instrument has are more likely misread than new, so they leave a doubt.
    if first_key is None and keys.is_rare and not doubt:
        doubt = f"no known instrument has {keys.count} keys from {PITCH_CLASS_NAMES[keys.first_midi % OCTAVE_KEYS]}"
    return Alignment(keys.moved(octaves), octaves, is_mirrored, "; ".join(filter(None, (doubt, unknown))))


def _begins_near(extent: Extent, first_key: int) -> bool:
    """Return whether the keys as they were read begin within one white key of a first key, in some octave."""
    apart = (extent.first_midi - first_key) % OCTAVE_KEYS
    return min(apart, OCTAVE_KEYS - apart) <= WHITE_STEP


def _mirror_image(extent: Extent) -> tuple[bool, bool]:
    """Return whether the picture is rather a mirror image, and whether that is open.

    Each way round is weighed by how common such an instrument is, and by how common mirrored pictures are.
    """
    ways, shares = (extent, extent.seen_in_mirror()), (1 - MIRRORED_SHARE, MIRRORED_SHARE)
    chances = [way.commonness() * share for way, share in zip(ways, shares, strict=True)]
    is_mirrored = bool(ways[1].octaves()) and (chances[1] > chances[0] or not ways[0].octaves())
    # An end that a reflection hides may be that of a whole instrument, and then these are its keys: no accident, mostly.
    other = ways[not is_mirrored]
    whole = MORE_THAN_CHANCE * WHOLE.get((other.first_midi % OCTAVE_KEYS, other.count), 0.0) * shares[not is_mirrored]
    return is_mirrored, chances[is_mirrored] < SURE_RATIO * max(chances[not is_mirrored], whole)


def _octave(keys: Extent, options: list[int], first_key: int | None) -> tuple[int, str]:
    """Return by how many octaves keys move, one of the options, and what is not known of that, in words."""
    if first_key is not None:
        return min(options, key=lambda k: abs(keys.first_midi + OCTAVE_KEYS * k - first_key)), ""
    at_bottom = [k for k in options if keys.first_midi + OCTAVE_KEYS * k == LOWEST_MIDI]
    if len(options) == 1:
        return options[0], ""
    # A low end that can be A0 is taken to be it: that of a piano whose upper part is out of view.
    if keys.is_low_end and at_bottom:
        return at_bottom[0], ""
    middle = (LOWEST_MIDI + HIGHEST_MIDI) / 2
    octaves = min(options, key=lambda k: abs((keys.first_midi + keys.last_midi) / 2 + OCTAVE_KEYS * k - middle))
    return octaves, f"{keys.count} keys are in view and fit on a piano in {len(options)} octaves"
