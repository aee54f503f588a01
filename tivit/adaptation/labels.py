"""What a network is sure of in a clip, as labels: the notes it sees beyond doubt, and where it is sure that nothing happens.

Pseudo-labels (Lee 2013, Pseudo-label: the simple and efficient semi-supervised learning method for deep neural networks). All
that lies between sure and sure not is masked, so a press that the network half sees neither counts as a press nor against one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tivit.core.heads import EVENT_HEADS
from tivit.core.notes import Notes
from tivit.core.probability import sigmoid
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import Thresholds
from tivit.targets import Targets, make_targets

SURE = 0.85
"""Least probability of the onset of a note that is learned from. At the threshold itself (0.7) precision fell by 0.007 on
development clips; docs/transfer.md has the trials."""
SURE_NOT = 0.15
"""Most probability of a frame that is learned from as empty."""
DOWN = 0.5
"""Least probability of the pitch head in a frame that is learned from as pressed."""
RAMP_FRAMES = 2.0
"""Half width of the triangle around an onset or offset, as in training (`train.ramp_frames`)."""


@dataclass(frozen=True)
class ClipLabels:
    """What is learned from in a clip of T frames.

    Attributes
    ----------
    notes : Notes
        Those the network is sure of, in seconds of the clip's clock.
    grid : TimeGrid
        Of the clip, T frames.
    masks : dict
        Event head -> bool (T, 88), where the head is supervised.
    """

    notes: Notes
    grid: TimeGrid
    masks: dict[str, np.ndarray]

    def window(self, first_frame: int, length: int) -> tuple[Targets, dict[str, np.ndarray]]:
        """Return targets and masks, each (length, 88), of a window.

        Parameters
        ----------
        first_frame, length : int
            The window, in frames of `grid`.
        """
        masks = {name: mask[first_frame : first_frame + length] for name, mask in self.masks.items()}
        return make_targets(self.notes, self.grid.window(first_frame, length), RAMP_FRAMES), masks


def sure_labels(heads: dict[str, np.ndarray], grid: TimeGrid, thresholds: Thresholds, in_view: np.ndarray) -> ClipLabels:
    """Return what is sure in the logits of a clip.

    Parameters
    ----------
    heads : dict
        Head name -> raw logits, float (T, 88).
    grid : TimeGrid
        Of the T frames.
    thresholds : Thresholds
        The operating point; its onset threshold is raised to `SURE` where it is lower.
    in_view : np.ndarray
        Keys in view, bool (88,); no other is learned from.
    """
    onset = thresholds.onset
    sure = max(onset.threshold, SURE)
    strict = replace(thresholds, onset=replace(onset, threshold=sure, hold=max(onset.hold, sure), black=None))
    notes = decode_notes(heads, grid, strict)
    targets = make_targets(notes, grid, RAMP_FRAMES)
    masks = {}
    for name in EVENT_HEADS:
        probability, is_labelled = sigmoid(heads[name]), targets.values[name] > 0
        is_event = is_labelled & (probability >= DOWN) if name == "pitch" else is_labelled
        masks[name] = (is_event | (probability <= SURE_NOT)) & in_view
    return ClipLabels(notes, grid, masks)
