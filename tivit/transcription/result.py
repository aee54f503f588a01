"""What comes of one video: notes with their probabilities, and everything that a file about them has to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.logits import ClipLogits
from tivit.core.notes import Notes
from tivit.core.registration import Refusal, Registration
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid, seconds_of
from tivit.decoding.thresholds import Thresholds
from tivit.registration.params import Override
from tivit.transcription.confidence import Confidence
from tivit.transcription.messages import KeyboardSearch
from tivit.video.source import VideoInfo


@dataclass(frozen=True)
class Origin:
    """What made the notes.

    Attributes
    ----------
    version : str
        Of the package.
    weights : str
        File name and MD5 of the checkpoint.
    settings : str
        The thresholds and options in a few words.
    """

    version: str
    weights: str
    settings: str

    def sentence(self) -> str:
        """Return all of it in one line."""
        return f"TiViT-Piano {self.version}; weights {self.weights}; {self.settings}"


def origin_of(weights: str, point: Thresholds, options: Sequence[str]) -> Origin:
    """Return what says of notes what made them.

    Parameters
    ----------
    weights : str
        File name and MD5 of the checkpoint.
    point : Thresholds
        The operating point.
    options : sequence of str
        What else was asked for, in a word each.

    Returns
    -------
    Origin
        With the version of the package that runs.
    """
    try:
        version = metadata.version("tivit")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    settings = (
        f"thresholds onset {point.onset.threshold:g}, pitch {point.pitch.threshold:g}, offset {point.offset.threshold:g}, "
        f"decoder {point.rules.decoder}{''.join(f', {option}' for option in options)}"
    )
    return Origin(version, weights, settings)


@dataclass(frozen=True)
class Transcription:
    """The notes of one video.

    Attributes
    ----------
    video : Path
        The video.
    info : VideoInfo
        What its file declares.
    span_s : tuple of float
        First and last instant that were asked for (s of the video's clock); the last may be infinite.
    grid : TimeGrid
        The instants that were read.
    notes : Notes
        In seconds of the video's clock.
    confidence : Confidence
        How likely each note is, in the same order.
    registration : Registration
        Where the keyboard is.
    geometry : StripGeometry
        Raster of the strip that it leads to.
    frame : ndarray of uint8, shape (height, width, 3)
        A picture of the video, BGR.
    thresholds : Thresholds
        The operating point.
    origin : Origin
        What made the notes.
    warnings : tuple of str
        What was said of the video on the way.
    is_partial : bool
        True where the work was stopped before the end.
    logits : ClipLogits or None
        The rescored logits, where they were to be kept.
    work_s : float
        Seconds that the work took.
    """

    video: Path
    info: VideoInfo
    span_s: tuple[float, float]
    grid: TimeGrid
    notes: Notes
    confidence: Confidence
    registration: Registration
    geometry: StripGeometry
    frame: np.ndarray = field(repr=False)
    thresholds: Thresholds = field(repr=False)
    origin: Origin
    warnings: tuple[str, ...]
    is_partial: bool
    logits: ClipLogits | None = field(repr=False)
    work_s: float

    @property
    def video_s(self) -> float:
        """Seconds of video that were read."""
        return seconds_of(self.grid.length, self.grid.fps)

    def sentence(self) -> str:
        """Return what came of it, in one line."""
        speed = f"{self.video_s / self.work_s:.1f} x real time"
        read = f"{len(self.notes)} notes in {self.video_s:.1f} s of video, {speed}"
        return f"{read} (no key was seen going down)" if len(self.notes) == 0 else read


class StoppedError(Exception):
    """The work on a video stopped before its end; what was read until then is kept.

    Attributes
    ----------
    transcription : Transcription
        The notes so far, marked partial.
    """

    def __init__(self, transcription: Transcription) -> None:
        super().__init__(f"stopped after {transcription.video_s:.1f} s of video")
        self.transcription = transcription


class UnknownKeyboardError(InputError):
    """The keyboard of a video was not found, or it is not known which of its keys are in view.

    Attributes
    ----------
    video : Path
        The video.
    registration : Refusal or Registration
        What came of the search: a refusal, or a registration with a doubt.
    frame : ndarray of uint8, shape (height, width, 3)
        A picture of the video, BGR.
    known : Override
        What the user said of the keyboard.
    """

    def __init__(self, sentence: str, video: Path, search: KeyboardSearch, known: Override) -> None:
        super().__init__(f"{video}: {sentence}")
        self.video, self.known = video, known
        self.registration: Refusal | Registration = search.registration
        self.frame = search.frame
