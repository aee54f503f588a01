"""What the decoder process does: it alone opens the video, finds the keyboard, and sends the strip piece by piece.

It is a process of its own so that a crash of the video library, or a file in which it hangs, ends in a sentence and not with
the program; and so that the next frames are decoded while the network reads these. Everything goes through one pipe, as pairs
of a `Kind` and a value.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from multiprocessing.connection import Connection

import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import keys_between
from tivit.core.registration import is_usable
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import frames_of
from tivit.model.background import BACKGROUND_SAMPLES, LEAST_FRAMES, Background, background_of
from tivit.registration.clip import register_video
from tivit.transcription.messages import DecoderJob, KeyboardSearch, Kind
from tivit.transcription.presence import LEAST_CLEAR, Presence, Watch, presence_of
from tivit.video.reader import probe
from tivit.video.rectify import StripPlaces, strips_on_grid
from tivit.video.source import VideoInfo
from tivit.video.spans import read_span, spread_frames

PIECE_FRAMES = 32
"""Frames of the strip that are sent at a time: what the network sees at a time (`inference.predict.SEEN_FRAMES`)."""
HELD_FRAMES = 1800
"""A part of a video that is no longer than this is decoded before its background is made, so that every frame may count for it,
as in the pipeline; it takes 96 MB. The background of a longer one comes from frames that are quick to reach."""
ALIVE_EVERY_S = 2.0
"""How often the process says that it is at work while it looks for the keyboard."""


Message = tuple[Kind, object]
Strip = tuple[float, np.ndarray]
"""An instant (s of the video's clock), and the keyboard at it."""
Send = Callable[[Kind, object], None]
Watched = Callable[[Callable[[], KeyboardSearch]], KeyboardSearch]


class _Sender(logging.Handler):
    """Sends pairs through a pipe from any thread, and log records too; ends the process once nobody listens."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection, self._mutex = connection, threading.Lock()

    def send(self, kind: Kind, value: object) -> None:
        try:
            with self._mutex:
                self._connection.send((kind, value))
        except BrokenPipeError:
            os._exit(0)

    def emit(self, record: logging.LogRecord) -> None:
        self.send(Kind.LOG, (record.levelno, record.getMessage()))


def main() -> None:
    """Do the `DecoderJob` that stands pickled on stdin, and send what comes of it to the pipe whose number is in `argv`."""
    sender = _Sender(Connection(int(sys.argv[1]), readable=False))
    job = pickle.load(sys.stdin.buffer)
    logger = logging.getLogger("tivit")
    logger.addHandler(sender)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        for kind, value in decode(job, partial(_while_alive, sender.send)):
            sender.send(kind, value)
    except InputError as error:
        sender.send(Kind.ERROR, str(error))
    except OSError as error:
        sender.send(Kind.ERROR, f"{error.filename or job.video}: {error.strerror or error}")


def decode(job: DecoderJob, watched: Watched) -> Iterator[Message]:
    """Yield what is sent of a video, in order.

    Parameters
    ----------
    job : DecoderJob
        What is asked for.
    watched : callable
        Calls the function that it is given, which takes long, and returns its result.

    Yields
    ------
    kind : Kind
        What it is.
    value : object
        As `Kind` says.

    Raises
    ------
    InputError
        The video cannot be read, or its keyboard lies outside the picture.
    """
    info = probe(job.video)
    yield Kind.INFO, info
    search = watched(partial(_search, job))
    yield Kind.SEARCH, search
    if not is_usable(search.registration):
        return
    places = StripPlaces(search.registration, job.geometry)
    strips = strips_on_grid(read_span(job.video, places.region, job.span_s), places, job.fps)
    held: Iterator[Strip] = iter(())
    if 0 < _expected_frames(job, info) <= HELD_FRAMES:
        at_s, looked_at = _held(strips, job.geometry)
        held = zip(at_s, looked_at, strict=True)
    else:
        frames = spread_frames(job.video, places.region, BACKGROUND_SAMPLES, job.span_s)
        looked_at = np.stack([places.strip(frame) for frame in frames])
    in_view = keys_between(search.registration.first_midi, search.registration.last_midi)
    presence = presence_of(looked_at, job.geometry, in_view)
    background = _background(looked_at, presence)
    yield Kind.BACKGROUND, background
    yield from _pieces(Watch(job.video, presence, background.image).over(chain(held, strips)))
    yield Kind.END, None


def _expected_frames(job: DecoderJob, info: VideoInfo) -> int:
    """Return how many frames the strip will have by what the file declares; 0 when it does not say."""
    return frames_of(min(job.span_s[1], info.duration_s) - job.span_s[0], job.fps)


def _search(job: DecoderJob) -> KeyboardSearch:
    found = register_video(job.video, job.registration, job.geometry, job.known, job.span_s)
    return KeyboardSearch(found.registration, found.frame)


def _background(strips: np.ndarray, presence: Presence) -> Background:
    """Return the keyboard at rest, of the pictures that show it clearly where there are enough of them."""
    is_clear = presence.shares(strips) >= LEAST_CLEAR
    if LEAST_FRAMES <= is_clear.sum() < len(strips):  # all of them are not copied: a minute takes 96 MB
        strips = strips[is_clear]
    return background_of(strips, presence.geometry)


def _held(strips: Iterator[Strip], geometry: StripGeometry) -> tuple[list[float], np.ndarray]:
    """Take the first `HELD_FRAMES` frames or fewer; return their instants (s) and the frames, in one block."""
    block = np.empty((HELD_FRAMES, geometry.height_px, geometry.width_px), np.uint8)  # what is not written takes no memory
    at_s: list[float] = []
    for frame, (instant_s, strip) in enumerate(islice(strips, HELD_FRAMES)):
        block[frame] = strip
        at_s.append(instant_s)
    return at_s, block[: len(at_s)]


def _pieces(stream: Iterator[Strip]) -> Iterator[Message]:
    """Yield pieces of `PIECE_FRAMES` frames."""
    while piece := list(islice(stream, PIECE_FRAMES)):
        yield Kind.PIECE, (piece[0][0], np.stack([strip for _, strip in piece]))


def _while_alive(send: Send, work: Callable[[], KeyboardSearch]) -> KeyboardSearch:
    """Return what some work returns; as long as it uses the processor, say so every now and then."""
    done = threading.Event()

    def say() -> None:
        used_s = time.process_time()
        while not done.wait(ALIVE_EVERY_S):
            before_s, used_s = used_s, time.process_time()
            if used_s > before_s + 0.01 * ALIVE_EVERY_S:  # a decoder that waits for itself uses nothing
                send(Kind.ALIVE, None)

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        return work()
    finally:
        done.set()
        thread.join()
