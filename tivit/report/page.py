"""Writes the page: its parts in one file, the data of a transcription in it, and nothing that is fetched."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from tivit.core.artifacts import atomic_path
from tivit.report.data import page_data
from tivit.report.parts import embedded, filled, part
from tivit.transcribe.result import Transcription

SCRIPTS = ("music.js", "decode.js", "store.js", "player.js", "roll.js", "picture.js", "main.js")
PLAYABLE = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
"""Suffix -> kind of the videos that browsers may play; one of another kind is not put into the page."""
MOST_VIDEO_BYTES = 80_000_000
"""A larger video is not put into the page, which then asks for the file."""
BLOCK_BYTES = 3 << 20  # a multiple of 3, so that blocks of base64 can be joined


def write_page(path: Path, transcription: Transcription) -> None:
    """Write the page of a transcription as one HTML file.

    Parameters
    ----------
    path : Path
        The file to write.
    transcription : Transcription
        The notes.
    """
    video = transcription.video
    kind = PLAYABLE.get(video.suffix.lower(), "")
    has_video = bool(kind) and video.stat().st_size <= MOST_VIDEO_BYTES
    before, after = part("page.html").split("{{video}}")
    fill = {
        "{{title}}": html.escape(video.name),
        "{{kind}}": kind,
        "{{style}}": part("page.css"),
        "{{script}}": "\n".join(part(name) for name in SCRIPTS),
        "{{data}}": embedded(page_data(transcription, has_video)),
    }
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(filled(before, fill))
        if has_video:
            with open(video, "rb") as source:
                while block := source.read(BLOCK_BYTES):
                    file.write(base64.b64encode(block).decode())
        file.write(filled(after, fill))
