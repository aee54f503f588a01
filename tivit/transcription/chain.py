"""One video in, its notes out: a decoder process sends the strip, the network reads it, notes settle on the way.

Registration, strip, model, key-aware decoding and notes are the functions of the pipeline's stages. Nothing of the strip is
kept but a few seconds, so memory does not grow with the video; `adapt` alone needs all of it, and puts it into a temporary file
without a name, which the system removes however this process ends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from tqdm import tqdm

from tivit.core.artifacts import md5_of
from tivit.core.errors import InputError
from tivit.core.keyboard import keys_between
from tivit.core.logits import silenced
from tivit.core.outputs import temporary_file
from tivit.core.params import section
from tivit.core.registration import Refusal, Registration
from tivit.core.run.progress import progress_bar
from tivit.core.run.runtime import RuntimeParams
from tivit.core.timegrid import frames_of, seconds_of
from tivit.decoding.thresholds import read_thresholds
from tivit.inference.params import followed_window
from tivit.model.background import Background
from tivit.model.header import read_header
from tivit.registration.overlay import keys_in_view
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.registration.question import question, remedy
from tivit.registration.scale import small_keys
from tivit.theory.key import params_of
from tivit.transcription.messages import DecoderJob, KeyboardSearch
from tivit.transcription.process import DecoderProcess
from tivit.transcription.result import StoppedError, Transcription, UnknownKeyboardError, origin_of
from tivit.transcription.settled import SettledNotes
from tivit.video.source import VideoInfo
from tivit.video.spans import WHOLE

if TYPE_CHECKING:
    from tivit.transcription.reading import StripReader

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
    """Transcribes one video after the other with one network, which is loaded while the first keyboard is looked for.

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
        self._checkpoint, self._header = checkpoint, read_header(checkpoint)
        self._loaded: StripReader | None = None
        self._decoder: DecoderProcess | None = None
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
        geometry, fps = self._header.geometry, self._header.fps
        job = DecoderJob(request.video.absolute(), request.span_s, geometry, fps, self._registration, known)
        heard = _Warnings()
        with ExitStack() as stack:
            stack.enter_context(heard)
            decoder = self._decoder = stack.enter_context(DecoderProcess(job))
            reader = self._reader()  # while the decoder process looks for the keyboard
            info, search = decoder.search()
            registration = usable(request.video, search, request.known)
            if sentence := small_keys(registration, geometry):
                log.warning("%s: %s", request.video, sentence)
            in_view = keys_between(registration.first_midi, registration.last_midi)
            strip = stack.enter_context(self._temporary(request, info)) if request.adapt else None
            background, pieces = decoder.background(), decoder.pieces()
            start_s, first = next(pieces)
            keep = request.keep_logits or request.adapt
            notes = SettledNotes(fps, start_s, self._thresholds, self._decode, keep)
            result = partial(self._result, request, info, search, heard.texts, started_s)
            stretches = chain([first], (piece for _, piece in pieces))
            stretches = stretches if strip is None else _copied(stretches, strip)
            try:
                for window in reader.windows(stretches, background):
                    notes.add(silenced(window, in_view))
                    if not request.adapt:
                        on_window(result(notes, is_partial=True, rest=False))
                if strip is not None:
                    notes = self._adapted(reader, notes, strip, background, in_view, request)
            except (InputError, KeyboardInterrupt) as error:
                if notes.grid.length == 0:
                    raise
                raise StoppedError(result(notes, is_partial=True, rest=True)) from error
            return result(notes, is_partial=False, rest=True)

    def stop(self) -> None:
        """End the work on the video at hand, from another thread: `transcribe` then ends as where a file cannot be read on."""
        if self._decoder is not None:
            self._decoder.stop()

    def _reader(self) -> StripReader:
        """Return the network, which is loaded at the first call."""
        if self._loaded is None:
            from tivit.transcription.reading import load_reader  # here, as torch takes seconds to import

            self._loaded = load_reader(self._checkpoint, self._runtime, self._window_frames)
        return self._loaded

    def _result(
        self, request: Request, info: VideoInfo, search: KeyboardSearch, warnings: list[str], started_s: float,
        notes: SettledNotes, is_partial: bool, rest: bool,
    ) -> Transcription:  # fmt: skip
        """Return the notes so far; with `rest` also those that are not settled."""
        settled, confidence = notes.notes(rest)
        origin = origin_of(self._weights, self._thresholds, ("adapted",) if request.adapt else ())
        return Transcription(
            request.video, info, request.span_s, notes.grid,
            # Lags are those of published labels, which may be off from their videos; a transcription lies where this video
            # shows it.
            settled.moved(self._thresholds.label_lag_s), confidence, search.registration, self._header.geometry,
            search.frame, self._thresholds, origin, tuple(warnings), is_partial,
            notes.rescored(request.video.stem) if request.keep_logits and not is_partial else None,
            time.perf_counter() - started_s,
        )  # fmt: skip

    def _temporary(self, request: Request, info: VideoInfo) -> BinaryIO:
        """Return a file without a name that has room for the whole strip."""
        geometry, end_s = self._header.geometry, min(request.span_s[1], info.duration_s)
        needed = frames_of(end_s - request.span_s[0], self._header.fps) * geometry.width_px * geometry.height_px
        otherwise = "leave --adapt out, or choose a part by --start and --end"
        return temporary_file(needed, "--adapt", request.video, otherwise)

    def _adapted(
        self, reader: StripReader, notes: SettledNotes, strip: BinaryIO, background: Background, in_view: np.ndarray,
        request: Request,
    ) -> SettledNotes:  # fmt: skip
        """Return the notes that a network reads which has learned from the sure ones of `notes`."""
        from tivit.adaptation.labels import sure_labels

        clip, geometry = notes.logits(request.video.stem), self._header.geometry
        strip.flush()
        frames = np.memmap(strip, np.uint8, "r", shape=(clip.grid.length, geometry.height_px, geometry.width_px))
        labels = sure_labels(clip.heads, clip.grid, self._thresholds, in_view)
        log.info("%s: the network learns from %d sure notes", request.video, len(labels.notes))
        with _bar(reader.adaptation_steps, "adapt", "step", request.quiet) as bar:
            learned = reader.adapted(frames, labels, background, bar.update)
        again = SettledNotes(clip.grid.fps, clip.grid.start_s, self._thresholds, self._decode, request.keep_logits)
        with _bar(len(frames), "notes", "frame", request.quiet) as bar:
            for window in learned.reread(frames, background):
                again.add(silenced(window, in_view))
                bar.update(again.grid.length - bar.n)
        return again


def usable(video: Path, search: KeyboardSearch, known: Override) -> Registration:
    """Return the registration of a video, which can be used.

    Parameters
    ----------
    video : Path
        The video, for the message.
    search : KeyboardSearch
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
    registration = search.registration
    if isinstance(registration, Refusal):
        what_next = remedy(registration.reason, known != NOTHING_KNOWN)
        sentence = f"the keyboard was not found ({registration.reason}); {what_next}"
        raise UnknownKeyboardError(sentence, video, search, known)
    if registration.doubt:
        raise UnknownKeyboardError(question(registration), video, search, known)
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
