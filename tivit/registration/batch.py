"""All clips of a dataset registered, each one reused where it was registered before.

`tasks_of` asks the dataset and the params, `register_clips` does the work on several processes. What is kept, and when it
counts as the same, is in `cache`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2

from tivit.core.errors import InputError
from tivit.core.registration import STATUSES, Refusal, Registration, objection
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripGeometry
from tivit.datasets.base import DatasetClip
from tivit.datasets.places import DatasetFile
from tivit.datasets.registry import Dataset
from tivit.registration import cache
from tivit.registration.clip import register_video
from tivit.registration.judge.octave import MIRROR_OPEN
from tivit.registration.overlay import draw_overlay
from tivit.registration.overrides import overrides_of
from tivit.registration.params import Override, RegistrationParams
from tivit.registration.reasons import GIVE_CORNERS, SAY_SIDE

GIVEN_IN = "registration.overrides or registration.csv"
"""Where what is known of the keyboard of a clip is written."""


@dataclass(frozen=True)
class Task:
    """A clip to register.

    Attributes
    ----------
    clip_id : str
    video : DatasetFile
        The video; it is opened by the worker that has the task.
    override : Override
        What is known of its keyboard.
    name : str
        The name under which its registration is kept (`cache.name_of`).
    """

    clip_id: str
    video: DatasetFile
    override: Override
    name: str


@dataclass(frozen=True)
class Registered:
    """What came of a clip, and a picture of it.

    Attributes
    ----------
    clip_id : str
    registration : Registration or Refusal
    overlay : bytes or None
        PNG of `overlay.draw_overlay`; None for a video that cannot be read.
    """

    clip_id: str
    registration: Registration | Refusal
    overlay: bytes | None


def tasks_of(dataset: Dataset, clips: Sequence[DatasetClip], params: RegistrationParams, geometry: StripGeometry) -> list[Task]:
    """Return a task for every clip.

    Parameters
    ----------
    dataset : Dataset
        Whose clips they are.
    clips : sequence of DatasetClip
    params : RegistrationParams
    geometry : StripGeometry
        Raster of the strip that homographies lead to.

    Returns
    -------
    list of Task
        In the order of `clips`.

    Raises
    ------
    InputError
        As `overrides_of` does, or a video is missing or has another size than in the index.
    """
    overrides = overrides_of(dataset, clips, params)
    return [
        Task(
            clip.clip_id,
            dataset.video(clip),
            overrides[clip.clip_id],
            cache.name_of(dataset.video_md5(clip), overrides[clip.clip_id], params, geometry),
        )
        for clip in clips
    ]


def register_clips(
    tasks: Sequence[Task], params: RegistrationParams, geometry: StripGeometry, workers: Workers
) -> Iterator[Registered]:
    """Yield the registration of each task: kept from an earlier run, or found now.

    Parameters
    ----------
    tasks : sequence of Task
    params : RegistrationParams
    geometry : StripGeometry
        Raster of the strip that homographies lead to.
    workers : Workers
        What registers the clips.

    Yields
    ------
    Registered
        In the order of `tasks`.
    """
    find = partial(register_clip, params=params, geometry=geometry)
    new = [task for task in tasks if not cache.holds(task.name)]
    results = map_clips(find, new, workers, "register", lambda task: task.clip_id, len(new)) if new else iter(())
    new_ids = {task.clip_id for task in new}
    following = next(results, None)
    for task in tasks:
        if task.clip_id not in new_ids:
            entry = cache.load(task.name)
            # A damaged entry, or one that was removed after the look above: the clip is registered here.
            yield Registered(task.clip_id, entry.registration, entry.overlay) if entry else find(task)
        elif following is not None and following[0].clip_id == task.clip_id:
            yield following[1]
            following = next(results, None)  # which says at its end which clips failed


def register_clip(task: Task, params: RegistrationParams, geometry: StripGeometry) -> Registered:
    """Return where the keyboard is in one clip, and keep it.

    Parameters
    ----------
    task : Task
    params : RegistrationParams
    geometry : StripGeometry
        Raster of the strip that homographies lead to.

    Returns
    -------
    Registered
        With a refusal, which is not kept, for a video that cannot be read.
    """
    with task.video.opened() as video:
        try:
            result = register_video(video, params, geometry, task.override)
        except InputError as error:
            return Registered(task.clip_id, Refusal(str(error).removeprefix(f"{video}: "), (0, 0), 0), None)
    picture = draw_overlay(result.frame, result.registration, geometry, result.time_s)
    entry = cache.store(task.name, result.registration, cv2.imencode(".png", picture)[1].tobytes())
    return Registered(task.clip_id, entry.registration, entry.overlay)


def status_counts(registrations: Sequence[Registration | Refusal]) -> dict[str, int]:
    """Return how many clips have each status.

    Parameters
    ----------
    registrations : sequence of Registration or Refusal
        What came of each clip.

    Returns
    -------
    dict of str to int
        Every one of `core.registration.STATUSES` is named.
    """
    return {status: sum(item.status == status for item in registrations) for status in STATUSES}


def advice(registration: Registration | Refusal) -> str:
    """Return why a clip cannot be used, and what would help.

    Parameters
    ----------
    registration : Registration or Refusal
        What came of the clip; it is not usable.

    Returns
    -------
    str
        One line.
    """
    reason = objection(registration)
    if isinstance(registration, Refusal):
        says_it = SAY_SIDE in reason or GIVE_CORNERS in reason or registration.frames == 0
        return reason if says_it else f"{reason}; give the corners of its keys in {GIVEN_IN}, or leave the clip out"
    guess = f"first_key: {registration.first_midi}"
    if MIRROR_OPEN in reason:
        guess += f", orientation: {registration.orientation}"
    return f"{reason}; give {guess}, if this guess is right, in {GIVEN_IN}"
