"""The decoder process as its parent sees it: started, listened to, watched, and ended in any case."""

from __future__ import annotations

import logging
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe
from types import TracebackType
from typing import Any

import numpy as np

from tivit.core.errors import InputError
from tivit.core.run.libraries import CALM
from tivit.model.background import Background
from tivit.transcription.messages import DecoderJob, KeyboardSearch, Kind
from tivit.video.source import VideoInfo

log = logging.getLogger("tivit.transcribe")
SILENCE_S = 60.0
"""A decoder that says nothing for so long hangs."""
PIECES_AHEAD = 12
"""At most so many pieces are decoded ahead of the network: 20 MB."""
START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from tivit.transcription.decoder import main; main()"
"""The program of the process. `-c` and not `multiprocessing`, which would run the user's own script once more in it."""


class DecoderProcess:
    """A decoder process at work on one video; a context manager, at whose end the process is gone.

    Parameters
    ----------
    job : DecoderJob
        What is asked for.
    silence_s : float
        After so many seconds without a word the process counts as hanging.
    """

    def __init__(self, job: DecoderJob, silence_s: float = SILENCE_S) -> None:
        self._job, self._silence_s = job, silence_s
        self._read_s = job.span_s[0]
        self._messages: queue.Queue[tuple[Kind, object] | None] = queue.Queue(PIECES_AHEAD)
        self._is_over = threading.Event()
        self._is_silent = self._is_stopped = False

    def __enter__(self) -> DecoderProcess:
        self._connection, theirs = Pipe(duplex=False)
        # A session of its own: Ctrl-C at the terminal reaches this process alone, which then ends that one.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, str(theirs.fileno())],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True,
            env=CALM | os.environ,
        )  # fmt: skip
        theirs.close()
        self._listener = threading.Thread(target=self._listen, args=(self._connection,), daemon=True)
        try:
            with self._process.stdin as stdin:
                pickle.dump(sys.path, stdin)
                pickle.dump(self._job, stdin)
        except BrokenPipeError:
            pass  # the process is gone already; listening finds out why
        self._listener.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        self._process.kill()
        self._process.wait()
        while self._listener.is_alive():  # it may wait for room in the queue
            self._drain()
            self._listener.join(0.05)
        self._connection.close()

    def stop(self) -> None:
        """End the process, from any thread; whoever waits for what it sends gets an `InputError`."""
        self._is_stopped = True
        self._process.kill()

    def search(self) -> tuple[VideoInfo, KeyboardSearch]:
        """Return what the file declares, and what came of the search for the keyboard; to be called first.

        Raises
        ------
        InputError
            The video cannot be read, or the process crashed or hangs.
        """
        return self._next(Kind.INFO), self._next(Kind.SEARCH)

    def background(self) -> Background:
        """Return the keyboard at rest; to be called after `search`, whose registration must be usable.

        Raises
        ------
        InputError
            As for `search`.
        """
        return self._next(Kind.BACKGROUND)

    def pieces(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield the strip; to be called after `background`.

        Yields
        ------
        start_s : float
            The instant of the first frame of the piece (s of the video's clock).
        frames : ndarray of uint8, shape (n, H, W)
            The frames, 32 or, at the end, fewer.

        Raises
        ------
        InputError
            As for `search`; what was yielded before holds.
        """
        while (piece := self._next(Kind.PIECE, Kind.END)) is not None:
            self._read_s = piece[0]
            yield piece

    def _next(self, *wanted: Kind) -> Any:
        message = self._messages.get()
        if message is None:
            raise self._failure()
        kind, value = message
        if kind is Kind.ERROR:
            raise InputError(value)
        if kind not in wanted:
            raise RuntimeError(f"the decoder process sent {kind}, expected {wanted}")
        return value

    def _listen(self, connection: Connection) -> None:
        """Put what comes into the queue, and None when nothing comes any more."""
        while not self._is_over.is_set():
            try:
                if not connection.poll(self._silence_s):
                    self._is_silent = True
                    break
                kind, value = connection.recv()
            except (EOFError, OSError):
                break
            if kind is Kind.LOG:
                log.log(*value)
            elif kind is not Kind.ALIVE:
                self._messages.put((kind, value))
        self._messages.put(None)

    def _drain(self) -> None:
        try:
            while True:
                self._messages.get_nowait()
        except queue.Empty:
            pass

    def _failure(self) -> InputError:
        """Return why nothing comes any more."""
        video, place = self._job.video, f"after {self._read_s:.1f} s of the video"
        remedy = "the file is probably damaged there; convert it to H.264 in an MP4 file, or cut that part off"
        if self._is_stopped:
            return InputError(f"{video}: stopped {place}")
        if self._is_silent:
            return InputError(f"{video}: the decoder made no progress for {self._silence_s:g} s, {place}; {remedy}")
        status = self._process.wait()
        name = signal.Signals(-status).name if status < 0 else f"status {status}"
        return InputError(f"{video}: the decoder crashed ({name}), {place}; {remedy}")
