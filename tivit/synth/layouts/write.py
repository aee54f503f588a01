"""Writes a dataset in one of the layouts: the same seed gives the same music, keyboards and hands in each.

Only the tiers plain and hard are written. Where a layout has no validation split its clips join train, from which its reader
carves one. What a layout looks like is in its own module; a new one is added to KINDS.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tivit.core.choices import SPLITS
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.synth.dataset import Take, clip_tasks, film_clip, write_truth
from tivit.synth.layouts.clip import Job, Kind, LayoutRequest, no_tables, refuse_existing, variable_times_s, write_frames
from tivit.synth.layouts.omaps import OMAPS, OMAPS2
from tivit.synth.layouts.pianovam import PIANOVAM
from tivit.synth.layouts.pianoyt import PIANOYT
from tivit.synth.params import SynthParams

RATES = {"25": 25.0, "29.97": 29.97, "30": 30.0, "60": 60.0}
"""Frame rates (Hz) by the names that they have on the command line."""
VARIABLE_FPS = 30.0
"""Mean rate of files of a variable rate."""
TIMES_STREAM = 15
"""Name of the random stream of their timestamps."""


def _write_synthetic(root: Path, job: Job, take: Take, request: LayoutRequest) -> None:
    """Write one clip as the rendered dataset has it."""
    path = root / job.folder / f"{job.task.stem}.mp4"
    write_frames(path, take, request.start_s)
    write_truth(path, request.seed, take)


SYNTHETIC = Kind("Synthetic", {split: split for split in SPLITS}, ("30",), None, _write_synthetic, no_tables)
KINDS = {"OMAPS": OMAPS, "OMAPS2": OMAPS2, "PianoYT": PIANOYT, "PianoVAM": PIANOVAM, "Synthetic": SYNTHETIC}


def write_layout(out: Path, params: SynthParams, request: LayoutRequest, workers: Workers) -> tuple[Path, int]:
    """Write a dataset, whole or not at all.

    Parameters
    ----------
    out : Path
        The dataset goes into its folder (`Kind.folder`) of this one.
    params : SynthParams
        What the clips look like.
    request : LayoutRequest
        The layout, and what is to differ from params and from the dataset.
    workers : Workers
        What renders the clips.

    Returns
    -------
    root : Path
        The folder of the dataset.
    count : int
        Number of clips.

    Raises
    ------
    InputError
        The folder exists, a value is out of range, or a video could not be written.
    """
    kind = KINDS[request.layout]
    root = Path(out) / kind.folder
    refuse_existing(root)
    params = _asked(params, request)
    building = root.with_name(f".{root.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    jobs = jobs_of(kind, params)
    work = partial(_write_clip, building, params, request)
    results = map_clips(work, jobs, workers, "render", lambda job: f"{job.folder}/{job.task.stem}", len(jobs))
    rows = [row for _, row in results]
    kind.finish(building, rows)
    building.rename(root)
    return root, len(jobs)


def jobs_of(kind: Kind, params: SynthParams) -> list[Job]:
    """Return every clip with its place in a layout.

    Parameters
    ----------
    kind : Kind
    params : SynthParams

    Returns
    -------
    list of Job
        In the order of `clip_tasks`; the clips of two splits that share a folder are numbered on.
    """
    counts: Counter[str] = Counter()
    jobs = []
    for task in clip_tasks(params):
        folder = kind.splits[task.split]
        counts[folder] += 1
        jobs.append(Job(task, folder, counts[folder], len(jobs) + 1))
    return jobs


def _asked(params: SynthParams, request: LayoutRequest) -> SynthParams:
    """Return params with the number and length of clips that were asked for, and without the tier shift."""
    changes: dict[str, object] = {"shift_clips": 0}
    if request.clips is not None:
        changes |= {f"{split}_clips": request.clips for split in SPLITS}
    if request.seconds is not None:
        changes |= {f"{split}_s": request.seconds for split in SPLITS}
    return replace(params, **changes)


def _write_clip(root: Path, params: SynthParams, request: LayoutRequest, job: Job) -> object:
    """Film one clip at its rate and size and write it; return its row of the tables."""
    kind = KINDS[request.layout]
    rate = request.rate or kind.rates[(job.overall - 1) % len(kind.rates)]
    size_px = request.size_px or kind.size_px
    camera = replace(params.camera, fps=(RATES.get(rate, VARIABLE_FPS),), converted=0.0)
    params = replace(params, camera=replace(camera, sizes=(size_px,)) if size_px else camera)
    times_s = None
    if rate not in RATES:
        rng = np.random.default_rng([request.seed, SPLITS.index(job.task.split), job.task.number, TIMES_STREAM])
        times_s = variable_times_s(rng, params.length_s(job.task.split), VARIABLE_FPS)
    return kind.write(root, job, film_clip(replace(params, seed=request.seed), job.task, times_s), request)
