"""The lag between the labels and the video of a clip: one constant, estimated from its strip, with a confidence.

A note that is labelled t is seen at t + lag. Around every labelled onset and release, the change of that key's own columns from
frame to frame is looked up in front of the fallboard, where hands seldom reach; the mean over all notes, as a function of the
shift, peaks where labels and video agree. Rows are averaged before frames are compared, which leaves little of a camera's
noise; the change of each key is measured in units of its own noise, what all keys share (a shaking camera) is taken out, and no
single change counts for more than `MOST` times the noise. Releases have half the weight: they are slower, and in some datasets
the labels are held by the pedal.

A key moves before the onset at which its string sounds. On rendered clips, whose labels are exact, the peak lies `ONSET_LEAD_S`
before an onset and `RELEASE_LEAD_S` before a release, and both are taken out. The constants were chosen on train and val;
`tests/benchmarks/lag.py` measures how well they do. `core.manifest` reads the table of lags that is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tivit.core.artifacts import write_csv
from tivit.core.keyboard import TAIL_LEFT_MM, TAIL_RIGHT_MM, WHITE_LENGTH_MM, key_of
from tivit.core.manifest import LAG_COLUMNS, LAGS_NAME, MOVED_SPLIT, Clip
from tivit.core.notes import Notes
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripFolder, StripGeometry, covered_shares, open_strips
from tivit.core.timegrid import TimeGrid
from tivit.datasets.params import LagParams

BAND_MM = (110.0, WHITE_LENGTH_MM)
"""y extent (mm) that is looked at: the 40 mm in front of the fallboard, where hands seldom reach."""
BESIDE_PX = 0.5
"""Columns on either side of a key that are looked at too, because the gaps beside a key change most."""
STEP_S, SIGMA_S = 0.005, 0.03
"""Step of the lags that are tried, and standard deviation of the smoothing over them."""
BEYOND_S = 0.2
"""Lags are tried so far beyond the largest one: a peak out there is refused, and else a lesser one nearer would be taken."""
APART_S = 0.08
"""A second peak nearer than this (s) to the highest counts as the same one."""
MOST = 20.0
"""The largest change that counts, in units of a key's noise, so that no hand that passes decides alone."""
ONSET_LEAD_S, RELEASE_LEAD_S = 0.022, -0.005
"""How long before a label its key changes most, in rendered clips, whose notes sound late in the stroke."""
RELEASE_WEIGHT = 0.5
"""Weight of releases beside onsets, which have 1: releases are slower, and some labels hold the pedal."""
LEAST_NOTES = 8
"""With fewer notes than this the confidence is 0, since a standard error over so few means little."""
CHUNK_FRAMES = 256
"""Frames that are read at a time, which bounds the memory."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class Lag:
    """A clip's lag.

    Attributes
    ----------
    lag_s : float
        By how much the labels are early (s, to 0.1 ms): positive where the video shows each onset later than its label says.
    confidence : float
        By how many standard errors over notes the highest peak exceeds the next one, from 0 on; 0 with fewer notes than
        `LEAST_NOTES`.
    notes : int
        How many notes it is made from: those whose onset lies inside the clip.
    """

    lag_s: float
    confidence: float
    notes: int

    def is_sure(self, params: LagParams) -> bool:
        """Return whether the estimate can be believed.

        Parameters
        ----------
        params : LagParams
            The least confidence and the largest lag.

        Returns
        -------
        bool
            True where the confidence is high enough and the lag is below its bound.
        """
        return self.confidence >= params.min_confidence and abs(self.lag_s) < params.largest_s

    def correction_s(self, params: LagParams) -> float:
        """Return by how much corrected labels are later than the published ones.

        Parameters
        ----------
        params : LagParams
            When a lag is sure, and the smallest one that is corrected.

        Returns
        -------
        float
            Seconds; 0 where the lag is not sure, or is too small to tell from none.
        """
        return self.lag_s if self.is_sure(params) and abs(self.lag_s) >= params.least_s else 0.0


def estimate_lag(
    frames: np.ndarray, grid: TimeGrid, geometry: StripGeometry, in_view: np.ndarray, notes: Notes, largest_s: float
) -> Lag:
    """Return by how much a clip's labels are early.

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
        The labels. Onsets and releases nearer than `largest_s` + 0.2 s to an end of the clip are left out.
    largest_s : float
        Lags up to 0.2 s beyond this are looked for (s).

    Returns
    -------
    Lag
        The lag; 0 with confidence 0 where no onset can be used, since releases alone are too slow to be believed.
    """
    reach_steps = round((largest_s + BEYOND_S) / STEP_S)
    shifts_s = np.arange(-reach_steps, reach_steps + 1) * STEP_S
    notes = notes.take(in_view[key_of(notes.midi)])
    margin_s = shifts_s[-1] + STEP_S
    events = []
    for times_s, lead_s, weight in (
        (notes.onset_s, ONSET_LEAD_S, 1.0),
        (notes.offset_s, RELEASE_LEAD_S, RELEASE_WEIGHT),
    ):
        inside = (times_s - lead_s > grid.start_s + margin_s) & (times_s - lead_s < grid.end_s - margin_s)
        events.append((times_s[inside] - lead_s, key_of(notes.midi[inside].astype(np.int64)), weight))
    count = len(events[0][0])
    if count == 0:
        return Lag(0.0, 0.0, 0)
    change = key_change(frames, geometry, in_view)  # (T - 1, 88)
    parts = [weight * _seen(change, grid, times_s, keys, shifts_s) for times_s, keys, weight in events if len(keys)]  # (N, S)
    lag_s, confidence = _highest_peak(parts, shifts_s)
    return Lag(round(lag_s, 4), confidence if count >= LEAST_NOTES else 0.0, count)


def key_change(frames: np.ndarray, geometry: StripGeometry, in_view: np.ndarray) -> np.ndarray:
    """Return how much each key's columns change from frame to frame, without what all keys in view share.

    Parameters
    ----------
    frames : ndarray of uint8, shape (T, height, width)
        The strip of a clip, T >= 2.
    geometry : StripGeometry
        Its raster.
    in_view : ndarray of bool, shape (88,)
        The keys in view.

    Returns
    -------
    ndarray of float32, shape (T - 1, 88)
        Change from frame k to k + 1 in units of the key's own noise, 0..20.
    """
    # Weights that average the rows of the band, (height,), and the columns of each key with the gaps beside it, (88, width).
    rows = covered_shares(geometry.height_px, geometry.row_px(BAND_MM[1:]), geometry.row_px(BAND_MM[:1]))[0]
    left, right = geometry.column_px(TAIL_LEFT_MM) - BESIDE_PX, geometry.column_px(TAIL_RIGHT_MM) + BESIDE_PX
    columns = covered_shares(geometry.width_px, np.maximum(left, 0.0), np.minimum(right, geometry.width_px))
    first, last = np.flatnonzero(rows)[[0, -1]]
    band, weights = slice(first, last + 1), rows[first : last + 1]
    steps = []
    for start in range(0, len(frames) - 1, CHUNK_FRAMES):
        profile = np.einsum("r,trw->tw", weights, frames[start : start + CHUNK_FRAMES + 1, band], dtype=np.float32)
        steps.append(np.abs(np.diff(profile, axis=0)) @ columns.T)  # (chunk, 88)
    change = np.concatenate(steps)
    # Few keys move at once, so the median over keys is what the camera does, and the median over time is a key at rest.
    change -= np.median(change[:, in_view], axis=1, keepdims=True)
    usual = np.median(change, axis=0)
    noise = np.median(np.abs(change - usual), axis=0) * MAD_TO_SIGMA
    # A key that never changed, or is hidden, would otherwise turn any flicker into a large change.
    noise = np.maximum(noise, np.median(noise[in_view]) / 2) + 1e-3
    return np.clip((change - usual) / noise, 0.0, MOST)


def _seen(change: np.ndarray, grid: TimeGrid, times_s: np.ndarray, keys: np.ndarray, shifts_s: np.ndarray) -> np.ndarray:
    """Return the change of `keys` (N,) at `times_s` (N,) moved by every shift (S,), smoothed over the shifts, (N, S)."""
    frame = grid.frame(times_s[:, None] + shifts_s) - 0.5  # a change lies between two frames
    before = np.clip(np.floor(frame).astype(int), 0, len(change) - 2)
    after_share, key = frame - before, keys[:, None]
    seen = (1.0 - after_share) * change[before, key] + after_share * change[before + 1, key]
    kernel = np.exp(-0.5 * ((shifts_s[:, None] - shifts_s) / SIGMA_S) ** 2)
    return seen @ (kernel / kernel.sum(axis=0))


def _highest_peak(parts: list[np.ndarray], shifts_s: np.ndarray) -> tuple[float, float]:
    """Return where the sum of the means of `parts` (each (N, S)) is highest (s), and the confidence in it."""
    seen = sum(part.mean(axis=0) for part in parts)
    best = 1 + int(np.argmax(seen[1:-1]))
    # The apex of a parabola through the peak and its neighbours, at most one step away.
    left, peak, right = seen[best - 1 : best + 2]
    bend = left - 2 * peak + right
    apex_s = shifts_s[best] + (np.clip(0.5 * (left - right) / bend, -1.0, 1.0) * STEP_S if bend < 0 else 0.0)
    # How sure: the height of this peak above the next one, note by note, over the standard error of that difference.
    elsewhere = np.flatnonzero(np.abs(shifts_s - shifts_s[best]) > APART_S)
    following = elsewhere[np.argmax(seen[elsewhere])]
    above = [part[:, best] - part[:, following] for part in parts]
    error = np.sqrt(sum(item.var() / len(item) for item in above))
    height = sum(item.mean() for item in above)
    return float(apex_s), max(0.0, float(height / error)) if error > 0 else 0.0


def lag_of_clip(item: tuple[Clip, Notes], strips: StripFolder, largest_s: float) -> Lag:
    """Return the lag of a clip.

    Parameters
    ----------
    item : tuple of Clip and Notes
        The clip and its labels.
    strips : StripFolder
        The folder in which its strip lies.
    largest_s : float
        As for `estimate_lag` (s).

    Returns
    -------
    Lag
        Its lag.

    Raises
    ------
    InputError
        The strip is missing or damaged.
    """
    clip, notes = item
    frames, grid = strips.open(clip.clip_id), strips.grids[clip.clip_id]
    return estimate_lag(frames, grid, strips.geometry, clip.in_view, notes, largest_s)


def lags_of(
    clips: Sequence[Clip], notes: Mapping[str, Notes], root: Path, params: LagParams, workers: Workers
) -> dict[str, Lag]:
    """Return the lag of every clip, or nothing where the params ask for no correction.

    Parameters
    ----------
    clips : sequence of Clip
        The clips.
    notes : mapping of str to Notes
        Clip id -> labels.
    root : Path
        The folder of strips.
    params : LagParams
        Whether lags are estimated, and the largest one that is believed.
    workers : Workers
        What estimates them.

    Returns
    -------
    dict of str to Lag
        Clip id -> lag, in the order of `clips`; empty where `params.correct` is False.

    Raises
    ------
    InputError
        The strip of a clip is missing or damaged.
    """
    if not params.correct:
        return {}
    work = partial(lag_of_clip, strips=open_strips(root), largest_s=params.largest_s)
    items = ((clip, notes[clip.clip_id]) for clip in clips)
    results = map_clips(work, items, workers, "lags", lambda item: item[0].clip_id, len(clips))
    return {clip.clip_id: lag for (clip, _), lag in results}


def summary_of(clips: Sequence[Clip], lags: Mapping[str, Lag], params: LagParams) -> dict[str, float]:
    """Return what came of the lags, for the metrics.

    Parameters
    ----------
    clips : sequence of Clip
        The clips.
    lags : mapping of str to Lag
        Clip id -> lag, as `lags_of` returns them.
    params : LagParams
        Which lags are believed and corrected.

    Returns
    -------
    dict of str to float
        `lag_moved`: train clips whose labels were moved; `lag_left`: val and test clips whose labels would be, and are not;
        `lag_unsure`: clips whose lag is not sure; `lag_median_s`: the median of the sure ones (s), 0 where there are none.
    """
    sure = [lag for lag in lags.values() if lag.is_sure(params)]
    late_splits = [clip.split for clip in clips if clip.clip_id in lags and lags[clip.clip_id].correction_s(params) != 0.0]
    return {
        "lag_moved": sum(split == MOVED_SPLIT for split in late_splits),
        "lag_left": sum(split != MOVED_SPLIT for split in late_splits),
        "lag_unsure": len(lags) - len(sure),
        "lag_median_s": float(np.median([lag.lag_s for lag in sure])) if sure else 0.0,
    }


def write_lags(folder: Path | str, lags: Mapping[str, Lag], params: LagParams) -> None:
    """Write `lags.csv` into the folder of a manifest: one line per clip, with what is added to its labels to correct them (s).

    Parameters
    ----------
    folder : path-like
        The folder of the manifest.
    lags : mapping of str to Lag
        Clip id -> lag; without any the table is its header alone.
    params : LagParams
        Which lags are believed and corrected.
    """
    rows = ((clip_id, lag.lag_s, lag.confidence, lag.notes, lag.correction_s(params)) for clip_id, lag in lags.items())
    write_csv(Path(folder) / LAGS_NAME, LAG_COLUMNS, rows, decimals=4)
