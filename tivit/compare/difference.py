"""Baseline without training: background difference per key, and thresholds (method `difference`).

A key that goes down darkens the place where it meets the fallboard, which hands seldom reach. Each key is looked at in the
columns of its own area there: the tail of a white key, the top of a black one. What counts is the mean darkening against the
clip's background, in units of the background's contrast, smoothed over time. `pitch` is that darkening; `onset` and `offset`
are its rise and fall per frame. Each is divided by a robust spread of its own in the clip (median absolute deviation over keys
in view and frames).

A score z becomes the probability z / (z + typical), that is the logit log(z / typical). The sweep then chooses its thresholds
as it does for a network, on validation. Band, sign and smoothing were chosen on the training split of the rendered clips; the
difference over all of a key's area mostly finds hands. There is no hand and no clef head.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tivit.core.keyboard import TAIL_LEFT_MM, TAIL_RIGHT_MM, WHITE_LENGTH_MM
from tivit.core.manifest import Clip
from tivit.core.strip import StripFolder, StripGeometry, covered_shares
from tivit.core.timegrid import TimeGrid
from tivit.inference.predict import HeadsOf
from tivit.model.background import background_of

BAND_MM = (110.0, WHITE_LENGTH_MM)
"""y extent of the area looked at: in front of the fallboard, black and white keys alike."""
SMOOTHING_S = 0.04
"""Sigma of the Gaussian over time, s."""
TYPICAL_LEVEL, TYPICAL_SLOPE = 6.0, 3.0
"""The scores that get the probability 0.5, in spreads."""
MIN_LEVEL_SPREAD, MIN_SLOPE_SPREAD = 1e-3, 1e-3
"""Least spread, in units of contrast, and of contrast per frame: keeps the noise of a still clip from being blown up."""
MIN_SCORE = 1e-3
"""Lower scores count as this, because a score of nought or less has no logarithm."""
CHUNK_FRAMES = 256
"""Frames read at a time, so that memory does not grow with the clip."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation of a Gaussian whose median absolute deviation is 1."""


def difference_method(strips: StripFolder) -> HeadsOf:
    """Return the baseline as a method over the strips of a folder.

    Parameters
    ----------
    strips : StripFolder
        The strips; their grids and raster are used.

    Returns
    -------
    HeadsOf
        Its heads are those of `difference_heads`.
    """

    def heads_of(clip: Clip, frames: np.ndarray, on_progress: Callable[[int], None]) -> dict[str, np.ndarray]:
        heads = difference_heads(frames, strips.grids[clip.clip_id], strips.geometry, clip.in_view)
        on_progress(len(frames))
        return heads

    return heads_of


def difference_heads(frames: np.ndarray, grid: TimeGrid, geometry: StripGeometry, in_view: np.ndarray) -> dict[str, np.ndarray]:
    """Return logits of the heads pitch, onset and offset.

    Parameters
    ----------
    frames : np.ndarray
        A strip, uint8 (T, H, W), T >= 1; a memory map is read in parts.
    grid : TimeGrid
        Of the strip; turns the smoothing time into frames.
    geometry : StripGeometry
        The raster of the strip.
    in_view : np.ndarray
        Keys in view, bool (88,): they alone count in the spreads.

    Returns
    -------
    dict[str, np.ndarray]
        Head name -> float32 (T, 88).
    """
    sigma_frames = float(grid.frame(grid.start_s + SMOOTHING_S))
    level = gaussian_filter1d(key_darkening(frames, geometry), sigma_frames, axis=0, mode="nearest")
    slope = np.gradient(level, axis=0) if len(level) > 1 else np.zeros_like(level)
    level_in_view = level[:, in_view]
    middle = np.median(level_in_view) if level_in_view.size else 0.0
    level_score = (level - middle) / max(_spread(level_in_view), MIN_LEVEL_SPREAD)
    slope_score = slope / max(_spread(slope[:, in_view]), MIN_SLOPE_SPREAD)
    return {
        "pitch": _logit_of_score(level_score, TYPICAL_LEVEL),
        "onset": _logit_of_score(slope_score, TYPICAL_SLOPE),
        "offset": _logit_of_score(-slope_score, TYPICAL_SLOPE),
    }


def key_darkening(frames: np.ndarray, geometry: StripGeometry) -> np.ndarray:
    """Return how much darker than the background each key's area is.

    Parameters
    ----------
    frames : np.ndarray
        A strip, uint8 (T, H, W), T >= 1; a memory map is read in parts.
    geometry : StripGeometry
        The raster of the strip.

    Returns
    -------
    np.ndarray
        float32 (T, 88), >= 0: the mean over the pixels of the area, in units of the contrast of the clip's background (standard
        deviation of its grey levels). A pixel that is brighter than the background counts as 0.
    """
    background = background_of(frames, geometry)
    rows = covered_shares(geometry.height_px, geometry.row_px(BAND_MM[1:]), geometry.row_px(BAND_MM[:1]))[0]
    columns = covered_shares(geometry.width_px, geometry.column_px(TAIL_LEFT_MM), geometry.column_px(TAIL_RIGHT_MM))  # (88, W)
    first, last = np.flatnonzero(rows)[[0, -1]]
    band, weights = slice(first, last + 1), rows[first : last + 1]
    still = background.image[band].astype(np.float32)
    parts = [  # (frames, W) each: the mean over the rows of the band
        weights @ np.maximum(still - frames[start : start + CHUNK_FRAMES, band], 0.0)
        for start in range(0, len(frames), CHUNK_FRAMES)
    ]
    return np.concatenate(parts) @ columns.T / np.float32(background.contrast)


def _spread(values: np.ndarray) -> float:
    """Return the median absolute deviation, scaled to the standard deviation of a Gaussian; 0 where there are no values."""
    return MAD_TO_SIGMA * float(np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def _logit_of_score(score: np.ndarray, typical: float) -> np.ndarray:
    return np.log(np.maximum(score, MIN_SCORE) / typical).astype(np.float32)
