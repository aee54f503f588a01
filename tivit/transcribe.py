"""One video in, one MIDI file out: registration, strip, model, key-aware decoding, notes.

These are the functions of the pipeline's stages, on one clip. Memory is bounded by a window: the strip goes through a temporary
file (53 KB per frame), whatever the length of the video.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from tivit.adaptation.adapt import STEPS, adapted
from tivit.adaptation.labels import sure_labels
from tivit.core.errors import InputError
from tivit.core.keyboard import keys_between
from tivit.core.logits import ClipLogits, silenced
from tivit.core.notes import write_midi
from tivit.core.params import section
from tivit.core.registration import Refusal, Registration
from tivit.core.run.progress import progress_bar
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import seconds_of
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import Thresholds, read_thresholds
from tivit.inference.params import followed_window
from tivit.inference.predict import predict_strip
from tivit.model.background import background_of
from tivit.model.checkpoint import Checkpoint, load_checkpoint
from tivit.model.fold import folded
from tivit.model.setup import prepare_torch
from tivit.registration.clip import register_video
from tivit.registration.overlay import keys_in_view
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.registration.question import question
from tivit.theory.key import clip_posterior, params_of, rescored
from tivit.video.rectify import write_strip

log = logging.getLogger("tivit.transcribe")


@dataclass(frozen=True)
class Summary:
    """What a transcription came to.

    Attributes
    ----------
    output : Path
        The MIDI file.
    notes : int
        How many notes it holds.
    video_s, work_s : float
        Seconds of video, and seconds that the work took.
    """

    output: Path
    notes: int
    video_s: float
    work_s: float

    def sentence(self) -> str:
        """Return the closing line for the user."""
        speed = self.video_s / self.work_s
        return f"{self.output}: {self.notes} notes in {self.video_s:.1f} s of video, {speed:.1f} x real time"


def transcribe(
    video: Path,
    output: Path,
    params: Mapping[str, Any],
    checkpoint: Path,
    thresholds: Path,
    known: Override = NOTHING_KNOWN,
    adapt: bool = False,
) -> Summary:
    """Write the notes of a video to a MIDI file; keys out of view have none.

    Parameters
    ----------
    video : Path
        The video.
    output : Path
        The MIDI file.
    params : mapping
        Sections `registration` and `runtime`, as params.yaml has them; others are not used.
    checkpoint, thresholds : Path
        A trained model and the operating point that was chosen for it. The latter also says how the logits are rescored and in
        which windows they are made.
    known : Override
        What is known of the keyboard beforehand; its first key goes before `registration.first_key`.
    adapt : bool
        True: the network first learns from what it is sure of in this video (`tivit.adaptation`).

    Returns
    -------
    Summary

    Raises
    ------
    InputError
        The video, checkpoint or thresholds cannot be used, no keyboard is found, or its octave is not known.
    """
    started_s = time.perf_counter()
    runtime = section(params, "runtime", RuntimeParams)
    operating_point = read_thresholds(thresholds)
    record = operating_point.chosen_under
    decode = params_of(record["decode"], thresholds) if "decode" in record else None
    window_frames = followed_window(record.get("logits", {}), thresholds)
    device = prepare_torch(runtime)
    trained = load_checkpoint(checkpoint)
    trained = replace(trained, model=trained.model.to(device))
    registration = find_keyboard(video, section(params, "registration", RegistrationParams), trained.geometry, known)
    logits = clip_logits(video, registration, trained, window_frames, runtime, operating_point if adapt else None)
    if decode is not None:
        logits = rescored(logits, clip_posterior(logits, decode), decode)
    # Lags are those of published labels, which may be off from their videos; a transcription lies where this video shows it.
    notes = decode_notes(logits.heads, logits.grid, operating_point).moved(operating_point.label_lag_s)
    write_midi(output, notes)
    video_s = seconds_of(logits.grid.length, logits.grid.fps)
    return Summary(output, len(notes), video_s, time.perf_counter() - started_s)


def find_keyboard(video: Path, params: RegistrationParams, geometry: StripGeometry, known: Override) -> Registration:
    """Return the registration of a video, which can be used.

    Parameters
    ----------
    video : Path
        The video.
    params : RegistrationParams
        How the keyboard is looked for.
    geometry : StripGeometry
        The raster of the strips that the network reads.
    known : Override
        What is known of the keyboard beforehand; it goes before `params`.

    Returns
    -------
    Registration

    Raises
    ------
    InputError
        The keyboard is not found or its octave is not known; the message has the reason and what would help.
    """
    registration = register_video(video, params, geometry, known.over(Override(first_key=params.first_key))).registration
    if isinstance(registration, Refusal):
        remedy = "film the keys from above with their front edge in the picture, or give --corners"
        remedy = remedy if known == NOTHING_KNOWN else "check what was given (--corners, --first-key, --orientation)"
        raise InputError(f"{video}: the keyboard was not found ({registration.reason}); {remedy}")
    if registration.doubt:
        raise InputError(f"{video}: {question(registration)}")
    if not _in_view(registration).all():
        log.info("%s: keys %s are in view, no note of another key can be found", video, keys_in_view(registration))
    return registration


def clip_logits(
    video: Path,
    registration: Registration,
    trained: Checkpoint,
    window_frames: int,
    runtime: RuntimeParams,
    adapt_at: Thresholds | None = None,
) -> ClipLogits:
    """Return the raw logits of a video on the time grid of the checkpoint; keys out of view are silent.

    Parameters
    ----------
    video : Path
        The video.
    registration : Registration
        From `find_keyboard`.
    trained : Checkpoint
        Its network on the device of `runtime`.
    window_frames : int
        Frames answered for in one forward pass.
    runtime : RuntimeParams
        The precision.
    adapt_at : Thresholds, optional
        An operating point; the logits are then those of the network adapted to the notes that it is sure of in this video.

    Returns
    -------
    ClipLogits
        Heads float32 (T, 88), on a grid of `trained.fps` frames a second.

    Raises
    ------
    InputError
        The video cannot be read, or the keyboard lies outside its picture.
    """
    in_view = _in_view(registration)
    with tempfile.TemporaryDirectory(prefix="tivit-") as folder:
        strip = Path(folder) / "strip.npy"
        with progress_bar(None, "video", "frame") as bar:
            grid = write_strip(video, registration, trained.geometry, trained.fps, strip, lambda _: bar.update())
        frames = np.load(strip, mmap_mode="r", allow_pickle=False)
        heads = _predict(trained.model, frames, trained, window_frames, runtime)
        if adapt_at is not None:
            labels = sure_labels(silenced(heads, in_view), grid, adapt_at, in_view)
            with progress_bar(STEPS, "adapt", "step") as bar:
                background = background_of(frames, trained.geometry)
                model = adapted(trained.model, frames, labels, background, bar.update)
            heads = _predict(model, frames, trained, window_frames, runtime)
    return ClipLogits(video.stem, grid, silenced(heads, in_view))


def _in_view(registration: Registration) -> np.ndarray:
    return keys_between(registration.first_midi, registration.last_midi)


def _predict(
    model: nn.Module, frames: np.ndarray, trained: Checkpoint, window_frames: int, runtime: RuntimeParams
) -> dict[str, np.ndarray]:
    with progress_bar(len(frames), "notes", "frame") as bar:
        return predict_strip(folded(model), frames, trained.geometry, runtime, window_frames, bar.update)
