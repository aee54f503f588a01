"""A transcription as pages are written of, and a browser that notes everything that goes wrong."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from decoding_cases import THRESHOLDS, noisy_logits, random_notes
from paths import PARAMS_FILE
from registration_cases import known_registration, random_view

from tivit.core.logits import ClipLogits
from tivit.core.notes import Notes
from tivit.core.params import load, section
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes
from tivit.transcription.confidence import confidence_of
from tivit.transcription.result import Origin, Transcription
from tivit.video.source import VideoInfo
from tivit.video.spans import WHOLE

GEOMETRY = section(load(PARAMS_FILE), "strips", StripGeometry)
GOOD = known_registration(random_view(np.random.default_rng(2)), GEOMETRY)
GRID = TimeGrid(30.0, 0.25, 600)
POINT = replace(
    THRESHOLDS,
    onset=replace(THRESHOLDS.onset, lag_s=-0.004, temperature=1.3, bias=0.2),
    pitch=replace(THRESHOLDS.pitch, hold=0.3, lag_s=0.011),
    offset=replace(THRESHOLDS.offset, threshold=0.4),
    rules=replace(THRESHOLDS.rules, bridge_s=0.04),
    label_lag_s=0.02,
)
PATIENCE_MS = 240_000
"""How long a browser may take on a busy machine."""
EVIL = "<img src=x onerror=alert(1)></script><b>.mp4".replace("/", "\u2215")


def true_notes() -> Notes:
    """Return the notes that the logits of `transcription` are made of."""
    return random_notes(np.random.default_rng(5), 20.0, per_key=4).moved(GRID.start_s)


def transcription(video, thresholds=POINT) -> Transcription:
    """Return a transcription of 20 s with doubtful notes; `video` need not be there."""
    rng = np.random.default_rng(5)
    heads = noisy_logits(random_notes(rng, 20.0, per_key=4).moved(GRID.start_s), GRID, rng, 0.8)
    notes = decode_notes(heads, GRID, thresholds)
    return Transcription(
        video, VideoInfo(640, 360, 30.0, 600, 20.0), WHOLE, GRID, notes.moved(thresholds.label_lag_s),
        confidence_of(notes, heads, GRID, thresholds), GOOD, GEOMETRY, np.zeros((36, 64, 3), np.uint8), thresholds,
        Origin("0.1", "w.pt", "</script><script>alert(2)</script>"), ("a <warning>",), False, ClipLogits("c", GRID, heads), 1.0,
    )  # fmt: skip


@contextmanager
def chromium() -> Iterator[tuple]:
    """Give a browser and `expect` of playwright; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser can be driven")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        # A browser is a program of the system, which pip cannot install.
        pytest.skip("no Chromium is installed: the page cannot be opened")
    with playwright.sync_playwright() as running:
        window = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        playwright.expect.set_options(timeout=PATIENCE_MS)
        yield window, playwright.expect
        window.close()


def opened(window, address: str | Path, may_ask: str | None = None):
    """Return a page that a browser shows, and the list of what goes wrong on it: errors, dialogs, and whatever is fetched.

    Only what begins with `may_ask` may be fetched.
    """
    view, faults = window.new_page(), []
    view.set_default_timeout(PATIENCE_MS)
    view.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    view.on("pageerror", lambda error: faults.append(str(error)))
    view.on("dialog", lambda dialog: faults.append(dialog.message))
    inside = ("file:", "blob:", "data:", *([may_ask] if may_ask else []))
    view.on("request", lambda request: None if request.url.startswith(inside) else faults.append(request.url))
    view.goto(address.as_uri() if isinstance(address, Path) else address, timeout=PATIENCE_MS)
    return view, faults
