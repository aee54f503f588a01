"""When each frame is shown: the timestamps of a file put onto the clock that a player shows.

The clock is 0 where the file begins, which is where its first stream does. What a file says of time may be wrong in four ways:
AVI stores the order of decoding and not of showing; two frames have the same instant; the clock jumps back, where recordings
were joined; or nothing is shown for a long time. The first is put right here, and the others are noted.
"""

from __future__ import annotations

import heapq

import numpy as np

from tivit.core.errors import InputError
from tivit.video.damage import Damage

JOINED_BACK_S = 0.5
"""A clock that jumps back so far begins again: what follows was recorded later and joined."""
GAP_S = 0.4
"""So long without a frame is told."""
LONGEST_GAP_S = 120.0
"""So long without a frame is no recording of music: it is refused, as a player would stand still and a strip be filled with
copies of one picture."""


class DecodingOrder:
    """Timestamps of packets in the order of decoding, given to frames in the order of showing.

    The decoder gives frames in the order in which they are shown, and nothing is shown before it is decoded in a file whose
    frames are evenly spaced, as those of AVI are. So the n-th frame is shown at the n-th instant.
    """

    def __init__(self) -> None:
        self._ticks: list[int] = []

    def add(self, ticks: int | None) -> None:
        """Note the timestamp of a packet that goes into the decoder."""
        if ticks is not None:
            heapq.heappush(self._ticks, ticks)

    def drop(self, ticks: int | None) -> None:
        """Forget the timestamp of a packet that could not be decoded."""
        if ticks in self._ticks:
            self._ticks.remove(ticks)
            heapq.heapify(self._ticks)

    def next(self) -> int | None:
        """Return the timestamp of the next frame."""
        return heapq.heappop(self._ticks) if self._ticks else None


class ShownClock:
    """The instants of frames that are read one after the other.

    Parameters
    ----------
    path : path-like
        The video, for messages.
    damage : Damage
        What is noted of the timestamps.
    is_sparse : bool
        True: frames are left out on purpose, so that a distance between two of them means nothing.
    """

    def __init__(self, path: object, damage: Damage, is_sparse: bool) -> None:
        self._path, self._damage, self._is_sparse = path, damage, is_sparse
        self._last_s, self._step_s, self._shift_s = -np.inf, 0.0, 0.0

    def instant(self, time_s: float) -> float | None:
        """Return when a frame is shown.

        Parameters
        ----------
        time_s : float
            What the file says (s since the file begins).

        Returns
        -------
        float or None
            The instant (s), later than all before; None for a frame that has none of its own and is left out.

        Raises
        ------
        InputError
            Nothing is shown for more than `LONGEST_GAP_S` before it.
        """
        shown_s = time_s + self._shift_s
        if shown_s < self._last_s - JOINED_BACK_S:
            self._damage.joints.append((self._last_s, self._last_s - shown_s))
            self._shift_s += self._last_s + self._step_s - shown_s
            shown_s = time_s + self._shift_s
        if shown_s <= self._last_s:
            if shown_s == self._last_s:
                self._damage.repeated += 1
            else:
                self._damage.untimely += 1
            return None
        if np.isfinite(self._last_s):
            step_s = shown_s - self._last_s
            if step_s > GAP_S and not self._is_sparse:
                self._note_gap(shown_s)
            self._step_s = step_s if step_s <= GAP_S else self._step_s
        self._last_s = shown_s
        return shown_s

    def _note_gap(self, shown_s: float) -> None:
        self._damage.gaps.append((self._last_s, shown_s))
        if shown_s - self._last_s > LONGEST_GAP_S:
            raise InputError(
                f"{self._path}: nothing is shown between {self._last_s:.1f} and {shown_s:.1f} s, allowed are "
                f"{LONGEST_GAP_S:g} s without a picture; cut the video there, or convert it"
            )
