"""The heads of the model: their names, order and meaning. Every array keyed by head has shape (T, 88), key = midi - 21.

`pitch`, `onset` and `offset` are multi-label: a key is down, goes down, comes up. `hand` and `clef` say of a key that is
down which hand plays it and on which staff it is written; elsewhere they have no meaning and are masked.
"""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN = -1
LEFT_HAND, RIGHT_HAND = 0, 1
BASS_STAFF, TREBLE_STAFF = 0, 1


@dataclass(frozen=True)
class Head:
    """One head: `is_attribute` is true where the target exists only while a key is down (and the dataset labels it)."""

    name: str
    is_attribute: bool
    positive: str


HEADS = (
    Head("pitch", False, "the key is down"),
    Head("onset", False, "the key goes down"),
    Head("offset", False, "the key comes up"),
    Head("hand", True, "right hand"),
    Head("clef", True, "treble staff"),
)
HEAD_NAMES = tuple(head.name for head in HEADS)
EVENT_HEADS = tuple(head.name for head in HEADS if not head.is_attribute)
ATTRIBUTE_HEADS = tuple(head.name for head in HEADS if head.is_attribute)
