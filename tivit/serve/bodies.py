"""What the page sends, checked: nothing in it is trusted, and nothing in it is a path."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS, UNKNOWN
from tivit.core.keyboard import HIGHEST_MIDI, LOWEST_MIDI, midi_of_name
from tivit.core.notes import Notes, make_notes
from tivit.decoding.thresholds import HeadThreshold, Thresholds
from tivit.notation.score import Setting
from tivit.notation.tempo_map import SLOWEST_US, TempoMap
from tivit.registration.params import Override
from tivit.transcription.notes_files import HANDS, STAVES

MOST_NOTES, MOST_TEMPI = 200_000, 100_000
LONGEST_S = 1e6
FASTEST_US = 1000
MOST_RESOLUTION, MOST_TICK = 10_000, 10**9
MOST_BEATS, MOST_FIFTHS = 16, 7
COLUMNS = ("onset_s", "offset_s", "midi", "velocity", "hand", "staff")
SHORTEST_S = 0.002
"""Of two notes of one key that begin within this time one stays."""
SLIDERS = (("onset", "threshold"), ("pitch", "threshold"), ("pitch", "hold"), ("offset", "threshold"))
LEAST_THRESHOLD = 0.01
"""As in `main.js`, so that the page and this program make the same notes."""


def json_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body.

    Raises
    ------
    InputError
        It holds something else.
    """
    try:
        value = json.loads(body)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise InputError("the page sent something that is not JSON; load it anew") from None
    if not isinstance(value, dict):
        raise InputError("the page sent JSON that is not an object; load it anew")
    return value


def keyboard_of(value: Mapping[str, Any]) -> Override:
    """Return what a person marked of a keyboard: `corners`, `first_key` and `orientation`, each of which may be missing.

    Raises
    ------
    InputError
        A value cannot be used.
    """
    corners, first_key, orientation = (value.get(name) for name in ("corners", "first_key", "orientation"))
    if corners is not None:
        rows = _list(corners, "corners", 4)
        corners = tuple((_number(x, "corners"), _number(y, "corners")) for x, y in (_list(row, "corners", 2) for row in rows))
    if first_key is not None and not isinstance(first_key, str):
        raise InputError("first_key: not the name of a key, such as C2")
    if orientation is not None and not isinstance(orientation, str):
        raise InputError("orientation: not a word")
    return Override(corners, midi_of_name(first_key) if first_key else None, orientation or None)


def notes_of(rows: Any) -> Notes:
    """Return notes that the page sends, as `transcribe.notes_files` writes them.

    Raises
    ------
    InputError
        A value cannot be used.
    """
    hands, staves = ({name: value for value, name in names.items()} | {None: UNKNOWN} for names in (HANDS, STAVES))
    notes = []
    for row in _list(rows, "notes", most=MOST_NOTES):
        if not isinstance(row, dict):
            raise InputError("notes: one of them is not an object")
        onset_s, offset_s = (_number(row.get(name), name, -LONGEST_S, LONGEST_S) for name in ("onset_s", "offset_s"))
        if offset_s <= onset_s:
            raise InputError(f"notes: one begins at {onset_s:g} s and ends at {offset_s:g} s")
        velocity = row.get("velocity")
        notes.append({
            "onset_s": onset_s, "offset_s": offset_s, "midi": _whole(row.get("midi"), "midi", LOWEST_MIDI, HIGHEST_MIDI),
            "velocity": UNKNOWN if velocity is None else _whole(velocity, "velocity", 1, 127),
            "hand": _one_of(row.get("hand"), "hand", hands), "staff": _one_of(row.get("staff"), "staff", staves),
        })  # fmt: skip
    kept = _playable(notes)
    return make_notes(**{name: [note[name] for note in kept] for name in COLUMNS})


def setting_of(value: Any) -> Setting:
    """Return the tempo map and the key that the page sends, as `report.data` writes them.

    Raises
    ------
    InputError
        A value cannot be used.
    """
    if not isinstance(value, dict):
        raise InputError("tempo: not an object")
    us = [
        _whole(item, "us_per_quarter", FASTEST_US, SLOWEST_US) for item in _list(value.get("us_per_quarter"), "us_per_quarter")
    ]
    ticks = [_whole(item, "ticks", 0, MOST_TICK) for item in _list(value.get("ticks"), "ticks", len(us))]
    starts_s = [_number(item, "starts_s", 0.0, LONGEST_S) for item in _list(value.get("starts_s"), "starts_s", len(us))]
    if not us or ticks[0] != 0 or starts_s[0] != 0.0 or (np.diff(ticks) <= 0).any() or (np.diff(starts_s) <= 0).any():
        raise InputError("tempo: ticks and starts_s must begin at 0 and ascend")
    music = TempoMap(
        np.array(ticks), np.array(starts_s), np.array(us, np.int64),
        _whole(value.get("resolution"), "resolution", 1, MOST_RESOLUTION),
        _whole(value.get("beats_per_bar"), "beats_per_bar", 1, MOST_BEATS),
    )  # fmt: skip
    key = value.get("key")
    if key is None:
        return Setting(music, None)
    if not isinstance(key, dict) or not isinstance(key.get("is_minor"), bool):
        raise InputError("tempo: key: not a key")
    return Setting(music, (_whole(key.get("fifths"), "fifths", -MOST_FIFTHS, MOST_FIFTHS), key["is_minor"]))


def thresholds_of(value: Any, thresholds: Thresholds) -> Thresholds:
    """Return thresholds as the sliders of the page stand; where black keys have values of their own, they move by as much.

    Parameters
    ----------
    value : object
        From the page: head -> "threshold" or "hold" -> the value of white keys, for those of `SLIDERS`.
    thresholds : Thresholds
        Where the sliders stood at first.

    Returns
    -------
    Thresholds

    Raises
    ------
    InputError
        A value cannot be used.
    """
    changed: dict[str, HeadThreshold] = {name: getattr(thresholds, name) for name in EVENT_HEADS}
    for name, field in SLIDERS:
        head = changed[name]
        given = value.get(name) if isinstance(value, dict) else None
        if not isinstance(given, dict):
            raise InputError(f"values: {name} is missing")
        white = _number(given.get(field), f"{name}.{field}", 0.0, 1.0)
        black = head.black
        if black is not None:
            moved = getattr(black, field) + white - getattr(head, field)
            black = replace(black, **{field: min(1.0, max(LEAST_THRESHOLD, moved))})
        changed[name] = replace(head, **{field: white}, black=black)
    return replace(thresholds, **changed)


def _playable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return notes of which no two of one key overlap: the earlier one ends where the next begins, as on a keyboard."""
    by_key: dict[int, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["onset_s"], -row["offset_s"])):
        before = by_key.setdefault(row["midi"], [])
        if before and row["onset_s"] - before[-1]["onset_s"] < SHORTEST_S:
            continue
        if before and before[-1]["offset_s"] > row["onset_s"]:
            before[-1]["offset_s"] = row["onset_s"]
        before.append(row)
    return [row for notes in by_key.values() for row in notes]


def _list(value: Any, name: str, length: int | None = None, most: int = MOST_TEMPI) -> list[Any]:
    if not isinstance(value, list) or len(value) > most or (length is not None and len(value) != length):
        raise InputError(f"{name}: not a list of {'a usable length' if length is None else length}")
    return value


def _number(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or not low <= value <= high:
        raise InputError(f"{name}: {str(value)[:40]!r} is not a number from {low:g} to {high:g}")
    return float(value)


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name}: {str(value)[:40]!r} is not a whole number from {low} to {high}")
    return value


def _one_of(value: Any, name: str, choices: Mapping[Any, int]) -> int:
    if (value is not None and not isinstance(value, str)) or value not in choices:
        raise InputError(f"{name}: {str(value)[:40]!r} is not one of {', '.join(str(choice) for choice in choices)}")
    return choices[value]
