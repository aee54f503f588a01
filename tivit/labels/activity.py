"""Where keys move in a strip, and what of it is seen at the times of labels.

Looked at is the change of each key's own columns from frame to frame, in front of the fallboard, where hands seldom reach. Rows
are averaged before frames are compared, which leaves little of a camera's noise; the change of each key is measured in units of
its own noise, what all keys share (a shaking camera) is taken out, and no single change counts for more than `MOST` times the
noise. Releases have half the weight of onsets: they are slower, and in some datasets the labels are held by the pedal.

A key moves before the onset at which its string sounds. On rendered clips, whose labels are exact, the peak lies `ONSET_LEAD_S`
before an onset and `RELEASE_LEAD_S` before a release, and both are taken out. The constants were chosen on train and val.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import TAIL_LEFT_MM, TAIL_RIGHT_MM, WHITE_LENGTH_MM, key_of
from tivit.core.notes import Notes
from tivit.core.strip import StripGeometry, covered_shares
from tivit.core.timegrid import TimeGrid

BAND_MM = (110.0, WHITE_LENGTH_MM)
"""y extent (mm) that is looked at: the 40 mm in front of the fallboard, where hands seldom reach."""
BESIDE_PX = 0.5
"""Columns on either side of a key that are looked at too, because the gaps beside a key change most."""
STEP_S, SIGMA_S = 0.005, 0.03
"""Step of the lags that are tried (s), and standard deviation of the smoothing over them."""
MOST = 20.0
"""The largest change that counts, in units of a key's noise, so that no hand that passes decides alone."""
ONSET_LEAD_S, RELEASE_LEAD_S = 0.022, -0.005
"""How long before a label its key changes most, in rendered clips, whose notes sound late in the stroke."""
RELEASE_WEIGHT = 0.5
"""Weight of releases beside onsets, which have 1: releases are slower, and some labels hold the pedal."""
CHUNK_FRAMES = 256
"""Frames that are read at a time, which bounds the memory."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class Events:
    """Events of one kind (onsets or releases) in labels.

    Attributes
    ----------
    time_s : ndarray of float64, shape (E,)
        When the keys are expected to change most (s of the labels' clock), which is a little before or after the label.
    key : ndarray of int64, shape (E,)
        Keys 0..87.
    weight : float
        What the mean over these events counts.
    """

    time_s: np.ndarray
    key: np.ndarray
    weight: float

    def __len__(self) -> int:
        return len(self.time_s)

    def take(self, index: np.ndarray) -> Events:
        """Return some of the events.

        Parameters
        ----------
        index : ndarray, shape (M,) of int or (E,) of bool
            Indices of the events, or a mask.

        Returns
        -------
        Events
            The events at these indices.
        """
        return Events(self.time_s[index], self.key[index], self.weight)

    def inside(self, grid: TimeGrid, margin_s: float, lag_s: np.ndarray | float = 0.0) -> Events:
        """Return the events that lie inside a clip, also when they are moved.

        Parameters
        ----------
        grid : TimeGrid
            The instants of the clip.
        margin_s : float
            How far (s) from both ends they must be.
        lag_s : float or ndarray of float, shape (E,)
            What is added to the time of each (s).

        Returns
        -------
        Events
            Those events, at the times that they had.
        """
        at_s = self.time_s + lag_s
        return self.take((at_s > grid.start_s + margin_s) & (at_s < grid.end_s - margin_s))


def events_of(notes: Notes, in_view: np.ndarray) -> tuple[Events, Events]:
    """Return the onsets and the releases of notes.

    Parameters
    ----------
    notes : Notes
        The labels.
    in_view : ndarray of bool, shape (88,)
        The keys in view; notes of other keys are left out.

    Returns
    -------
    (Events, Events)
        Onsets, and releases.
    """
    notes = notes.take(in_view[key_of(notes.midi)])
    key = key_of(notes.midi.astype(np.int64))
    return Events(notes.onset_s - ONSET_LEAD_S, key, 1.0), Events(notes.offset_s - RELEASE_LEAD_S, key, RELEASE_WEIGHT)


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


def seen_around(
    change: np.ndarray, grid: TimeGrid, events: Events, shifts_s: np.ndarray, lag_s: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return the change of the keys of events at shifts from their times.

    Parameters
    ----------
    change : ndarray of float32, shape (T - 1, 88)
        From `key_change`.
    grid : TimeGrid
        The T instants of the strip.
    events : Events
        E events.
    shifts_s : ndarray of float64, shape (S,)
        Shifts (s), evenly spaced.
    lag_s : float or ndarray of float, shape (E,)
        What is added to the time of each event besides (s).

    Returns
    -------
    ndarray of float64, shape (E, S)
        The change, smoothed over the shifts.
    """
    times_s = events.time_s + lag_s
    frame = grid.frame(times_s[:, None] + shifts_s) - 0.5  # a change lies between two frames
    before = np.clip(np.floor(frame).astype(int), 0, len(change) - 2)
    after_share, key = frame - before, events.key[:, None]
    seen = (1.0 - after_share) * change[before, key] + after_share * change[before + 1, key]
    kernel = np.exp(-0.5 * ((shifts_s[:, None] - shifts_s) / SIGMA_S) ** 2)
    return seen @ (kernel / kernel.sum(axis=0))
