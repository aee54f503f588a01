"""A strip whose keys move at known times."""

import numpy as np
from model_cases import GEOMETRY

from tivit.core.keyboard import TAIL_LEFT_MM, TAIL_RIGHT_MM, key_of
from tivit.labels.activity import ONSET_LEAD_S, RELEASE_LEAD_S

STROKE_S = 0.06


def played(notes, grid, seed=0):
    """Return a strip whose keys darken at each onset and brighten at each release, the middle of a stroke a lead earlier."""
    rng = np.random.default_rng(seed)
    picture = rng.normal(128, 30, (GEOMETRY.height_px, GEOMETRY.width_px))
    frames = np.repeat(picture[None], grid.length, axis=0)
    left, right = (np.rint(GEOMETRY.column_px(edge)).astype(int) for edge in (TAIL_LEFT_MM, TAIL_RIGHT_MM))
    times_s = grid.times_s()
    for onset_s, offset_s, key in zip(notes.onset_s, notes.offset_s, key_of(notes.midi), strict=True):
        middles_s = (onset_s - ONSET_LEAD_S, offset_s - RELEASE_LEAD_S)
        down, up = (np.clip((times_s - middle_s) / STROKE_S + 0.5, 0, 1) for middle_s in middles_s)
        frames[:, :, left[key] : max(right[key], left[key] + 1)] -= 25 * (down - up)[:, None, None]
    shaken = frames + rng.normal(0, 1.0, (grid.length, 1, 1)) + rng.normal(0, 1.5, frames.shape)
    return np.clip(shaken, 0, 255).astype(np.uint8)
