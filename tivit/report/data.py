"""What the page holds: notes, keys in the picture, tempo map, and the logits from which notes are made again."""

from __future__ import annotations

import base64
import gzip
from dataclasses import asdict
from typing import Any

import numpy as np

from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import BLACK_FRONT_MM, IS_BLACK, KEY_COUNT, LEFT_MM, LOWEST_MIDI, RIGHT_MM, WHITE_LENGTH_MM
from tivit.core.notes import Notes
from tivit.core.registration import Registration
from tivit.core.strip import StripGeometry
from tivit.decoding.thresholds import Thresholds
from tivit.notation.key_signature import midi_key
from tivit.notation.score import Setting, setting_of
from tivit.report.parts import still
from tivit.transcription.notes_files import HANDS, description
from tivit.transcription.result import Transcription

EVENT_SCALE, LOWEST_LOGIT, HIGHEST_LOGIT = 1000.0, -7.0, 16.0
"""Event logits are stored as whole thousandths, cut where a probability says nothing more: below 0.001 all are one value."""
ATTRIBUTE_SCALE, HIDDEN_BELOW = 8.0, -4.0
"""Hand and staff are stored as eighths, and only where the key may be down: the pitch logit is not below this."""

DOUBT = 0.1
"""A note whose onset is above the threshold by less than this is listed as unsure."""


def page_data(
    transcription: Transcription, has_video: bool, is_served: bool = False, truth: Notes | None = None
) -> dict[str, Any]:
    """Return what the page needs of a transcription, as JSON can hold it.

    Parameters
    ----------
    transcription : Transcription
        The notes, with the logits where sliders are to work.
    has_video : bool
        Whether the page holds the video itself.
    is_served : bool
        Whether `tivit serve` answers what the page asks.
    truth : Notes, optional
        The true notes, in seconds of the video's clock.

    Returns
    -------
    dict
    """
    start_s = transcription.span_s[0]
    height_px, width_px = transcription.registration.source_hw
    return {
        **description(transcription),
        "has_video": has_video,
        "is_served": is_served,
        "truth": None if truth is None else _truth(truth),
        "still": still(transcription.frame),
        "picture_px": [width_px, height_px],
        "places": _places(transcription.registration, transcription.geometry),
        "lowest_midi": LOWEST_MIDI,
        "is_black": IS_BLACK.tolist(),
        "texts": [transcription.origin.sentence(), f"read from {transcription.video.name}", "mended by hand"],
        "tempo": tempo_data(setting_of(transcription.notes.moved(-start_s))),
        "doubt_below": float(np.max(transcription.thresholds.onset.of_keys("threshold"))) + DOUBT,
        "sliders": _sliders(transcription.thresholds),
        "decoding": _decoding(transcription),
    }  # fmt: skip


def tempo_data(setting: Setting) -> dict[str, Any]:
    """Return bars and key as the page holds them; seconds count from the beginning of the MIDI file."""
    music, key = setting.music, setting.key
    return {
        "ticks": music.ticks, "starts_s": music.starts_s, "us_per_quarter": music.us_per_quarter,
        "resolution": music.resolution, "beats_per_bar": music.beats_per_bar,
        "key": None if key is None else {"name": midi_key(*key), "fifths": key[0], "is_minor": key[1]},
    }  # fmt: skip


def _sliders(thresholds: Thresholds) -> dict[str, dict[str, float]]:
    """Return where the sliders stand at first: the values of white keys."""
    heads = {name: getattr(thresholds, name) for name in EVENT_HEADS}
    return {name: {"threshold": head.threshold, "hold": head.hold} for name, head in heads.items()}


def _truth(notes: Notes) -> list[dict[str, Any]]:
    rows = zip(notes.onset_s.tolist(), notes.offset_s.tolist(), notes.midi.tolist(), notes.hand.tolist(), strict=True)
    return [{"onset_s": on, "offset_s": off, "midi": midi, "hand": HANDS.get(hand)} for on, off, midi, hand in rows]


def _places(registration: Registration, geometry: StripGeometry) -> list[dict[str, Any]]:
    """Return from when on each place of the keyboard holds, and the corners of its keys in the picture (px)."""
    starts_s = [-1.0, *(move.start_s for move in registration.moves)]
    low = np.where(IS_BLACK, BLACK_FRONT_MM, 0.0)
    high = np.where(IS_BLACK, WHITE_LENGTH_MM, BLACK_FRONT_MM)
    x_mm = np.stack([LEFT_MM, RIGHT_MM, RIGHT_MM, LEFT_MM], axis=1)  # (88, 4)
    y_mm = np.stack([low, low, high, high], axis=1)
    keys = range(registration.first_key, registration.last_key + 1)
    result = []
    for start_s in starts_s:
        points = registration.at(start_s).image_points(x_mm, y_mm, geometry)  # (88, 4, 2)
        result.append({"start_s": start_s, "keys": {str(key): np.round(points[key], 1) for key in keys}})
    return result


def _decoding(transcription: Transcription) -> dict[str, Any] | None:
    """Return what notes are made of in the page; None where the logits were not kept."""
    clip, thresholds = transcription.logits, transcription.thresholds
    if clip is None or thresholds.rules.decoder != "peaks" or thresholds.rules.median_s > 0:
        return None
    arrays = {name: _packed_events(clip.heads[name], name, thresholds) for name in EVENT_HEADS}
    is_near = clip.heads["pitch"] >= HIDDEN_BELOW
    for name in ("hand", "clef"):
        rows = np.where(is_near, clip.heads[name], 0.0) if name in clip.heads else np.zeros((clip.grid.length, KEY_COUNT))
        arrays[name] = _packed(np.clip(np.rint(rows * ATTRIBUTE_SCALE), -127, 127).astype(np.int8))
    values = {
        name: {
            field: np.broadcast_to(getattr(thresholds, name).of_keys(field), (KEY_COUNT,)).tolist()
            for field in ("threshold", "hold", "lag_s")
        }
        for name in EVENT_HEADS
    }
    return {
        "fps": clip.grid.fps, "start_s": clip.grid.start_s, "length": clip.grid.length, "label_lag_s": thresholds.label_lag_s,
        "rules": asdict(thresholds.rules), "values": values, "scale": EVENT_SCALE, "lowest": LOWEST_LOGIT, "arrays": arrays,
    }  # fmt: skip


def _packed_events(logits: np.ndarray, name: str, thresholds: Thresholds) -> str:
    head = getattr(thresholds, name)
    calibrated = logits / head.temperature + head.bias
    return _packed(np.rint(np.clip(calibrated, LOWEST_LOGIT, HIGHEST_LOGIT) * EVENT_SCALE).astype("<i2"))


def _packed(rows: np.ndarray) -> str:
    """Return rows (T, 88) key after key, compressed, as text."""
    return base64.b64encode(gzip.compress(np.ascontiguousarray(rows.T).tobytes(), 6, mtime=0)).decode()
