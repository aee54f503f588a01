"""What a case of the corpus is, how it is carried out, and what came of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from unittest.mock import patch

import numpy as np

from tests.corpus.film import Film, number_of, rendered
from tests.corpus.writing import Way, write
from tivit.core.errors import InputError
from tivit.core.notes import Notes
from tivit.pretrained.files import chosen
from tivit.pretrained.recipe import transcription_params
from tivit.transcription import chain
from tivit.transcription.chain import Request, Transcriber
from tivit.transcription.decoder import decode
from tivit.transcription.messages import DecoderJob, Kind
from tivit.transcription.result import Transcription
from tivit.video.reader import read_frames

NOTES, WARNING, REFUSAL, WRONG = "right notes", "a warning", "a refusal", "WRONG"
FRAME_S = 1 / 30
TOLERANCE_S = 0.05
EDGE_S = 0.2
"""Notes that begin so near to a cut may be found or not."""
LEAST_SHARE = 0.8
"""Of the notes that are played, and of those that are found, this share must be right."""

Make = Callable[[Path], Film | None]
"""Writes a file and returns what a player shows of it; None where nothing is compared."""


@dataclass(frozen=True)
class Case:
    """One odd video.

    Attributes
    ----------
    file : str
        Its name; cases of one name lie in different folders.
    group : str
        Heading in the docs.
    what : str
        What is odd, as a user would say it.
    make : Make
        How it is made.
    outcome : str
        `NOTES`, `WARNING` or `REFUSAL`.
    says : str
        A pattern that the warning or the refusal must fit.
    are_notes_right : bool
        Whether the notes are compared too; where a part is lost, only the instants of the pictures are.
    share : float
        Of the pictures whose number can be read, this share at least must be read.
    slack_s : float
        How far a picture may be from its instant (s): a frame, or more where the warning says so.
    has_numbers : bool
        Whether the numbers of the pictures can be read at all.
    is_fast : bool
        Whether the fast half of the suite has it.
    """

    file: str
    group: str
    what: str
    make: Make
    outcome: str = NOTES
    says: str = ""
    are_notes_right: bool = True
    share: float = 0.95
    slack_s: float = FRAME_S
    has_numbers: bool = True
    is_fast: bool = False


@dataclass(frozen=True)
class Got:
    """What came of a case: one of the outcomes, and the words that were said, or what is wrong."""

    outcome: str
    text: str

    def fits(self, case: Case) -> bool:
        """Return whether it is what is expected."""
        return self.outcome == case.outcome and re.search(case.says, self.text, re.DOTALL) is not None


def written(way: Way = Way(), change: Callable[[Film], Film] = lambda film: film) -> Make:  # noqa: B008
    """Return a way to make a file: the clip, changed, written."""

    def make(path: Path) -> Film:
        film = change(rendered()[0])
        write(path, film, way)
        return film

    return make


def carried_out(case: Case, folder: Path, with_network: bool = True) -> Got:
    """Make the file of a case in an empty folder, read it, transcribe it, and compare.

    Parameters
    ----------
    case : Case
        The case.
    folder : Path
        An empty folder.
    with_network : bool
        False: the pictures are read and the keyboard is not looked for; a refusal must come from reading then.

    Returns
    -------
    Got
    """
    path = folder / case.file
    film = case.make(path)
    before = Path.cwd()
    os.chdir(path.parent)  # the name alone, as a user in that folder gives it
    try:
        with chain._Warnings() as heard:
            frames = [(frame.time_s, number_of(frame.grey)) for frame in read_frames(Path(path.name))]
            transcription = _transcribed(Path(path.name)) if with_network else None
    except InputError as error:
        return Got(REFUSAL, str(error))
    finally:
        os.chdir(before)
    faults = list(_wrong_instants(case, film, frames)) if film is not None and case.has_numbers else []
    if film is not None and transcription is not None and case.are_notes_right:
        faults += _wrong_notes(film, transcription.notes)
    if faults:
        return Got(WRONG, "; ".join(faults))
    texts = list(dict.fromkeys(heard.texts))
    return Got(WARNING if texts else NOTES, "; ".join(texts))


def _wrong_instants(case: Case, film: Film, frames: list[tuple[float, int | None]]) -> Iterator[str]:
    """Yield what is wrong with the instants at which pictures are read."""
    shown = {}
    for time_s, clip_s in zip(film.times_s, film.clip_s, strict=True):
        shown.setdefault(round(clip_s / FRAME_S), []).append(time_s)
    read = [(time_s, number) for time_s, number in frames if number in shown]
    off = [min((time_s - at_s for at_s in shown[number]), key=abs) for time_s, number in read]
    if off and max(map(abs, off)) > case.slack_s + 2e-3:
        yield f"pictures are up to {1000 * max(off, key=abs):.0f} ms off"
    count = len({number for _, number in read})
    if count < case.share * len(shown):
        yield f"{count} of {len(shown)} pictures are read"


def _wrong_notes(film: Film, notes: Notes) -> Iterator[str]:
    """Yield what is wrong with the notes that are found."""
    played = _played(film)
    found = list(zip(notes.midi.tolist(), notes.onset_s.tolist(), strict=True))
    slack_s = max(TOLERANCE_S, 1.0 * (film.times_s[-1] - film.times_s[0]) / max(len(film.times_s) - 1, 1))
    off = []
    for midi, onset_s, _ in played:
        near = [at_s - onset_s for other, at_s in found if other == midi and abs(at_s - onset_s) <= slack_s]
        off += [min(near, key=abs)] if near else []
    must = [(midi, onset_s) for midi, onset_s, is_sure in played if is_sure]
    missed = [(m, t) for m, t in must if not any(m == o and abs(a - t) <= slack_s for o, a in found)]
    false = [(m, t) for m, t in found if not any(m == o and abs(a - t) <= slack_s for o, a, _ in played)]
    false = [(m, t) for m, t in false if min(t - film.times_s[0], film.times_s[-1] - t) > EDGE_S]
    if len(missed) > (1 - LEAST_SHARE) * max(len(must), 1) or len(false) > (1 - LEAST_SHARE) * max(len(found), 1):
        yield f"{len(must) - len(missed)} of {len(must)} notes are found, and {len(false)} that are not played"
    if off and abs(np.median(off)) > FRAME_S:
        yield f"notes are {1000 * np.median(off):.0f} ms off"


def _played(film: Film) -> list[tuple[int, float, bool]]:
    """Return pitch and instant of each note that a film shows, and whether it must be found: it is not at a cut."""
    times_s, clip_s = np.array(film.times_s), np.array(film.clip_s)
    cuts = np.flatnonzero((np.diff(clip_s) < -1e-6) | (np.diff(clip_s) > 0.3) | (np.diff(times_s) > 0.5)) + 1
    notes, played = rendered()[1], []
    for part in np.split(np.arange(len(clip_s)), cuts):
        low, high = clip_s[part[0]], clip_s[part[-1]]
        for midi, onset_s in zip(notes.midi.tolist(), notes.onset_s.tolist(), strict=True):
            if low - FRAME_S <= onset_s <= high + FRAME_S:
                at_s = float(np.interp(onset_s, clip_s[part], times_s[part]))
                played.append((midi, at_s, low + EDGE_S <= onset_s <= high - EDGE_S))
    return played


class _Here:
    """The work of the decoder process, done in this process: a start of Python less for each case."""

    def __init__(self, job: DecoderJob) -> None:
        self._messages = decode(job, lambda work: work())

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._messages.close()

    def search(self) -> tuple:
        return next(self._messages)[1], next(self._messages)[1]

    def background(self) -> object:
        return next(self._messages)[1]

    def pieces(self) -> Iterator[object]:
        yield from (value for kind, value in self._messages if kind is Kind.PIECE)


def _transcribed(path: Path) -> Transcription:
    with patch.object(chain, "DecoderProcess", _Here):
        return _transcriber().transcribe(Request(path))


@cache
def _transcriber() -> Transcriber:
    trained = chosen(None, None)
    return Transcriber(transcription_params(trained, None), trained.checkpoint, trained.thresholds)
