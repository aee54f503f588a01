"""The bytes of odd MIDI files, written event by event, so that files can be made which no library would write."""

from __future__ import annotations

import struct

Note = tuple[float, float, int]
"""Onset and release (quarter notes), MIDI number."""
TWO: tuple[Note, ...] = ((0.0, 1.0, 60), (2.0, 3.0, 64))
"""The notes of most files: at 120 quarter notes a minute from 0 to 0.5 s and from 1 to 1.5 s."""
TICKS = 480
END = b"\x00\xff\x2f\x00"


def number(value: int) -> bytes:
    """Return a number of variable length."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))


def meta(kind: int, content: bytes) -> bytes:
    """Return a meta event without its time."""
    return bytes([0xFF, kind]) + number(len(content)) + content


def tempo(quarters_per_minute: float) -> bytes:
    """Return a change of tempo without its time."""
    return meta(0x51, round(60e6 / quarters_per_minute).to_bytes(3, "big"))


def on(pitch: int, velocity: int = 64, channel: int = 0) -> bytes:
    """Return a note-on without its time."""
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    """Return a note-off without its time."""
    return bytes([0x80 | channel, pitch, 0])


def program(value: int, channel: int = 0) -> bytes:
    """Return a change of program without its time; `value` counts from 0."""
    return bytes([0xC0 | channel, value])


def track(*events: tuple[float, bytes], end: bytes = END, ticks: int = TICKS) -> bytes:
    """Return a track of events, each with its time (quarter notes); they are sorted, and keep their order at one time."""
    body, before = b"", 0
    for time, content in sorted(events, key=lambda event: event[0]):
        tick = round(time * ticks)
        body += number(tick - before) + content
        before = tick
    return b"MTrk" + struct.pack(">I", len(body + end)) + body + end


def played(notes: tuple[Note, ...] = TWO, channel: int = 0) -> list[tuple[float, bytes]]:
    """Return the events of notes; note-offs come first where times agree."""
    ends = [(last, off(pitch, channel)) for _, last, pitch in notes]
    return ends + [(first, on(pitch, channel=channel)) for first, _, pitch in notes]


def midi(*tracks: bytes, kind: int = 1, division: int = TICKS, count: int | None = None) -> bytes:
    """Return a MIDI file."""
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks) if count is None else count, division) + b"".join(tracks)
