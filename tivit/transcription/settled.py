"""Notes while the logits still come in: those that nothing later can change, and the logits that the others still need.

A note is settled once it ended some seconds before the last frame: every rule of `decoding` that decides a note looks at most a
second to either side (`EventRules`), and so do the lags. What is settled is therefore what decoding the whole clip at once
would give, and memory holds a few seconds, or as much as the longest note that is still held.

Two things need the whole clip: rescoring by the key of the music, and the decoder `states`. Then nothing is settled before the
end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tivit.core.logits import ClipLogits
from tivit.core.notes import Notes, empty_notes, joined
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import Thresholds
from tivit.theory.key import DecodeParams, clip_posterior, rescored
from tivit.transcription.confidence import Confidence, confidence_of

MARGIN_S = 4.0
"""How far from the last frame a note must have ended: the farthest look of a rule, 1 s, and lags of 1 s in two heads, and a
rest."""
LOCAL_DECODERS = ("peaks",)
"""Decoders whose decisions depend on what lies near, as `DECODERS` has them."""


class SettledNotes:
    """The notes of a clip whose logits come in window by window.

    Parameters
    ----------
    fps, start_s : float
        The time grid of the clip.
    thresholds : Thresholds
        The operating point.
    decode : DecodeParams or None
        How logits are rescored; None: not at all.
    keep : bool
        True: all logits are kept, for `logits`.
    """

    def __init__(self, fps: float, start_s: float, thresholds: Thresholds, decode: DecodeParams | None, keep: bool) -> None:
        self._grid, self._thresholds, self._decode = TimeGrid(fps, start_s, 0), thresholds, decode
        self.is_local = thresholds.rules.decoder in LOCAL_DECODERS and (decode is None or decode.lambda_key == 0.0)
        self._keeps = keep
        self._windows: list[dict[str, np.ndarray]] = []  # of the frames from `_first` on
        self._first = self._held = 0  # frames that are dropped, and frames in `_windows`
        self._cut_s = -np.inf  # every note that begins before is in `_parts`
        self._parts: list[tuple[Notes, Confidence]] = []
        self._kept: list[dict[str, np.ndarray]] = []

    @property
    def grid(self) -> TimeGrid:
        """The instants of all logits so far."""
        return replace(self._grid, length=self._first + self._held)

    def add(self, window: dict[str, np.ndarray]) -> None:
        """Take the logits of the next frames, head name -> (n, 88), and settle what can be."""
        self._windows.append(window)
        self._held += len(next(iter(window.values())))
        if self._keeps:
            self._kept.append(window)
        if not self.is_local:
            return
        notes, confidence = self._decoded()
        end_s = self.grid.end_s
        open_s = notes.onset_s[notes.offset_s > end_s - MARGIN_S]
        limit_s = min(end_s - MARGIN_S, float(open_s.min(initial=np.inf)) - 1e-6)
        self._take(notes, confidence, limit_s)
        self._forget(limit_s - MARGIN_S)

    def notes(self, rest: bool) -> tuple[Notes, Confidence]:
        """Return the notes so far.

        Parameters
        ----------
        rest : bool
            True: also those which are not settled, as if the clip ended here.

        Returns
        -------
        notes : Notes
            In seconds of the clip's clock.
        confidence : Confidence
            How likely they are, in the same order.
        """
        parts = list(self._parts)
        if rest and self._windows:
            notes, confidence = self._decoded()
            later = notes.onset_s >= self._cut_s
            parts.append((notes.take(later), confidence.take(later)))
        if not parts:
            none = np.zeros(0)
            return empty_notes(), Confidence(none, none, none)
        confidence = Confidence(*(np.concatenate(column) for column in zip(*(vars(c).values() for _, c in parts), strict=True)))
        return joined(*(notes for notes, _ in parts)), confidence

    def logits(self, clip_id: str) -> ClipLogits:
        """Return all logits so far, which must have been kept, as the network gave them."""
        heads = {name: np.concatenate([window[name] for window in self._kept]) for name in self._kept[0]}
        return ClipLogits(clip_id, self.grid, heads)

    def rescored(self, clip_id: str) -> ClipLogits:
        """Return all logits so far, which must have been kept, as they are decoded."""
        clip = self.logits(clip_id)
        return clip if self._decode is None else rescored(clip, clip_posterior(clip, self._decode), self._decode)

    def _decoded(self) -> tuple[Notes, Confidence]:
        """Return the notes of the frames from `_first` on."""
        if len(self._windows) > 1:
            self._windows = [{name: np.concatenate([part[name] for part in self._windows]) for name in self._windows[0]}]
        heads, grid = self._windows[0], self._grid.window(self._first, self._held)
        if self._decode is not None and self._decode.lambda_key != 0.0:
            clip = ClipLogits("", grid, heads)
            heads = rescored(clip, clip_posterior(clip, self._decode), self._decode).heads
        notes = decode_notes(heads, grid, self._thresholds)
        return notes, confidence_of(notes, heads, grid, self._thresholds)

    def _take(self, notes: Notes, confidence: Confidence, limit_s: float) -> None:
        new = (notes.onset_s >= self._cut_s) & (notes.onset_s < limit_s)
        if new.any():
            self._parts.append((notes.take(new), confidence.take(new)))
        self._cut_s = max(self._cut_s, limit_s)

    def _forget(self, before_s: float) -> None:
        """Drop the frames before an instant."""
        drop = int(np.floor(self._grid.frame(before_s))) - self._first
        if drop > 0:
            self._windows = [{name: rows[drop:].copy() for name, rows in self._windows[0].items()}]
            self._first, self._held = self._first + drop, self._held - drop
