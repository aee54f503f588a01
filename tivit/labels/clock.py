"""The clock of a clip's labels against that of its video: how late it is, and how much too fast or slow it runs.

Cameras and instruments keep time to a tenth of a percent or worse, so that after two minutes labels can be off by 0.2 s and
more. A clip whose notes span `RATE_SPAN_S` is tested for that: the lag becomes a straight line over time
(`tivit.labels.lines`). A line that is not surely sloped, or reaches `data.lag.least_s` nowhere in the clip, is none: the rate
is then exactly 1 and the lag is the constant of `tivit.labels.lag`, as it is for a shorter clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tivit.core.correction import NO_CORRECTION, Correction
from tivit.core.notes import Notes
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.datasets.params import LagParams
from tivit.labels.activity import Events, events_of, key_change
from tivit.labels.lag import LEAST_NOTES, Lag, constant_lag
from tivit.labels.lines import Fit, Line, likeliest_lines, preference, refined

RATE_SPAN_S = 20.0
"""Notes that span less (s) say nothing of a rate: a tenth of a percent is 10 ms at their ends."""
RATE_NOTES = 32
"""Nor do fewer notes than this."""
SURE_ERRORS = 4.0
"""A slope counts that is so many standard errors from none: one exact clip in 16,000 has such a slope by chance."""
BEYOND_DRIFT = 1.25
"""Slopes are tried up to this many times the largest one, so that one that is too steep is found and refused."""
QUARTERS = 4
FAR_S = 0.05
"""Labels that are surely off by more than this (s) miss the tolerance of the onset score."""
RESIDUAL_REACH_S = 0.3
"""A quarter's own lag is looked for so far from the line (s)."""
RESIDUAL_CONFIDENCE = 2.5
"""A quarter counts whose own lag is at least so sure."""


@dataclass(frozen=True)
class Residual:
    """What is left after a correction: the largest lag of a quarter of the clip.

    Attributes
    ----------
    lag_s : float
        The lag (s) of the quarter.
    error_s : float
        Its standard error (s).
    """

    lag_s: float
    error_s: float

    @property
    def is_far(self) -> bool:
        """True where the quarter is surely, by two standard errors, off by more than 50 ms."""
        return abs(self.lag_s) - 2.0 * self.error_s > FAR_S


@dataclass(frozen=True)
class Clock:
    """How the clock of a clip's labels goes against that of its video.

    Attributes
    ----------
    lag_s : float
        By how much the labels are early in the middle of the clip's notes (s, to 0.1 ms): positive where the video shows each
        onset later than its label says.
    drift : float
        By how much the lag grows in a second; exactly 0 where no rate was tried or none is sure. The rate is 1 + drift.
    middle_s : float
        The middle of the notes (s of the labels' clock).
    half_s : float
        How far from it the notes reach (s).
    confidence : float
        By how many standard errors over notes this clock fits better than the next one, from 0 on; 0 with fewer notes than
        `LEAST_NOTES`.
    notes : int
        How many notes it is made from: those whose onset lies inside the clip.
    drift_error : float or None
        Standard error of the drift, infinite where nothing decides it; None where the notes are too few or span too little.
    residual : Residual or None
        What is left after this clock is corrected; None where no quarter of the clip can be judged.
    is_anywhere : bool
        True where the lag was looked for anywhere, so that no lag is too large.
    """

    lag_s: float
    drift: float
    middle_s: float
    half_s: float
    confidence: float
    notes: int
    drift_error: float | None = None
    residual: Residual | None = None
    is_anywhere: bool = False

    @property
    def line(self) -> Line:
        """The lag as a line over the labels' time."""
        return Line(self.lag_s, self.drift, self.middle_s, self.half_s)

    @property
    def has_rate(self) -> bool:
        """True where the notes are many and span enough for a rate to be found."""
        return self.drift_error is not None

    def is_sure(self, params: LagParams) -> bool:
        """Return whether the estimate can be believed.

        Parameters
        ----------
        params : LagParams
            The least confidence and the bounds.

        Returns
        -------
        bool
            True where the confidence is high enough and the clock is within its bounds.
        """
        return self.confidence >= params.min_confidence and not self.is_beyond(params)

    def is_beyond(self, params: LagParams) -> bool:
        """Return whether the labels surely do not fit the video, and no straight clock within the bounds makes them.

        Parameters
        ----------
        params : LagParams
            The least confidence and the bounds.

        Returns
        -------
        bool
            True where the estimate is confident, and the lag reaches `largest_s` everywhere, the drift is larger than
            `largest_drift`, or a quarter of the clip is far from the line.
        """
        if self.confidence < params.min_confidence:
            return False
        is_late = not self.is_anywhere and self.line.least_s >= params.largest_s
        return is_late or abs(self.drift) > params.largest_drift or (self.residual is not None and self.residual.is_far)

    def correction(self, params: LagParams) -> Correction:
        """Return what leads from the labels to where the video shows them.

        Parameters
        ----------
        params : LagParams
            When a clock is sure, and the smallest lag that is corrected.

        Returns
        -------
        Correction
            None at all where the clock is not sure, or is too near to the video's to tell from it.
        """
        if not self.is_sure(params) or (self.drift == 0.0 and abs(self.lag_s) < params.least_s):
            return NO_CORRECTION
        return Correction(self.lag_s - self.drift * self.middle_s, 1.0 + self.drift)


def estimate_clock(
    frames: np.ndarray, grid: TimeGrid, geometry: StripGeometry, in_view: np.ndarray, notes: Notes, params: LagParams,
    anywhere: bool = False,
) -> Clock:  # fmt: skip
    """Return how the clock of a clip's labels goes against that of its video.

    Parameters
    ----------
    frames : ndarray of uint8, shape (T, height, width)
        The strip of the clip. A memory map is read in parts, and only in the rows that are looked at.
    grid : TimeGrid
        The T instants of the strip.
    geometry : StripGeometry
        The raster of the strip.
    in_view : ndarray of bool, shape (88,)
        The keys in view; notes of other keys are left out.
    notes : Notes
        The labels.
    params : LagParams
        The largest lag and drift, which are looked for somewhat beyond, and the smallest lag that matters.
    anywhere : bool
        True: the lag may be of any size, as long as some notes lie in the clip.

    Returns
    -------
    Clock
        Of confidence 0 where no onset can be used.
    """
    kinds = events_of(notes, in_view)
    if len(frames) < 2 or not len(kinds[0]):
        return Clock(0.0, 0.0, 0.0, 0.0, 0.0, 0, is_anywhere=anywhere)
    change = key_change(frames, geometry, in_view)
    return clock_of(change, grid, kinds, params, anywhere)


def clock_of(change: np.ndarray, grid: TimeGrid, kinds: Sequence[Events], params: LagParams, anywhere: bool = False) -> Clock:
    """Return how the clock of labels goes, from what is seen of each key.

    Parameters
    ----------
    change : ndarray of float32, shape (T - 1, 88)
        How much each key changes from frame to frame.
    grid : TimeGrid
        The T instants.
    kinds : sequence of Events
        Onsets, at least one, and releases.
    params, anywhere
        As for `estimate_clock`.

    Returns
    -------
    Clock
    """
    plain = constant_lag(change, grid, kinds, params.largest_s)
    first_s, last_s = float(kinds[0].time_s.min()), float(kinds[0].time_s.max())
    level = Line(plain.lag_s, 0.0, (first_s + last_s) / 2.0, (last_s - first_s) / 2.0)
    has_rate = 2.0 * level.half_s >= RATE_SPAN_S and len(kinds[0]) >= RATE_NOTES
    if not has_rate and not anywhere:
        return _clock(level, plain, None, None, False)
    reach_s = None if anywhere else params.largest_s
    steepest = BEYOND_DRIFT * params.largest_drift if has_rate else 0.0
    line, rival = likeliest_lines(change, grid, kinds, reach_s, steepest)
    fit = refined(change, grid, kinds, line) if has_rate else Fit(line, np.inf, np.inf)
    error = fit.slope_error if has_rate else None
    farthest_s = abs(fit.line.lag_s) + abs(fit.line.slope) * level.half_s
    if error is not None and abs(fit.line.slope) >= SURE_ERRORS * error and farthest_s >= params.least_s:
        line = fit.line
    elif not anywhere or abs(line.lag_s) < params.largest_s:
        return _with_residual(_clock(level, plain, error, None, anywhere), change, grid, kinds)
    else:
        line = Line(line.lag_s, 0.0, level.middle_s, level.half_s)
    left = constant_lag(change, grid, kinds, params.largest_s, [line.at(events.time_s) for events in kinds])
    line = Line(
        line.lag_s + left.lag_s if abs(left.lag_s) < params.largest_s else line.lag_s, line.slope, line.middle_s, line.half_s
    )
    clock = _clock(line, left, error, preference(change, grid, kinds, line, rival) if rival else None, anywhere)
    return _with_residual(clock, change, grid, kinds)


def _clock(line: Line, lag: Lag, error: float | None, preferred: float | None, anywhere: bool) -> Clock:
    confidence = lag.confidence if preferred is None else min(lag.confidence, preferred)
    return Clock(
        round(line.lag_s, 4), round(line.slope, 6), line.middle_s, line.half_s, confidence, lag.notes, error, None, anywhere
    )


def _with_residual(clock: Clock, change: np.ndarray, grid: TimeGrid, kinds: Sequence[Events]) -> Clock:
    """Return a clock that knows the largest lag of a quarter which is left after it."""
    if not clock.has_rate:
        return clock
    line, worst = clock.line, None
    half_s = line.half_s / QUARTERS
    for middle_s in line.middle_s + half_s * np.arange(1 - QUARTERS, QUARTERS, 2):
        part = [events.take(np.abs(events.time_s - middle_s) <= half_s) for events in kinds]
        lag = constant_lag(change, grid, part, RESIDUAL_REACH_S, [line.at(events.time_s) for events in part])
        if lag.notes < LEAST_NOTES or lag.confidence < RESIDUAL_CONFIDENCE or abs(lag.lag_s) >= RESIDUAL_REACH_S:
            continue
        own = Line(float(line.at(middle_s)) + lag.lag_s, line.slope, float(middle_s), half_s)
        error_s = refined(change, grid, part, own).lag_error_s
        if np.isfinite(error_s) and (worst is None or abs(lag.lag_s) > abs(worst.lag_s)):
            worst = Residual(lag.lag_s, error_s)
    return replace(clock, residual=worst)
