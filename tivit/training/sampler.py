"""Which windows are drawn: every window as likely, or fixed shares with an onset, with one just outside, and with none near.

A window is `window_frames` frames from its start on. It is of kind ONSET where an onset lies in it, NEAR_MISS where none does
but one lies at most `nearmiss_radius` frames before its first or after its last frame, else BACKGROUND. Onsets count at their
nearest frame. Within a kind every window is as likely; a kind without windows leaves its share to the others in proportion.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tivit.core.errors import InputError
from tivit.core.params import check_range

log = logging.getLogger(__name__)
ONSET, NEAR_MISS, BACKGROUND = 0, 1, 2
KINDS = (ONSET, NEAR_MISS, BACKGROUND)
SUM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class SamplerParams:
    """How windows are drawn.

    Attributes
    ----------
    mode : `uniform`: every window is as likely, the rest is without effect; `onset_balanced`: by the shares below.
    onset_frac, nearmiss_frac, bg_frac : shares of windows with an onset, with one near, with none near; together 1.
    nearmiss_radius : how near, in frames.
    """

    mode: Literal["onset_balanced", "uniform"]
    onset_frac: float
    nearmiss_frac: float
    bg_frac: float
    nearmiss_radius: int

    def __post_init__(self) -> None:
        for name in ("onset_frac", "nearmiss_frac", "bg_frac"):
            check_range(f"train.sampler.{name}", getattr(self, name), 0.0, 1.0)
        check_range("train.sampler.nearmiss_radius", self.nearmiss_radius, 0, 1000)
        if abs(self.fractions.sum() - 1.0) > SUM_TOLERANCE:
            raise InputError(
                f"train.sampler: onset_frac, nearmiss_frac and bg_frac sum to {self.fractions.sum():g}; they must sum to 1"
            )

    @property
    def fractions(self) -> np.ndarray:
        """The shares by kind, (3,)."""
        return np.array([self.onset_frac, self.nearmiss_frac, self.bg_frac])


@dataclass(frozen=True)
class WindowSampler:
    """Windows of N clips, one clip after the other: `chance` of each, (M,), and where each clip's begin in it, (N + 1,)."""

    chance: np.ndarray
    bounds: np.ndarray

    def draw(self, rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
        """Return `count` windows as (clip, first frame), drawn independently."""
        cumulative = np.cumsum(self.chance)
        drawn = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
        clip = np.searchsorted(self.bounds, drawn, side="right") - 1
        return list(zip(clip.tolist(), (drawn - self.bounds[clip]).tolist(), strict=True))


def window_kinds(onset_frames: np.ndarray, length_frames: int, window_frames: int, radius_frames: int) -> np.ndarray:
    """Return the kind of the window from each start on, shape (length - window + 1,); empty when the clip is shorter than one.

    Parameters
    ----------
    onset_frames : positions of the onsets in the clip (a fraction may be, those outside too), shape (n,).
    """
    room = max(0, length_frames - window_frames + 1)
    place = np.floor(np.asarray(onset_frames, float) + 0.5).astype(np.int64) + radius_frames
    length = length_frames + 2 * radius_frames
    counts = np.bincount(place[(place >= 0) & (place < length)], minlength=length)
    before = np.concatenate([[0], np.cumsum(counts)])
    start = np.arange(room)
    inside = before[start + radius_frames + window_frames] - before[start + radius_frames]
    near = before[start + 2 * radius_frames + window_frames] - before[start]
    return np.where(inside > 0, ONSET, np.where(near > 0, NEAR_MISS, BACKGROUND))


def balanced(kinds: np.ndarray, fractions: np.ndarray) -> np.ndarray | None:
    """Return the chance (M,) of windows of these kinds by the shares (3,), summing to 1; None where that cannot be.

    That is where no window has an onset, or all windows are of kinds whose share is 0.
    """
    counts = np.bincount(kinds, minlength=len(KINDS))
    shares = np.where(counts > 0, fractions, 0.0)
    if counts[ONSET] == 0 or shares.sum() == 0:
        return None
    return (shares / shares.sum() / np.maximum(counts, 1))[kinds]


def make_sampler(
    onset_frames: Sequence[np.ndarray],
    lengths: Sequence[int],
    window_frames: int,
    params: SamplerParams,
    is_own: np.ndarray,
    own_share: float,
) -> WindowSampler:
    """Return the sampler over the windows of N clips; shares hold within the own clips and within the others.

    Parameters
    ----------
    onset_frames, lengths : onsets of each clip as positions in it, and its number of frames.
    is_own : which clips are the user's own, bool (N,).
    own_share : chance of all own windows together, 0..1; without effect where all clips are of one sort.

    Raises
    ------
    InputError
        No clip is as long as a window.
    """
    by_clip = [
        window_kinds(onsets, length, window_frames, params.nearmiss_radius)
        for onsets, length in zip(onset_frames, lengths, strict=True)
    ]
    room = np.array([len(kinds) for kinds in by_clip], np.int64)
    if room.sum() == 0:
        raise InputError(f"no clip has the {window_frames} frames of a window")
    kinds, own = np.concatenate(by_clip), np.repeat(np.asarray(is_own, bool), room)
    groups = [own, ~own] if own.any() and not own.all() else [np.ones(len(kinds), bool)]
    shares = [own_share, 1.0 - own_share] if len(groups) > 1 else [1.0]
    chance = np.zeros(len(kinds))
    for group, share in zip(groups, shares, strict=True):
        chance[group] = share * _chance_within(kinds[group], params)
    return WindowSampler(chance, np.concatenate([[0], np.cumsum(room)]))


def _chance_within(kinds: np.ndarray, params: SamplerParams) -> np.ndarray:
    uniform = np.full(len(kinds), 1.0 / len(kinds))
    if params.mode == "uniform":
        return uniform
    chance = balanced(kinds, params.fractions)
    if chance is None:
        log.warning(
            "train.sampler: %d windows cannot be balanced by onsets (%d of them have one): drawn uniformly",
            len(kinds),
            int((kinds == ONSET).sum()),
        )
        return uniform
    return chance
