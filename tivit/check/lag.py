"""`python -m tivit check lag`: by how much the labels of the manifest are still early or late against the video of each clip.

The manifest stage has already taken out what it was sure of; that is printed beside. `tivit/labels/lag.py` is the estimator.
"""

from __future__ import annotations

from pathlib import Path

from tivit.core.manifest import read_manifest
from tivit.core.run.progress import say
from tivit.core.strip import open_strips
from tivit.datasets.params import LagParams
from tivit.labels.lag import lag_of_clip, read_applied

FAR_S = 0.05
"""A lag beyond this is pointed out."""


def check_lag(params: LagParams, split: str | None, strips: Path, manifest: Path) -> int:
    """Print the lag that is left in every clip of a split (None: all); return 1 when one is surely beyond 50 ms, else 0."""
    folder, manifest_table, applied = open_strips(strips), read_manifest(manifest), read_applied(manifest)
    far = 0
    for clip in manifest_table.clips:
        if split is not None and clip.split != split:
            continue
        lag = lag_of_clip((clip, manifest_table.notes[clip.clip_id]), folder, params.largest_s)
        is_far = lag.is_sure(params) and abs(lag.lag_s) > FAR_S
        far += is_far
        remark = "labels do not fit the video" if is_far else "" if lag.is_sure(params) else "not sure"
        left = f"{1000 * lag.lag_s:+7.1f} ms after {1000 * applied.get(clip.clip_id, 0.0):+.1f} ms in the manifest"
        say(f"{clip.clip_id:40} {left}  confidence {lag.confidence:5.1f}  {lag.notes:5d} notes  {remark}")
    return int(far > 0)
