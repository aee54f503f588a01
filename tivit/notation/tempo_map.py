"""Seconds <-> ticks by beats: bar lines fall on the beats that are played, and no note moves.

Between two beats the tempo is a whole number of microseconds per quarter, as MIDI stores it. Ticks are counted with these whole
numbers, so what a player computes from the file is what was meant, to half a tick.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.notes import MIDI_RESOLUTION
from tivit.notation.beats import Beats

EVEN_S = 0.03
"""A stretch has one tempo as long as no beat in it is farther than this from where that tempo puts it."""
MOST_TICKS = 9_000_000
"""Readers of MIDI files take files of up to 10^7 ticks; a longer piece has half the resolution."""
SLOWEST_US = 16_000_000


@dataclass(frozen=True)
class TempoMap:
    """Where the tempo changes.

    Attributes
    ----------
    ticks : ndarray of int64, shape (N,)
        From when on each tempo holds; the first is 0.
    starts_s : ndarray of float64, shape (N,)
        The same in seconds.
    us_per_quarter : ndarray of int64, shape (N,)
        The tempi.
    resolution : int
        Ticks per quarter.
    beats_per_bar : int
        A bar begins at tick 0 and after every so many quarters.
    """

    ticks: np.ndarray
    starts_s: np.ndarray
    us_per_quarter: np.ndarray
    resolution: int
    beats_per_bar: int

    def bpm(self, end_s: float) -> float:
        """Return the beats a minute, by the median over the beats until an instant (s)."""
        last = max((end_s - self.starts_s[-1]) * 1e6 / self.us_per_quarter[-1], 1.0)
        beats = np.append(np.diff(self.ticks) // self.resolution, int(last))
        return float(6e7 / np.median(np.repeat(self.us_per_quarter, beats)))

    def tick(self, time_s: np.ndarray) -> np.ndarray:
        """Return the nearest ticks, int64, of instants (s, 0 or later)."""
        time_s = np.asarray(time_s, np.float64)
        part = np.clip(np.searchsorted(self.starts_s, time_s, side="right") - 1, 0, None)
        quarters = (time_s - self.starts_s[part]) * 1e6 / self.us_per_quarter[part]
        return self.ticks[part] + np.rint(quarters * self.resolution).astype(np.int64)

    def quarters(self, time_s: np.ndarray) -> np.ndarray:
        """Return instants (s) in quarters since the beginning."""
        return self.tick(time_s) / self.resolution


def tempo_map(beats: Beats) -> TempoMap:
    """Return the tempo map of beats.

    Parameters
    ----------
    beats : Beats
        The beats; those before 0 s are left out.

    Returns
    -------
    TempoMap
        Its bars begin at the downbeats. What lies before the first beat fills the rest of a first bar, at a tempo of its own.
    """
    times_s = beats.times_s
    early = int((times_s < 0.0).sum())
    times_s, downbeat = times_s[early:], (beats.first_downbeat - early) % beats.beats_per_bar
    period_s = float(np.median(np.diff(beats.times_s)))
    # Quarters before the first beat: so many that a bar begins where it should, and that their tempo is near the usual one.
    lead = (-downbeat) % beats.beats_per_bar
    if times_s[0] > 1e-6:
        lead += beats.beats_per_bar * max(round((times_s[0] / period_s - lead) / beats.beats_per_bar), 0 if lead else 1)
        times_s = np.concatenate([np.linspace(0.0, times_s[0], lead + 1)[:-1], times_s])
    else:
        lead = 0
    resolution = MIDI_RESOLUTION if len(times_s) * MIDI_RESOLUTION < MOST_TICKS else MIDI_RESOLUTION // 2
    ticks, starts_s, tempi = [0], [0.0], []
    first = 0
    while first < len(times_s) - 1:
        last = _even_stretch(times_s, first, starts_s[-1])
        count = last - first
        us = int(np.clip(round((times_s[last] - starts_s[-1]) * 1e6 / count), 1000, SLOWEST_US))
        tempi.append(us)
        ticks.append(ticks[-1] + count * resolution)
        starts_s.append(starts_s[-1] + us * count / 1e6)
        first = last
    return TempoMap(np.array(ticks[:-1]), np.array(starts_s[:-1]), np.array(tempi, np.int64), resolution, beats.beats_per_bar)


def _even_stretch(times_s: np.ndarray, first: int, start_s: float) -> int:
    """Return the last beat of the longest stretch from `first` on whose beats one tempo meets, to `EVEN_S`."""
    low, high = 0.0, np.inf
    last = first + 1
    for k in range(first + 1, len(times_s)):
        period_s = (times_s[k] - start_s) / (k - first)
        if k > first + 1 and not low <= period_s <= high:
            break
        last = k
        low = max(low, (times_s[k] - EVEN_S - start_s) / (k - first))
        high = min(high, (times_s[k] + EVEN_S - start_s) / (k - first))
    return last
