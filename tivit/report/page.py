"""Writes the page: its parts in one file, the data of a transcription in it, and nothing that is fetched."""

from __future__ import annotations

import base64
import html
import json
from importlib import resources
from pathlib import Path

from tivit.core.artifacts import atomic_path, json_text
from tivit.report.data import page_data
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
    data = json.dumps(json.loads(json_text(page_data(transcription, has_video), decimals=6)), separators=(",", ":"))
    before, after = _part("page.html").split("{{video}}")
    fill = {
        "{{title}}": html.escape(video.name),
        "{{kind}}": kind,
        "{{style}}": _part("page.css"),
        "{{script}}": "\n".join(_part(name) for name in SCRIPTS),
        # Data, and never markup: a name such as `</script>` must not end the element that it stands in.
        "{{data}}": data.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
    }
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(_filled(before, fill))
        if has_video:
            with open(video, "rb") as source:
                while block := source.read(BLOCK_BYTES):
                    file.write(base64.b64encode(block).decode())
        file.write(_filled(after, fill))


def _filled(text: str, values: dict[str, str]) -> str:
    """Return a text with its marks replaced, in one pass, so that a mark inside a value stays as it is."""
    parts = []
    while True:
        places = {text.find(mark): mark for mark in values if mark in text}
        if not places:
            return "".join([*parts, text])
        first = min(places)
        mark = places[first]
        parts += [text[:first], values[mark]]
        text = text[first + len(mark) :]


def _part(name: str) -> str:
    return (resources.files("tivit.report") / "page" / name).read_text(encoding="utf-8")
