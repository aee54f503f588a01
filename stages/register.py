"""Find the keyboard in every clip of the dataset: homography, x correction, orientation, or a reason why not."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tivit.core.artifacts import write_bytes, write_json
from tivit.core.errors import InputError
from tivit.core.parallel import map_clips
from tivit.core.params import section
from tivit.core.registration import FILE_NAME, Registration, refused, write_registrations
from tivit.core.runtime import RuntimeParams
from tivit.core.stage import run_stage
from tivit.core.strip import StripGeometry
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.registration.clip import register_video
from tivit.registration.overlay import draw_overlay
from tivit.registration.params import Override, RegistrationParams
from tivit.registration.truth import key_errors, summary

log = logging.getLogger("tivit.register")
FOLDER = Path("data/registration")


def register_clip(item: tuple[str, Path, Override], params: RegistrationParams, geometry: StripGeometry) -> Registration:
    """Return the registration of one clip (id, video, what is known of it) and write its overlay; bad videos are refused."""
    clip_id, video, override = item
    try:
        found = register_video(video, params, geometry, override)
    except InputError as error:
        return refused(str(error), (0, 0), 0)
    picture = draw_overlay(found.frame, found.registration, geometry)
    encoded = cv2.imencode(".png", picture)[1]
    write_bytes(FOLDER / "overlays" / f"{clip_id.replace('/', '__')}.png", encoded.tobytes())
    return found.registration


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/registration` and `metrics/register.json`; a clip that cannot be registered is named and counted."""
    registration_params = section(params, "registration", RegistrationParams)
    geometry = section(params, "strips", StripGeometry)
    dataset = open_dataset(section(params, "data", DataParams))
    clips = dataset.clips()
    unknown = sorted(set(registration_params.corners) - {clip.clip_id for clip in clips})
    if unknown:
        log.warning("registration.corners: %s is not a clip of this run", unknown[0])
    items = []
    for clip in clips:
        given = registration_params.corners.get(clip.clip_id)
        corners = dataset.corners(clip) if given is None else given
        override = Override(None if corners is None else tuple(map(tuple, np.asarray(corners, float).tolist())))
        items.append((clip.clip_id, dataset.video_path(clip), override))
    work = partial(register_clip, params=registration_params, geometry=geometry)
    found = dict(zip((item[0] for item in items), map_clips(work, items, runtime.workers, "register"), strict=True))
    errors = []
    for clip in clips:
        registration, truth = found[clip.clip_id], dataset.true_key_centers_px(clip)
        if not registration.is_usable:
            log.warning("refused %s: %s", clip.clip_id, registration.reason)
        elif truth is not None:
            errors.append(key_errors(registration, truth, geometry))
    write_registrations(FOLDER / FILE_NAME, found)
    metrics = summary(list(found.values()), errors)
    write_json("metrics/register.json", metrics)
    log.info("register: %s", ", ".join(f"{name} {value:g}" for name, value in metrics.items()))


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
