"""How likely each note is, and each of its attributes: read from the logits at the place of the note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from tivit.core.keyboard import key_of
from tivit.core.notes import Notes
from tivit.core.probability import sigmoid
from tivit.core.timegrid import TimeGrid
from tivit.decoding.events import at_keys
from tivit.decoding.thresholds import Thresholds

ONSET_REACH = 1
"""The onset is looked for in the frame nearest to the note's onset and so many on either side of it."""


@dataclass(frozen=True)
class Confidence:
    """Probabilities of N notes, columns of shape (N,), 0..1; NaN where the network does not say.

    Attributes
    ----------
    onset : ndarray of float64
        That the key went down there: the calibrated onset head at its peak.
    hand, staff : ndarray of float64
        That hand and staff are the ones the note has.
    """

    onset: np.ndarray
    hand: np.ndarray
    staff: np.ndarray

    def take(self, index: np.ndarray) -> Confidence:
        """Return the columns at some indices."""
        return Confidence(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def confidence_of(notes: Notes, heads: Mapping[str, np.ndarray], grid: TimeGrid, thresholds: Thresholds) -> Confidence:
    """Return how likely notes are.

    Parameters
    ----------
    notes : Notes
        As `decode_notes` returned them for the heads, not moved.
    heads : mapping of str to ndarray, shape (T, 88)
        Name of a head -> logits.
    grid : TimeGrid
        The T instants.
    thresholds : Thresholds
        The operating point: the calibration and the lag of the onset head.

    Returns
    -------
    Confidence
        In the order of the notes.
    """
    key = key_of(notes.midi.astype(np.int64))
    last = grid.length - 1
    lag_s = at_keys(thresholds.onset.of_keys("lag_s"), key)
    frame = np.rint(grid.frame(notes.onset_s + lag_s)).astype(int)
    near = np.clip(frame[:, None] + np.arange(-ONSET_REACH, ONSET_REACH + 1), 0, max(last, 0))  # (N, 3)
    raw = heads["onset"][near, key[:, None]].max(axis=1) if len(notes) else np.zeros(0)
    onset = sigmoid(raw / thresholds.onset.temperature + thresholds.onset.bias)
    first = np.clip(np.ceil(grid.frame(notes.onset_s)).astype(int), 0, max(last, 0))
    end = np.clip(np.ceil(grid.frame(notes.offset_s)).astype(int), first + 1, last + 1)
    columns = []
    for name, value in (("hand", notes.hand), ("clef", notes.staff)):
        if name not in heads:
            columns.append(np.full(len(notes), np.nan))
            continue
        mean = np.array([heads[name][a:b, k].mean() for a, b, k in zip(first, end, key, strict=True)])
        columns.append(sigmoid(np.where(value > 0, mean, -mean)) if len(notes) else np.zeros(0))
    return Confidence(onset, *columns)
