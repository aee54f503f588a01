"""What the decoder process is asked for and what it sends.

Both processes import this module, so it imports neither torch nor what looks for the keyboard: each process loads only what it
uses, and at the same time as the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from tivit.core.registration import Refusal, Registration
from tivit.core.strip import StripGeometry
from tivit.registration.params import Override, RegistrationParams


class Kind(Enum):
    """What is sent: the value beside it is named in brackets."""

    ALIVE = "alive"  # (None)
    LOG = "log"  # (level, text)
    INFO = "info"  # (VideoInfo)
    SEARCH = "search"  # (KeyboardSearch)
    BACKGROUND = "background"  # (Background)
    PIECE = "piece"  # (first instant of the piece in s, uint8 (n, H, W))
    ERROR = "error"  # (text)
    END = "end"  # (None)


@dataclass(frozen=True)
class DecoderJob:
    """What the process is asked for.

    Attributes
    ----------
    video : Path
        The video.
    span_s : tuple of float
        First and last instant (s of the video's clock) that are read.
    geometry : StripGeometry
        Raster of the strip.
    fps : float
        Rate of the strip's time grid.
    registration : RegistrationParams
        How the keyboard is looked for.
    known : Override
        What is known of the keyboard beforehand.
    """

    video: Path
    span_s: tuple[float, float]
    geometry: StripGeometry
    fps: float
    registration: RegistrationParams
    known: Override


@dataclass(frozen=True)
class KeyboardSearch:
    """What came of the search for the keyboard, and a picture of the video to show it on.

    Attributes
    ----------
    registration : Registration or Refusal
        Where the keyboard is, or why it was not found.
    frame : ndarray of uint8, shape (height, width, 3)
        The middle one of the frames that were looked at, BGR.
    """

    registration: Registration | Refusal
    frame: np.ndarray
