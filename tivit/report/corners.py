"""Writes the page of a keyboard that was not found: a picture to mark it on, and the command that goes on with the marks."""

from __future__ import annotations

import html
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tivit.core.artifacts import atomic_path
from tivit.core.choices import ORIENTATIONS
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI, name_of
from tivit.core.registration import Refusal
from tivit.report.parts import FILE_POLICY, SERVED_POLICY, embedded, filled, part, shell, still
from tivit.transcription.result import UnknownKeyboardError

FIRST_CORNERS = ((0.1, 0.4), (0.9, 0.4), (0.9, 0.65), (0.1, 0.65))
"""Where the corners lie before they are dragged, in shares of the picture's width and height."""


def write_corners_page(path: Path, error: UnknownKeyboardError, options: Sequence[str]) -> None:
    """Write the page on which a keyboard is marked, as one HTML file.

    Parameters
    ----------
    path : Path
        The file to write.
    error : UnknownKeyboardError
        What was found of the keyboard.
    options : sequence of str
        What the user gave to `tivit transcribe` besides the video and the keyboard, for the command to go on with.
    """
    text = corners_page(error, options)
    with atomic_path(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def corners_page(error: UnknownKeyboardError, options: Sequence[str], served_as: str | None = None) -> str:
    """Return the page on which a keyboard is marked.

    Parameters
    ----------
    error : UnknownKeyboardError
        What was found of the keyboard.
    options : sequence of str
        As of `write_corners_page`.
    served_as : str, optional
        The name of the video on a page of `tivit serve`, which goes on by itself with what is marked.

    Returns
    -------
    str
        HTML.
    """
    is_served, name = served_as is not None, served_as or error.video.name
    policy = SERVED_POLICY if is_served else FILE_POLICY
    top, bottom = shell(f"{name} – where is the keyboard?", policy, ["corners.js"])
    data = embedded({**corners_data(error, options), "is_served": is_served})
    return top + filled(part("corners.html"), {"{{title}}": html.escape(name), "{{data}}": data}) + bottom


def corners_data(error: UnknownKeyboardError, options: Sequence[str]) -> dict[str, Any]:
    """Return what the page needs, as JSON can hold it; the parameters are those of `write_corners_page`."""
    height_px, width_px = error.frame.shape[:2]
    known, registration = error.known, error.registration
    first_midi, orientation = known.first_key, known.orientation
    if isinstance(registration, Refusal):
        reason = f"The keyboard was not found: {registration.reason}."
    else:
        reason = f"Which keys are in view is not known: {registration.doubt}."
        first_midi, orientation = registration.first_midi, orientation or registration.orientation
    corners = known.corners or tuple((x * width_px, y * height_px) for x, y in FIRST_CORNERS)
    return {
        "reason": reason,
        "asks_corners": isinstance(registration, Refusal),
        "corners": [list(point) for point in corners],
        "picture_px": [width_px, height_px],
        "still": still(error.frame),
        "keys": [name_of(midi) for midi in range(LOWEST_MIDI, HIGHEST_MIDI + 1)],
        "first_key": "" if first_midi is None else name_of(first_midi),
        "orientations": list(ORIENTATIONS),
        "orientation": orientation or "",
        # The page that is there is replaced by that of the notes.
        "command": shlex.join(["tivit", "transcribe", str(error.video), *options, "--force"]),
    }
