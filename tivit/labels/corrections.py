"""What the clocks of the clips of a dataset come to: labels that are moved, clips that are left out, a table and metrics.

Labels of train are moved to where the video shows them; those of val and test stay as published, whatever their clock. A train
clip is left out where its labels surely do not fit its video: their clock is beyond the bounds of `data.lag`, or no clock is
sure although the clip has notes enough to tell. `core.manifest` reads the table of lags that is written here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tivit.core.artifacts import write_csv
from tivit.core.correction import NO_CORRECTION, Correction
from tivit.core.manifest import LAG_COLUMNS, LAGS_NAME, MOVED_SPLIT, OWN_TIER, Clip
from tivit.core.notes import Notes
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripFolder, open_strips
from tivit.datasets.params import LagParams
from tivit.labels.clock import FAR_S, Clock, estimate_clock

OWN_NOTES = 16
"""So many notes of an own clip must find their clock; of rendered clips with as many and exact labels, all did."""


def clock_of_clip(item: tuple[Clip, Notes], strips: StripFolder, params: LagParams) -> Clock:
    """Return the clock of a clip.

    Parameters
    ----------
    item : tuple of Clip and Notes
        The clip and its labels. The lag of one of the user's own clips may be of any size.
    strips : StripFolder
        The folder in which its strip lies.
    params : LagParams
        The bounds.

    Returns
    -------
    Clock

    Raises
    ------
    InputError
        The strip is missing or damaged.
    """
    clip, notes = item
    frames, grid = strips.open(clip.clip_id), strips.grids[clip.clip_id]
    return estimate_clock(frames, grid, strips.geometry, clip.in_view, notes, params, anywhere=clip.tier == OWN_TIER)


def clocks_of(
    clips: Sequence[Clip], notes: Mapping[str, Notes], root: Path, params: LagParams, workers: Workers
) -> dict[str, Clock]:
    """Return the clock of every clip, or nothing where the params ask for no correction.

    Parameters
    ----------
    clips : sequence of Clip
        The clips.
    notes : mapping of str to Notes
        Clip id -> labels.
    root : Path
        The folder of strips.
    params : LagParams
        Whether clocks are estimated, and their bounds.
    workers : Workers
        What estimates them.

    Returns
    -------
    dict of str to Clock
        Clip id -> clock, in the order of `clips`; empty where `params.correct` is False.

    Raises
    ------
    InputError
        The strip of a clip is missing or damaged.
    """
    if not params.correct:
        return {}
    work = partial(clock_of_clip, strips=open_strips(root), params=params)
    items = ((clip, notes[clip.clip_id]) for clip in clips)
    found = map_clips(work, items, workers, "clocks", lambda item: item[0].clip_id, len(clips))
    return {clip.clip_id: clock for (clip, _), clock in found}


def correction_of(clip_id: str, clocks: Mapping[str, Clock], params: LagParams) -> Correction:
    """Return what leads from the labels of a clip to its video.

    Parameters
    ----------
    clip_id : str
        The clip.
    clocks : mapping of str to Clock
        As `clocks_of` returns them.
    params : LagParams
        Which clocks are believed and corrected.

    Returns
    -------
    Correction
        None at all where the clip has no clock.
    """
    return clocks[clip_id].correction(params) if clip_id in clocks else NO_CORRECTION


def misfit(clip: Clip, clock: Clock, params: LagParams) -> str:
    """Return why a train clip must not be learned from.

    Parameters
    ----------
    clip : Clip
        The clip.
    clock : Clock
        Its clock.
    params : LagParams
        Which clocks are believed.

    Returns
    -------
    str
        A sentence; "" where its labels fit the video, where too few notes could tell, and for clips of val and test, which are
        never left out for their labels.
    """
    if clip.split != MOVED_SPLIT or clock.is_sure(params):
        return ""
    if clock.is_beyond(params):
        return f"its labels do not fit its video: {misfit_of_clock(clock, params)}"
    can_tell = clock.has_rate or (clip.tier == OWN_TIER and clock.notes >= OWN_NOTES)
    if not can_tell:
        return ""
    return (
        f"no clock is sure for its {clock.notes} notes (confidence {clock.confidence:.1f}, at least {params.min_confidence:g} "
        "is asked for): its labels are not of this video, or the keys cannot be seen well enough"
    )


def misfit_of_clock(clock: Clock, params: LagParams) -> str:
    """Return what is wrong with a clock that is beyond the bounds.

    Parameters
    ----------
    clock : Clock
        One for which `is_beyond` is True.
    params : LagParams
        The bounds.

    Returns
    -------
    str
        A clause with the value and what is allowed.
    """
    if abs(clock.drift) > params.largest_drift:
        return (
            f"their clock is {100 * abs(clock.drift):.2f} % too {'slow' if clock.drift > 0 else 'fast'}, "
            f"allowed: {100 * params.largest_drift:g} % (data.lag.largest_drift)"
        )
    if not clock.is_anywhere and clock.line.least_s >= params.largest_s:
        return f"they are {1000 * clock.lag_s:+.0f} ms off, allowed: {1000 * params.largest_s:g} ms (data.lag.largest_s)"
    return (
        f"a quarter of the clip is still {1000 * clock.residual.lag_s:+.0f} ms off after the correction, allowed: "
        f"{1000 * FAR_S:g} ms; their clock jumps or bends"
    )


def said_of(clock: Clock, is_moved: bool) -> str:
    """Return what a clock says, for the log.

    Parameters
    ----------
    clock : Clock
        A sure clock.
    is_moved : bool
        Whether the labels were moved.

    Returns
    -------
    str
        A clause with lag, rate and what is left.
    """
    rate = f" and run {100 * abs(clock.drift):.3f} % too {'slow' if clock.drift > 0 else 'fast'}" if clock.drift else ""
    left = f"; {1000 * clock.residual.lag_s:+.0f} ms are left in the worst quarter" if clock.residual else ""
    done = "corrected" if is_moved else "they stay as published"
    side = "early" if clock.lag_s > 0 else "late"
    return f"its labels are {abs(clock.lag_s):.3f} s {side} in the middle{rate}: {done}{left}"


def summary_of(clips: Sequence[Clip], clocks: Mapping[str, Clock], params: LagParams) -> dict[str, float]:
    """Return what came of the clocks, for the metrics.

    Parameters
    ----------
    clips : sequence of Clip
        The clips that are used.
    clocks : mapping of str to Clock
        Clip id -> clock, as `clocks_of` returns them.
    params : LagParams
        Which clocks are believed and corrected.

    Returns
    -------
    dict of str to float
        `lag_moved`: train clips whose labels were moved; `lag_left`: val and test clips whose labels would be, and are not;
        `lag_unsure`: clips whose clock is not sure; `lag_median_s`: the median of the sure lags (s), 0 where there are none;
        `rate_moved`: those of `lag_moved` whose clock runs too fast or slow; `residual_largest_s`: the largest lag (s, without
        its sign) that is left in a quarter of a sure clip, 0 where no clip is long enough.
    """
    used = {clip.clip_id: clip for clip in clips if clip.clip_id in clocks}
    sure = {clip_id: clocks[clip_id] for clip_id in used if clocks[clip_id].is_sure(params)}
    moved = [used[clip_id].split == MOVED_SPLIT for clip_id, clock in sure.items() if not clock.correction(params).is_none]
    steady = [clip_id for clip_id, clock in sure.items() if clock.drift and used[clip_id].split == MOVED_SPLIT]
    residuals_s = [abs(clock.residual.lag_s) for clock in sure.values() if clock.residual]
    return {
        "lag_moved": sum(moved),
        "lag_left": len(moved) - sum(moved),
        "lag_unsure": len(used) - len(sure),
        "lag_median_s": float(np.median([clock.lag_s for clock in sure.values()])) if sure else 0.0,
        "rate_moved": len(steady),
        "residual_largest_s": max(residuals_s, default=0.0),
    }


def write_lags(folder: Path | str, clocks: Mapping[str, Clock], params: LagParams) -> None:
    """Write `lags.csv` into the folder of a manifest: one line per clip, with what leads from its labels to its video.

    Parameters
    ----------
    folder : path-like
        The folder of the manifest.
    clocks : mapping of str to Clock
        Clip id -> clock; without any the table is its header alone.
    params : LagParams
        Which clocks are believed and corrected.
    """
    write_csv(Path(folder) / LAGS_NAME, LAG_COLUMNS, (_row(*item, params) for item in clocks.items()))


def _row(clip_id: str, clock: Clock, params: LagParams) -> tuple[object, ...]:
    """Return a line of the table; a cell is empty where the clip has no such value."""
    error = clock.drift_error if clock.drift_error is not None and math.isfinite(clock.drift_error) else ""
    residual = ("", "") if clock.residual is None else (clock.residual.lag_s, clock.residual.error_s)
    correction = clock.correction(params)
    row = (clip_id, clock.lag_s, round(clock.confidence, 4), clock.notes, clock.drift, error, *residual)
    return (*row, correction.rate, correction.shift_s)
