"""Standard MIDI files, read into notes as they stand: bounded, without a library, every oddity counted and none in silence.

Read here and not by a library, because labels stand or fall with it: pretty_midi takes tempo from the first track alone and
refuses files of more than 10^7 ticks (87 minutes at this project's resolution), and mido reads SMPTE times wrongly and loses a
file for an unknown key signature. Files are still written with pretty_midi.

- Tempo counts on whatever track it stands. A division in SMPTE frames has none.
- A note lasts from its note-on to the next note-off of its channel and key; a note-on of velocity 0 is a note-off. One that
  begins at the very tick of a note-off belongs to what follows. What is still held at the end of its track ends there.
- A note-off without a note is ignored, as sequencers send them to be safe.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.timegrid import seconds_of

DRUM_CHANNEL = 9
"""Channel 10 as musicians count: General MIDI plays drums on it."""
DEFAULT_TEMPO_US = 500_000
"""Microseconds of a quarter note where a file names no tempo (Standard MIDI Files 1.0)."""
SMPTE_FPS = {24: 24.0, 25: 25.0, 29: 30000.0 / 1001.0, 30: 30.0}
SUSTAIN_CONTROL, SUSTAIN_DOWN = 64, 64
"""Controller 64 is the sustain pedal, and values from 64 on mean that it is down (MIDI 1.0, controller messages)."""
LARGEST_BYTES = 256 << 20
"""Larger files are refused before they are read: 10^6 notes take 8 MB."""
LARGEST_S = 7 * 24 * 3600.0
"""Notes later than a week are damage."""
DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
"""Kind of a channel message -> its data bytes."""


@dataclass(frozen=True)
class MidiNote:
    """A note of a MIDI file.

    Attributes
    ----------
    onset_s, offset_s : float
        When it begins and ends (s since the start of the file); equal for a note without length.
    pitch, velocity : int
        MIDI number 0..127, velocity 1..127.
    channel, program : int
        Channel 0..15, and the program (0..127) of the channel at its onset.
    track : str
        Name of its track, "" for none.
    """

    onset_s: float
    offset_s: float
    pitch: int
    velocity: int
    channel: int
    program: int
    track: str


@dataclass(frozen=True)
class MidiFile:
    """What a MIDI file holds.

    Attributes
    ----------
    notes : tuple of MidiNote
        Those of all channels but the drums', track by track.
    pedal : tuple of pairs
        When the sustain pedal moves (s), and whether it is down then, in the order of time.
    end_s : float
        Instant of the last event (s).
    drums : int
        Notes on the drums' channel, which are left out.
    hanging : int
        Notes without a note-off, which end with their track.
    """

    notes: tuple[MidiNote, ...]
    pedal: tuple[tuple[float, bool], ...]
    end_s: float
    drums: int
    hanging: int


@dataclass
class _Track:
    """What was gathered of one track; times are ticks."""

    name: str = ""
    notes: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)  # on, off, pitch, velocity, channel, program
    pedal: list[tuple[int, bool]] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0
    hanging: int = 0


class _DamageError(Exception):
    """A file that is no MIDI file, or breaks off; the message is a clause."""


def read_midi_file(path: Path | str) -> MidiFile:
    """Return what a MIDI file holds.

    Parameters
    ----------
    path : path-like
        A Standard MIDI File of type 0 or 1, also inside a RIFF file.

    Returns
    -------
    MidiFile

    Raises
    ------
    InputError
        The file is missing, is not a MIDI file, is damaged or of type 2, or has no usable division or tempo.
    """
    try:
        if Path(path).stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path}: not a readable MIDI file (larger than {LARGEST_BYTES >> 20} MB)")
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        division, tracks = _tracks(content)
        seconds = _Clock(division, [change for track in tracks for change in track.tempos])
        return _timed(tracks, seconds)
    except _DamageError as damage:
        raise InputError(f"{path}: not a readable MIDI file ({damage})") from None


def _timed(tracks: list[_Track], clock: _Clock) -> MidiFile:
    notes = tuple(
        MidiNote(clock.seconds(on), clock.seconds(off), pitch, velocity, channel, program, track.name)
        for track in tracks
        for on, off, pitch, velocity, channel, program in track.notes
        if channel != DRUM_CHANNEL
    )
    pedal = sorted((clock.seconds(tick), is_down) for track in tracks for tick, is_down in track.pedal)
    drums = sum(note[4] == DRUM_CHANNEL for track in tracks for note in track.notes)
    end_s = clock.seconds(max((track.end for track in tracks), default=0))
    if any(note.offset_s > LARGEST_S for note in notes):
        raise _DamageError(f"a note lies {max(note.offset_s for note in notes) / 86400:.0f} days after its start")
    return MidiFile(notes, tuple(pedal), end_s, drums, sum(track.hanging for track in tracks))


class _Clock:
    """Ticks to seconds, by all changes of tempo in a file."""

    def __init__(self, division: int, tempos: list[tuple[int, int]]) -> None:
        if division & 0x8000:
            fps = SMPTE_FPS.get(256 - (division >> 8))
            if fps is None or not division & 0xFF:
                raise _DamageError(f"its division 0x{division:04X} is no SMPTE frame rate; allowed are 24, 25, 29 and 30")
            self._starts, self._seconds, self._tick_s = [0], [0.0], [seconds_of(1.0 / (division & 0xFF), fps)]
            return
        if not division or any(tempo == 0 for _, tempo in tempos):
            raise _DamageError("its tempo or resolution is zero")
        self._starts, self._seconds, self._tick_s = [0], [0.0], [DEFAULT_TEMPO_US * 1e-6 / division]
        for tick, tempo in sorted(tempos, key=lambda change: change[0]):  # of changes at one tick, the last one counts
            now_s = self.seconds(tick)
            if tick == self._starts[-1]:
                self._tick_s[-1] = tempo * 1e-6 / division
            else:
                self._starts.append(tick)
                self._seconds.append(now_s)
                self._tick_s.append(tempo * 1e-6 / division)

    def seconds(self, tick: int) -> float:
        """Return the instant of a tick (s)."""
        i = 0 if len(self._starts) == 1 else bisect_right(self._starts, tick) - 1
        return self._seconds[i] + (tick - self._starts[i]) * self._tick_s[i]


def _tracks(content: bytes) -> tuple[int, list[_Track]]:
    """Return the division of a file, and its tracks."""
    if content[:4] == b"RIFF" and content[8:12] == b"RMID":
        start = content.find(b"MThd")
        content = content[max(start, 0) :]
    if content[:4] != b"MThd":
        raise _DamageError("it does not begin with MThd")
    if len(content) < 14:
        raise _DamageError("it breaks off in its header")
    length = int.from_bytes(content[4:8], "big")
    kind, count, division = (int.from_bytes(content[i : i + 2], "big") for i in (8, 10, 12))
    if length < 6 or kind > 2:
        raise _DamageError(f"its header is of length {length} and type {kind}")
    if kind == 2:
        raise _DamageError("it is of type 2, whose tracks have no common time; save it as type 0 or 1")
    tracks: list[_Track] = []
    place = 8 + length
    while place + 8 <= len(content) and len(tracks) < count:
        name, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "big")
        place += 8
        if name == b"MTrk":
            if place + size > len(content):
                raise _DamageError(f"track {len(tracks) + 1} of {count} breaks off")
            tracks.append(_track(memoryview(content)[place : place + size]))
        place += size
    if len(tracks) < count:
        raise _DamageError(f"it holds {len(tracks)} of its {count} tracks")
    return division, tracks


def _number(data: memoryview, place: int) -> tuple[int, int]:
    """Return a number of variable length and the place behind it."""
    value = 0
    for i in range(place, place + 4):
        value = value << 7 | data[i] & 0x7F
        if data[i] < 0x80:
            return value, i + 1
    raise _DamageError("a number has more than four bytes")


def _events(data: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Yield tick, status and two data bytes of every channel message; of a meta event 0xFF, its kind and its place."""
    place, tick, status = 0, 0, 0
    while place < len(data):
        delta, place = _number(data, place)
        tick += delta
        first = data[place]
        if first == 0xFF:
            kind = data[place + 1]
            yield tick, 0xFF, kind, place + 2
            size, place = _number(data, place + 2)
            place += size
            if kind == 0x2F:
                return
        elif first in (0xF0, 0xF7):
            size, place = _number(data, place + 1)
            place += size
        elif first > 0xF7 or first in (0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6):
            raise _DamageError(f"status 0x{first:02X} does not belong into a file")
        else:
            if first >= 0x80:
                status, place = first, place + 1
            elif not status:
                raise _DamageError("an event has no status")
            count = DATA_BYTES[status >> 4]
            one, two = data[place], data[place + 1] if count == 2 else 0
            if one > 0x7F or two > 0x7F:
                raise _DamageError(f"a data byte is {max(one, two)}, allowed: 0..127")
            place += count
            yield tick, status, one, two
        if place > len(data):
            raise _DamageError("an event breaks off")


def _track(data: memoryview) -> _Track:
    """Return what a track holds."""
    track, programs = _Track(), [0] * 16
    held: dict[tuple[int, int], list[tuple[int, int, int]]] = {}  # channel and pitch -> tick, velocity, program of open notes
    try:
        for tick, status, one, two in _events(data):
            track.end = tick
            kind, channel = status >> 4, status & 0xF
            if status == 0xFF:
                _meta(track, tick, one, data, two)
            elif kind == 0x9 and two:
                held.setdefault((channel, one), []).append((tick, two, programs[channel]))
            elif kind in (0x8, 0x9):
                _release(track, held, (channel, one), tick)
            elif kind == 0xB and one == SUSTAIN_CONTROL:
                track.pedal.append((tick, two >= SUSTAIN_DOWN))
            elif kind == 0xC:
                programs[channel] = one
    except IndexError:
        raise _DamageError("a track breaks off in an event") from None
    for (channel, pitch), notes in held.items():
        for on, velocity, program in notes:
            track.notes.append((on, track.end, pitch, velocity, channel, program))
            track.hanging += 1
    track.notes.sort()
    return track


def _release(track: _Track, held: dict[tuple[int, int], list[tuple[int, int, int]]], key: tuple[int, int], tick: int) -> None:
    """End the open notes of a key: those that began before this tick or, where there are none, those that began at it."""
    notes = held.pop(key, [])
    begun = [note for note in notes if note[0] < tick] or notes
    for on, velocity, program in begun:
        track.notes.append((on, tick, key[1], velocity, key[0], program))
    if begun is not notes and len(begun) < len(notes):
        held[key] = [note for note in notes if note[0] >= tick]


def _meta(track: _Track, tick: int, kind: int, data: memoryview, place: int) -> None:
    size, place = _number(data, place)
    if kind == 0x03 and not track.name:
        track.name = bytes(data[place : place + size]).decode("latin-1")
    elif kind == 0x51:
        if size != 3 or place + size > len(data):
            raise _DamageError(f"a tempo has {size} bytes, expected 3")
        track.tempos.append((tick, int.from_bytes(data[place : place + 3], "big")))


def instruments_of(notes: tuple[MidiNote, ...]) -> Counter[tuple[int, int]]:
    """Return how many notes each channel plays with each program.

    Parameters
    ----------
    notes : tuple of MidiNote
        Notes of a file.

    Returns
    -------
    Counter
        Channel and program -> number of notes.
    """
    return Counter((note.channel, note.program) for note in notes)
