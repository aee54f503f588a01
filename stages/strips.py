"""Decode every video once and warp it to the rectified keyboard strip on the time grid."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
import logging
from functools import partial
from pathlib import Path
from typing import Any

from tivit.core.artifacts import remove_leftovers
from tivit.core.params import section
from tivit.core.registration import Registration
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry, strip_path, write_strip_index
from tivit.core.timegrid import TimeGrid
from tivit.datasets.params import DataParams
from tivit.datasets.places import DatasetFile
from tivit.datasets.registry import open_dataset
from tivit.labels.usable import usable_clips
from tivit.video.rectify import write_strip

log = logging.getLogger("tivit.strips")
FOLDER = Path("data/strips")


def strip_clip(item: tuple[str, DatasetFile, Registration], geometry: StripGeometry, fps: float) -> TimeGrid:
    """Write the strip of one clip.

    Parameters
    ----------
    item : tuple of str, DatasetFile and Registration
        Id of the clip, its video, and where the keyboard is in it.
    geometry : StripGeometry
        The raster of the strip.
    fps : float
        Rate of the time grid (instants per second).

    Returns
    -------
    TimeGrid
        The instants of the strip.

    Raises
    ------
    InputError
        The video cannot be used, as `write_strip` says.
    """
    clip_id, file, registration = item
    with file.opened() as video:
        return write_strip(video, registration, geometry, fps, strip_path(FOLDER, clip_id))


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/strips`: one file per clip whose keyboard was found, and the index last. No label is looked at.

    Parameters
    ----------
    params : dict
        The params file; sections `strips` and `data` are read.
    runtime : RuntimeParams
        Its workers write the strips.
    """
    geometry = section(params, "strips", StripGeometry)
    data = section(params, "data", DataParams)
    dataset = open_dataset(data)
    usable = usable_clips(dataset).clips
    items = [(clip.clip_id, dataset.video(clip), registration) for clip, registration in usable]
    remove_leftovers(FOLDER)
    work = partial(strip_clip, geometry=geometry, fps=data.fps)
    results = map_clips(work, items, runtime.pool, "strips", lambda item: item[0], len(items))
    grids = {clip_id: grid for (clip_id, *_), grid in results}
    write_strip_index(FOLDER, geometry, grids)
    log.info("strips: %d clips, %d frames", len(grids), sum(grid.length for grid in grids.values()))


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
