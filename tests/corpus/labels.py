"""Every odd file of notes that people have, with what must come of it: the right notes, a stated warning, or a stated refusal.

`PYTHONPATH=. python tests/corpus/labels.py` writes the table into docs/labels_files.md, and `test_labels.py` carries out every
case.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.labels_writing import TICKS, TWO, meta, midi, off, on, played, program, tempo, track

PAGE = Path(__file__).parents[2] / "docs/labels_files.md"
Row = tuple[float, float, int]
"""Onset and release (s), MIDI number."""
RIGHT: tuple[Row, ...] = ((0.0, 0.5, 60), (1.0, 1.5, 64))
"""What most files hold."""


@dataclass(frozen=True)
class Case:
    """A file and what must come of it as labels.

    Attributes
    ----------
    name : str
        Name of the file.
    what : str
        What is odd about it.
    content : bytes or callable
        Its bytes, or what makes them.
    notes : tuple of Row or None
        The notes that are read; None: it is refused.
    said : str
        A part of the warning or of the refusal; "" where nothing is said.
    score : tuple of Row or str or None
        What `tivit score` reads, or a part of its refusal; None: the same as the labels.
    """

    name: str
    what: str
    content: bytes | Callable[[], bytes]
    notes: tuple[Row, ...] | None = RIGHT
    said: str = ""
    score: tuple[Row, ...] | str | None = None

    @property
    def outcome(self) -> str:
        """What is expected, in words."""
        if self.notes is None:
            return f"refused: {self.said}"
        found = (
            f"{len(self.notes)} note{'s' * (len(self.notes) != 1)}" if len(self.notes) < 100 else f"{len(self.notes):,} notes"
        )
        return f"{found}, and a warning: {self.said}" if self.said else found


def _sysex() -> bytes:
    return b"\xf0" + b"\x05\x7e\x7f\x09\x01\xf7"


def _many() -> bytes:
    """Return a million notes: a running status, one note after the other."""
    step = b"\x01\x3c\x40\x01\x3c\x00"
    body = b"\x00\x90\x3c\x40\x01\x3c\x00" + step * 999_999 + b"\x00\xff\x2f\x00"
    return midi(b"MTrk" + len(body).to_bytes(4, "big") + body, kind=0)


def _many_rows() -> tuple[Row, ...]:
    tick = 0.5 / TICKS
    return tuple((2 * i * tick, (2 * i + 1) * tick, 60) for i in range(1_000_000))


def _with(*events: tuple[float, bytes]) -> bytes:
    """Return a file of one track with the two notes and more events."""
    return midi(track(*played(), *events), kind=0)


HELD = ((0.0, 4.0, 60),)
RUNNING = b"\x00\x90\x3c\x40" + b"\x83\x60\x3c\x00" + b"\x83\x60\x40\x40" + b"\x83\x60\x40\x00" + b"\x00\xff\x2f\x00"
FOURTH = ((0.0, 0.5, 60), (1.0, 1.5, 64), (2.0, 2.5, 67))
MIDI_CASES = [
    Case("type0.mid", "one track (type 0)", midi(track(*played()), kind=0)),
    Case("type1.mid", "notes on the second track (type 1)", midi(track((0, tempo(120))), track(*played()))),
    Case("type2.mid", "independent sequences (type 2)", midi(track(*played()), kind=2), None, "it is of type 2"),
    Case("type9.mid", "a type that does not exist", midi(track(*played()), kind=9), None,
         "its header is of length 6 and type 9"),
    Case("hands.mid", "one track for each hand, named", midi(
        track((0, meta(3, b"right hand")), *played(TWO[1:])), track((0, meta(3, b"left hand")), *played(TWO[:1], 1)))),
    Case("riff.mid", "wrapped into RIFF (.rmi)", b"RIFF\x00\x00\x00\x00RMIDdata\x00\x00\x00\x00" + midi(track(*played()),
         kind=0)),
    Case("alien_chunk.mid", "a chunk of an unknown kind before the track",
         midi(b"XFIH\x00\x00\x00\x02\x00\x00" + track(*played()), count=1)),
    Case("long_header.mid", "a header that is longer than usual",
         midi(track(*played()), kind=0).replace(b"\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0",
         b"\x00\x00\x00\x08\x00\x00\x00\x01\x01\xe0\x00\x00")),
    Case("tail.mid", "bytes behind the last track", midi(track(*played()), kind=0) + b"\x00" * 40),
    Case("no_end.mid", "no end-of-track event", midi(track(*played(), end=b""), kind=0)),
    Case("tempo_first.mid", "tempo 60 on the first track", midi(track((0, tempo(60))), track(*played())),
         ((0.0, 1.0, 60), (2.0, 3.0, 64))),
    Case("tempo_second.mid", "tempo 60 on the track of the notes", midi(track(), track((0, tempo(60)), *played())),
         ((0.0, 1.0, 60), (2.0, 3.0, 64))),
    Case("tempo_change.mid", "tempo that changes on the third track, between the notes",
         midi(track(), track(*played()), track((1, tempo(60)))), ((0.0, 0.5, 60), (1.5, 2.5, 64))),
    Case("tempo_in_note.mid", "tempo that changes while a note lasts", _with((0.5, tempo(60))), ((0.0, 0.75, 60), (1.75,
         2.75, 64))),
    Case("tempo_twice.mid", "two tempos at one instant: the last one counts", _with((0, tempo(30)), (0, tempo(120)))),
    Case("tempo_zero.mid", "a tempo of no time", _with((0, meta(0x51, b"\x00\x00\x00"))), None,
         "its tempo or resolution is zero"),
    Case("tempo_short.mid", "a tempo of two bytes", _with((0, meta(0x51, b"\x07\xa1"))), None,
         "a tempo has 2 bytes, expected 3"),
    Case("tempo_slow.mid", "the slowest tempo there is, 3.6 a minute", _with((0, meta(0x51, b"\xff\xff\xff"))),
         ((0.0, 16.777215, 60), (33.55443, 50.331645, 64))),
    Case("division_zero.mid", "no ticks in a quarter note", midi(track(*played()), kind=0, division=0), None,
         "tempo or resolution is zero"),
    Case("division_one.mid", "one tick in a quarter note", midi(track(*played(), ticks=1), kind=0, division=1)),
    Case("division_most.mid", "32,767 ticks in a quarter note", midi(track(*played(), ticks=32767), kind=0, division=32767)),
    Case("smpte_25.mid", "SMPTE division: 25 frames of 40 ticks, 1 ms a tick; tempo does not count",
         midi(track((0, tempo(33)), *played(), ticks=500), kind=0, division=0xE728)),
    Case("smpte_30.mid", "SMPTE division: 30 frames of 80 ticks", midi(track(*played(), ticks=1200), kind=0,
         division=0xE250)),
    Case("smpte_2997.mid", "SMPTE division: 29.97 frames of 100 ticks", midi(track(*played(), ticks=1500), kind=0,
         division=0xE364),
         ((0.0, 0.5005, 60), (1.001, 1.5015, 64))),
    Case("smpte_24.mid", "SMPTE division: 24 frames of 4 ticks", midi(track(*played(), ticks=48), kind=0, division=0xE804)),
    Case("smpte_bad.mid", "SMPTE division of 17 frames", midi(track(*played()), kind=0, division=0xEF28), None,
         "no SMPTE frame rate"),
    Case("running.mid", "running status, and note-ons of velocity 0", midi(b"MTrk" + len(RUNNING).to_bytes(4,
         "big") + RUNNING, kind=0)),
    Case("no_status.mid", "data before any status", midi(track((0, b"\x3c\x40"), *played()), kind=0), None,
         "an event has no status"),
    Case("data_byte.mid", "a data byte above 127", _with((1.5, b"\x90\x3c\xc8")), None,
         "a data byte is 200, allowed: 0..127"),
    Case("realtime.mid", "a system message that belongs into no file", _with((1.5, b"\xf8")), None,
         "status 0xF8 does not belong"),
    Case("sysex.mid", "system exclusive messages", _with((0, _sysex()), (1.5, b"\xf7\x02\x01\x02"))),
    Case("meta.mid", "meta events of unknown kinds", _with((0, meta(0x60, b"abc")), (0.5, meta(0x7F, b"\x00" * 200)))),
    Case("key_signature.mid", "a key signature of 12 sharps", _with((0, meta(0x59, b"\x0c\x00")))),
    Case("track_name.mid", "a track name that is no UTF-8", _with((0, meta(0x03, b"\xe9tude \xff\xfe")))),
    Case("bends.mid", "pitch bends, pressure and controllers", _with(
        (0, b"\xe0\x00\x50"), (0.5, b"\xd0\x40"), (0.6, b"\xa0\x3c\x20"), (0.7, b"\xb0\x07\x40"))),
    Case("number.mid", "a number of five bytes", midi(track((0, b"\xff\x01\xff\xff\xff\xff\x01"), *played()), kind=0), None,
         "a number has more than four bytes"),
    Case("pedal.mid", "the pedal: notes end when keys are released", _with((0.5, b"\xb0\x40\x7f"), (3.5, b"\xb0\x40\x00"))),
    Case("three_pedals.mid", "soft and sostenuto pedals", _with((0.1, b"\xb0\x42\x7f"), (0.1, b"\xb0\x43\x7f"))),
    Case("velocity_one.mid", "velocities 1 and 127", midi(track((0, on(60, 1)), (1, off(60)), (2, on(64, 127)), (3,
         off(64))), kind=0)),
    Case("zero_length.mid", "a note without length among others", _with((1.5, on(67) + b"\x00" + off(67))), RIGHT,
         "notes without length are left out: 1 (first: G4 at 0.750 s)",
         ((0.0, 0.5, 60), (0.75, 0.75, 67), (1.0, 1.5, 64))),
    Case("only_zero_length.mid", "nothing but notes without length", midi(track((0, on(60) + b"\x00" + off(60))), kind=0),
         None,
         "holds no notes of a piano", ((0.0, 0.0, 60),)),
    Case("hanging.mid", "a note without an end", _with((3, on(67)), (5, meta(1, b"end"))), FOURTH[:2] + ((1.5, 2.5, 67),),
         "notes without an end last to the end of their track: 1"),
    Case("off_alone.mid", "a note-off without a note", _with((1.5, off(70)))),
    Case("restruck.mid", "a key that is struck again without a note-off",
         midi(track((0, on(60)), (1, on(60)), (2, off(60))), kind=0), ((0.0, 0.5, 60), (0.5, 1.0, 60)),
         "notes that begin while their key is down end the note before: 1", ((0.0, 1.0, 60), (0.5, 1.0, 60))),
    Case("two_channels.mid", "notes of one key that overlap on two channels",
         midi(track(*played(((0, 2, 60),)), *played(((1, 4, 60),), 1)), kind=0), ((0.0, 0.5, 60), (0.5, 2.0, 60)),
         "notes that begin while their key is down end the note before: 1", ((0.0, 1.0, 60), (0.5, 2.0, 60))),
    Case("unison.mid", "both hands on one key at one instant: the longer one counts",
         midi(track(*played(((0, 1, 60),))), track(*played(HELD, 1))), ((0.0, 2.0, 60),),
         "notes that begin together with one of their key count as one with it: 1", ((0.0, 0.5, 60), (0.0, 2.0, 60))),
    Case("layered.mid", "piano and strings layered: every note on two channels",
         midi(track(*played()), track((0, program(48, 1)), *played(TWO, 1))), RIGHT, "what is no piano's is left out: 2"),
    Case("band.mid", "piano, strings and bass", midi(
        track(*played()), track((0, program(48, 1)), *played(((0, 4, 40),), 1)), track((0, program(33, 2)), *played(((1, 2,
         30),), 2))),
        RIGHT, "(notes: 2 with program 1 on channel 1, 1 with program 49 on channel 2, 1 with program 34 on channel 3)"),
    Case("no_piano.mid", "strings and bass, no piano", midi(
        track((0, program(48)), *played()), track((0, program(33, 1)), *played(((1, 2, 30),), 1))), None, "none is a piano"),
    Case("organ.mid", "one instrument that is no piano", midi(track((0, program(19)), *played()), kind=0)),
    Case("switched.mid", "one channel that changes from piano to strings half way", _with((1.5, program(48))), RIGHT,
         "its one channel changes its sound (notes: 1 with program 1 on channel 1, 1 with program 49"),
    Case("electric.mid", "grand piano and electric piano, one for each hand", midi(
        track(*played(TWO[:1])), track((0, program(4, 1)), *played(TWO[1:], 1)))),
    Case("drums.mid", "drums beside the piano", midi(track(*played(), *played(((0, 1, 36), (1, 2, 38)), 9)), kind=0), RIGHT,
         "notes of drums (channel 10) are left out: 2"),
    Case("only_drums.mid", "nothing but drums", midi(track(*played(TWO, 9)), kind=0), None, "holds no notes of a piano", ()),
    Case("too_low.mid", "a pitch that no piano has", midi(track(*played(), *played(((1, 2, 12),))), kind=0), RIGHT,
         "notes beyond the 88 keys are left out: 1 (first: pitch 12", "pitch 12 at 0.500 s is on no piano"),
    Case("corners.mid", "the lowest and the highest key", midi(track(*played(((0, 1, 21), (2, 3, 108)))), kind=0),
         ((0.0, 0.5, 21), (1.0, 1.5, 108))),
    Case("late.mid", "beyond 10^7 ticks: a note after 3 hours",
         midi(track(*played(((0, 1, 60), (21600, 21601, 64)))), kind=0), ((0.0, 0.5, 60), (10800.0, 10800.5, 64))),
    Case("gigantic.mid", "ticks as large as a number can be, 20 times", midi(track(
        *played(), *[(3 + i * 559240, meta(1, b"x")) for i in range(1, 20)], (3 + 20 * 559240, on(67)), (3 + 20 * 559240,
         off(67))), kind=0),
        None, "a note lies 65 days after its start"),
    Case("million.mid", "a million notes", _many, _many_rows()),
    Case("empty.mid", "no notes", midi(track(), kind=0), None, "holds no notes of a piano", ()),
    Case("no_tracks.mid", "no tracks", midi(kind=1), None, "holds no notes of a piano", ()),
    Case("missing_track.mid", "fewer tracks than it says", midi(track(*played()), count=3), None,
         "it holds 1 of its 3 tracks"),
    Case("cut.mid", "cut in a track", midi(track(*played()), kind=0)[:-9], None, "track 1 of 1 breaks off"),
    Case("cut_header.mid", "cut in the header", midi(track(*played()))[:9], None, "it breaks off in its header"),
    Case("event_cut.mid", "a track that ends within an event", midi(track(*played(), end=b"\x00\x90\x3c"), kind=0), None,
         "breaks off in an event"),
    Case("nothing.mid", "an empty file", b"", None, "it does not begin with MThd"),
    Case("text.mid", "text under the name of a MIDI file", b"0.0\t0.5\t60\n", None, "it does not begin with MThd"),
]  # fmt: skip

LINES = "0.000000\t0.500000\t60\n1.000000\t1.500000\t64\n"
TABLE = "# onset\tkey_offset\tframe_offset\tnote\tvelocity\n0.0\t0.5\t0.9\t60\t70\n1.0\t1.5\t1.9\t64\t70\n"
TEXT_CASES = [
    Case("omaps.txt", "OMAPS, lines of Unix", LINES.encode()),
    Case("omaps_windows.txt", "lines of Windows", LINES.replace("\n", "\r\n").encode()),
    Case("omaps_mac.txt", "lines of old Macs", LINES.replace("\n", "\r").encode()),
    Case("omaps_bom.txt", "UTF-8 with a byte order mark", LINES.encode("utf-8-sig")),
    Case("omaps_utf16.txt", "UTF-16 with a byte order mark, as Windows calls Unicode", LINES.encode("utf-16")),
    Case("omaps_utf16be.txt", "UTF-16, the other byte order", b"\xfe\xff" + LINES.encode("utf-16-be")),
    Case("omaps_utf16_bare.txt", "UTF-16 without a mark", LINES.encode("utf-16-le"), None, "line 1", "line 1"),
    Case("omaps_latin1.txt", "Latin-1 with an accent", LINES.encode() + b"\xe9", None, "line 3: not UTF-8 text"),
    Case("omaps_empty_lines.txt", "empty lines at the end", (LINES + "\n \n\n").encode()),
    Case("omaps_no_end.txt", "no end of the last line", LINES.rstrip().encode()),
    Case("omaps_separator.txt", "Unicode's line separator is no end of a line", LINES.replace("\n", "\u2028").encode(),
         None, "line 1: "),
    Case("omaps_comma.txt", "decimal commas", LINES.replace(".", ",").encode(), None, "line 1: "),
    Case("omaps_spaces.txt", "spaces instead of tabs: no dataset has them, `score` takes them", LINES.replace("\t",
         " ").encode(), None,
         "line 1: 1 columns separated by tabs", RIGHT),
    Case("omaps_nan.txt", "a time that is no number", LINES.replace("1.000000", "nan").encode(), None, "line 2: "),
    Case("omaps_order.txt", "not sorted", b"1.0\t1.5\t64\n0.0\t0.5\t60\n"),
    Case("omaps_zero_length.txt", "a note without length: tables are damaged by it", (LINES + "2.0\t2.0\t67\n").encode(),
         None,
         "line 3: the note begins at 2 s and ends at 2 s; it must end after it begins", RIGHT + ((2.0, 2.0, 67),)),
    Case("omaps_overlap.txt", "a key that is struck before its note ends", b"0.0\t1.0\t60\n0.5\t1.5\t60\n", None,
         "line 2: C4 begins at 0.5 s, before its note of line 1 ends at 1 s", ((0.0, 1.0, 60), (0.5, 1.5, 60))),
    Case("omaps_pitch.txt", "a pitch that no piano has", b"0.0\t1.0\t20\n", None, "line 1: "),
    Case("omaps_empty.txt", "an empty file", b"", None, "line 1: holds no notes", ()),
    Case("omaps_binary.txt", "no text at all", bytes(range(256)), None, "not UTF-8 text"),
    Case("pianovam.tsv", "PianoVAM", TABLE.encode()),
    Case("pianovam_windows.tsv", "lines of Windows", TABLE.replace("\n", "\r\n").encode()),
    Case("pianovam_mac.tsv", "lines of old Macs", TABLE.replace("\n", "\r").encode()),
    Case("pianovam_utf16.tsv", "UTF-16 with a byte order mark", TABLE.encode("utf-16")),
    Case("pianovam_order.tsv", "columns in another order",
         b"#note\tvelocity\tframe_offset\tonset\tkey_offset\n60\t70\t0.9\t0.0\t0.5\n64\t70\t1.9\t1.0\t1.5\n"),
    Case("pianovam_twice.tsv", "two columns of one name", TABLE.replace("velocity", "note").encode(), None, "line 1: ",
         RIGHT),
    Case("pianovam_short.tsv", "a line with fewer cells", TABLE.encode() + b"2.0\t2.5\n", None, "line 4: 2 columns"),
    Case("pianovam_header.tsv", "no header", TABLE.partition("\n")[2].encode(), None, "line 1: "),
    Case("pianovam_empty.tsv", "an empty file", b"", None, "line 1", "is empty"),
]  # fmt: skip
CASES = MIDI_CASES + TEXT_CASES


def page() -> str:
    """Return the page of the docs."""
    lines = [
        "# What a file of notes may look like",
        "",
        "This page is for whoever trains on MIDI files or tables of their own, or scores them. It lists every odd file that is",
        "tested, and what comes of it as labels. Nothing is left out or mended in silence: each rule that applies to a file is",
        "a warning with the number of notes and the first of them. `tivit score` reads the same files as they are: notes that",
        "overlap or have no length are kept there.",
        "",
        "```bash",
        "PYTHONPATH=. python tests/corpus/labels.py --check",
        "```",
        "",
        "This command says whether the page is that of the table of cases; without `--check` it writes the page.",
        "`tests/corpus/test_labels.py` makes every file and reads it.",
        "",
        f"## MIDI files ({len(MIDI_CASES)})",
        "",
        "| file | what is odd about it | what comes of it |",
        "|---|---|---|",
        *(_line(case) for case in MIDI_CASES),
        "",
        f"## Tables ({len(TEXT_CASES)})",
        "",
        "`.txt` is read as OMAPS has it, `.tsv` as PianoVAM has it.",
        "",
        "| file | what is odd about it | what comes of it |",
        "|---|---|---|",
        *(_line(case) for case in TEXT_CASES),
    ]
    return "\n".join(lines) + "\n"


def _line(case: Case) -> str:
    return f"| {case.name.partition('.')[0].replace('_', ' ')} | {case.what} | {case.outcome.strip().rstrip(':')} |"


def main() -> int:
    """Write the page, or with `--check` say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="say whether the page is current, and write nothing")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    is_current = PAGE.read_text(encoding="utf-8") == page()
    print(f"{PAGE.name} is {'current' if is_current else 'not current; run the command without --check'}")
    return 0 if is_current else 1


if __name__ == "__main__":
    raise SystemExit(main())
