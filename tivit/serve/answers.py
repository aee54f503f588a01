"""What the page is answered: pages, and what it cannot make of notes by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tivit.core.errors import InputError
from tivit.decoding.notes import decode_notes
from tivit.notation.score import require_music21, setting_of, write_score
from tivit.report.corners import corners_page
from tivit.report.data import tempo_data
from tivit.report.page import served_page
from tivit.report.parts import SERVED_POLICY, part, shell
from tivit.serve import bodies
from tivit.serve.bodies import json_of
from tivit.serve.bodies import keyboard_of as keyboard
from tivit.serve.jobs import Job, State
from tivit.transcription.confidence import confidence_of
from tivit.transcription.notes_files import note_rows
from tivit.transcription.result import Transcription

__all__ = ["ANSWERS", "Answer", "index_page", "job_page", "json_of", "keyboard"]

Answer = Callable[[Transcription, dict[str, Any]], dict[str, Any] | str]
"""Makes JSON, or the text of a file, of a transcription and of what the page sends."""
BPM_RANGE = (20.0, 400.0)


def index_page() -> str:
    """Return the page onto which videos are dropped."""
    top, bottom = shell("TiViT-Piano – notes of videos", SERVED_POLICY, ["serve.js"])
    return top + part("serve.html") + bottom


def job_page(job: Job) -> str:
    """Return the page of a video: its notes, or a picture to mark its keyboard on.

    Raises
    ------
    InputError
        There is neither.
    """
    if job.state is State.DONE and job.transcription is not None:
        return served_page(job.transcription)
    if job.state is State.KEYBOARD and job.question is not None:
        return corners_page(job.question, (), served_as=job.name)
    raise InputError(f"{job.name}: is not read yet")


def _notes(transcription: Transcription, value: dict[str, Any]) -> dict[str, Any]:
    """Return the notes under other thresholds."""
    clip = transcription.logits
    if clip is None:
        raise InputError("the logits of this video were not kept")
    thresholds = bodies.thresholds_of(value.get("values"), transcription.thresholds)
    notes = decode_notes(clip.heads, clip.grid, thresholds)
    confidence = confidence_of(notes, clip.heads, clip.grid, thresholds)
    notes = notes.moved(thresholds.label_lag_s)
    return {"notes": note_rows(replace(transcription, notes=notes, confidence=confidence, thresholds=thresholds))}


def _tempo(transcription: Transcription, value: dict[str, Any]) -> dict[str, Any]:
    """Return bars and key that are estimated anew, from notes as they were mended, and near a tempo if one is named."""
    notes = bodies.notes_of(value.get("notes")).moved(-transcription.span_s[0])
    near = value.get("near_bpm")
    low, high = BPM_RANGE
    if near is not None and not (isinstance(near, (int, float)) and low <= near <= high):
        raise InputError(f"{str(near)[:40]} beats a minute; name {low:g} to {high:g}")
    return {"tempo": tempo_data(setting_of(notes, near))}


def _score(transcription: Transcription, value: dict[str, Any]) -> str:
    """Return a score, as MusicXML, of notes as they were mended, in the bars and the key that the page shows."""
    try:
        require_music21()
    except InputError:
        raise InputError(
            "a score needs the library music21; end this program, and install it by `pip install music21`"
        ) from None
    notes, setting = bodies.notes_of(value.get("notes")), bodies.setting_of(value.get("tempo"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "score.musicxml"
        write_score(path, notes.moved(-transcription.span_s[0]), transcription.video.stem, setting)
        return path.read_text(encoding="utf-8")


ANSWERS: dict[str, Answer] = {"notes": _notes, "tempo": _tempo, "score": _score}
"""Last part of the address -> what is answered."""
