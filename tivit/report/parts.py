"""What the pages are put together from: their parts, data that cannot become markup, and pictures as text."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import cv2
import numpy as np

from tivit.core.artifacts import json_text

_INLINE = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; media-src blob:"
FILE_POLICY = _INLINE
"""What a page that is a file may do: nothing is fetched."""
SERVED_POLICY = f"{_INLINE} 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
"""What a page of `tivit serve` may do: ask the server that it came from, and nobody else."""
STILL_PX = 960
"""A picture is made no wider than this."""


def part(name: str) -> str:
    """Return the text of a file of the folder `page`."""
    return (resources.files("tivit.report") / "page" / name).read_text(encoding="utf-8")


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its marks replaced, in one pass, so that a mark inside a value stays as it is.

    Parameters
    ----------
    text : str
        The text.
    values : mapping of str to str
        Mark -> what stands there instead.

    Returns
    -------
    str
    """
    parts = []
    while True:
        places = {text.find(mark): mark for mark in values if mark in text}
        if not places:
            return "".join([*parts, text])
        first = min(places)
        mark = places[first]
        parts += [text[:first], values[mark]]
        text = text[first + len(mark) :]


def shell(tab: str, policy: str, scripts: Sequence[str]) -> tuple[str, str]:
    """Return what stands before and after the body of every page.

    Parameters
    ----------
    tab : str
        What the tab of the browser says.
    policy : str
        What the page may do: `FILE_POLICY` or `SERVED_POLICY`.
    scripts : sequence of str
        Names of the scripts, in the order in which they are run.

    Returns
    -------
    (str, str)
        HTML.
    """
    before, after = part("shell.html").split("{{body}}")
    head = {"{{tab}}": html.escape(tab), "{{policy}}": policy, "{{style}}": part("page.css")}
    return filled(before, head), filled(after, {"{{script}}": "\n".join(map(part, scripts))})


def embedded(data: Mapping[str, Any]) -> str:
    """Return data as JSON for a script element of a page.

    It is data, and never markup: a name such as `</script>` must not end the element that it stands in.
    """
    text = json.dumps(json.loads(json_text(data, decimals=6)), separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def still(frame: np.ndarray) -> str:
    """Return a picture, uint8 BGR (height, width, 3), as JPEG in base64, `STILL_PX` wide or narrower."""
    scale = min(1.0, STILL_PX / frame.shape[1])
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return base64.b64encode(cv2.imencode(".jpg", small)[1].tobytes()).decode()
