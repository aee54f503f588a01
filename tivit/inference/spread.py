"""The forward pass over many clips, one worker per clip on one thread; a worker reads the network once."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from tivit.core.artifacts import md5_of
from tivit.core.logits import ClipLogits, silenced, stored
from tivit.core.manifest import Clip
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripFolder, StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.inference.predict import HeadsOf, network_heads
from tivit.model.checkpoint import load_checkpoint
from tivit.model.setup import prepare_torch


def is_spread(runtime: RuntimeParams) -> bool:
    """Return whether the forward pass is spread over workers: one process keeps a GPU busy, a CPU needs one per core.

    Parameters
    ----------
    runtime : RuntimeParams
        Device and workers.

    Returns
    -------
    bool
    """
    return runtime.device == "cpu" and (runtime.workers > 1 or runtime.engine != "processes")


def spread_logits(
    strips: StripFolder, clips: Iterable[Clip], total: int, checkpoint: Path, runtime: RuntimeParams, window_frames: int
) -> Generator[ClipLogits, None, None]:
    """Yield what a trained network says of clips, keys out of view silenced.

    Parameters
    ----------
    strips : StripFolder
        The strips of the clips.
    clips : iterable of Clip
        The clips; the next ones are taken when workers have room for them.
    total : int
        How many there are at most.
    checkpoint : Path
        The network.
    runtime : RuntimeParams
        Workers and precision.
    window_frames : int
        Frames answered for in one pass.

    Yields
    ------
    ClipLogits
        In the order of `clips`.

    Raises
    ------
    InputError
        The strip of a clip is missing or damaged; the other clips are done first.
    """
    work = partial(
        logits_of_clip, root=strips.root, geometry=strips.geometry, checkpoint=checkpoint, md5=md5_of(checkpoint),
        runtime=replace(runtime, threads=1), window_frames=window_frames,
    )  # fmt: skip
    items = ((clip, strips.grids.get(clip.clip_id)) for clip in clips)
    for _, answer in map_clips(work, items, runtime.pool, "logits", lambda item: item[0].clip_id, total):
        yield answer


def logits_of_clip(
    item: tuple[Clip, TimeGrid | None], root: Path, geometry: StripGeometry, checkpoint: Path, md5: str, runtime: RuntimeParams,
    window_frames: int,
) -> ClipLogits:  # fmt: skip
    """Return what a trained network says of one clip.

    Parameters
    ----------
    item : tuple of Clip and TimeGrid or None
        The clip, and the grid of its strip; None where it has no strip.
    root, geometry : Path, StripGeometry
        Where its strip lies, and the raster.
    checkpoint, md5 : Path, str
        The network, and the MD5 of its file, by which a worker knows another one.
    runtime : RuntimeParams
        Threads and precision.
    window_frames : int
        Frames answered for in one pass.

    Returns
    -------
    ClipLogits

    Raises
    ------
    InputError
        The strip is missing or damaged.
    """
    clip, grid = item
    frames = StripFolder(root, geometry, {clip.clip_id: grid} if grid else {}).open(clip.clip_id)
    heads = _method(checkpoint, md5, geometry, runtime, window_frames)(clip, frames, lambda frames: None)
    return ClipLogits(clip.clip_id, grid, stored(silenced(heads, clip.in_view)))


@cache
def _method(checkpoint: Path, md5: str, geometry: StripGeometry, runtime: RuntimeParams, window_frames: int) -> HeadsOf:
    del md5
    device = prepare_torch(runtime)
    return network_heads(load_checkpoint(checkpoint).model.to(device), geometry, runtime, window_frames)
