"""Which windows are drawn: every window as likely, or fixed shares with an onset, with one just outside, and with none near.

A window is `window_frames` frames from its start on. It is of kind ONSET where an onset lies in it, NEAR_MISS where none does
but one lies at most `nearmiss_radius` frames before its first or after its last frame, else BACKGROUND. An onset lies at its
nearest frame. The kind of a window is that before its speed is varied. Within a kind every window is as likely; a kind without
windows leaves its share to the others in proportion.

A draw is a clip, then a window in it. torch's `WeightedRandomSampler` is not used for two reasons. It draws from at most 2^24
windows, of which hours of video have more. And its draws are not a function of the step, which a killed run needs to go on as
it was.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from tivit.core.errors import InputError
from tivit.core.params import Choice, Range, Share

log = logging.getLogger(__name__)
MODES = ("uniform", "onset_balanced")
ONSET, NEAR_MISS, BACKGROUND = 0, 1, 2
KINDS = (ONSET, NEAR_MISS, BACKGROUND)
"""Kinds of windows, numbered as they are in every array (3,) of this module."""
SUM_TOLERANCE = 1e-6
"""How far the three shares may sum from 1: decimals like 0.1 are not exact."""


@dataclass(frozen=True)
class SamplerParams:
    """How windows are drawn.

    Attributes
    ----------
    mode : str
        `uniform`: every window is as likely, and the other values are without effect. `onset_balanced`: by the shares below.
    onset_share, nearmiss_share, background_share : float
        Shares of windows with an onset, with one near, and with none near; together 1.
    nearmiss_radius : int
        How near a near onset is, frames.
    """

    mode: Annotated[str, Choice(MODES)]
    onset_share: Share
    nearmiss_share: Share
    background_share: Share
    nearmiss_radius: Annotated[int, Range(0, 1000)]

    def __post_init__(self) -> None:
        if abs(self.shares.sum() - 1.0) > SUM_TOLERANCE:
            raise InputError(
                "train.sampler: onset_share, nearmiss_share and background_share sum to "
                f"{self.shares.sum():g}; they must sum to 1"
            )

    @property
    def shares(self) -> np.ndarray:
        """The shares by kind, float64 (3,)."""
        return np.array([self.onset_share, self.nearmiss_share, self.background_share])


@dataclass(frozen=True)
class WindowSampler:
    """The windows of N clips and how likely each is.

    Attributes
    ----------
    chance : np.ndarray
        Chance of each clip to be drawn, (N,), summing to 1.
    room : np.ndarray
        Number of windows of each clip, (N,).
    within : tuple of np.ndarray or None
        For each clip the running sums of the chances of its windows, (room,); None where all its windows are as likely.
    shares : np.ndarray
        Shares of the windows that will be drawn, by kind, (3,).
    """

    chance: np.ndarray
    room: np.ndarray
    within: tuple[np.ndarray | None, ...]
    shares: np.ndarray

    def clips(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return the clips of some windows, drawn independently.

        Parameters
        ----------
        rng : np.random.Generator
        count : int
            Number of windows.

        Returns
        -------
        np.ndarray
            int (count,), places in the list of clips; a clip may occur more than once.
        """
        return rng.choice(len(self.chance), size=count, p=self.chance)

    def first(self, rng: np.random.Generator, clip: int) -> int:
        """Return the first frame of a random window.

        Parameters
        ----------
        rng : np.random.Generator
        clip : int
            Place of its clip in the list.

        Returns
        -------
        int
            Frame of the clip.
        """
        sums = self.within[clip]
        if sums is None:
            return int(rng.integers(0, int(self.room[clip])))
        return min(int(np.searchsorted(sums, rng.random() * sums[-1], side="right")), len(sums) - 1)


def window_kinds(onset_frames: np.ndarray, length_frames: int, window_frames: int, radius_frames: int) -> np.ndarray:
    """Return the kind of the window that starts at each frame.

    Parameters
    ----------
    onset_frames : np.ndarray
        Positions of the onsets in the clip, (n,); they may be fractions and may lie outside the clip.
    length_frames : int
        Frames of the clip.
    window_frames : int
        Frames of a window.
    radius_frames : int
        How near to a window an onset makes it a near miss, frames.

    Returns
    -------
    np.ndarray
        Numbers of `KINDS`, int8 (length - window + 1,); empty when the clip is shorter than a window.
    """
    room = max(0, length_frames - window_frames + 1)
    place = np.floor(np.asarray(onset_frames, float) + 0.5).astype(np.int64) + radius_frames
    length = length_frames + 2 * radius_frames
    # Running sums of the onsets, over the clip and `radius_frames` more at both ends: a window's count is one difference.
    counts = np.bincount(place[(place >= 0) & (place < length)], minlength=length)
    before = np.concatenate([[0], np.cumsum(counts)])
    start = np.arange(room)
    inside = before[start + radius_frames + window_frames] - before[start + radius_frames]
    near = before[start + 2 * radius_frames + window_frames] - before[start]
    return np.where(inside > 0, ONSET, np.where(near > 0, NEAR_MISS, BACKGROUND)).astype(np.int8)


def balanced(kinds: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """Return the chance of one window of each kind, so that the kinds are drawn by the shares that are wanted.

    Parameters
    ----------
    kinds : np.ndarray
        Kinds of all windows, int (n,).
    wanted : np.ndarray
        Shares by kind, (3,).

    Returns
    -------
    np.ndarray or None
        Chances (3,); those of all windows sum to 1. None where no window has an onset, or all windows are of kinds whose share
        is 0.
    """
    counts = np.bincount(kinds, minlength=len(KINDS))
    shares = np.where(counts > 0, wanted, 0.0)
    if counts[ONSET] == 0 or shares.sum() == 0:
        return None
    return shares / shares.sum() / np.maximum(counts, 1)


def clip_chances(weight: np.ndarray, is_own: np.ndarray, own_share: float) -> np.ndarray:
    """Return the chance of each clip to be drawn.

    Parameters
    ----------
    weight : np.ndarray
        Weight of each clip among clips of its sort, (N,): the number of its windows, where all are as likely.
    is_own : np.ndarray
        Which clips are the user's own, bool (N,).
    own_share : float
        Chance of all own clips together, 0..1; without effect where all clips are of one sort.

    Returns
    -------
    np.ndarray
        (N,), summing to 1.
    """
    if is_own.all() or not is_own.any():
        return weight / weight.sum()
    share = np.where(is_own, own_share, 1.0 - own_share)
    return share * weight / np.where(is_own, weight[is_own].sum(), weight[~is_own].sum())


def make_sampler(
    onset_frames: Sequence[np.ndarray],
    lengths: Sequence[int],
    window_frames: int,
    params: SamplerParams,
    is_own: np.ndarray,
    own_share: float,
) -> WindowSampler:
    """Return the sampler over the windows of N clips; the shares of kinds hold within the own clips and within the others.

    Parameters
    ----------
    onset_frames : sequence of np.ndarray
        Onsets of each clip, as positions in frames.
    lengths : sequence of int
        Frames of each clip; one that is too short for a window is never drawn.
    window_frames : int
        Frames of a window.
    params : SamplerParams
    is_own, own_share : np.ndarray, float
        As of `clip_chances`.

    Returns
    -------
    WindowSampler
    """
    kinds = [
        window_kinds(onsets, length, window_frames, params.nearmiss_radius)
        for onsets, length in zip(onset_frames, lengths, strict=True)
    ]
    room = np.array([len(of_clip) for of_clip in kinds])
    by_kind = np.ones((len(kinds), len(KINDS)))
    if params.mode != "uniform":
        for sort in (is_own, ~is_own):
            by_kind[sort] = _chance_of_kinds([kinds[clip] for clip in np.flatnonzero(sort)], params)
    # `by_kind` (N, 3) is in proportion within a sort of clips. A clip weighs as much as all its windows do together.
    weight = np.array([chance[of_clip].sum() for chance, of_clip in zip(by_kind, kinds, strict=True)])
    chance = clip_chances(weight, is_own, own_share)
    counts = np.array([np.bincount(of_clip, minlength=len(KINDS)) for of_clip in kinds])
    shares = (chance / np.maximum(weight, np.finfo(float).tiny)) @ (counts * by_kind)
    within = tuple(
        None if (one == one[0]).all() else np.cumsum(one[of_clip]) for one, of_clip in zip(by_kind, kinds, strict=True)
    )
    return WindowSampler(chance, room, within, shares)


def _chance_of_kinds(kinds: Sequence[np.ndarray], params: SamplerParams) -> np.ndarray:
    """Return the chance (3,) of a window of each kind, in proportion; the same for all kinds where they cannot be balanced."""
    if not kinds:
        return np.ones(len(KINDS))
    every = np.concatenate(kinds)
    chance = balanced(every, params.shares)
    if chance is None:
        log.warning(
            "train.sampler: %d windows cannot be balanced by onsets (%d of them have one): drawn uniformly",
            len(every), int((every == ONSET).sum()),
        )  # fmt: skip
        return np.ones(len(KINDS))
    return chance
