"""Every reader against 2,000 damaged copies of a good file: it returns what is valid, or one sentence with the place.

Damage is drawn from one seed for each reader, so a failure comes back.
"""

import re
from collections import Counter

import numpy as np
import pytest
from datasets_cases import FIXTURES, TIMES

from tivit.core.errors import InputError
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI
from tivit.core.notes import Notes
from tivit.datasets.base import DatasetClip
from tivit.datasets.midi import read_midi_label
from tivit.datasets.omaps import OMAPS, OMAPS2
from tivit.datasets.pianovam import Record, read_metadata, read_tsv
from tivit.datasets.pianoyt import TableRow, read_table
from tivit.datasets.rows import NoteRow, notes_of_rows
from tivit.datasets.skeleton import Skeleton, read_skeleton
from tivit.datasets.text import read_stems

VARIANTS = 2000
WORDS = (
    b"nan",
    b"NaN",
    b"-1",
    b"-0.5",
    b"1e308",
    b"1e999",
    b"9" * 400,
    b"inf",
    b"",
    b"null",
    b"x",
    b"\t",
    b"\r",
    b"\n",
    b"0",
    b'"',
)
CELL = re.compile(rb"[^\t\r\n,:\[\]{}]+")


def omaps(layout):
    return lambda path: layout.notes(DatasetClip("", "", "", "", ""), lambda _: path, None)


READERS = {
    "OMAPS": (FIXTURES / "OMAPS/train/001.txt", omaps(OMAPS)),
    "OMAPS2": (FIXTURES / "OMAPS2/train/001.txt", omaps(OMAPS2)),
    "TSV": (FIXTURES / f"PianoVAM/TSV/{TIMES[0]}.tsv", lambda path: notes_of_rows(path, read_tsv(path, "key_offset"))),
    "Fingering": (FIXTURES / f"PianoVAM/Fingering/{TIMES[0]}.tsv", lambda path: read_tsv(path, "key_offset")),
    "metadata": (FIXTURES / "PianoVAM/metadata_v2.json", read_metadata),
    "Handskeleton": (FIXTURES / f"PianoVAM/Handskeleton/{TIMES[0]}.json", read_skeleton),
    "crops": (FIXTURES / "PianoYT/metadata.csv", read_table),
    "list": (FIXTURES / "PianoYT_lists/splits/val.txt", read_stems),
    "MIDI": (FIXTURES / "PianoYT/train/audio_5.0.midi", lambda path: read_midi_label(path, "pedal")),
}


def damaged(good: bytes, rng: np.random.Generator) -> bytes:
    """Return `good` with 1 to 3 faults: flipped bits, more or fewer bytes, cuts, swapped or replaced cells, moved lines."""
    content = good
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(content))) if content else 0
        kind = rng.integers(8)
        cells = list(CELL.finditer(content)) if kind in (4, 5) else []
        lines = content.split(b"\n")
        if kind == 0 and content:
            content = content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]
        elif kind == 1:
            content = content[:at] + bytes([int(rng.integers(256))]) + content[at:]
        elif kind == 2:
            content = content[:at] + content[at + int(rng.integers(1, 9)) :]
        elif kind == 3:
            content = content[:at]
        elif kind == 4 and len(cells) > 1:
            i = int(rng.integers(len(cells) - 1))
            one, two = cells[i], cells[i + 1]
            content = content[: one.start()] + two[0] + content[one.end() : two.start()] + one[0] + content[two.end() :]
        elif kind == 5 and cells:
            cell = cells[int(rng.integers(len(cells)))]
            content = content[: cell.start()] + WORDS[int(rng.integers(len(WORDS)))] + content[cell.end() :]
        elif kind == 6:
            i, j = rng.integers(len(lines), size=2)
            lines[i], lines[j] = lines[j], lines[i]
            content = b"\n".join(lines)
        else:
            content = b"\n".join([*lines, lines[int(rng.integers(len(lines)))]])
    return content


def check(value: object) -> None:
    """Assert that what a reader returned can be trusted."""
    if isinstance(value, Notes):
        assert len(value) and np.isfinite(value.onset_s).all() and np.isfinite(value.offset_s).all()
        assert (value.onset_s >= 0).all() and (value.offset_s > value.onset_s).all()
        assert value.midi.min() >= LOWEST_MIDI and value.midi.max() <= HIGHEST_MIDI
        assert ((value.velocity == -1) | ((value.velocity >= 1) & (value.velocity <= 127))).all()
    elif isinstance(value, Skeleton):
        assert value.tips.shape == (len(value.frames), 2, 5, 2) and (np.diff(value.frames) > 0).all()
        assert (np.isnan(value.tips) | (np.abs(value.tips) <= 2)).all()
    elif isinstance(value, dict):
        assert all(isinstance(item, (Record, TableRow, int)) for item in value.values())
        boxes = [item.box for item in value.values() if isinstance(item, TableRow)]
        assert all(0 <= x0 < x1 and 0 <= y0 < y1 and np.isfinite((x1, y1)).all() for x0, y0, x1, y1 in boxes)
        quads = [item.corners for item in value.values() if isinstance(item, Record) and item.corners]
        assert all(np.isfinite(quad).all() and np.shape(quad) == (4, 2) for quad in quads)
    else:
        assert all(isinstance(row, NoteRow) and 0 <= row.onset_s < row.offset_s and row.hand in (-1, 0, 1) for row in value)


@pytest.mark.parametrize("name", READERS)
def test_damage_ends_in_valid_content_or_in_a_sentence_with_file_and_line(tmp_path, name):
    source, read = READERS[name]
    check(read(source))
    good = source.read_bytes()
    rng = np.random.default_rng([7, list(READERS).index(name)])
    path = tmp_path / f"damaged{source.suffix}"
    place = re.escape(str(path)) + (": " if name == "MIDI" else r", line \d+")
    outcomes = Counter()
    for _ in range(VARIANTS):
        path.unlink(missing_ok=True)  # to cut an old file to nothing is slow on some disks
        path.write_bytes(damaged(good, rng))
        try:
            check(read(path))
            outcomes["read"] += 1
        except InputError as error:
            assert re.match(place, str(error)) and "\n" not in str(error) and len(str(error)) < 600, error
            outcomes["refused"] += 1
    assert outcomes.total() == VARIANTS and min(outcomes["read"], outcomes["refused"]) > 0
