"""A trained network that reads strips. Only this module of the package imports torch, and `chain` imports it last of all.

Importing torch and loading the weights takes seconds; the decoder process finds the keyboard in the meantime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tivit.adaptation.adapt import STEPS, adapted
from tivit.adaptation.labels import ClipLabels
from tivit.core.run.runtime import RuntimeParams
from tivit.inference.predict import SEEN_FRAMES, predict_stream
from tivit.model.background import Background
from tivit.model.checkpoint import Checkpoint, load_checkpoint
from tivit.model.fold import folded
from tivit.model.setup import prepare_torch

FIRST_WINDOW_FRAMES = 64
"""The first window is this short, so that the first notes are there soon; each is twice as long as the one before."""


class StripReader:
    """A network that is ready to read strips.

    Parameters
    ----------
    trained : Checkpoint
        The network, on the device it is to run on.
    runtime : RuntimeParams
        The precision.
    window_frames : int
        Most frames that are answered for in one pass.

    Attributes
    ----------
    adaptation_steps : int
        How many steps `adapted` makes.
    """

    adaptation_steps = STEPS

    def __init__(self, trained: Checkpoint, runtime: RuntimeParams, window_frames: int) -> None:
        self._trained, self._runtime, self._window_frames = trained, runtime, window_frames
        self._model = folded(trained.model)

    def windows(self, stretches: Iterable[np.ndarray], background: Background) -> Iterator[dict[str, np.ndarray]]:
        """Yield the raw logits of a strip window by window, while it is still coming in.

        Parameters
        ----------
        stretches : iterable of ndarray of uint8, (n, H, W)
            The strip in pieces of `SEEN_FRAMES` frames, the last one shorter.
        background : Background
            The keyboard at rest.

        Yields
        ------
        dict of str to ndarray of float32, (frames of the window, 88)
            Head name -> logits.
        """
        return predict_stream(self._model, stretches, background, self._runtime, self._window_frames, FIRST_WINDOW_FRAMES)

    def reread(self, frames: np.ndarray, background: Background) -> Iterator[dict[str, np.ndarray]]:
        """Yield what `windows` yields, of a strip that is there as a whole, uint8 (T, H, W)."""
        pieces = (np.asarray(frames[first : first + SEEN_FRAMES]) for first in range(0, len(frames), SEEN_FRAMES))
        return self.windows(pieces, background)

    def adapted(
        self, frames: np.ndarray, labels: ClipLabels, background: Background, on_step: Callable[[], object]
    ) -> StripReader:
        """Return a reader whose network has learned on from a clip; the parameters are those of `adaptation.adapt.adapted`."""
        model = adapted(self._trained.model, frames, labels, background, on_step)
        return StripReader(replace(self._trained, model=model), self._runtime, self._window_frames)


def load_reader(checkpoint: Path, runtime: RuntimeParams, window_frames: int) -> StripReader:
    """Return the network of a checkpoint, ready to read strips.

    Parameters
    ----------
    checkpoint : Path
        A trained model.
    runtime : RuntimeParams
        Threads, device and precision.
    window_frames : int
        Most frames that are answered for in one pass.

    Returns
    -------
    StripReader

    Raises
    ------
    InputError
        The checkpoint or the device cannot be used.
    """
    device = prepare_torch(runtime)
    trained = load_checkpoint(checkpoint)
    return StripReader(replace(trained, model=trained.model.to(device)), runtime, window_frames)
