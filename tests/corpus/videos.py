"""The table of odd videos, and which kinds of files cannot be made here."""

from __future__ import annotations

from tests.corpus.case import Case
from tests.corpus.videos_content import contents
from tests.corpus.videos_damage import damages, names, strangers
from tests.corpus.videos_formats import formats, kinds, rates, sizes
from tests.corpus.videos_times import displays, times

CASES: tuple[Case, ...] = (
    *kinds(), *formats(), *sizes(), *rates(), *times(), *displays(), *contents(), *damages(), *strangers(), *names(),
)  # fmt: skip
KNOWN_FAULTS = {
    "the keyboard that dissolves into another picture": "notes may be invented in it; the seconds are told: leave them out by "
    "`--start` or `--end`",
    "a fade from black of a second while notes are played": "up to three notes are missed or wrong, in the fade and in the two "
    "seconds after it; the seconds of the fade are told: look at the notes there, or leave them out by `--start`",
}
"""What goes wrong, and what to do."""
NOT_MADE = {
    "Theora in Ogg (.ogv)": "this build of PyAV has no encoder for it",
    "RealVideo (.rm)": "the container is not among those that are opened",
    "VC-1 (.wmv)": "FFmpeg has no encoder for it",
    "VVC (H.266)": "this build of PyAV has no encoder for it",
    "Dolby Vision": "its second layer cannot be written; the first is HEVC with 10 bits, which is in the table",
}
"""What the table lacks -> why."""
