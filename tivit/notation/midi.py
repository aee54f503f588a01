"""MIDI as musicians and programs expect it: a track per hand, bars at the beats, the key, and what made the notes.

Format 1: a first track with the tempo map, the meter, the key and the texts, then "right hand" and "left hand" (one track
"piano" where hands are not known). The right hand is on channel 4 and the left on channel 3, as PianoBooster takes them; other
programs go by track.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np

from tivit.core.artifacts import atomic_path
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.core.notes import DEFAULT_VELOCITY, TRACK_NAMES, Notes
from tivit.notation.beats import find_beats
from tivit.notation.key_signature import key_of_notes, midi_key
from tivit.notation.tempo_map import TempoMap, tempo_map

CHANNELS = {RIGHT_HAND: 3, LEFT_HAND: 2, UNKNOWN: 0}
"""Counted from 0, as in the file."""
PIANO = 0


def write_music_midi(path: Path, notes: Notes, texts: Sequence[str]) -> TempoMap:
    """Write notes to a MIDI file with a tempo map; no note moves by more than half a tick (0.3 ms at 100 bpm).

    Parameters
    ----------
    path : Path
        The file to write.
    notes : Notes
        The notes; there may be none. Times before 0 s are written as 0, an unknown velocity as 80.
    texts : sequence of str
        Text events: what made the notes, and what must be known of them.

    Returns
    -------
    TempoMap
        The tempo map that was written.
    """
    music = tempo_map(find_beats(notes))
    file = mido.MidiFile(type=1, ticks_per_beat=music.resolution, charset="utf-8")
    file.tracks.append(_conductor(notes, music, texts))
    hands_known = len(notes) > 0 and bool((notes.hand != UNKNOWN).all())
    for hand in (RIGHT_HAND, LEFT_HAND) if hands_known else (UNKNOWN,):
        file.tracks.append(_hand_track(notes.take(notes.hand == hand) if hands_known else notes, hand, music))
    with atomic_path(path) as temporary:
        file.save(str(temporary))
    return music


def _conductor(notes: Notes, music: TempoMap, texts: Sequence[str]) -> mido.MidiTrack:
    events = [(0, mido.MetaMessage("text", text=text)) for text in texts]
    events.append((0, mido.MetaMessage("time_signature", numerator=music.beats_per_bar, denominator=4)))
    if (key := key_of_notes(notes)) is not None:
        events.append((0, mido.MetaMessage("key_signature", key=midi_key(*key))))
    for tick, tempo in zip(music.ticks.tolist(), music.us_per_quarter.tolist(), strict=True):
        events.append((tick, mido.MetaMessage("set_tempo", tempo=tempo)))
    return _track(events)


def _hand_track(notes: Notes, hand: int, music: TempoMap) -> mido.MidiTrack:
    channel = CHANNELS[hand]
    on, off = music.tick(np.maximum(notes.onset_s, 0.0)), music.tick(np.maximum(notes.offset_s, 0.0))
    off = np.maximum(off, on + 1)
    velocity = np.where(notes.velocity == UNKNOWN, DEFAULT_VELOCITY, notes.velocity)
    events = [
        (0, mido.MetaMessage("track_name", name=TRACK_NAMES[hand])),
        (0, mido.Message("program_change", program=PIANO, channel=channel)),
    ]
    for i in range(len(notes)):
        midi = int(notes.midi[i])
        events.append((int(on[i]), mido.Message("note_on", note=midi, velocity=int(velocity[i]), channel=channel)))
        events.append((int(off[i]), mido.Message("note_off", note=midi, velocity=0, channel=channel)))
    return _track(events)


def _track(events: list[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    """Return a track of events with absolute ticks; at one tick releases come before presses."""
    events.sort(key=lambda event: (event[0], event[1].type == "note_on"))
    track, before = mido.MidiTrack(), 0
    for tick, message in events:
        message.time = tick - before
        track.append(message)
        before = tick
    track.append(mido.MetaMessage("end_of_track", time=0))
    return track
