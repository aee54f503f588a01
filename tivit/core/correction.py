"""From the clock of labels to that of a video: a straight line, as a clock that runs wrong mostly runs wrong evenly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Correction:
    """Where an instant of the labels lies on the clock of the video: at `rate` times the instant, plus `shift_s`.

    Attributes
    ----------
    shift_s : float
        What is added (s).
    rate : float
        What instants are multiplied by; exactly 1 where both clocks run alike.
    """

    shift_s: float = 0.0
    rate: float = 1.0

    @property
    def is_none(self) -> bool:
        """True where nothing is moved."""
        return self.shift_s == 0.0 and self.rate == 1.0

    def applied(self, time_s: np.ndarray) -> np.ndarray:
        """Return instants on the clock of the video.

        Parameters
        ----------
        time_s : ndarray of float
            Instants of the labels (s), of any shape.

        Returns
        -------
        ndarray of float
            The same instants on the clock of the video (s).
        """
        return self.rate * time_s + self.shift_s


NO_CORRECTION = Correction()
"""Labels as they are."""
