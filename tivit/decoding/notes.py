"""From logits to notes: peaks with sub-frame position, a decoder's decision, times, and the attributes of each note."""

from __future__ import annotations

import numpy as np

from tivit.core.heads import EVENT_HEADS, UNKNOWN, VELOCITY, VELOCITY_SCALE
from tivit.core.keyboard import KEY_COUNT, midi_of
from tivit.core.logits import ClipLogits
from tivit.core.notes import Notes, make_notes
from tivit.core.probability import logit, sigmoid
from tivit.core.timegrid import TimeGrid
from tivit.decoding.decoders import collect_events, decide
from tivit.decoding.events import SILENT, Decision, Events, at_keys
from tivit.decoding.thresholds import Thresholds

VELOCITY_REACH = 1
"""The velocity is averaged over the frame nearest to the onset and so many on either side of it."""


def decode_notes(heads: dict[str, np.ndarray], grid: TimeGrid, thresholds: Thresholds) -> Notes:
    """Return the notes of one clip.

    Parameters
    ----------
    heads : dict of str to ndarray, shape (T, 88)
        Name of a head -> logits. `pitch`, `onset` and `offset` are needed; `hand`, `clef` and `velocity` say hand, staff and
        velocity of the notes, which are unknown without them.
    grid : TimeGrid
        The clip's time grid, T = grid.length.
    thresholds : Thresholds
        The operating point.

    Returns
    -------
    Notes
        The notes, in seconds of the clip's clock.

    Raises
    ------
    InputError
        An event head is missing, or has another shape than (T, 88).
    """
    clip = ClipLogits("", grid, heads)
    events = collect_events([clip], thresholds)
    decision = decide(events, thresholds)
    onset_s, offset_s = spans(events, decision, thresholds)
    key = events.onsets.row[decision.onset_index]
    attributes = [_attribute(heads.get(name), grid, key, onset_s, offset_s) for name in ("hand", "clef")]
    return make_notes(onset_s, offset_s, midi_of(key), _velocity(heads.get(VELOCITY), grid, key, onset_s), *attributes)


def spans(events: Events, decision: Decision, thresholds: Thresholds) -> tuple[np.ndarray, np.ndarray]:
    """Return when the notes of a decision begin and end, with the lags of the heads removed.

    A note ends at its offset peak if that reaches the offset threshold, and else with its run. It lasts at least
    `min_length_s`, but it never ends after the key's next onset.

    Parameters
    ----------
    events : Events
        The events of clips.
    decision : Decision
        Which N onset peaks begin notes, and what may end these.
    thresholds : Thresholds
        The operating point: the offset threshold and the lags.

    Returns
    -------
    onset_s, offset_s : ndarray of float64, shape (N,)
        Seconds of each clip's clock, in the order of the decision.
    """
    offset_index, run_index = decision.offset_index, decision.run_index
    rules, row = events.rules, events.onsets.row[decision.onset_index]
    key = row % KEY_COUNT
    lag_s = {name: at_keys(getattr(thresholds, name).of_keys("lag_s"), key) for name in EVENT_HEADS}
    onset_s = events.onsets.time_s[decision.onset_index] - lag_s["onset"]
    earliest_s = onset_s + rules.min_length_s
    # Index -1 stands for none: the appended entry is what it picks, and `where` replaces it.
    run_end_s = np.where(run_index >= 0, np.append(decision.runs.end_s, 0.0)[run_index] - lag_s["pitch"], earliest_s)
    peak_logit = np.where(offset_index >= 0, np.append(events.offsets.logit, SILENT)[offset_index], SILENT)
    peak_s = np.append(events.offsets.time_s, 0.0)[offset_index] - lag_s["offset"]
    level = logit(at_keys(thresholds.offset.of_keys("threshold"), key))
    is_peak = (peak_logit >= level) & (offset_index >= 0)
    offset_s = np.maximum(np.where(is_peak, peak_s, run_end_s), earliest_s)
    # Notes are sorted by row and time, so the next note of the same key is the next one in the list.
    repeats = np.flatnonzero(row[1:] == row[:-1])
    offset_s[repeats] = np.minimum(offset_s[repeats], onset_s[repeats + 1])
    return onset_s, offset_s


def _attribute(
    logits: np.ndarray | None, grid: TimeGrid, key: np.ndarray, onset_s: np.ndarray, offset_s: np.ndarray
) -> np.ndarray:
    """Return 1 where the mean logit over the frames of a note is positive, else 0; unknown without the head.

    The frames are those of `core.rolls`, but without its tolerance and at least one: the times are estimates, which lie on no
    frame, and every note needs a label.
    """
    if logits is None:
        return np.full(len(key), UNKNOWN)
    first = np.clip(np.ceil(grid.frame(onset_s)).astype(int), 0, grid.length - 1)
    last = np.clip(np.ceil(grid.frame(offset_s)).astype(int), first + 1, grid.length)
    # Key after key in one row, (88 * T + 1,): `reduceat` sums it between pairs of borders, and every other sum lies between
    # two notes and is dropped. The last entry lets a border lie at the very end.
    flat = np.append(np.ascontiguousarray(logits.T).ravel(), np.float32(0.0))
    pairs = np.stack([key * grid.length + first, key * grid.length + last], axis=1).ravel()
    sums = np.add.reduceat(flat, pairs)[::2] if len(pairs) else np.zeros(0)
    return (sums > 0).astype(np.int16)


def _velocity(logits: np.ndarray | None, grid: TimeGrid, key: np.ndarray, onset_s: np.ndarray) -> np.ndarray:
    """Return the MIDI velocity of notes, 1..127: the mean of a few frames around the onset; unknown without the head."""
    if logits is None:
        return np.full(len(key), UNKNOWN)
    steps = np.arange(-VELOCITY_REACH, VELOCITY_REACH + 1)
    frames = np.clip(np.rint(grid.frame(onset_s)).astype(int)[:, None] + steps, 0, grid.length - 1)  # (N, 3)
    share = sigmoid(logits[frames, key[:, None]]).mean(axis=1)
    return np.clip(np.rint(VELOCITY_SCALE * share), 1, 127).astype(np.int16)
