"""A take: the strip of a video with the notes of its MIDI file on the video's clock, and how it is cut in two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import BLACK_FRONT_MM, keys_between
from tivit.core.notes import Notes, read_midi
from tivit.core.outputs import temporary_file
from tivit.core.timegrid import TimeGrid, frames_of
from tivit.datasets.params import LagParams
from tivit.labels.clock import Clock, estimate_clock
from tivit.labels.corrections import misfit_of_clock
from tivit.model.background import Background
from tivit.model.checkpoint import Checkpoint
from tivit.registration.params import Override, RegistrationParams
from tivit.training.data import TrainClip
from tivit.transcription.chain import usable
from tivit.transcription.messages import DecoderJob
from tivit.transcription.process import DecoderProcess
from tivit.video.spans import WHOLE

GAP_S = 1.0
"""What lies between the part that is learned and the part that is kept apart (s): the network sees less far to either side."""
LEARN_SHARE = 0.75
"""Share of the notes that is learned unless an instant is given."""
LEAST_LEARNED, LEAST_APART = 40, 20
"""Fewer notes teach nothing, or tell nothing."""


@dataclass(frozen=True)
class Take:
    """A take.

    Attributes
    ----------
    video : Path
        The video, for messages.
    frames : ndarray of uint8, shape (T, H, W)
        Its strip.
    grid : TimeGrid
        The T instants.
    notes : Notes
        The notes, on the clock of the video.
    background : Background
        The keyboard at rest.
    in_view : ndarray of bool, shape (88,)
        The keys in view.
    front_row : float
        Row (px) where the fronts of white keys begin.
    clock : Clock
        How the clock of the MIDI file went against that of the video.
    """

    video: Path
    frames: np.ndarray
    grid: TimeGrid
    notes: Notes
    background: Background
    in_view: np.ndarray
    front_row: float
    clock: Clock


@dataclass(frozen=True)
class Parts:
    """How a take is cut.

    Attributes
    ----------
    learned : TrainClip
        What is learned: everything before the cut.
    learn_to_s, apart_from_s : float
        Where that ends, and where the part that is kept apart begins (s of the video's clock).
    """

    learned: TrainClip
    learn_to_s: float
    apart_from_s: float


@contextmanager
def opened_take(
    video: Path, midi: Path, checkpoint: Checkpoint, registration: RegistrationParams, lag: LagParams, known: Override
) -> Iterator[Take]:
    """Yield a take; its strip lies in a temporary file without a name while it is used.

    Parameters
    ----------
    video, midi : Path
        The video, and what was played in it; the MIDI file may begin earlier or later, and run faster or slower.
    checkpoint : Checkpoint
        Gives the raster and the rate of the strip.
    registration : RegistrationParams
        How the keyboard is looked for.
    lag : LagParams
        When a clock is believed.
    known : Override
        What is known of the keyboard beforehand.

    Yields
    ------
    Take

    Raises
    ------
    InputError
        A file cannot be read, the keyboard is not found, or the MIDI file is surely not, or not surely, of this video.
    """
    notes, geometry = read_midi(midi), checkpoint.geometry
    job = DecoderJob(video.absolute(), WHOLE, geometry, checkpoint.fps, registration, known)
    with DecoderProcess(job) as decoder, ExitStack() as stack:
        info, search = decoder.search()
        found = usable(video, search, known)
        needed = frames_of(info.duration_s, checkpoint.fps) * geometry.width_px * geometry.height_px
        file = stack.enter_context(temporary_file(needed, "finetune", video, "or record a shorter take"))
        background, start_s, length = decoder.background(), None, 0
        for piece_s, piece in decoder.pieces():
            start_s = piece_s if start_s is None else start_s
            length += len(piece)
            file.write(piece)
        file.flush()
        frames = np.memmap(file, np.uint8, "r", shape=(length, geometry.height_px, geometry.width_px))
        grid = TimeGrid(checkpoint.fps, start_s, length)
        in_view = keys_between(found.first_midi, found.last_midi)
        clock = estimate_clock(frames, grid, geometry, in_view, notes, lag, anywhere=True)
        refuse_clock(video, midi, clock, lag)
        front_row = float(geometry.row_px(BLACK_FRONT_MM))
        yield Take(video, frames, grid, notes.corrected(clock.correction(lag)), background, in_view, front_row, clock)


def refuse_clock(video: Path, midi: Path, clock: Clock, lag: LagParams) -> None:
    """Raise InputError unless it is sure when in a video the notes of a MIDI file were played.

    Parameters
    ----------
    video, midi : Path
        Both files, for the message.
    clock : Clock
        How the clock of one goes against that of the other.
    lag : LagParams
        When a clock is believed.

    Raises
    ------
    InputError
        The clock is not sure, or beyond the bounds.
    """
    if clock.is_sure(lag):
        return
    if clock.is_beyond(lag):
        raise InputError(f"{midi}: does not fit {video}: {misfit_of_clock(clock, lag)}; record both again, or cut the take")
    raise InputError(
        f"{midi}: is not surely what is played in {video} ({clock.notes} notes compared, confidence {clock.confidence:.1f}, at "
        f"least {lag.min_confidence:g} is asked for); are both of one take, and are the keys seen well?"
    )


def parts_of(take: Take, learn_to_s: float | None) -> Parts:
    """Return a take cut in two, with a gap between.

    Parameters
    ----------
    take : Take
        The take.
    learn_to_s : float or None
        Where the part that is learned ends (s of the video's clock); None: after three quarters of the notes.

    Returns
    -------
    Parts

    Raises
    ------
    InputError
        A part has too few notes.
    """
    inside = take.notes.take((take.notes.offset_s > take.grid.start_s) & (take.notes.onset_s < take.grid.end_s))
    if learn_to_s is None:
        learn_to_s = float(np.quantile(inside.onset_s, LEARN_SHARE)) if len(inside) else take.grid.start_s
    length = int(np.clip(np.round(take.grid.frame(learn_to_s)), 0, take.grid.length))
    grid = take.grid.window(0, length)
    apart_from_s = learn_to_s + GAP_S
    learned = inside.take(inside.onset_s < grid.end_s)
    for count, least, name in (
        (len(learned), LEAST_LEARNED, "before"),
        (int((inside.onset_s >= apart_from_s).sum()), LEAST_APART, "kept apart after"),
    ):
        if count < least:
            raise InputError(
                f"{take.video}: {count} notes are {name} {learn_to_s:.1f} s, at least {least} are needed; record more"
            )
    clip = TrainClip(
        "own/take", take.frames[:length], grid, learned, take.background, take.in_view, take.front_row, is_own=True
    )
    return Parts(clip, learn_to_s, apart_from_s)
