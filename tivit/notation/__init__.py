"""From notes in seconds to music as it is written: beats, bars, tempo, key, MIDI with a tempo map, and a score."""
