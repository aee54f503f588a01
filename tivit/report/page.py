"""Writes the page: its parts in one file, the data of a transcription in it, and nothing that is fetched."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tivit.core.artifacts import atomic_path
from tivit.core.notes import Notes
from tivit.report.data import page_data
from tivit.report.parts import FILE_POLICY, SERVED_POLICY, embedded, filled, part, shell
from tivit.transcription.result import Transcription

SCRIPTS = ("music.js", "decode.js", "truth.js", "store.js", "player.js", "roll.js", "picture.js", "served.js", "main.js")
PLAYABLE = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
"""Suffix -> kind of the videos that browsers may play; one of another kind is not put into the page."""
MOST_VIDEO_BYTES = 80_000_000
"""A larger video is not put into the page, which then asks for the file."""
BLOCK_BYTES = 3 << 20  # a multiple of 3, so that blocks of base64 can be joined


def write_page(path: Path, transcription: Transcription, truth: Notes | None = None) -> None:
    """Write the page of a transcription as one HTML file.

    Parameters
    ----------
    path : Path
        The file to write.
    transcription : Transcription
        The notes.
    truth : Notes, optional
        The true notes, where they are known: the page then shows which were found, missed and invented.
    """
    video = transcription.video
    kind = PLAYABLE.get(video.suffix.lower(), "")
    has_video = bool(kind) and video.stat().st_size <= MOST_VIDEO_BYTES
    top, bottom = shell(_tab(video.name), FILE_POLICY, SCRIPTS)
    before, after = part("page.html").split("{{video}}")
    fill = _marks(video.name, kind, page_data(transcription, has_video, truth=truth))
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(top + filled(before, fill))
        if has_video:
            with open(video, "rb") as source:
                while block := source.read(BLOCK_BYTES):
                    file.write(base64.b64encode(block).decode())
        file.write(filled(after, fill) + bottom)


def served_page(transcription: Transcription) -> str:
    """Return the page of a transcription as `tivit serve` shows it: the video is beside it, and the server makes scores.

    Parameters
    ----------
    transcription : Transcription
        The notes; the name of its video is shown, and no file is opened.

    Returns
    -------
    str
        HTML.
    """
    name = transcription.video.name
    top, bottom = shell(_tab(name), SERVED_POLICY, SCRIPTS)
    fill = _marks(name, "", page_data(transcription, has_video=False, is_served=True))
    return top + filled(part("page.html"), {**fill, "{{video}}": ""}) + bottom


def _tab(name: str) -> str:
    return f"{name} – notes"


def _marks(title: str, kind: str, data: Mapping[str, Any]) -> dict[str, str]:
    return {"{{title}}": html.escape(title), "{{kind}}": kind, "{{data}}": embedded(data)}
