"""The heads of the model: their names, order and meaning. Every array keyed by head has shape (T, 88), key = midi - 21.

`pitch`, `onset` and `offset` are multi-label: a key is down, goes down, comes up. `hand` and `clef` say of a key that is
down which hand plays it and on which staff it is written; `velocity` says of a key that goes down how hard it is struck.
Where these three have no meaning they are masked. A model may lack `velocity`; every model has the others.
"""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN = -1
"""Hand, staff or velocity of a note that no label gives."""
LEFT_HAND, RIGHT_HAND = 0, 1
BASS_STAFF, TREBLE_STAFF = 0, 1
"""Values of a hand and of a staff, and so the targets of the heads `hand` and `clef`."""
VELOCITY = "velocity"
VELOCITY_SCALE = 128.0
"""MIDI velocity that a probability of 1 of the velocity head stands for."""


@dataclass(frozen=True)
class Head:
    """One head of the model.

    Attributes
    ----------
    name : str
        Its name, the key of every mapping of heads.
    where : str
        Where its target exists: "everywhere", "while_down" (while the key is down) or "at_onset" (around an onset). For the
        last two, the dataset must also know the label.
    positive : str
        What a target of 1 means, in words.
    """

    name: str
    where: str
    positive: str


HEADS = (
    Head("pitch", "everywhere", "the key is down"),
    Head("onset", "everywhere", "the key goes down"),
    Head("offset", "everywhere", "the key comes up"),
    Head("hand", "while_down", "right hand"),
    Head("clef", "while_down", "treble staff"),
    Head(VELOCITY, "at_onset", "MIDI velocity / 128, a share instead of yes or no"),
)
HEAD_NAMES = tuple(head.name for head in HEADS)
EVENT_HEADS = tuple(head.name for head in HEADS if head.where == "everywhere")
ATTRIBUTE_HEADS = tuple(head.name for head in HEADS if head.where == "while_down")


def head_names(has_velocity: bool) -> tuple[str, ...]:
    """Return the names of a model's heads, in order.

    Parameters
    ----------
    has_velocity : bool
        Whether the model has the head `velocity`.

    Returns
    -------
    tuple of str
        Six names with `velocity`, five without.
    """
    return HEAD_NAMES if has_velocity else (*EVENT_HEADS, *ATTRIBUTE_HEADS)
