"""A network over a whole strip, in windows, in bounded memory; and any method over the strips of a split.

Each window is read with `model.context_frames` more on both sides and only its own part of the answer is kept. So for networks
of bounded reach (`key_vivit`, `vivit`) the answer does not depend on the window length. What is read begins at a multiple of
`model.frame_multiple` frames, so that the tubelets of `vivit` are the same ones in every window. At the ends of the clip a
network sees what it sees there in training: nothing beyond. A recurrent network (`cnn_gru`) has no bounded reach: what it would
remember from before its context is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tivit.core.errors import InputError
from tivit.core.keyboard import KEY_COUNT
from tivit.core.logits import ClipLogits, silenced
from tivit.core.manifest import Clip
from tivit.core.run.progress import progress_bar
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripFolder, StripGeometry
from tivit.model.background import Background, background_of
from tivit.model.fold import folded
from tivit.model.inputs import LOOKBACK_FRAMES
from tivit.model.setup import autocast
from tivit.model.sight import sight_of

SEEN_FRAMES = 32
"""Frames seen at a time: few, so that their features stay in the processor's cache."""

HeadsOf = Callable[[Clip, np.ndarray, Callable[[int], None]], dict[str, np.ndarray]]
"""A method. It takes a clip, its strip, uint8 (T, H, W), and a function that it calls with the number of frames just done; it
returns head name -> raw logits (T, 88)."""


def spread_over_tiers(clips: Sequence[Clip]) -> list[Clip]:
    """Return clips in an order of which every beginning has each tier in about the proportion that all of them have it.

    Parameters
    ----------
    clips : sequence of Clip
        Clips of a split.

    Returns
    -------
    list of Clip
        The same clips. Those of one tier keep their order.
    """
    by_tier: dict[str, list[Clip]] = {}
    for clip in clips:
        by_tier.setdefault(clip.tier, []).append(clip)
    placed = [((i + 0.5) / len(members), tier, i, clip) for tier, members in by_tier.items() for i, clip in enumerate(members)]
    return [clip for *_, clip in sorted(placed, key=lambda item: item[:3])]


def split_logits(
    strips: StripFolder, clips: Iterable[Clip], total_frames: int, heads_of: HeadsOf, label: str
) -> Generator[ClipLogits, None, None]:
    """Yield what a method says of clips, keys out of view silenced.

    Parameters
    ----------
    strips : StripFolder
        The strips of the clips.
    clips : iterable of Clip
        The clips; each is taken when the one before it is done.
    total_frames : int
        How many frames they have at most.
    heads_of : HeadsOf
        The method.
    label : str
        Names the progress bar.

    Yields
    ------
    ClipLogits
        In the order of `clips`.

    Raises
    ------
    InputError
        A strip is missing or damaged.
    """
    with progress_bar(total_frames, label, "frame") as bar:
        for clip in clips:
            heads = heads_of(clip, strips.open(clip.clip_id), bar.update)
            yield ClipLogits(clip.clip_id, strips.grids[clip.clip_id], silenced(heads, clip.in_view))


def network_heads(model: nn.Module, geometry: StripGeometry, runtime: RuntimeParams, window_frames: int) -> HeadsOf:
    """Return a trained network as a method: `predict_strip` with everything but the strip given.

    Parameters
    ----------
    model : nn.Module
        As of `predict_strip`; it is copied and its batch norms are folded.
    geometry : StripGeometry
        The raster of the strips.
    runtime : RuntimeParams
        The precision.
    window_frames : int
        Frames answered for in one pass.

    Returns
    -------
    HeadsOf
    """
    answering = folded(model)
    return lambda clip, frames, on_progress: predict_strip(answering, frames, geometry, runtime, window_frames, on_progress)


def predict_strip(
    model: nn.Module,
    frames: np.ndarray,
    geometry: StripGeometry,
    runtime: RuntimeParams,
    window_frames: int,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Return the raw logits of every frame of a strip.

    Parameters
    ----------
    model : nn.Module
        From `load_checkpoint`, in `eval()` mode, on the device of `runtime` (call `prepare_torch` before).
    frames : np.ndarray
        uint8 (T, H, W), T >= 1; a memory map is read window by window.
    geometry : StripGeometry
        The raster of the strip.
    runtime : RuntimeParams
        The precision.
    window_frames : int
        Frames answered for in one pass; memory grows with it.
    on_progress : callable, optional
        Called with the number of frames just done.

    Returns
    -------
    dict[str, np.ndarray]
        Head name -> float32 (T, 88).

    Raises
    ------
    InputError
        The strip has no frames.
    """
    total = len(frames)
    if total == 0:
        raise InputError("a strip without frames has no logits")
    result = {name: np.empty((total, KEY_COUNT), np.float32) for name in model.head_names}
    stretches = (np.asarray(frames[first : first + SEEN_FRAMES]) for first in range(0, total, SEEN_FRAMES))
    first = 0
    for window in predict_stream(model, stretches, background_of(frames, geometry), runtime, min(window_frames, total)):
        end = first + len(window[model.head_names[0]])
        for name, rows in window.items():
            result[name][first:end] = rows
        if on_progress is not None:
            on_progress(end - first)
        first = end
    return result


def predict_stream(
    model: nn.Module,
    stretches: Iterable[np.ndarray],
    background: Background,
    runtime: RuntimeParams,
    window_frames: int,
    first_frames: int | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the raw logits of a strip window by window, while the strip is still coming in.

    Parameters
    ----------
    model : nn.Module
        As of `predict_strip`.
    stretches : iterable of np.ndarray
        The strip in pieces, uint8 (`SEEN_FRAMES`, H, W) each, the last one shorter.
    background : Background
        The keyboard at rest.
    runtime : RuntimeParams
        The precision.
    window_frames : int
        Frames answered for in one pass; memory grows with it.
    first_frames : int, optional
        Frames of the first window, where the first answers are wanted soon; each window is then twice as long as the one
        before, as far as `window_frames`.

    Yields
    ------
    dict[str, np.ndarray]
        Head name -> float32 (frames of the window, 88). A window is ready as soon as the frames of its context are there.
    """
    device = next(model.parameters()).device
    with torch.inference_mode(), autocast(runtime, device):
        see = sight_of(model, background)
    seen: _Sights | None = None
    first = 0
    length = min(first_frames or window_frames, window_frames)
    before = None  # the frames before the next stretch that its first ones need

    def answer(end: int) -> dict[str, np.ndarray]:
        nonlocal first
        with torch.inference_mode(), autocast(runtime, device):
            outputs = model.read(seen.all())
            rows = {
                name: outputs[name][0, first - seen.first : end - seen.first].float().cpu().numpy() for name in model.head_names
            }
            first = end
            seen.drop(max(first - model.context_frames, 0) // model.frame_multiple * model.frame_multiple)
        return rows

    for stretch in stretches:
        before = np.repeat(stretch[:1], LOOKBACK_FRAMES, axis=0) if before is None else before
        window = np.concatenate([before, stretch])
        before = window[-LOOKBACK_FRAMES:]
        if seen is None:
            seen = _Sights(window_frames + 2 * model.context_frames + model.frame_multiple + len(stretch))
        with torch.inference_mode(), autocast(runtime, device):
            seen.add(see(window))
        while seen.end >= first + length + model.context_frames:
            yield answer(first + length)
            length = min(2 * length, window_frames)
    while seen is not None and first < seen.end:
        yield answer(min(first + length, seen.end))


class _Sights:
    """What a network saw in the frames `first` .. `end` - 1: a window and its context. Each frame is seen once.

    All of it lies in one block of memory that is used again and again. Pieces that are kept while the intermediate results of
    the network come and go leave holes too small for these, so that the memory of a long video would grow (docs/design.md).

    Parameters
    ----------
    room : int
        The most frames that are held at a time.
    """

    def __init__(self, room: int) -> None:
        self.first = self.end = 0
        self._room = room
        self._block = torch.empty(0)

    def add(self, sights: Tensor) -> None:
        """Take what was seen in the next frames, (1, n, ...)."""
        if not len(self._block):
            self._block = sights.new_empty(1, self._room, *sights.shape[2:])
        held = self.end - self.first
        self._block[:, held : held + sights.shape[1]] = sights
        self.end += sights.shape[1]

    def all(self) -> Tensor:
        """Return what is held, (1, end - first, ...), until the next call of another method."""
        return self._block[:, : self.end - self.first]

    def drop(self, before: int) -> None:
        """Forget the frames before one."""
        kept = self.all()[:, before - self.first :].clone()
        self._block[:, : kept.shape[1]] = kept
        self.first = before
