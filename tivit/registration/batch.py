"""All clips of a dataset registered, each one reused where it was registered before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from tivit.core.errors import InputError
from tivit.core.registration import STATUSES, Registration, refused
from tivit.core.run.parallel import map_clips
from tivit.core.strip import StripGeometry
from tivit.datasets.base import DatasetClip
from tivit.datasets.registry import Dataset
from tivit.registration import cache
from tivit.registration.clip import register_video
from tivit.registration.overlay import draw_overlay
from tivit.registration.overrides import overrides_of
from tivit.registration.params import Override, RegistrationParams


@dataclass(frozen=True)
class Task:
    """A clip to register: its id, its video on this disk, what is known of it, and the name its registration is kept under."""

    clip_id: str
    video: Path
    override: Override
    name: str


@dataclass(frozen=True)
class Registered:
    """The registration of a clip and its overlay (PNG bytes); None for a video that cannot be read."""

    clip_id: str
    registration: Registration
    overlay: bytes | None


def tasks_of(dataset: Dataset, clips: Sequence[DatasetClip], params: RegistrationParams, geometry: StripGeometry) -> list[Task]:
    """Return a task for every clip; raise InputError as `overrides_of` does, or when a video is missing."""
    overrides = overrides_of(dataset, clips, params)
    return [
        Task(
            clip.clip_id,
            dataset.video_path(clip),
            overrides[clip.clip_id],
            cache.name_of(dataset.video_md5(clip), overrides[clip.clip_id], params, geometry),
        )
        for clip in clips
    ]


def register_clips(
    tasks: Sequence[Task], params: RegistrationParams, geometry: StripGeometry, workers: int
) -> Iterator[Registered]:
    """Yield the registration of each task in order: kept from an earlier run, or found now on `workers` processes."""
    find = partial(register_clip, params=params, geometry=geometry)
    new = {task.clip_id: task for task in tasks if cache.load(task.name) is None}
    results = map_clips(find, list(new.values()), workers, "register")
    for task in tasks:
        if task.clip_id in new:
            yield next(results)
        else:
            entry = cache.load(task.name)
            yield Registered(task.clip_id, entry.registration, entry.overlay) if entry else find(task)
    if new:
        next(results, None)


def register_clip(task: Task, params: RegistrationParams, geometry: StripGeometry) -> Registered:
    """Return where the keyboard is in one clip, and keep it; a video that cannot be read is refused (and not kept)."""
    try:
        result = register_video(task.video, params, geometry, task.override)
    except InputError as error:
        return Registered(task.clip_id, refused(str(error).removeprefix(f"{task.video}: "), (0, 0), 0), None)
    picture = draw_overlay(result.frame, result.registration, geometry, result.time_s)
    entry = cache.store(task.name, result.registration, cv2.imencode(".png", picture)[1].tobytes())
    return Registered(task.clip_id, entry.registration, entry.overlay)


def status_counts(registrations: Sequence[Registration]) -> dict[str, int]:
    """Return status -> number of registrations, every status named."""
    return {status: sum(item.status == status for item in registrations) for status in STATUSES}


def advice(registration: Registration) -> str:
    """Return one line on a registration that cannot be used: what is wrong with it, and what would help."""
    if registration.status == "octave_unknown":
        return f"{registration.reason}; give registration.first_key"
    return registration.reason
