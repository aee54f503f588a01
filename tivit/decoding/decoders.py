"""The decoders to choose from, and what each needs.

A new decoder is a module with a function `decide_...`, a line in `DECODERS`, and its name in `thresholds.EventRules`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tivit.core.disk_rows import Scratch
from tivit.core.logits import ClipLogits
from tivit.decoding.events import Decision, Events, collect
from tivit.decoding.peaks import decide_peaks
from tivit.decoding.states import LOWEST_ONSET, decide_states
from tivit.decoding.thresholds import Thresholds


@dataclass(frozen=True)
class Decoder:
    """How events become notes.

    Attributes
    ----------
    decide : callable
        Takes events and thresholds, and returns a `Decision`: what begins and ends notes at this operating point.
    lowest_onset : float or None
        Probability down to which it looks at onset peaks below the threshold; None: it looks at no such peak.
    are_ends_apart : bool
        True where hold and offset thresholds move only the ends of notes, and have no say in which notes there are.
    """

    decide: Callable[[Events, Thresholds], Decision]
    lowest_onset: float | None
    are_ends_apart: bool


DECODERS = {
    "peaks": Decoder(decide_peaks, lowest_onset=None, are_ends_apart=True),
    "states": Decoder(decide_states, lowest_onset=LOWEST_ONSET, are_ends_apart=False),
}


def collect_events(clips: Sequence[ClipLogits], thresholds: Thresholds, scratch: Scratch | None = None) -> Events:
    """Return the events of clips that the decoder of the thresholds looks at.

    Parameters
    ----------
    clips : sequence of ClipLogits
        The clips.
    thresholds : Thresholds
        The loosest operating point that will be asked for, with the decoder and its rules.
    scratch : Scratch, optional
        What takes the rows of the pitch head; they are kept in memory without it.

    Returns
    -------
    Events
        The events of all clips together.

    Raises
    ------
    InputError
        A clip lacks an event head, or a head has another shape than (T, 88).
    """
    return collect(clips, thresholds, DECODERS[thresholds.rules.decoder].lowest_onset, scratch)


def decide(events: Events, thresholds: Thresholds) -> Decision:
    """Return which onset peaks begin notes and what may end them, by the decoder of the thresholds.

    Parameters
    ----------
    events : Events
        The events of clips, collected for thresholds no stricter than these.
    thresholds : Thresholds
        The operating point.

    Returns
    -------
    Decision
        The notes of all clips, not yet with times.
    """
    return DECODERS[thresholds.rules.decoder].decide(events, thresholds)
