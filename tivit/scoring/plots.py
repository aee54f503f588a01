"""Piano rolls as PNG files, the same bytes for the same input.

They are drawn with OpenCV, which starts in a tenth of the time of matplotlib. Colours are those of Okabe and Ito, told apart by
people who see colours differently: green found, orange missed, blue invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tivit.core.artifacts import write_bytes
from tivit.core.keyboard import BLACK_KEYS, HIGHEST_MIDI, LOWEST_MIDI, OCTAVE_KEYS, KeyNumbers, midi_of, name_of
from tivit.core.notes import Notes
from tivit.core.timegrid import TimeGrid

Colour = tuple[int, int, int]
FOUND, MISSED, INVENTED = (0, 158, 115), (213, 94, 0), (0, 114, 178)
"""Red, green, blue."""
PAPER_LEVEL = 255
"""Grey level of the paper: white."""
BLACK_ROW, LINE, INK = (240, 240, 240), (217, 217, 217), (64, 64, 64)
"""Greys: of the rows of black keys, of the lines at whole seconds, of text and frames."""
ROW_PX = 9
"""Height of the row of a key."""
PX_PER_S = 100.0
"""Width of a second, margins included, where the picture is neither too narrow nor too wide."""
WIDTH_PX = (720, 3600)
"""Narrowest and widest picture."""
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 40, 10, 28, 34
"""Margins: room for key names, nothing, the legend, and the seconds."""
LABEL_PX = 60
"""Least distance between two labels of seconds."""
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
"""Distances between labels to choose from, seconds."""
FONT, TEXT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.42


@dataclass(frozen=True)
class Sheet:
    """A picture and where seconds and keys lie in it.

    Attributes
    ----------
    pixels : np.ndarray
        uint8 RGB (H, W, 3); what is drawn changes it.
    start_s : float
        The instant (s) at the left end.
    px_per_s : float
        Scale of the time axis.
    high_midi : int
        MIDI number of the topmost row.
    """

    pixels: np.ndarray
    start_s: float
    px_per_s: float
    high_midi: int

    def x(self, time_s: np.ndarray | float) -> np.ndarray:
        """Return the columns of instants.

        Parameters
        ----------
        time_s : np.ndarray or float
            Seconds of the clip's clock, any shape.

        Returns
        -------
        np.ndarray
            Whole px, int, of the same shape.
        """
        return np.round(LEFT_PX + (np.asarray(time_s) - self.start_s) * self.px_per_s).astype(int)

    def y(self, midi: KeyNumbers) -> KeyNumbers:
        """Return the topmost rows of the bars of keys.

        Parameters
        ----------
        midi : int or np.ndarray
            MIDI numbers, any shape.

        Returns
        -------
        int or np.ndarray
            px, of the same shape.
        """
        return TOP_PX + (self.high_midi - midi) * ROW_PX

    def bars(self, notes: Notes, inset_px: int, colour: Colour, thickness: int = cv2.FILLED) -> None:
        """Draw notes as bars.

        Parameters
        ----------
        notes : Notes
            A bar is a pixel wide at least.
        inset_px : int
            Distance of a bar from the edges of its row, px.
        colour : (int, int, int)
            Red, green, blue, 0..255.
        thickness : int
            Of the outline, px; by default bars are filled.
        """
        left, right = self.x(notes.onset_s), self.x(notes.offset_s)
        top = self.y(notes.midi.astype(int))
        for x, end, y in zip(left.tolist(), np.maximum(left, right - 1).tolist(), top.tolist(), strict=True):
            cv2.rectangle(self.pixels, (x, y + inset_px), (end, y + ROW_PX - 1 - inset_px), colour, thickness)

    def text(self, words: str, x: int, y: int) -> int:
        """Write words and return where they end.

        Parameters
        ----------
        words : str
            ASCII only, which is all that the font has.
        x, y : int
            Their lower left corner, px.

        Returns
        -------
        int
            The column behind the last letter, px.
        """
        cv2.putText(self.pixels, words, (x, y), FONT, TEXT_SCALE, INK, 1, cv2.LINE_AA)
        return x + text_width(words)


def text_width(words: str) -> int:
    """Return the width of words in the font of the pictures, px."""
    return cv2.getTextSize(words, FONT, TEXT_SCALE, 1)[0][0]


def save_png(pixels: np.ndarray, path: Path | str) -> None:
    """Write a picture as PNG without any metadata, atomically.

    Parameters
    ----------
    pixels : np.ndarray
        uint8 RGB (H, W, 3).
    path : Path or str
        The file.
    """
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    write_bytes(path, cv2.imencode(".png", pixels[:, :, ::-1], fast)[1].tobytes())


def piano_roll(reference: Notes, estimate: Notes, pairs: np.ndarray, grid: TimeGrid, title: str) -> np.ndarray:
    """Return a piano roll: found notes green with the true extent outlined, missed ones orange, invented ones blue.

    Parameters
    ----------
    reference, estimate : Notes
        All notes of both sides.
    pairs : np.ndarray
        Matched indices into reference and estimate, int (M, 2).
    grid : TimeGrid
        The clip: its start and end are those of the picture.
    title : str
        Words at the top.

    Returns
    -------
    np.ndarray
        uint8 RGB (H, W, 3), about 100 px per second, but between 720 and 3,600 px wide.
    """
    sheet = _sheet(np.concatenate([reference.midi, estimate.midi]).astype(int), grid)
    is_found = np.zeros(len(estimate), bool)
    is_found[pairs[:, 1]] = True
    is_missed = np.ones(len(reference), bool)
    is_missed[pairs[:, 0]] = False
    sheet.bars(reference.take(is_missed), 0, MISSED)
    sheet.bars(estimate.take(is_found), 1, FOUND)
    sheet.bars(estimate.take(~is_found), 2, INVENTED)
    sheet.bars(reference.take(~is_missed), 0, INK, thickness=1)
    counts = ((FOUND, "found", is_found.sum()), (MISSED, "missed", is_missed.sum()), (INVENTED, "invented", (~is_found).sum()))
    _legend(sheet, title, [(colour, f"{name} {count}") for colour, name, count in counts])
    return sheet.pixels


def _sheet(midi: np.ndarray, grid: TimeGrid) -> Sheet:
    """Return an empty sheet over the clip and the keys in use, with the rows of black keys, seconds and key names."""
    length_s = max(grid.end_s - grid.start_s, 1.0)
    low, high = (midi.min() - 2, midi.max() + 2) if len(midi) else (LOWEST_MIDI, HIGHEST_MIDI)
    low, high = max(int(low), LOWEST_MIDI), min(int(high), HIGHEST_MIDI)
    roll_px = int(np.clip(PX_PER_S * length_s, *WIDTH_PX)) - LEFT_PX - RIGHT_PX
    bottom = TOP_PX + (high - low + 1) * ROW_PX
    pixels = np.full((bottom + BOTTOM_PX, LEFT_PX + roll_px + RIGHT_PX, 3), PAPER_LEVEL, np.uint8)
    sheet = Sheet(pixels, grid.start_s, roll_px / length_s, high)
    for black in midi_of(BLACK_KEYS):
        if low <= black <= high:
            pixels[sheet.y(black) : sheet.y(black) + ROW_PX, LEFT_PX : LEFT_PX + roll_px] = BLACK_ROW
    step_s = next((step for step in STEPS_S if step * sheet.px_per_s >= LABEL_PX), STEPS_S[-1])
    for second in range(int(np.ceil(grid.start_s / step_s)) * step_s, int(grid.start_s + length_s) + 1, step_s):
        x = int(sheet.x(second))
        pixels[TOP_PX:bottom, x] = LINE
        sheet.text(str(second), x - text_width(str(second)) // 2, bottom + 14)
    sheet.text("seconds", LEFT_PX + roll_px // 2, bottom + 29)
    for tick in range(low + (-low) % OCTAVE_KEYS, high + 1, OCTAVE_KEYS):
        sheet.text(name_of(tick), 8, sheet.y(tick) + ROW_PX)
    cv2.rectangle(pixels, (LEFT_PX - 1, TOP_PX - 1), (LEFT_PX + roll_px, bottom), INK, 1)
    return sheet


def _legend(sheet: Sheet, title: str, entries: list[tuple[Colour, str]]) -> None:
    y = TOP_PX - 10
    x = sheet.text(title, LEFT_PX, y) + 40
    for colour, words in entries:
        cv2.rectangle(sheet.pixels, (x, y - ROW_PX), (x + 2 * ROW_PX, y), colour, cv2.FILLED)
        x = sheet.text(words, x + 3 * ROW_PX, y) + 24
    cv2.rectangle(sheet.pixels, (x, y - ROW_PX), (x + 2 * ROW_PX, y), INK, 1)
    sheet.text("true extent", x + 3 * ROW_PX, y)
