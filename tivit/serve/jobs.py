"""The videos of a page: one is read at a time, in a thread; the others wait."""

from __future__ import annotations

import logging
import queue
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from tivit.core.errors import InputError
from tivit.registration.params import NOTHING_KNOWN, Override
from tivit.transcription.chain import Request, Transcriber, seconds_asked_for
from tivit.transcription.result import StoppedError, Transcription, UnknownKeyboardError

log = logging.getLogger("tivit.serve")
MOST_JOBS = 200


class State(Enum):
    """What a video waits for, or what came of it."""

    WAITING = "waiting"
    READING = "reading"
    DONE = "done"
    KEYBOARD = "keyboard"  # it was not found, or not which keys are in view: a person is asked
    FAILED = "failed"


@dataclass
class Job:
    """A video of the page.

    Attributes
    ----------
    number : int
        By which the page names it.
    name : str
        What is shown. It is never used as a path.
    video : Path
        The file.
    folder : Path or None
        Where it was uploaded to, and nothing else is; None: it is a file of the user and stays.
    known : Override
        What a person marked of the keyboard.
    state : State
    sentence : str
        What there is to say of it.
    read_s, total_s : float
        Seconds that were read, and seconds in all (0: not known).
    transcription : Transcription or None
        The result, with its logits.
    question : UnknownKeyboardError or None
        What a person is asked.
    is_removed : bool
        Nobody waits for it any more.
    """

    number: int
    name: str
    video: Path
    folder: Path | None
    known: Override = NOTHING_KNOWN
    state: State = State.WAITING
    sentence: str = ""
    read_s: float = 0.0
    total_s: float = 0.0
    transcription: Transcription | None = field(default=None, repr=False)
    question: UnknownKeyboardError | None = field(default=None, repr=False)
    is_removed: bool = False

    def row(self) -> dict[str, Any]:
        """Return what the list of the page shows of it."""
        return {
            "number": self.number, "name": self.name, "state": self.state.value, "sentence": self.sentence,
            "read_s": round(self.read_s, 2), "total_s": round(self.total_s, 2),
        }  # fmt: skip


class Jobs:
    """The videos of a page; a context manager, at whose end nothing is read any more.

    Parameters
    ----------
    transcriber : Transcriber
        Reads them.
    """

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber
        self._jobs: dict[int, Job] = {}
        self._next = 1
        self._mutex = threading.Lock()
        self._queue: queue.Queue[Job | None] = queue.Queue()
        self._worker = threading.Thread(target=self._work, daemon=True, name="transcriber")

    def __enter__(self) -> Jobs:
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for job in self.all():
            job.is_removed = True
        self._queue.put(None)
        self._transcriber.stop()
        self._worker.join()

    def all(self) -> list[Job]:
        """Return the videos in the order in which they came."""
        with self._mutex:
            return list(self._jobs.values())

    def get(self, number: int) -> Job | None:
        """Return a video by its number; None where there is none."""
        with self._mutex:
            return self._jobs.get(number)

    def add(self, name: str, video: Path, folder: Path | None) -> Job:
        """Add a video, which is then read when its turn comes; the parameters are those of `Job`.

        Raises
        ------
        InputError
            There are too many.
        """
        with self._mutex:
            if len(self._jobs) >= MOST_JOBS:
                raise InputError(f"{name}: the page holds {MOST_JOBS} videos already; remove some")
            job = Job(self._next, name, video, folder)
            self._jobs[job.number] = job
            self._next += 1
        self._queue.put(job)
        return job

    def go_on(self, job: Job, known: Override) -> None:
        """Read a video once more, with what a person marked of its keyboard.

        Raises
        ------
        InputError
            Nobody was asked for it.
        """
        with self._mutex:
            if job.state is not State.KEYBOARD:
                raise InputError(f"{job.name}: its keyboard is not asked for")
            job.known, job.state, job.question, job.sentence = known, State.WAITING, None, ""
        self._queue.put(job)

    def remove(self, job: Job) -> None:
        """Forget a video; one that is being read is stopped, and an uploaded one is deleted."""
        with self._mutex:
            self._jobs.pop(job.number, None)
            job.is_removed = True
            is_read = job.state is State.READING
        if is_read:
            self._transcriber.stop()  # the thread that reads it deletes it
        else:
            _delete(job)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            with self._mutex:
                if job.is_removed:
                    continue
                job.state, job.read_s, job.sentence = State.READING, 0.0, "looking for the keyboard"
            self._read(job)
            if job.is_removed:
                _delete(job)

    def _read(self, job: Job) -> None:
        request = Request(job.video, job.known, keep_logits=True, quiet=True)
        try:
            transcription = self._transcriber.transcribe(request, _progress(job))
        except UnknownKeyboardError as error:
            job.question = error
            self._settle(job, State.KEYBOARD, error)
        except StoppedError as stop:
            self._settle(job, State.FAILED, stop.__cause__ or stop)
        except (InputError, OSError) as error:
            self._settle(job, State.FAILED, error)
        else:
            # The name is shown and saved; the file is opened by its own path alone.
            job.transcription = replace(transcription, video=Path(job.name))
            job.read_s = job.total_s = transcription.video_s
            self._settle(job, State.DONE, transcription.sentence())

    def _settle(self, job: Job, state: State, said: object) -> None:
        # Its path says nothing to the user of the page, who knows it by its name, which stands beside the sentence.
        words = str(said).replace(str(job.video.absolute()), job.name).replace(str(job.video), job.name)
        job.sentence = words.removeprefix(f"{job.name}: ")
        job.state = state
        if not job.is_removed:
            log.info("%s: %s", job.name, job.sentence)


def _progress(job: Job) -> Callable[[Transcription], None]:
    def update(part: Transcription) -> None:
        if job.is_removed:
            raise InputError(f"{job.name}: removed")
        job.read_s, job.total_s = part.video_s, seconds_asked_for(part.info, part.span_s)
        job.sentence = f"{len(part.notes)} notes so far"

    return update


def _delete(job: Job) -> None:
    if job.folder is not None:
        shutil.rmtree(job.folder, ignore_errors=True)
