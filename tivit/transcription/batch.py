"""Many videos, one after the other: progress, files, what is kept when the work is stopped, and the table at the end."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from tivit.core.artifacts import md5_of
from tivit.core.errors import InputError
from tivit.core.run.parallel import map_clips
from tivit.core.run.progress import progress_bar, say
from tivit.core.run.runtime import Workers
from tivit.core.timegrid import frames_of
from tivit.notation.midi import write_music_midi
from tivit.notation.score import write_score
from tivit.registration.params import Override
from tivit.report.corners import write_corners_page
from tivit.report.page import write_page
from tivit.transcription.chain import Request, Transcriber, seconds_asked_for
from tivit.transcription.notes_files import write_notes_csv, write_notes_json
from tivit.transcription.outputs import Outputs
from tivit.transcription.result import StoppedError, Transcription, UnknownKeyboardError

log = logging.getLogger("tivit.transcribe")
MOST_FAILED = 100
"""The exit status counts failures up to this; numbers above 125 mean other things to a shell."""
PARTIAL_EVERY_S = 5.0
"""The notes so far are written at the first window, and then no more often than this."""
STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Batch:
    """What `tivit transcribe` is asked for.

    Attributes
    ----------
    plans : mapping of Path to Outputs or InputError
        Video -> its files, or why they cannot be written (`outputs.plan_outputs`).
    params : mapping
        Sections `registration` and `runtime`.
    checkpoint, thresholds : Path
        The weights, and the operating point that was chosen for them.
    known : Override
        What is known of the keyboard, of every video.
    span_s : tuple of float
        First and last instant (s) to read.
    adapt : bool
        Whether the network learns on from each video.
    quiet : bool
        Whether only warnings and errors are said.
    workers : Workers
        What several videos are spread over; with one process they are transcribed one after the other in this one.
    options : tuple of str
        What the user gave besides the videos and the keyboard, for a command that goes on with a keyboard marked by hand.
    """

    plans: Mapping[Path, Outputs | InputError]
    params: Mapping[str, Any]
    checkpoint: Path
    thresholds: Path
    known: Override
    span_s: tuple[float, float]
    adapt: bool
    quiet: bool
    workers: Workers
    options: tuple[str, ...]

    @property
    def is_spread(self) -> bool:
        """True where other processes transcribe the videos."""
        return len(self.plans) > 1 and (self.workers.count > 1 or self.workers.engine != "processes")


@dataclass(frozen=True)
class Done:
    """What came of one video: how many notes, of how many seconds, in how many."""

    notes: int
    video_s: float
    work_s: float


class _Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP, treated like Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def transcribe_all(batch: Batch) -> int:
    """Transcribe every video of a batch and write its files.

    Parameters
    ----------
    batch : Batch
        What is asked for.

    Returns
    -------
    int
        The exit status: 0, the number of videos that failed, or 128 and the number of the signal that stopped the work.

    Raises
    ------
    InputError
        The weights or params cannot be used; or the only video of the batch failed.
    """
    if batch.quiet:
        logging.getLogger("tivit").setLevel(logging.WARNING)
    errors = {video: plan for video, plan in batch.plans.items() if isinstance(plan, InputError)}
    if len(errors) == len(batch.plans):
        return _status(batch, {}, errors)
    done: dict[Path, Done] = {}
    items = [(video, plan) for video, plan in batch.plans.items() if not isinstance(plan, InputError)]
    try:
        with _stopped_by_signals():
            for video, result in _spread(batch, items) if batch.is_spread else _in_turn(batch, items):
                if isinstance(result, Done):
                    done[video] = result
                    continue
                errors[video] = result
                if len(batch.plans) > 1:
                    print(f"error: {result}", file=sys.stderr)
    except KeyboardInterrupt as stop:
        if len(batch.plans) > 1:
            _table(batch, done, errors)
        print("stopped; what was finished is kept", file=sys.stderr)
        return 128 + (stop.number if isinstance(stop, _Stopped) else signal.SIGINT)
    return _status(batch, done, errors)


def _in_turn(batch: Batch, items: Sequence[tuple[Path, Outputs]]) -> Iterator[tuple[Path, Done | InputError]]:
    transcriber = Transcriber(batch.params, batch.checkpoint, batch.thresholds)
    for video, outputs in items:
        yield video, _result(transcriber, batch, video, outputs)


def _spread(batch: Batch, items: Sequence[tuple[Path, Outputs]]) -> Iterator[tuple[Path, Done | InputError]]:
    """Yield each video with what came of it, several being transcribed at a time."""
    absolute = [(video.absolute(), outputs) for video, outputs in items]
    work = partial(
        transcribe_apart, batch=replace(batch, plans={}, quiet=True),
        digests=(md5_of(batch.checkpoint), md5_of(batch.thresholds)),
    )  # fmt: skip
    left = dict(zip((video for video, _ in absolute), (video for video, _ in items), strict=True))
    try:
        results = map_clips(work, absolute, batch.workers, "transcribe", lambda item: str(item[0]), len(items), "video")
        for (video, outputs), result in results:
            name = left.pop(video)
            if isinstance(result, Done) and not batch.quiet:
                say(f"{outputs.midi}: {result.notes} notes")
            yield name, result
    except InputError as error:
        if len(left) == len(items):
            raise
        for name in left.values():
            yield name, InputError(f"{name}: {error}")


def transcribe_apart(item: tuple[Path, Outputs], batch: Batch, digests: tuple[str, str]) -> Done | InputError:
    """Transcribe one video of a batch in a worker, and write its files.

    Parameters
    ----------
    item : tuple of Path and Outputs
        The video and its files.
    batch : Batch
        What is asked for, without plans.
    digests : tuple of str
        MD5 of the checkpoint and of the thresholds, by which a worker that lives long knows other ones.

    Returns
    -------
    Done or InputError
        How many notes; or why there are none.
    """
    transcriber = _transcriber(json.dumps(batch.params, sort_keys=True), batch.checkpoint, batch.thresholds, digests)
    return _result(transcriber, batch, *item)


@cache
def _transcriber(params: str, checkpoint: Path, thresholds: Path, digests: tuple[str, str]) -> Transcriber:
    del digests
    return Transcriber(json.loads(params), checkpoint, thresholds)


def _result(transcriber: Transcriber, batch: Batch, video: Path, outputs: Outputs) -> Done | InputError:
    try:
        one = _transcribe(transcriber, batch, video, outputs)
    except (InputError, OSError) as error:
        return error if isinstance(error, InputError) else _system_error(video, error)
    return Done(len(one.notes), one.video_s, one.work_s)


def write_outputs(transcription: Transcription, outputs: Outputs) -> None:
    """Write the files of a transcription.

    Parameters
    ----------
    transcription : Transcription
        The notes.
    outputs : Outputs
        Which files.
    """
    writers: dict[str, Callable[[Path, Transcription], None]] = {
        "json": write_notes_json,
        "csv": write_notes_csv,
        "report": write_page,
        "score": _write_score_of,
    }
    write_midi_of(outputs.midi, transcription)
    for name, path in outputs.others.items():
        writers[name](path, transcription)


def write_midi_of(path: Path, transcription: Transcription) -> None:
    """Write the notes of a transcription to a MIDI file, with texts that say what made them and what must be known of them."""
    start_s, notes = transcription.span_s[0], transcription.notes
    texts = [transcription.origin.sentence(), f"read from {transcription.video.name}"]
    if not (notes.velocity > 0).all():
        texts.append("the velocity is a constant: it was not estimated")
    if start_s > 0.0:
        texts.append(f"begins at {start_s:g} s of the video")
    if len(notes) == 0:
        texts.append("no key was seen going down")
    if transcription.is_partial:
        texts.append(f"PARTIAL: the work was stopped after {transcription.video_s:.1f} s of video")
    write_music_midi(path, notes.moved(-start_s), texts)


def _write_score_of(path: Path, transcription: Transcription) -> None:
    write_score(path, transcription.notes.moved(-transcription.span_s[0]), transcription.video.stem)


def _transcribe(transcriber: Transcriber, batch: Batch, video: Path, outputs: Outputs) -> Transcription:
    request = Request(video, batch.known, batch.span_s, batch.adapt, "report" in outputs.others, batch.quiet)
    with _Progress(outputs, batch.quiet) as progress:
        try:
            transcription = transcriber.transcribe(request, progress.update)
        except StoppedError as stop:
            write_midi_of(outputs.partial, stop.transcription)
            part = stop.transcription
            place = f"{len(part.notes)} notes of the first {part.video_s:.1f} s are in {outputs.partial}"
            if isinstance(stop.__cause__, KeyboardInterrupt):
                print(f"{video}: {place}", file=sys.stderr)
                raise stop.__cause__ from None
            raise InputError(f"{stop.__cause__}; {place}") from None
        except UnknownKeyboardError as error:
            if (page := outputs.others.get("report")) is None:
                raise
            write_corners_page(page, error, batch.options)
            raise InputError(f"{error}; open {page}, which shows the picture and makes the command to go on with") from None
    write_outputs(transcription, outputs)
    outputs.partial.unlink(missing_ok=True)
    if not batch.quiet:
        say(f"{outputs.midi}: {transcription.sentence()}")
    return transcription


class _Progress:
    """Shows what is settled of one video, and writes it to the partial file."""

    def __init__(self, outputs: Outputs, quiet: bool) -> None:
        self._outputs, self._quiet = outputs, quiet
        self._bar: tqdm | None = None
        self._next_s = 0.0

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, transcription: Transcription) -> None:
        """Show and write a transcription that is still growing."""
        if not self._quiet:
            if self._bar is None:
                seconds = seconds_asked_for(transcription.info, transcription.span_s)
                total = frames_of(seconds, transcription.grid.fps) + 1 if seconds else None
                self._bar = progress_bar(total, transcription.video.name, "frame")
            self._bar.set_postfix_str(f"{len(transcription.notes)} notes", refresh=False)
            self._bar.update(transcription.grid.length - self._bar.n)
        started_s = time.monotonic()
        if started_s >= self._next_s and len(transcription.notes):
            write_midi_of(self._outputs.partial, transcription)
            # A long piece takes longer to write: a twentieth of the time at most.
            self._next_s = time.monotonic() + max(PARTIAL_EVERY_S, 20 * (time.monotonic() - started_s))


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the work as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: FrameType | None) -> None:
        raise _Stopped(number)

    before = {number: signal.signal(number, stop) for number in STOPPING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _system_error(video: Path, error: OSError) -> InputError:
    return InputError(f"{error.filename or video}: {error.strerror or error}")


def _status(batch: Batch, done: Mapping[Path, Done], errors: Mapping[Path, InputError]) -> int:
    if len(batch.plans) == 1:
        for error in errors.values():
            raise error
        return 0
    for video, error in errors.items():
        if error is batch.plans[video]:
            print(f"error: {error}", file=sys.stderr)
    _table(batch, done, errors)
    return min(len(errors), MOST_FAILED)


def _table(batch: Batch, done: Mapping[Path, Done], errors: Mapping[Path, InputError]) -> None:
    """Say in one line per video what came of it."""
    width = max(len(str(video)) for video in batch.plans)
    if not batch.quiet:
        say(f"{'video':<{width}}  {'notes':>6}  {'seconds':>8}  {'x real time':>11}")
    for video in batch.plans:
        if video in done and not batch.quiet:
            one = done[video]
            say(f"{str(video):<{width}}  {one.notes:>6}  {one.video_s:>8.1f}  {one.video_s / one.work_s:>11.1f}")
        elif video not in done:
            what = "failed" if video in errors else "not begun, or stopped"
            say(f"{str(video):<{width}}  {what}")
    say(f"{len(done)} of {len(batch.plans)} videos transcribed, {len(errors)} failed")
