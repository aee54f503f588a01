"""The decoders to choose from, and what each needs. A new one is a module with a `decide_...`, its line here, and its name in
`thresholds.EventRules`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    decide : what begins and ends notes at an operating point.
    lowest_onset : probability down to which it looks at onset peaks below the threshold; None: at none.
    are_ends_apart : hold and offset thresholds move ends alone, and have no say in which notes there are.
    """

    decide: Callable[[Events, Thresholds], Decision]
    lowest_onset: float | None
    are_ends_apart: bool


DECODERS = {
    "peaks": Decoder(decide_peaks, lowest_onset=None, are_ends_apart=True),
    "states": Decoder(decide_states, lowest_onset=LOWEST_ONSET, are_ends_apart=False),
}


def collect_events(clips: Sequence[ClipLogits], thresholds: Thresholds) -> Events:
    """Return the events of clips that the decoder of `thresholds` looks at."""
    return collect(clips, thresholds, DECODERS[thresholds.rules.decoder].lowest_onset)


def decide(events: Events, thresholds: Thresholds) -> Decision:
    """Return which onset peaks begin notes and what may end them, by the decoder of `thresholds`."""
    return DECODERS[thresholds.rules.decoder].decide(events, thresholds)
