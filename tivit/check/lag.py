"""`python -m tivit check lag`: by how much the labels of each clip are early or late against its video.

The lag of a clip is one constant: an onset labelled t is seen at t + lag. Around every labelled onset, the change of that key's
own columns from frame to frame is looked up in front of the fallboard, where hands seldom reach; the mean over all notes, as a
function of the shift, peaks where labels and video agree. Keys are compared with their own noise, camera shake (what all keys
share) is taken out, and no single note counts for more than `MOST` times the noise.

A key moves before the onset that its string sounds at: on rendered clips, whose labels are exact, the peak lies `LEAD_S` early,
which is taken out. Measured on rendered clips of 6 to 10 s: `tests/benchmarks/lag.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tivit.core.keyboard import TAIL_LEFT_MM, TAIL_RIGHT_MM, WHITE_LENGTH_MM, key_of
from tivit.core.manifest import read_manifest
from tivit.core.notes import Notes
from tivit.core.progress import say
from tivit.core.strip import StripGeometry, covered_shares, open_strips
from tivit.core.timegrid import TimeGrid

BAND_MM = (95.0, WHITE_LENGTH_MM)
"""y extent that is looked at; with 60 mm instead of 90 to 110 one clip in ten is misread, because hands reach there."""
BESIDE_PX = 0.5
"""Columns looked at on either side of a key: the gaps beside it change most."""
REACH_S, STEP_S = 0.35, 0.005
"""Lags that are looked for, and how finely."""
SIGMA_S = 0.03
MOST = 8.0
LEAD_S = 0.0125
LEAST_CONFIDENCE, LEAST_NOTES = 1.15, 8
"""Below either the lag is taken to be 0."""
APART_S = 0.08
"""A second peak nearer than this to the highest is the same one."""
SURE_S = 0.05
"""A lag beyond this is pointed out."""


@dataclass(frozen=True)
class Lag:
    """A clip's lag (s), how sure it is (the highest peak over the next one, from 1 on), and the notes it is made from."""

    lag_s: float
    confidence: float
    notes: int

    @property
    def is_trusted(self) -> bool:
        """True where there are notes enough and the peak stands out."""
        return self.notes >= LEAST_NOTES and self.confidence >= LEAST_CONFIDENCE


def estimate_lag(frames: np.ndarray, grid: TimeGrid, geometry: StripGeometry, notes: Notes) -> Lag:
    """Return by how much a clip's labels are early (positive: the video shows each onset later than its label says).

    Parameters
    ----------
    frames : a strip, uint8 (T, height, width).
    grid, geometry : of the strip.
    notes : the labels; those nearer than `REACH_S` to an end of the clip are left out.
    """
    shifts_s = np.arange(-REACH_S, REACH_S + STEP_S / 2, STEP_S)
    margin_s = REACH_S + STEP_S
    inside = (notes.onset_s > grid.start_s + margin_s) & (notes.onset_s < grid.end_s - margin_s)
    if not inside.any():
        return Lag(0.0, 1.0, 0)
    change = key_change(frames, geometry)
    frame = grid.frame(notes.onset_s[inside][:, None] + shifts_s) - 0.5  # a change lies between two frames
    before = np.clip(np.floor(frame).astype(int), 0, len(change) - 2)
    after_share, key = frame - before, key_of(notes.midi[inside].astype(np.int64))[:, None]
    seen = ((1.0 - after_share) * change[before, key] + after_share * change[before + 1, key]).mean(axis=0)
    width = np.arange(-round(3 * SIGMA_S / STEP_S), round(3 * SIGMA_S / STEP_S) + 1) * STEP_S
    kernel = np.exp(-0.5 * (width / SIGMA_S) ** 2)
    smooth = np.convolve(seen, kernel / kernel.sum(), "same") / np.convolve(np.ones_like(seen), kernel / kernel.sum(), "same")
    best = 1 + int(np.argmax(smooth[1:-1]))
    left, peak, right = smooth[best - 1 : best + 2]
    bend = left - 2 * peak + right
    apex_s = shifts_s[best] + (0.5 * (left - right) / bend * STEP_S if bend < 0 else 0.0)
    elsewhere = smooth[np.abs(shifts_s - shifts_s[best]) > APART_S].max()
    confidence = float(peak / elsewhere) if elsewhere > 0 else 1.0
    return Lag(float(apex_s) + LEAD_S, confidence, int(inside.sum()))


def key_change(frames: np.ndarray, geometry: StripGeometry) -> np.ndarray:
    """Return how much each key's columns change from frame to frame, in units of that key's noise, (T - 1, 88), 0..8."""
    rows = covered_shares(geometry.height_px, geometry.row_px(BAND_MM[1:]), geometry.row_px(BAND_MM[:1]))[0]
    left, right = geometry.column_px(TAIL_LEFT_MM) - BESIDE_PX, geometry.column_px(TAIL_RIGHT_MM) + BESIDE_PX
    columns = covered_shares(geometry.width_px, np.maximum(left, 0.0), np.minimum(right, geometry.width_px))
    first, last = np.flatnonzero(rows)[[0, -1]]
    band, weights = slice(first, last + 1), rows[first : last + 1]
    steps = []
    for k in range(len(frames) - 1):
        now, after = frames[k, band].astype(np.float32), frames[k + 1, band].astype(np.float32)
        steps.append(columns @ (weights @ np.abs(after - now)))
    change = np.array(steps).reshape(-1, len(columns))
    change -= np.median(change, axis=1, keepdims=True)
    usual = np.median(change, axis=0)
    noise = np.median(np.abs(change - usual), axis=0) * 1.4826
    noise = np.maximum(noise, np.median(noise) / 2) + 1e-3
    return np.clip((change - usual) / noise, 0.0, MOST)


def check_lag(split: str | None, strips: Path, manifest: Path) -> int:
    """Print the lag of every clip of a split (None: all); return 1 when a trusted one is beyond 50 ms, else 0."""
    folder, known = open_strips(strips), read_manifest(manifest)
    far = 0
    for clip in known.clips:
        if split is not None and clip.split != split:
            continue
        lag = estimate_lag(folder.open(clip.clip_id), folder.grids[clip.clip_id], folder.geometry, known.notes[clip.clip_id])
        is_far = lag.is_trusted and abs(lag.lag_s) > SURE_S
        far += is_far
        remark = "labels do not fit the video" if is_far else "" if lag.is_trusted else "not sure"
        say(f"{clip.clip_id:40} {1000 * lag.lag_s:+7.1f} ms  confidence {lag.confidence:5.2f}  {lag.notes:5d} notes  {remark}")
    return int(far > 0)
