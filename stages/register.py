"""Find the keyboard in every clip of the dataset: homography, x correction, orientation, or a reason why not."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
import logging
from pathlib import Path
from typing import Any

from tivit.core.artifacts import write_bytes, write_json
from tivit.core.params import section
from tivit.core.registration import FILE_NAME, Refusal, Registration, is_usable, write_registrations
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.registration.batch import advice, register_clips, status_counts, tasks_of
from tivit.registration.params import RegistrationParams
from tivit.registration.truth import errors_in_view, summary

log = logging.getLogger("tivit.register")
FOLDER = Path("data/registration")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/registration` and `metrics/register.json`; a clip that cannot be used is named and counted by its status.

    Parameters
    ----------
    params : dict
        The params file; sections `registration`, `strips` and `data` are read.
    runtime : RuntimeParams
        Its workers register the clips.
    """
    registration_params = section(params, "registration", RegistrationParams)
    geometry = section(params, "strips", StripGeometry)
    dataset = open_dataset(section(params, "data", DataParams))
    clips = dataset.clips()
    tasks = tasks_of(dataset, clips, registration_params, geometry)
    registrations: dict[str, Registration | Refusal] = {}
    errors = []
    clips_by_id = {clip.clip_id: clip for clip in clips}
    for item in register_clips(tasks, registration_params, geometry, runtime.pool):
        clip = clips_by_id[item.clip_id]
        registrations[clip.clip_id] = registration = item.registration
        if item.overlay is not None:
            write_bytes(FOLDER / "overlays" / f"{clip.clip_id.replace('/', '__')}.png", item.overlay)
        truth = dataset.true_key_centers_px(clip)
        if not is_usable(registration):
            log.warning("%s %s: %s", registration.status.replace("_", " "), clip.clip_id, advice(registration))
        elif truth is not None:
            errors.append(errors_in_view(registration, truth, geometry))
    write_registrations(FOLDER / FILE_NAME, registrations)
    counts = status_counts(list(registrations.values()))
    del counts["ok"]
    metrics = summary(list(registrations.values()), errors) | counts
    write_json("metrics/register.json", metrics)
    log.info("register: %s", ", ".join(f"{name} {value:g}" for name, value in metrics.items()))


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
