"""One video in, its notes out: a decoder process sends the strip, the network reads it, notes settle on the way.

Registration, strip, model, key-aware decoding and notes are the functions of the pipeline's stages. Nothing of the strip is
kept but a few seconds, so memory does not grow with the video; `adapt` alone needs all of it, and puts it into a temporary file
without a name, which the system removes however this process ends.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from tqdm import tqdm

from tivit.adaptation.adapt import STEPS, adapted
from tivit.adaptation.labels import sure_labels
from tivit.core.artifacts import md5_of
from tivit.core.errors import InputError
from tivit.core.keyboard import keys_between
from tivit.core.logits import silenced
from tivit.core.params import section
from tivit.core.registration import Refusal, Registration
from tivit.core.run.progress import progress_bar
from tivit.core.run.runtime import RuntimeParams
from tivit.core.timegrid import frames_of, seconds_of
from tivit.decoding.thresholds import read_thresholds
from tivit.inference.params import followed_window
from tivit.inference.predict import SEEN_FRAMES, predict_stream
from tivit.model.background import Background
from tivit.model.checkpoint import load_checkpoint
from tivit.model.fold import folded
from tivit.model.setup import prepare_torch
from tivit.registration.clip import RegisteredVideo
from tivit.registration.overlay import keys_in_view
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.registration.question import question
from tivit.registration.scale import small_keys
from tivit.theory.key import params_of
from tivit.transcribe.decoder import DecoderJob
from tivit.transcribe.process import DecoderProcess
from tivit.transcribe.result import Origin, StoppedError, Transcription, UnknownKeyboardError
from tivit.transcribe.settled import SettledNotes
from tivit.video.reader import VideoInfo
from tivit.video.spans import WHOLE

log = logging.getLogger("tivit.transcribe")

OnWindow = Callable[[Transcription], object]
"""Called after each window of the network with what is settled so far (a transcription that is marked partial)."""


@dataclass(frozen=True)
class Request:
    """What is asked of one video.

    Attributes
    ----------
    video : Path
        The video.
    known : Override
        What is known of the keyboard beforehand; its first key goes before `registration.first_key` of the params.
    span_s : tuple of float
        First and last instant (s of the video's clock) to read.
    adapt : bool
        True: the network first learns from what it is sure of in this video (`tivit.adaptation`).
    keep_logits : bool
        True: the logits are returned too; 2 KB for each frame.
    quiet : bool
        True: no progress bar is shown while `adapt` works.
    """

    video: Path
    known: Override = NOTHING_KNOWN
    span_s: tuple[float, float] = WHOLE
    adapt: bool = False
    keep_logits: bool = False
    quiet: bool = False


class Transcriber:
    """A network, made ready once, that transcribes one video after the other.

    Parameters
    ----------
    params : mapping
        Sections `registration` and `runtime`, as params.yaml has them; others are not used.
    checkpoint, thresholds : Path
        A trained model and the operating point that was chosen for it. The latter also says how the logits are rescored and in
        which windows they are made.

    Raises
    ------
    InputError
        The params, the checkpoint or the thresholds cannot be used.
    """

    def __init__(self, params: Mapping[str, Any], checkpoint: Path, thresholds: Path) -> None:
        self._runtime = section(params, "runtime", RuntimeParams)
        self._registration = section(params, "registration", RegistrationParams)
        self._thresholds = read_thresholds(thresholds)
        record = self._thresholds.chosen_under
        self._decode = params_of(record["decode"], thresholds) if "decode" in record else None
        self._window_frames = followed_window(record.get("logits", {}), thresholds)
        device = prepare_torch(self._runtime)
        trained = load_checkpoint(checkpoint)
        self._trained = replace(trained, model=trained.model.to(device))
        self._model = folded(self._trained.model)
        self._weights = f"{checkpoint.name} (MD5 {md5_of(checkpoint)})"

    def transcribe(self, request: Request, on_window: OnWindow = lambda _: None) -> Transcription:
        """Return the notes of a video; keys out of view have none.

        Parameters
        ----------
        request : Request
            What is asked for.
        on_window : callable, optional
            Called with what is settled, every time the network has read some seconds more.

        Returns
        -------
        Transcription

        Raises
        ------
        InputError
            The video cannot be read, no keyboard is found, its octave is not known, or there is no room for what `adapt` needs.
        StoppedError
            The work stopped after a part of the video, by Ctrl-C or because the file cannot be read on; its cause says why.
        """
        started_s = time.perf_counter()
        log.info("%s: looking for the keyboard", request.video)
        known = request.known.over(Override(first_key=self._registration.first_key))
        job = DecoderJob(
            request.video.absolute(), request.span_s, self._trained.geometry, self._trained.fps, self._registration, known
        )
        heard = _Warnings()
        with ExitStack() as stack:
            stack.enter_context(heard)
            decoder = stack.enter_context(DecoderProcess(job))
            info, registered = decoder.registered()
            registration = usable(request.video, registered, request.known)
            if sentence := small_keys(registration, self._trained.geometry):
                log.warning("%s: %s", request.video, sentence)
            in_view = keys_between(registration.first_midi, registration.last_midi)
            strip = stack.enter_context(self._temporary(request, info)) if request.adapt else None
            background, pieces = decoder.background(), decoder.pieces()
            start_s, first = next(pieces)
            keep = request.keep_logits or request.adapt
            notes = SettledNotes(self._trained.fps, start_s, self._thresholds, self._decode, keep)
            result = partial(self._result, request, info, registered, heard.texts, started_s)
            stretches = chain([first], (piece for _, piece in pieces))
            stretches = stretches if strip is None else _copied(stretches, strip)
            try:
                for window in predict_stream(self._model, stretches, background, self._runtime, self._window_frames):
                    notes.add(silenced(window, in_view))
                    if not request.adapt:
                        on_window(result(notes, is_partial=True, rest=False))
                if strip is not None:
                    notes = self._adapted(notes, strip, background, in_view, request)
            except (InputError, KeyboardInterrupt) as error:
                if notes.grid.length == 0:
                    raise
                raise StoppedError(result(notes, is_partial=True, rest=True)) from error
            return result(notes, is_partial=False, rest=True)

    def _result(
        self, request: Request, info: VideoInfo, registered: RegisteredVideo, warnings: list[str], started_s: float,
        notes: SettledNotes, is_partial: bool, rest: bool,
    ) -> Transcription:  # fmt: skip
        """Return the notes so far; with `rest` also those that are not settled."""
        settled, confidence = notes.notes(rest)
        return Transcription(
            request.video, info, request.span_s, notes.grid,
            # Lags are those of published labels, which may be off from their videos; a transcription lies where this video
            # shows it.
            settled.moved(self._thresholds.label_lag_s), confidence, registered.registration, self._trained.geometry,
            registered.frame, self._thresholds, self._origin(request), tuple(warnings), is_partial,
            notes.rescored(request.video.stem) if request.keep_logits and not is_partial else None,
            time.perf_counter() - started_s,
        )  # fmt: skip

    def _origin(self, request: Request) -> Origin:
        try:
            version = metadata.version("tivit")
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        point = self._thresholds
        settings = (
            f"thresholds onset {point.onset.threshold:g}, pitch {point.pitch.threshold:g}, offset {point.offset.threshold:g}, "
            f"decoder {point.rules.decoder}{', adapted' if request.adapt else ''}"
        )
        return Origin(version, self._weights, settings)

    def _temporary(self, request: Request, info: VideoInfo) -> BinaryIO:
        """Return a file without a name that has room for the whole strip."""
        geometry, end_s = self._trained.geometry, min(request.span_s[1], info.duration_s)
        needed = frames_of(end_s - request.span_s[0], self._trained.fps) * geometry.width_px * geometry.height_px
        folder = tempfile.gettempdir()
        if (free := shutil.disk_usage(folder).free) < needed:
            raise InputError(
                f"{folder}: --adapt needs {needed / 1e9:.1f} GB there for {request.video}, {free / 1e9:.1f} GB are free; name "
                "another folder in TMPDIR, leave --adapt out, or choose a part by --start and --end"
            )
        return tempfile.TemporaryFile(prefix="tivit-")

    def _adapted(
        self, notes: SettledNotes, strip: BinaryIO, background: Background, in_view: np.ndarray, request: Request
    ) -> SettledNotes:
        """Return the notes that a network reads which has learned from the sure ones of `notes`."""
        clip, geometry = notes.logits(request.video.stem), self._trained.geometry
        strip.flush()
        frames = np.memmap(strip, np.uint8, "r", shape=(clip.grid.length, geometry.height_px, geometry.width_px))
        labels = sure_labels(clip.heads, clip.grid, self._thresholds, in_view)
        log.info("%s: the network learns from %d sure notes", request.video, len(labels.notes))
        with _bar(STEPS, "adapt", "step", request.quiet) as bar:
            model = adapted(self._trained.model, frames, labels, background, bar.update)
        again = SettledNotes(clip.grid.fps, clip.grid.start_s, self._thresholds, self._decode, request.keep_logits)
        stretches = (np.asarray(frames[first : first + SEEN_FRAMES]) for first in range(0, len(frames), SEEN_FRAMES))
        with _bar(len(frames), "notes", "frame", request.quiet) as bar:
            for window in predict_stream(folded(model), stretches, background, self._runtime, self._window_frames):
                again.add(silenced(window, in_view))
                bar.update(again.grid.length - bar.n)
        return again


def usable(video: Path, registered: RegisteredVideo, known: Override) -> Registration:
    """Return the registration of a video, which can be used.

    Parameters
    ----------
    video : Path
        The video, for the message.
    registered : RegisteredVideo
        What came of it.
    known : Override
        What the user said of the keyboard, for the message.

    Returns
    -------
    Registration

    Raises
    ------
    UnknownKeyboardError
        The keyboard was not found or its octave is not known; the message has the reason and what would help.
    """
    registration = registered.registration
    if isinstance(registration, Refusal):
        remedy = "film the keys from above with their front edge in the picture, or give --corners (--report helps to)"
        remedy = remedy if known == NOTHING_KNOWN else "check what was given (--corners, --first-key, --orientation)"
        sentence = f"the keyboard was not found ({registration.reason}); {remedy}"
        raise UnknownKeyboardError(sentence, video, registered, known)
    if registration.doubt:
        raise UnknownKeyboardError(question(registration), video, registered, known)
    if not keys_between(registration.first_midi, registration.last_midi).all():
        log.info("%s: keys %s are in view, no note of another key can be found", video, keys_in_view(registration))
    return registration


def seconds_asked_for(info: VideoInfo, span_s: tuple[float, float]) -> float:
    """Return how many seconds of a video are to be read; 0 where its file does not say how long it is."""
    declared_s = seconds_of(info.frame_count, info.fps)
    return max(min(declared_s, span_s[1]) - span_s[0], 0.0)


def _bar(total: int, label: str, unit: str, quiet: bool) -> tqdm:
    return tqdm(disable=True) if quiet else progress_bar(total, label, unit)


def _copied(pieces: Iterator[np.ndarray], file: BinaryIO) -> Iterator[np.ndarray]:
    for piece in pieces:
        file.write(piece)
        yield piece


class _Warnings(logging.Handler):
    """Keeps what is warned of while it is in use."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    def __enter__(self) -> _Warnings:
        logging.getLogger("tivit").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("tivit").removeHandler(self)
