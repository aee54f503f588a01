"""The key of the music, found in the logits themselves, as a gentle prior on which pitch classes sound.

Per clip and per frame: pitch-class weights of a reference head inside a centred window, their Pearson correlation with 24 key
profiles, a softmax, smoothing over time (`smoothing`), a mix with the uniform distribution, and
`logit + lambda_key * log(prior / uniform)` on chosen heads, where the key is sure enough. Clips never see each other; windows
are cut at a clip's ends and counted in frames of its own rate. A strength of 0 switches a part off. What it gains is reported
in docs/theory.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import PITCH_CLASS
from tivit.core.logits import ClipLogits
from tivit.core.params import Choice, Range, Share, section
from tivit.core.probability import sigmoid
from tivit.core.timegrid import frames_of
from tivit.theory.profiles import PITCH_CLASSES, PROFILES, key_profiles
from tivit.theory.smoothing import smoothed

_OF_CLASS = (PITCH_CLASS[:, None] == np.arange(PITCH_CLASSES)).astype(np.float64)
"""1 where a key of the piano has a pitch class, else 0, shape (88, 12)."""
LEAST_PRIOR = 1e-6
"""The least prior of a pitch class, where a profile has a zero: its logarithm must be finite."""


@dataclass(frozen=True)
class DecodeParams:
    """How the key is found and used (params section `decode`).

    Attributes
    ----------
    lambda_key : float
        Strength of the prior; 0 leaves the logits as they are.
    profile : str
        One of `PROFILES`.
    similarity : str
        "pearson" or "cosine", as in `key_posterior`.
    window_s : float or None
        Length of the centred window (s); None: the whole clip.
    beta : float
        Sharpness of the softmax over the keys; 0 gives a uniform posterior.
    smoothing_s : float
        Mean stay in a key (s) of the hidden Markov model over keys; 0: no smoothing.
    min_confidence : float
        Where no key is as likely as this, the logits stay as they are; 0: the prior is used everywhere.
    rho_uniform : float
        Share of the uniform distribution in the prior.
    ref_head : str
        The event head in which the key is found.
    apply_to : tuple of str
        The event heads that are rescaled.
    save_key_posterior : bool
        Whether the key over time is written for each clip.
    """

    lambda_key: Annotated[float, Range(0.0, 10.0)]
    profile: Annotated[str, Choice(tuple(PROFILES))]
    similarity: Literal["pearson", "cosine"]
    window_s: Annotated[float, Range(0.0, 86_400.0)] | None
    beta: Annotated[float, Range(0.0, 1000.0)]
    smoothing_s: Annotated[float, Range(0.0, 86_400.0)]
    min_confidence: Share
    rho_uniform: Share
    ref_head: Annotated[str, Choice(EVENT_HEADS)]
    apply_to: tuple[Annotated[str, Choice(EVENT_HEADS)], ...]
    save_key_posterior: bool


def recorded(params: DecodeParams) -> dict[str, Any]:
    """Return those of the params that decide the rescored logits, as a logits file keeps them.

    Parameters
    ----------
    params : DecodeParams
        The params.

    Returns
    -------
    dict of str to object
        Key -> value, without `save_key_posterior`.
    """
    return {name: value for name, value in asdict(params).items() if name != "save_key_posterior"}


def params_of(record: Mapping[str, Any], path: Path) -> DecodeParams:
    """Return the params that `recorded` kept.

    Parameters
    ----------
    record : mapping
        Key -> value.
    path : Path
        The file that holds them, for the message.

    Returns
    -------
    DecodeParams
        The params, with `save_key_posterior` off.

    Raises
    ------
    InputError
        A key is missing or unknown, or a value cannot be used.
    """
    try:
        return section({"decode": {**record, "save_key_posterior": False}}, "decode", DecodeParams)
    except InputError as error:
        raise InputError(f"{path}: chosen_under: {str(error).removeprefix('params: ')}") from None


def pitch_class_weights(logits: np.ndarray, window_frames: int | None) -> np.ndarray:
    """Return summed probabilities per pitch class in a centred window.

    Parameters
    ----------
    logits : ndarray of float, shape (T, 88)
        Logits of the reference head.
    window_frames : int or None
        Length of the window (frames), made odd and cut at both ends of the clip. None: the whole clip for every frame.

    Returns
    -------
    ndarray of float64, shape (T, 12)
        Weights, 0 or more; pitch class 0 is C.
    """
    weights = sigmoid(logits) @ _OF_CLASS  # (T, 88) @ (88, 12) -> (T, 12)
    length = len(weights)
    if window_frames is None:
        return np.broadcast_to(weights.sum(axis=0), weights.shape)
    half = window_frames // 2
    # The sum over a window is a difference of two running sums.
    total = np.concatenate([np.zeros((1, PITCH_CLASSES)), np.cumsum(weights, axis=0)])
    frames = np.arange(length)
    return total[np.minimum(frames + half + 1, length)] - total[np.maximum(frames - half, 0)]


def key_posterior(weights: np.ndarray, profiles: np.ndarray, beta: float, similarity: str) -> np.ndarray:
    """Return the probability of each of the 24 keys.

    Parameters
    ----------
    weights : ndarray of float, shape (T, 12)
        Weights of the pitch classes in each frame, of any scale.
    profiles : ndarray of float, shape (24, 12)
        Profiles of the keys.
    beta : float
        Sharpness of the softmax, 0 or more.
    similarity : str
        "pearson" for Pearson's correlation [1]_; otherwise the cosine, which is not mean-centred.

    Returns
    -------
    ndarray of float64, shape (T, 24)
        The softmax of `beta` times the similarity of weights and profiles; rows sum to 1. Weights without variation are similar
        to no key and give a uniform row.

    References
    ----------
    .. [1] C. L. Krumhansl, Cognitive Foundations of Musical Pitch, Oxford University Press, 1990, chapter 4.
    """
    if similarity == "pearson":
        weights = weights - weights.mean(axis=1, keepdims=True)
        profiles = profiles - profiles.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(weights, axis=1, keepdims=True)
    unit = np.divide(weights, norm, out=np.zeros(weights.shape), where=norm > 1e-12)
    score = beta * unit @ (profiles / np.linalg.norm(profiles, axis=1, keepdims=True)).T  # (T, 12) @ (12, 24) -> (T, 24)
    score = np.exp(score - score.max(axis=1, keepdims=True))
    return score / score.sum(axis=1, keepdims=True)


def clip_posterior(clip: ClipLogits, params: DecodeParams) -> np.ndarray:
    """Return the key posterior of a clip over time.

    Parameters
    ----------
    clip : ClipLogits
        The clip, of T frames.
    params : DecodeParams
        How the key is found.

    Returns
    -------
    ndarray of float64, shape (T, 24)
        Probabilities; rows sum to 1, and columns are as in `profiles.KEY_NAMES`.

    Raises
    ------
    InputError
        The clip has no head `params.ref_head`.
    """
    if params.ref_head not in clip.heads:
        raise InputError(f"clip {clip.clip_id!r} has no head {params.ref_head!r}; it has {', '.join(clip.heads)}")
    window = None if params.window_s is None else frames_of(params.window_s, clip.grid.fps)
    weights = pitch_class_weights(clip.heads[params.ref_head], window)
    posterior = key_posterior(weights, key_profiles(params.profile), params.beta, params.similarity)
    if params.smoothing_s == 0.0:
        return posterior
    window_frames = len(posterior) if window is None else min(window // 2 * 2 + 1, len(posterior))
    return smoothed(posterior, clip.grid.fps, max(window_frames, 1), params.smoothing_s)


def rescored(clip: ClipLogits, posterior: np.ndarray, params: DecodeParams) -> ClipLogits:
    """Return a clip with `lambda_key * log(prior / uniform)` added to the heads `apply_to`.

    Parameters
    ----------
    clip : ClipLogits
        The clip, of T frames.
    posterior : ndarray of float, shape (T, 24)
        Its key posterior, from `clip_posterior`.
    params : DecodeParams
        How the key is used.

    Returns
    -------
    ClipLogits
        The clip with other logits; the clip itself where `lambda_key` is 0.

    Notes
    -----
    The prior of a pitch class is `rho_uniform / 12 + (1 - rho_uniform) * posterior @ profiles`. It is zero for no class unless
    the profile itself has a zero and `rho_uniform` is 0, and is kept above 1e-6 even then. It is uniform in a frame whose best
    key is less likely than `min_confidence`.
    """
    if params.lambda_key == 0.0:
        return clip
    prior = params.rho_uniform / PITCH_CLASSES + (1.0 - params.rho_uniform) * posterior @ key_profiles(params.profile)
    shift = params.lambda_key * np.log(np.maximum(prior, LEAST_PRIOR) * PITCH_CLASSES)
    # Where no key is likely enough the prior would mislead, so it is uniform there and shifts nothing.
    shift[posterior.max(axis=1) < params.min_confidence] = 0.0
    per_key = (shift @ _OF_CLASS.T).astype(np.float32)  # (T, 12) -> (T, 88)
    heads = {name: rows + per_key if name in params.apply_to else rows for name, rows in clip.heads.items()}
    return replace(clip, heads=heads)
