"""How far the probabilities of a head can be believed, and the two numbers per head that make them more believable.

Labels come from true notes: `pitch` is true in the frames whose instant lies in [onset, offset), `onset` and `offset` in the
one frame nearest the event. Keys that the picture does not show are left out.

- Fit: p = sigmoid(logit / temperature + bias) with the largest likelihood, by Newton's method on (1 / temperature, bias). The
  labels are smoothed as in Platt (1999), Probabilistic outputs for support vector machines, so that a head that is always right
  has an optimum too (Lin, Lin and Weng 2007, A note on Platt's probabilistic outputs). A head whose logits speak against what
  they should say (slope not above 0), and one without true or without false labels, are left as they are.
- ECE: sum over 15 bins of equal width of (share of the frames) * |mean probability - share of true labels| (Guo et al. 2017, On
  calibration of modern neural networks, eq. 3), of the probability that the label is true. Most frames are silent, and they
  alone make it small for any head.
- ACE: the same with equal weights for all bins that have frames (Neumann, Zisserman and Vedaldi 2018, Relaxed softmax: average
  calibration error), so that silent frames are one bin among others. It is the one that is drawn.
- Brier: the mean of (probability - label)^2 (Brier 1950).

Logits files hold float16, which has few values: frames are counted per value first, and all that follows is exact on those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.logits import SILENT_LOGIT, ClipLogits
from tivit.core.notes import Notes
from tivit.core.probability import sigmoid
from tivit.core.rolls import roll
from tivit.core.timegrid import TimeGrid

BINS = 15
"""Bins of probability of the ECE, as in Guo et al."""
DECIMALS = 6
"""Decimals of temperature and bias, as in the thresholds file: so what is applied is what is written."""
NEWTON_STEPS = 50
ENOUGH = 1e-10
"""The fit ends after so many steps. It ends earlier when a step lowers the mean loss by less than `ENOUGH`, or no share of the
step that is larger than `ENOUGH` lowers it at all."""
LARGEST_LOGIT = 60.0
"""Logits are cut to so much either way for the fit: a probability of 1e-26 is as sure as any."""
SLOPES = (1e-3, 1e3)
LARGEST_BIAS = 100.0
"""Least and largest 1 / temperature, and the largest bias either way, that a thresholds file may hold."""


@dataclass(frozen=True)
class Fit:
    """How believable the probabilities of a head are.

    Attributes
    ----------
    ece, ace, brier : float
        Expected and average calibration error and Brier score, 0..1; 0 is best.
    predicted_rate : float
        Mean probability.
    predicted, observed : np.ndarray
        Mean probability and share of true labels in each bin of probability, (15,); 0 in a bin without frames.
    frames : np.ndarray
        Frames in each bin, int (15,), every key counted.
    """

    ece: float
    ace: float
    brier: float
    predicted_rate: float
    predicted: np.ndarray
    observed: np.ndarray
    frames: np.ndarray


@dataclass(frozen=True)
class HeadCalibration:
    """The calibration of one head.

    Attributes
    ----------
    temperature, bias : float
        The calibrated probability is sigmoid(logit / temperature + bias).
    true_rate : float
        Share of true labels, 0..1.
    before, after : Fit
        How believable the probabilities are without and with the calibration.
    """

    temperature: float
    bias: float
    true_rate: float
    before: Fit
    after: Fit


def calibrate(clips: Sequence[ClipLogits], references: Sequence[Notes]) -> dict[str, HeadCalibration]:
    """Return the calibration of each event head, fitted on clips.

    Parameters
    ----------
    clips : sequence of ClipLogits
        Raw logits (T, 88) by head.
    references : sequence of Notes
        The true notes of each clip, in the same order.

    Returns
    -------
    dict[str, HeadCalibration]
        Head name -> calibration. A head is left out when there is no frame of a key in view.
    """
    # How often each of the 65,536 bit patterns of float16 occurs in a head: in all frames (row 0) and in true ones (row 1).
    counts = {name: np.zeros((2, 1 << 16), np.int64) for name in EVENT_HEADS}
    for clip, notes in zip(clips, references, strict=True):
        labels = labels_of(notes, clip.grid)
        for name, count in counts.items():
            code = np.ascontiguousarray(clip.heads[name], np.float16).view(np.uint16).ravel()
            count[1] += np.bincount(code[labels[name].ravel()], minlength=1 << 16)
            count[0] += np.bincount(code, minlength=1 << 16)
    result = {}
    values = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    for name, (every, true) in counts.items():
        used = np.flatnonzero((every > 0) & (values > SILENT_LOGIT))
        if len(used):
            result[name] = _calibrated(values[used], (every - true)[used], true[used])
    return result


def labels_of(notes: Notes, grid: TimeGrid) -> dict[str, np.ndarray]:
    """Return the labels of the event heads: see the module docstring.

    Parameters
    ----------
    notes : Notes
        The true notes.
    grid : TimeGrid
        The frames, T of them; events outside are ignored.

    Returns
    -------
    dict[str, np.ndarray]
        Head name -> bool (T, 88).
    """
    key = key_of(notes.midi.astype(np.int64))
    labels = {name: np.zeros((grid.length, KEY_COUNT), bool) for name in EVENT_HEADS}
    for name, times_s in (("onset", notes.onset_s), ("offset", notes.offset_s)):
        frame = np.floor(grid.frame(times_s) + 0.5).astype(np.int64)
        inside = (frame >= 0) & (frame < grid.length)
        labels[name][frame[inside], key[inside]] = True
    return {**labels, "pitch": roll(notes, grid)}


def fit_platt(logit: np.ndarray, false: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Return the temperature and the bias of the largest likelihood.

    Parameters
    ----------
    logit : np.ndarray
        Values of the logit, (N,).
    false, true : np.ndarray
        How often each value occurs with a false and with a true label, (N,) each.

    Returns
    -------
    (float, float)
        Temperature and bias; (1, 0) where one label does not occur, or the best values are out of range.

    Notes
    -----
    Newton's method with halved steps, on smoothed labels [1]_ [2]_. The loss is convex in (1 / temperature, bias), so a step
    that does not help ends it.

    References
    ----------
    .. [1] Platt 1999, Probabilistic outputs for support vector machines. .. [2] Lin, Lin and Weng 2007, A note on Platt's
    probabilistic outputs.
    """
    all_false, all_true = false.sum(), true.sum()
    if not all_false or not all_true:
        return 1.0, 0.0
    logit = np.clip(logit, -LARGEST_LOGIT, LARGEST_LOGIT)
    target_true, target_false = (all_true + 1.0) / (all_true + 2.0), 1.0 / (all_false + 2.0)
    weight, positive = false + true, true * target_true + false * target_false
    columns = np.stack([logit, np.ones_like(logit)])  # (2, N): what slope and bias are multiplied by

    def loss(slope: float, bias: float) -> float:
        z = slope * logit + bias
        return float((weight * np.logaddexp(0.0, z) - positive * z).sum() / weight.sum())

    at, value = np.array([1.0, 0.0]), loss(1.0, 0.0)
    for _ in range(NEWTON_STEPS):
        p = sigmoid(at @ columns)
        gradient = columns @ (weight * p - positive)
        curvature = (columns * (weight * p * (1.0 - p))) @ columns.T + 1e-9 * np.eye(2)  # (2, 2), never singular
        step = np.linalg.solve(curvature, gradient)
        share = 1.0
        while share > ENOUGH and loss(*(at - share * step)) >= value:
            share /= 2.0
        if share <= ENOUGH:
            break
        at = at - share * step
        value, before = loss(*at), value
        if before - value < ENOUGH:
            break
    if not SLOPES[0] <= at[0] <= SLOPES[1] or abs(at[1]) > LARGEST_BIAS:
        return 1.0, 0.0
    return round(1.0 / float(at[0]), DECIMALS), round(float(at[1]), DECIMALS)


def believability(probability: np.ndarray, false: np.ndarray, true: np.ndarray) -> Fit:
    """Return how believable probabilities are.

    Parameters
    ----------
    probability : np.ndarray
        Values, (N,), 0..1.
    false, true : np.ndarray
        How often each occurs with a false and with a true label, (N,) each; together at least once.

    Returns
    -------
    Fit
    """
    weight = false + true
    total = weight.sum()
    bin_of = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    frames, sums, hits = (np.bincount(bin_of, side, minlength=BINS) for side in (weight, weight * probability, true))
    predicted, observed = (np.divide(top, frames, out=np.zeros(BINS), where=frames > 0) for top in (sums, hits))
    errors = np.abs(predicted - observed)  # 0 in bins without frames
    ece, ace = float((frames * errors).sum() / total), float(errors.sum() / (frames > 0).sum())
    brier = float((true * (1.0 - probability) ** 2 + false * probability**2).sum() / total)
    return Fit(ece, ace, brier, float(sums.sum() / total), predicted, observed, frames.astype(np.int64))


def _calibrated(logit: np.ndarray, false: np.ndarray, true: np.ndarray) -> HeadCalibration:
    temperature, bias = fit_platt(logit, false, true)
    before, after = (believability(sigmoid(z), false, true) for z in (logit, logit / temperature + bias))
    return HeadCalibration(temperature, bias, float(true.sum() / (false + true).sum()), before, after)
