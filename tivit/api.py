"""Transcription from Python: `from tivit import transcribe`, which is the function of this module."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from tivit.pretrained.files import chosen
from tivit.pretrained.recipe import transcription_params
from tivit.registration.params import NOTHING_KNOWN, Override
from tivit.transcription.chain import OnWindow, Request, Transcriber
from tivit.transcription.result import Transcription
from tivit.video.spans import WHOLE


def transcribe(
    video: str | PathLike[str],
    known: Override = NOTHING_KNOWN,
    span_s: tuple[float, float] = WHOLE,
    on_window: OnWindow = lambda _: None,
) -> Transcription:
    """Return the notes of a video, read with the weights that come with the project.

    Parameters
    ----------
    video : path-like
        The video.
    known : Override
        What is known of the keyboard beforehand: corners, first key, orientation.
    span_s : tuple of float
        First and last instant (s of the video's clock) to read.
    on_window : callable, optional
        Called with the notes so far every time some more seconds are read.

    Returns
    -------
    Transcription
        Its `notes` are columns of one length (`onset_s`, `offset_s`, `midi`, `velocity`, `hand`, `staff`), its `confidence`
        says how likely each of them is. `tivit.transcription.batch.write_midi_of` writes them to a MIDI file.

    Raises
    ------
    InputError
        The video cannot be read, or its keyboard is not found.
    """
    trained = chosen(None, None)
    transcriber = Transcriber(transcription_params(trained, None), trained.checkpoint, trained.thresholds)
    return transcriber.transcribe(Request(Path(video), known, span_s), on_window)
