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
    "an end screen without a keyboard": "notes may be found where it appears: leave it out by `--end`",
    "a title card over more than a third of the video": "some notes are missed: leave it out by `--start`",
    "a fade from or to black": "notes in it may be missed",
}
"""What goes wrong without a word, and what to do."""
NOT_MADE = {
    "Theora in Ogg (.ogv)": "this build of PyAV has no encoder for it",
    "RealVideo (.rm)": "the container is not among those that are opened",
    "VC-1 (.wmv)": "FFmpeg has no encoder for it",
    "VVC (H.266)": "this build of PyAV has no encoder for it",
    "Dolby Vision": "its second layer cannot be written; the first is HEVC with 10 bits, which is in the table",
}
"""What the table lacks -> why."""
