"""One short rendered clip of known notes, and what can be done to its pictures before they are written into a file.

Each picture carries its number as a row of small black and white cells in a corner, so that what was read of a file says by
itself which instant of the clip it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from paths import PARAMS_FILE

from tivit.core.notes import Notes
from tivit.core.params import load, section
from tivit.synth.dataset import ClipTask, film_clip
from tivit.synth.params import SynthParams

FPS, LENGTH_S = 30, 3.0
SIZE_WH = (640, 360)
SEED = 8
"""A scene whose notes the network that ships reads without a fault, so that any fault is that of the file."""
BITS = 8
CELL = 1 / 48
"""Width of a cell as a share of the width of the picture; it is as high as it is wide."""


@dataclass(frozen=True)
class Film:
    """Pictures with the instants at which a player should show them.

    Attributes
    ----------
    pictures : tuple of ndarray
        uint8 BGR (height, width, 3).
    times_s : tuple of float
        One instant for each (s since the file begins).
    clip_s : tuple of float
        The instant of the clip that each of them shows (s).
    """

    pictures: tuple[np.ndarray, ...]
    times_s: tuple[float, ...]
    clip_s: tuple[float, ...]

    def at_rate(self, fps: float) -> Film:
        """Return the film at another rate: each frame shows the picture of its instant."""
        count = round(len(self.pictures) / FPS * fps)
        return self.at([k / fps for k in range(count)])

    def at(self, times_s: list[float]) -> Film:
        """Return the film with frames at given instants, each of which shows the picture of its instant."""
        numbers = [min(int(time_s * FPS + 1e-6), len(self.pictures) - 1) for time_s in times_s]
        return Film(tuple(self.pictures[n] for n in numbers), tuple(times_s), tuple(self.clip_s[n] for n in numbers))

    def part(self, first: int, last: int) -> Film:
        """Return the frames first..last - 1, shown from 0 on."""
        start_s = self.times_s[first]
        times_s = tuple(time_s - start_s for time_s in self.times_s[first:last])
        return Film(self.pictures[first:last], times_s, self.clip_s[first:last])

    def later(self, by_s: float) -> Film:
        """Return the film shown later."""
        return replace(self, times_s=tuple(time_s + by_s for time_s in self.times_s))

    def then(self, other: Film) -> Film:
        """Return this film and another after it, one frame apart."""
        other = other.later(self.times_s[-1] + 1 / FPS - other.times_s[0])
        return Film(self.pictures + other.pictures, self.times_s + other.times_s, self.clip_s + other.clip_s)

    def drawn(self, change: Callable[[np.ndarray], np.ndarray]) -> Film:
        """Return the film with every picture changed."""
        changed = {id(picture): change(picture) for picture in self.pictures}
        return replace(self, pictures=tuple(changed[id(picture)] for picture in self.pictures))

    def resized(self, width: int, height: int) -> Film:
        """Return the film with pictures of another size."""
        way = cv2.INTER_AREA if width < self.pictures[0].shape[1] else cv2.INTER_LINEAR
        return self.drawn(lambda picture: cv2.resize(picture, (width, height), interpolation=way))


@cache
def rendered() -> tuple[Film, Notes]:
    """Return the clip, with the number of each picture in its corner, and its notes."""
    synth = section(load(PARAMS_FILE), "synth", SynthParams)
    camera = replace(synth.camera, fps=(float(FPS),), converted=0.0, sizes=(SIZE_WH,))
    synth = replace(synth, test_s=LENGTH_S, seed=SEED, camera=camera)
    take = film_clip(synth, ClipTask("test", 0, "plain", "plain_000"))
    times_s = tuple(k / FPS for k in range(take.grid.length))
    pictures = tuple(numbered(np.ascontiguousarray(picture), k) for k, picture in enumerate(take.frames))
    return Film(pictures, times_s, times_s), take.piece.notes


def numbered(picture: np.ndarray, number: int) -> np.ndarray:
    """Return a picture with its number in the corner: black, white, the bits, and their parity."""
    bits = [number >> bit & 1 for bit in range(BITS)]
    side = round(picture.shape[1] * CELL)
    for place, bit in enumerate((0, 1, *bits, sum(bits) % 2, 1)):
        picture[:side, place * side : (place + 1) * side] = 255 * bit
    return picture


def number_of(grey: np.ndarray) -> int | None:
    """Return the number that a grey picture carries; None where it cannot be read."""
    side = grey.shape[1] * CELL
    rows = slice(int(0.3 * side), max(int(0.7 * side), int(0.3 * side) + 1))
    cells = []
    for place in range(BITS + 4):
        left = int((place + 0.3) * side)
        cells.append(float(grey[rows, left : max(int((place + 0.7) * side), left + 1)].mean()))
    black, white = cells[0], cells[1]
    if white - black < 40:
        return None
    shares = (np.array(cells) - black) / (white - black)
    if np.any(np.abs(shares - 0.5) < 0.2):
        return None
    *bits, parity, last = (shares[2:] > 0.5).astype(int).tolist()
    return sum(bit << place for place, bit in enumerate(bits)) if sum(bits) % 2 == parity and last else None
