"""One video in, one MIDI file out: registration, strip, model, key-aware decoding, notes.

The same functions as the pipeline's stages, on one clip. Memory is bounded by a window: the strip goes through a temporary
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

from tivit.adaptation.adapt import RAMP_FRAMES, STEPS, adapted
from tivit.adaptation.labels import sure_labels
from tivit.core.errors import InputError
from tivit.core.keyboard import keys_between
from tivit.core.logits import ClipLogits, silenced
from tivit.core.notes import write_midi
from tivit.core.params import section
from tivit.core.registration import Registration
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
from tivit.theory.key import clip_posterior, params_of, rescored
from tivit.video.rectify import write_strip

log = logging.getLogger("tivit.transcribe")


@dataclass(frozen=True)
class Summary:
    """What a transcription came to: notes, seconds of video, seconds of work."""

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
    """Write the notes of `video` to the MIDI file `output`; keys out of view have none.

    Parameters
    ----------
    params : sections `registration` and `runtime`, as params.yaml has them; others are not used.
    checkpoint, thresholds : a trained model and the operating point that was chosen for it, which says too how the logits are
        rescored and in which windows they are made.
    known : what is known of the keyboard beforehand; its first key goes before `registration.first_key`.
    adapt : True: the network first learns from what it is sure of in this video (`tivit.adaptation`).

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
    """Return the registration of a video; raise InputError with the reason and what would help when it cannot be used."""
    registration = register_video(video, params, geometry, known.over(Override(first_key=params.first_key))).registration
    if registration.status == "octave_unknown":
        raise InputError(
            f"{video}: the octave of the keyboard is not known ({registration.reason}); give --first-key, the lowest key in "
            "view (such as C2, or 36), or the same as registration.first_key in the params"
        )
    if not registration.is_usable:
        remedy = "give --corners, and --first-key where not all keys are in view"
        remedy = remedy if known == NOTHING_KNOWN else "check what was given (--corners, --first-key, --orientation)"
        raise InputError(f"{video}: the keyboard was not found ({registration.reason}); {remedy}")
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
    """Return the raw logits of a video on the time grid the checkpoint was trained on; keys out of view are silent.

    With `adapt_at`, an operating point, they are those of the network adapted to the notes it is sure of there.
    """
    in_view = _in_view(registration)
    with tempfile.TemporaryDirectory(prefix="tivit-") as folder:
        strip = Path(folder) / "strip.npy"
        with progress_bar(None, "video", "frame") as bar:
            grid = write_strip(video, registration, trained.geometry, trained.fps, strip, lambda _: bar.update())
        frames = np.load(strip, mmap_mode="r", allow_pickle=False)
        heads = _predict(trained.model, frames, trained, window_frames, runtime)
        if adapt_at is not None:
            labels = sure_labels(silenced(heads, in_view), grid, adapt_at, in_view, RAMP_FRAMES)
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
