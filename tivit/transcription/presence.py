"""Whether a picture shows the keyboard: not a title card, an end screen, a cut-away or black, and not half faded.

Where the keyboard lies is known, so it is known where a black key lies between light ones. How much darker the black keys are
than what is beside them, compared with the rest of the video, is what is left of the keyboard in a picture. Hands change it
little, because most black keys are bare near the fallboard at any time. Over a real clip and twelve rendered ones of the tiers
hard and shift no picture had less than 0.85 of it; over title cards, end screens and photographs none had more than 0.13.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tivit.core.keyboard import BLACK_KEYS, CENTER_MM
from tivit.core.strip import StripGeometry

LEAST_SEEN, LEAST_CLEAR, LEAST_FULL = 0.25, 0.7, 0.8
"""With less than the first share of its contrast the keyboard is not in a picture. With less than the second the picture is
faded: it is told, and the keyboard at rest is made without it. With less than the third it is made lighter, to that share."""
BESIDE_MM, TOP_MM, ROWS_MM = (8.0, 12.0), 3.5, (75.0, 140.0)
"""Where is looked at (mm): the white tails on both sides of the middle of a black key, its top, and the rows that fingers reach
least."""
USUAL_QUANTILE, PICTURE_QUANTILE = 0.9, 0.75
"""Over the pictures, what a key looks like when it is seen: a video may be a title card for most of its length. Over the keys
of a picture, so that hands over most of them change nothing."""
LEAST_CONTRAST = 8.0
"""Grey levels; a keyboard with less contrast is not judged."""
HELD_FRAMES = 8
"""For so many frames a picture that is missing is taken to be like the last one; after that, the keyboard is at rest."""
JOINED_S = 0.5
"""Spans that are nearer than this are told as one."""
log = logging.getLogger("tivit.transcribe")


@dataclass(frozen=True)
class Presence:
    """What the keyboard of a video looks like where it is seen.

    Attributes
    ----------
    geometry : StripGeometry
        The raster.
    keys : np.ndarray
        The black keys that are looked at, int (n,).
    contrast : np.ndarray
        How much darker each is than what is beside it (grey levels), float (n,).
    """

    geometry: StripGeometry
    keys: np.ndarray
    contrast: np.ndarray

    def shares(self, strips: np.ndarray) -> np.ndarray:
        """Return how much of the keyboard's contrast each picture has.

        Parameters
        ----------
        strips : np.ndarray
            uint8 (n, H, W).

        Returns
        -------
        np.ndarray
            float (n,): about 1 where the keyboard is seen, 0 where it is not; all 1 where it cannot be judged.
        """
        if not len(self.keys):
            return np.ones(len(strips))
        ratios = _contrasts(strips, self.geometry, self.keys) / self.contrast
        ratios.sort(axis=1)  # for one picture ten times as fast as np.quantile
        return ratios[:, round(PICTURE_QUANTILE * (len(self.keys) - 1))]


def presence_of(strips: np.ndarray, geometry: StripGeometry, in_view: np.ndarray) -> Presence:
    """Return what a keyboard looks like where it is seen.

    Parameters
    ----------
    strips : np.ndarray
        Pictures of the whole video, uint8 (n, H, W).
    geometry : StripGeometry
        Their raster.
    in_view : np.ndarray
        Which keys are in view, bool (88,).

    Returns
    -------
    Presence
        Without keys where the contrast of the keyboard is too low to be judged.
    """
    keys = BLACK_KEYS[in_view[BLACK_KEYS]]
    if not len(keys):
        return Presence(geometry, keys, np.zeros(0))
    usual = np.quantile(_contrasts(strips, geometry, keys), USUAL_QUANTILE, axis=0)
    is_judged = usual >= max(LEAST_CONTRAST, 0.4 * float(np.median(usual)))
    return Presence(geometry, keys[is_judged], usual[is_judged])


def _contrasts(strips: np.ndarray, geometry: StripGeometry, keys: np.ndarray) -> np.ndarray:
    """Return how much darker black keys are than what is beside them: float (pictures, keys)."""
    back, front = (int((geometry.y_back_mm - y_mm) * geometry.px_per_mm_y) for y_mm in reversed(ROWS_MM))
    profile = strips[:, max(back, 0) : max(front, back + 1, 1)].mean(axis=1)  # (pictures, W)
    sums = np.concatenate([np.zeros((len(profile), 1)), np.cumsum(profile, axis=1)], axis=1)

    def mean(low_mm: np.ndarray, high_mm: np.ndarray) -> np.ndarray:
        low = np.clip(np.round(low_mm * geometry.px_per_mm_x).astype(int), 0, geometry.width_px - 1)
        high = np.clip(np.round(high_mm * geometry.px_per_mm_x).astype(int), low + 1, geometry.width_px)
        return (sums[:, high] - sums[:, low]) / (high - low)

    middle_mm, (near, far) = CENTER_MM[keys], BESIDE_MM
    beside = (mean(middle_mm - far, middle_mm - near) + mean(middle_mm + near, middle_mm + far)) / 2
    return beside - mean(middle_mm - TOP_MM, middle_mm + TOP_MM)


@dataclass
class Watch:
    """Puts the keyboard at rest in place of pictures that do not show it, lightens faded ones, and says which these were.

    Attributes
    ----------
    video : Path
        The video, for the message.
    presence : Presence
        What its keyboard looks like.
    at_rest : np.ndarray
        The keyboard at rest, uint8 (H, W).
    """

    video: Path
    presence: Presence
    at_rest: np.ndarray
    _absent_s: list[float] = field(default_factory=list)
    _faded_s: list[float] = field(default_factory=list)

    def over(self, strips: Iterable[tuple[float, np.ndarray]]) -> Iterator[tuple[float, np.ndarray]]:
        """Yield instants (s) and pictures; at the end, warn of those that do not show the keyboard, or only faintly."""
        last, missing = self.at_rest, HELD_FRAMES
        for time_s, strip in strips:
            share = self.presence.shares(strip[None])[0]
            if share >= LEAST_SEEN:
                if share < LEAST_CLEAR:
                    self._faded_s.append(time_s)
                if share < LEAST_FULL:
                    strip = np.minimum(strip * (LEAST_FULL / share), 255.0).astype(np.uint8)
                last, missing = strip, 0
                yield time_s, strip
                continue
            self._absent_s.append(time_s)
            missing += 1
            yield time_s, last if missing <= HELD_FRAMES else self.at_rest
        self._tell()

    def _tell(self) -> None:
        if self._absent_s:
            log.warning(
                "%s: the keyboard is not seen at %s (a title, an end screen or a black picture, say); no notes are read there",
                self.video, spans(self._absent_s),
            )  # fmt: skip
        if self._faded_s:
            log.warning(
                "%s: the picture is faded at %s; notes there may be missed, or be wrong", self.video, spans(self._faded_s)
            )


def spans(times_s: list[float]) -> str:
    """Return instants in words: `0.0 to 2.5 s and 61.0 to 63.2 s`."""
    cuts = [0, *(k + 1 for k in range(len(times_s) - 1) if times_s[k + 1] - times_s[k] > JOINED_S), len(times_s)]
    parts = [f"{times_s[first]:.1f} to {times_s[last - 1]:.1f} s" for first, last in zip(cuts, cuts[1:], strict=False)]
    return " and ".join(parts)
