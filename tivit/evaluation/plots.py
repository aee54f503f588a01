"""Piano rolls of scores as PNG files: drawn by OpenCV, because matplotlib took most of the time of an evaluation.

Colours are those of Okabe and Ito, told apart by people who see colours differently: green found, orange missed, blue invented.
The same input gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tivit.core.artifacts import write_bytes
from tivit.core.keyboard import BLACK_KEYS, HIGHEST_MIDI, LOWEST_MIDI, midi_of, name_of
from tivit.core.notes import Notes
from tivit.core.timegrid import TimeGrid

Colour = tuple[int, int, int]
FOUND, MISSED, INVENTED = (0, 158, 115), (213, 94, 0), (0, 114, 178)
"""RGB."""
WHITE, SHADED, LINE, INK = (255,) * 3, (238,) * 3, (215,) * 3, (60,) * 3
SECOND_PX, WIDTH_PX = 90, (700, 3600)
KEY_PX = 10
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 40, 10, 28, 24
SPARE_KEYS, OCTAVE = 2, 12
TEXT, TEXT_PX = 0.42, 8
"""Scale of OpenCV's plain font, and the width of one of its letters."""


def piano_roll(reference: Notes, estimate: Notes, pairs: np.ndarray, grid: TimeGrid, title: str) -> np.ndarray:
    """Return a piano roll, uint8 RGB: found notes green with the true extent outlined, missed notes orange, invented blue.

    `pairs` (M, 2) are matched indices into reference and estimate. Width grows with the clip, between 700 and 3,600 px.
    """
    roll = _Roll(reference, estimate, grid)
    is_found, is_missed = np.zeros(len(estimate), bool), np.ones(len(reference), bool)
    is_found[pairs[:, 1]], is_missed[pairs[:, 0]] = True, False
    roll.notes(reference.take(is_missed), 4, MISSED)
    roll.notes(estimate.take(is_found), 3, FOUND)
    roll.notes(estimate.take(~is_found), 3, INVENTED)
    roll.notes(reference.take(~is_missed), 4, INK, outlined=True)
    counts = ((FOUND, "found", is_found.sum()), (MISSED, "missed", is_missed.sum()), (INVENTED, "invented", (~is_found).sum()))
    roll.heading(title, [(colour, f"{name} {count}") for colour, name, count in counts])
    return roll.image


def save_png(image: np.ndarray, path: Path | str) -> None:
    """Write an image, uint8 RGB (H, W, 3), as PNG, atomically."""
    write_bytes(path, cv2.imencode(".png", image[..., ::-1], (cv2.IMWRITE_PNG_COMPRESSION, 3))[1].tobytes())


class _Roll:
    """An empty piano roll over the keys that occur, and what can be drawn on it."""

    def __init__(self, reference: Notes, estimate: Notes, grid: TimeGrid) -> None:
        midi = np.concatenate([reference.midi, estimate.midi]).astype(int)
        low, high = (midi.min(), midi.max()) if len(midi) else (LOWEST_MIDI, HIGHEST_MIDI)
        self.low, self.high = max(int(low) - SPARE_KEYS, LOWEST_MIDI), min(int(high) + SPARE_KEYS, HIGHEST_MIDI)
        self.start_s, length_s = grid.start_s, max(grid.end_s - grid.start_s, 1.0)
        width = int(np.clip(SECOND_PX * length_s, *WIDTH_PX))
        self.px_per_s = width / length_s
        self.bottom = TOP_PX + KEY_PX * (self.high - self.low + 1)
        self.image = np.full((self.bottom + BOTTOM_PX, LEFT_PX + width + RIGHT_PX, 3), 255, np.uint8)
        right = LEFT_PX + width
        for key in midi_of(BLACK_KEYS):
            if self.low <= key <= self.high:
                self.image[self.y(key) - KEY_PX // 2 : self.y(key) + KEY_PX // 2, LEFT_PX:right] = SHADED
        for second in range(int(np.ceil(self.start_s)), int(self.start_s + length_s) + 1):
            self.image[TOP_PX : self.bottom, self.x(second)] = LINE
            if width > 2 * len(str(second)) * TEXT_PX * length_s or second % 10 == 0:
                self.text(
                    f"{second} s" if second == np.ceil(self.start_s) else str(second), (self.x(second) - 4, self.bottom + 16)
                )
        for key in range(self.low + (-self.low) % OCTAVE, self.high + 1, OCTAVE):
            self.text(name_of(key), (10, self.y(key) + 4))

    def x(self, time_s: float) -> int:
        return LEFT_PX + int(round((time_s - self.start_s) * self.px_per_s))

    def y(self, midi: int) -> int:
        return TOP_PX + KEY_PX * (self.high - int(midi)) + KEY_PX // 2

    def notes(self, notes: Notes, half_px: int, colour: Colour, outlined: bool = False) -> None:
        for onset_s, offset_s, midi in zip(notes.onset_s.tolist(), notes.offset_s.tolist(), notes.midi.tolist(), strict=True):
            corners = (self.x(onset_s), self.y(midi) - half_px), (self.x(offset_s), self.y(midi) + half_px)
            cv2.rectangle(self.image, *corners, colour, 1 if outlined else cv2.FILLED)

    def heading(self, title: str, legend: list[tuple[Colour, str]]) -> None:
        x = self.image.shape[1] - RIGHT_PX
        for colour, name in reversed(legend):
            x -= TEXT_PX * len(name) + 24
            self.image[9:19, x : x + 10] = colour
            self.text(name, (x + 15, 18))
        self.text(title[: max(x - LEFT_PX, 0) // TEXT_PX], (LEFT_PX, 18))

    def text(self, text: str, at: tuple[int, int]) -> None:
        cv2.putText(self.image, text, at, cv2.FONT_HERSHEY_SIMPLEX, TEXT, INK, 1, cv2.LINE_AA)
