"""The notes of a transcription as JSON and as CSV: times, keys, hands, and how sure each of them is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tivit.core.artifacts import write_csv, write_json
from tivit.core.heads import BASS_STAFF, LEFT_HAND, RIGHT_HAND, TREBLE_STAFF
from tivit.core.keyboard import name_of
from tivit.transcription.result import Transcription

FORMAT = 1
HANDS = {LEFT_HAND: "left", RIGHT_HAND: "right"}
STAVES = {BASS_STAFF: "bass", TREBLE_STAFF: "treble"}
COLUMNS = (
    "onset_s", "offset_s", "midi", "name", "velocity", "hand", "staff",
    "onset_probability", "hand_probability", "staff_probability",
)  # fmt: skip
"""Of the CSV, and the keys of a note in JSON. What is not known is an empty cell, or null."""
TIME_DECIMALS = 4


def note_rows(transcription: Transcription) -> list[dict[str, Any]]:
    """Return the notes of a transcription as mappings with the keys `COLUMNS`; None where a value is not known."""
    notes, sure = transcription.notes, transcription.confidence
    rows = []
    for i in range(len(notes)):
        midi, velocity = int(notes.midi[i]), int(notes.velocity[i])
        values = (
            round(float(notes.onset_s[i]), TIME_DECIMALS), round(float(notes.offset_s[i]), TIME_DECIMALS), midi, name_of(midi),
            velocity if velocity > 0 else None, HANDS.get(int(notes.hand[i])), STAVES.get(int(notes.staff[i])),
            _share(sure.onset[i]), _share(sure.hand[i]), _share(sure.staff[i]),
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def description(transcription: Transcription) -> dict[str, Any]:
    """Return a transcription as JSON holds it: the notes, the video, the registration, the settings, and what was warned of."""
    registration, info, thresholds = transcription.registration, transcription.info, transcription.thresholds
    end_s = transcription.span_s[1]
    return {
        "format": FORMAT,
        "video": transcription.video.name,
        "version": transcription.origin.version,
        "weights": transcription.origin.weights,
        "settings": transcription.origin.settings,
        "is_partial": transcription.is_partial,
        "start_s": transcription.span_s[0],
        "end_s": end_s if math.isfinite(end_s) else None,
        "read_s": transcription.video_s,
        "frames_per_second": {"video": info.fps, "network": transcription.grid.fps},
        "size_px": [info.width_px, info.height_px],
        "lag_s": {
            "onset": thresholds.onset.lag_s, "pitch": thresholds.pitch.lag_s, "offset": thresholds.offset.lag_s,
            "label": thresholds.label_lag_s,
        },
        "registration": {
            "first_key": name_of(registration.first_midi), "last_key": name_of(registration.last_midi),
            "orientation": registration.orientation, "source": registration.source,
            "confidence": registration.quality.confidence, "moves": len(registration.moves),
            "homography": registration.homography, "x_correction_mm": registration.x_correction,
        },
        "warnings": list(transcription.warnings),
        "notes": note_rows(transcription),
    }  # fmt: skip


def write_notes_json(path: Path, transcription: Transcription) -> None:
    """Write a transcription as JSON; times are seconds of the video's clock."""
    write_json(path, description(transcription), decimals=9)


def write_notes_csv(path: Path, transcription: Transcription) -> None:
    """Write the notes of a transcription as CSV with the columns `COLUMNS`; times are seconds of the video's clock."""
    rows = note_rows(transcription)
    write_csv(path, COLUMNS, [["" if value is None else value for value in row.values()] for row in rows])


def _share(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
