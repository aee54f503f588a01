"""The keyboard at rest: what networks compare each frame with.

The median over a clip is the keyboard at rest only where a key is bare and up for more than half of the time. Hands rest for
minutes on the same keys, and a bass note may be held for most of a clip: then the median shows a hand, or a pressed key, and
every sign of a press turns into its opposite. A key that is down has a finger on it, and fingers come from the player's side
over its front (or, on a black key, over its top). So a key that is covered for long is taken from the frames in which it is
not: a bare key at rest.

What a bare key looks like is told by its brightness: hands are darker than white keys and brighter than black ones. Where they
are not (white gloves, overexposed skin), nothing seems covered, and the median stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import BLACK_FRONT_MM, BLACK_KEYS, CENTER_MM, IS_BLACK, KEY_COUNT, LEFT_MM, RIGHT_MM, WHITE_KEYS
from tivit.core.strip import StripGeometry

BACKGROUND_SAMPLES = 96
"""Most frames that the background is made from; they are spread over the clip, so that a long one is not read whole."""
MIN_CONTRAST = 4.0
"""Grey levels; keeps a blank picture from becoming pure noise."""

WHITE_Y_MM, WHITE_MARGIN_MM = (4.0, 50.0), 2.5
BLACK_Y_MM, BLACK_HALF_MM = (62.0, 135.0), 3.5
"""Where a key is looked at for fingers (mm): the front of a white key without its edges, the top of a black one."""
BARE_QUANTILE = 0.85
"""The quantile over the frames that is taken for a bare white key; for a black key it is 1 - this. So a key counts as seen
bare when it is bare in 15 % of the frames."""
BARE_NEIGHBOURS, NEIGHBOUR_QUANTILE = 7, 0.7
"""A key whose brightness is far from this quantile of the keys of its colour around it is taken to be never bare. Seven keys to
either side are compared, which is more than a hand covers; for black keys the quantile is 1 - this."""
COVERED_CONTRAST = 0.22
"""A pixel is covered when it differs from the bare key by this share of the picture's contrast: 17 grey levels in a usual
picture."""
COVERED_AREA = 0.08
"""A key is covered when this share of the pixels that are looked at is covered: half of a fingertip."""
MOST_GAIN = 1.3
"""The camera's own exposure changes by no more than this factor within a clip."""
SELDOM_COVERED = 0.35
"""A key covered in no more frames than this is at rest in the median, with room to spare below a half."""
LEAST_FRAMES = 8
"""A median of fewer frames is noise; then the frames in which the key is least covered are taken, covered or not."""


@dataclass(frozen=True)
class Background:
    """The resting keyboard of a clip.

    Attributes
    ----------
    image : np.ndarray
        Grey levels, shape (H, W); uint8, or float32 after augmentation.
    mean : float
        Mean of the image, grey levels.
    contrast : float
        Standard deviation of the image, grey levels, at least `MIN_CONTRAST`.
    """

    image: np.ndarray
    mean: float
    contrast: float


def sample_frames(length: int) -> np.ndarray:
    """Return the frames that the background is made from.

    Parameters
    ----------
    length : int
        Number of frames of the clip.

    Returns
    -------
    np.ndarray
        Frame numbers, int64, ascending and evenly spaced; at most `BACKGROUND_SAMPLES` of them.
    """
    count = min(length, BACKGROUND_SAMPLES)
    return ((np.arange(count) + 0.5) * length / count).astype(np.int64)


def describe_background(image: np.ndarray) -> Background:
    """Return a background image with its mean and contrast.

    Parameters
    ----------
    image : np.ndarray
        Grey levels, shape (H, W); uint8, or float32 after augmentation.

    Returns
    -------
    Background
    """
    return Background(image, float(image.mean()), max(float(image.std()), MIN_CONTRAST))


def background_of(frames: np.ndarray, geometry: StripGeometry) -> Background:
    """Return the keyboard at rest.

    Parameters
    ----------
    frames : np.ndarray
        A strip, uint8 (T, H, W), T >= 1; a memory map is read at the sampled frames only.
    geometry : StripGeometry
        Where the keys are in it.

    Returns
    -------
    Background
        Its image is uint8 (H, W): the median over the frames, and for keys that are often covered the median over the frames in
        which they are not.
    """
    samples = np.asarray(frames[sample_frames(len(frames))])
    image = np.median(samples, axis=0)  # (H, W)
    covered = covered_areas(samples, geometry, max(float(image.std()), MIN_CONTRAST))
    resting = image.copy()
    # Only keys that are covered for long are replaced: elsewhere the median over all frames is the less noisy answer.
    for key in np.flatnonzero((covered > COVERED_AREA).mean(axis=0) > SELDOM_COVERED):
        bare = np.flatnonzero(covered[:, key] <= COVERED_AREA)
        if len(bare) < LEAST_FRAMES:
            bare = np.argsort(covered[:, key], kind="stable")[:LEAST_FRAMES]
        first, last = np.rint(geometry.column_px(np.array([LEFT_MM[key], RIGHT_MM[key]]))).astype(int)
        rows = slice(0, int(geometry.row_px(BLACK_FRONT_MM))) if IS_BLACK[key] else slice(None)
        resting[rows, first:last] = np.median(samples[bare, rows, first:last], axis=0)
    return describe_background(resting.astype(np.uint8))


def covered_areas(samples: np.ndarray, geometry: StripGeometry, contrast: float) -> np.ndarray:
    """Return which share of each key is covered in each frame.

    Parameters
    ----------
    samples : np.ndarray
        Frames, uint8 (N, H, W).
    geometry : StripGeometry
        Where the keys are in them.
    contrast : float
        Contrast of the picture, grey levels.

    Returns
    -------
    np.ndarray
        float32 (N, 88), 0..1.
    """
    limit = COVERED_CONTRAST * contrast
    parts = [samples[:, rows, columns].astype(np.float32) for rows, columns in _looked_at(geometry)]  # 88 of (N, rows, columns)
    levels = np.stack([parts[key].mean(axis=(1, 2)) for key in WHITE_KEYS], axis=1)  # (N, white keys)
    # A camera that changes its exposure would make every key look covered. So each frame is first divided by its gain.
    gains = levels / np.maximum(_quantile(levels, BARE_QUANTILE), 1.0)
    gain = np.clip(np.median(gains, axis=1), 1 / MOST_GAIN, MOST_GAIN)[:, None, None]  # most keys are bare at any time
    parts = [part / gain for part in parts]
    # Hands are darker than white keys and brighter than black ones, so a bare key is near the bright or the dark end over time.
    quantiles = np.where(IS_BLACK, 1.0 - BARE_QUANTILE, BARE_QUANTILE)
    bare = [_quantile(part, quantile) for part, quantile in zip(parts, quantiles, strict=True)]
    _mend(bare, limit)
    covered = [(np.abs(part - rest) > limit).mean(axis=(1, 2)) for part, rest in zip(parts, bare, strict=True)]
    return np.stack(covered, axis=1).astype(np.float32)


def _mend(bare: list[np.ndarray], limit: float) -> None:
    """Correct, in place, the bare brightness of keys on which a hand lies all the time: they get that of the keys around them.

    `bare` holds the brightness of each bare key, (rows, columns), 88 of them; `limit` is in grey levels.
    """
    for keys, quantile in ((WHITE_KEYS, NEIGHBOUR_QUANTILE), (BLACK_KEYS, 1.0 - NEIGHBOUR_QUANTILE)):
        levels = np.stack([bare[key].mean(axis=1) for key in keys])  # (keys of the colour, rows)
        for place, key in enumerate(keys):
            around = levels[max(place - BARE_NEIGHBOURS, 0) : place + BARE_NEIGHBOURS + 1]
            level = np.quantile(around, quantile, axis=0)
            is_hidden = np.abs(level - levels[place]) > 2 * limit
            bare[key][is_hidden] = level[is_hidden, None]


def _looked_at(geometry: StripGeometry) -> list[tuple[slice, slice]]:
    """Return for each key the rows and columns at which it is looked at.

    Every second row and column is enough, because a finger is ten pixels wide.
    """
    boxes = []
    for key in range(KEY_COUNT):
        near, far = BLACK_Y_MM if IS_BLACK[key] else WHITE_Y_MM
        left = CENTER_MM[key] - BLACK_HALF_MM if IS_BLACK[key] else LEFT_MM[key] + WHITE_MARGIN_MM
        right = CENTER_MM[key] + BLACK_HALF_MM if IS_BLACK[key] else RIGHT_MM[key] - WHITE_MARGIN_MM
        top, bottom = geometry.row_px(np.array([far, near]))
        first, last = geometry.column_px(np.array([left, right]))
        rows = slice(int(top), max(int(np.ceil(bottom)), int(top) + 1), 2)
        boxes.append((rows, slice(int(first), max(int(np.ceil(last)), int(first) + 1), 2)))
    return boxes


def _quantile(values: np.ndarray, quantile: float) -> np.ndarray:
    """Return a quantile over the first axis, without interpolation: the value at or below it."""
    place = int(quantile * (len(values) - 1))
    return np.partition(values, place, axis=0)[place]
