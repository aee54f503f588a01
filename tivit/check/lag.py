"""`tivit check lag`: by how much corrected labels are still early or late against the video of each clip, and drift.

The correction is printed beside it. In train the manifest holds corrected labels; in val and test it holds the published ones,
and they are corrected here. `tivit/labels/clock.py` is the estimator.
"""

from __future__ import annotations

from pathlib import Path

from tivit.core.correction import NO_CORRECTION, Correction
from tivit.core.manifest import MOVED_SPLIT, read_corrections, read_manifest
from tivit.core.run.progress import say
from tivit.core.strip import open_strips
from tivit.datasets.params import LagParams
from tivit.labels.clock import FAR_S, Clock
from tivit.labels.corrections import clock_of_clip, misfit_of_clock


def check_lag(params: LagParams, split: str | None, strips: Path, manifest: Path) -> int:
    """Print the lag and the drift that are left in every clip.

    Parameters
    ----------
    params : LagParams
        Which estimates are believed.
    split : str or None
        Clips of one split only; None: of all.
    strips, manifest : Path
        The folders that the stages of these names wrote.

    Returns
    -------
    int
        The exit status: 1 when labels are surely off by more than 50 ms somewhere, else 0.

    Raises
    ------
    InputError
        A folder cannot be used.
    """
    folder, manifest_table, corrections = open_strips(strips), read_manifest(manifest), read_corrections(manifest)
    far = 0
    for clip in manifest_table.clips:
        if split is not None and clip.split != split:
            continue
        correction, is_moved = corrections.get(clip.clip_id, NO_CORRECTION), clip.split == MOVED_SPLIT
        notes = manifest_table.notes[clip.clip_id].corrected(NO_CORRECTION if is_moved else correction)
        clock = clock_of_clip((clip, notes), folder, params)
        is_far = is_off(clock, params)
        far += is_far
        say(f"{clip.clip_id:40} {_left(clock, correction, is_moved)}  {_remark(clock, params, is_far)}")
    return int(far > 0)


def is_off(clock: Clock, params: LagParams) -> bool:
    """Return whether labels are surely off by more than 50 ms somewhere in the clip.

    Parameters
    ----------
    clock : Clock
        Of the labels, as they are.
    params : LagParams
        Which clocks are believed.

    Returns
    -------
    bool
        True also for a clock that is beyond the bounds.
    """
    if clock.is_beyond(params):
        return True
    return clock.is_sure(params) and abs(clock.lag_s) + abs(clock.drift) * clock.half_s > FAR_S


def _left(clock: Clock, correction: Correction, is_moved: bool) -> str:
    rate = f" {100 * (correction.rate - 1.0):+.3f} %" if correction.rate != 1.0 else ""
    place = "in the manifest" if is_moved else "in lags.csv"
    drift = f" {100 * clock.drift:+.3f} +- {100 * clock.drift_error:.3f} %" if clock.has_rate else ""
    residual = (
        f", worst quarter {1000 * clock.residual.lag_s:+.1f} +- {1000 * clock.residual.error_s:.1f} ms"
        if clock.residual
        else ""
    )
    left = f"{1000 * clock.lag_s:+7.1f} ms{drift} after {1000 * correction.shift_s:+.1f} ms{rate} {place}{residual}"
    return f"{left}  confidence {clock.confidence:5.1f}  {clock.notes:5d} notes"


def _remark(clock: Clock, params: LagParams, is_far: bool) -> str:
    if clock.is_beyond(params):
        return f"labels do not fit the video: {misfit_of_clock(clock, params)}"
    return "labels do not fit the video" if is_far else "" if clock.is_sure(params) else "not sure"
