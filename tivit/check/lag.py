"""`tivit check lag`: by how much corrected labels are still early or late against the video of each clip.

The correction is printed beside it. In train the manifest holds corrected labels; in val and test it holds the published ones,
and they are corrected here. `tivit/labels/lag.py` is the estimator.
"""

from __future__ import annotations

from pathlib import Path

from tivit.core.manifest import MOVED_SPLIT, read_corrections, read_manifest
from tivit.core.run.progress import say
from tivit.core.strip import open_strips
from tivit.datasets.params import LagParams
from tivit.labels.lag import lag_of_clip

FAR_S = 0.05
"""A lag beyond this (s) is pointed out: such labels miss the tolerance of the onset score."""


def check_lag(params: LagParams, split: str | None, strips: Path, manifest: Path) -> int:
    """Print the lag that is left in every clip.

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
        The exit status: 1 when a lag is surely beyond 50 ms, else 0.

    Raises
    ------
    InputError
        A folder cannot be used.
    """
    folder, manifest_table, corrections_s = open_strips(strips), read_manifest(manifest), read_corrections(manifest)
    far = 0
    for clip in manifest_table.clips:
        if split is not None and clip.split != split:
            continue
        correction_s, is_moved = corrections_s.get(clip.clip_id, 0.0), clip.split == MOVED_SPLIT
        notes = manifest_table.notes[clip.clip_id].moved(0.0 if is_moved else correction_s)
        lag = lag_of_clip((clip, notes), folder, params.largest_s)
        is_far = lag.is_sure(params) and abs(lag.lag_s) > FAR_S
        far += is_far
        remark = "labels do not fit the video" if is_far else "" if lag.is_sure(params) else "not sure"
        place = "in the manifest" if is_moved else "in lags.csv"
        left = f"{1000 * lag.lag_s:+7.1f} ms after {1000 * correction_s:+.1f} ms {place}"
        say(f"{clip.clip_id:40} {left}  confidence {lag.confidence:5.1f}  {lag.notes:5d} notes  {remark}")
    return int(far > 0)
