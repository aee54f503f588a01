"""Build the manifest: usable clips with split, tier and notes."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

from tivit.core.artifacts import write_json
from tivit.core.errors import InputError
from tivit.core.keyboard import key_of
from tivit.core.manifest import OWN_TIER, SPLITS, Clip, Manifest, write_manifest
from tivit.core.params import section
from tivit.core.registration import FILE_NAME, STATUSES, read_registrations
from tivit.core.runtime import RuntimeParams
from tivit.core.stage import run_stage
from tivit.datasets.own import OWN_FOLDER
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset

log = logging.getLogger("tivit.manifest")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/manifest` and `metrics/manifest.json`; clips without a usable registration are named and left out.

    The metrics list them under `refused` and `octave_unknown`, and count the notes, and those of keys that no picture shows, by
    split.
    """
    del runtime
    dataset = open_dataset(section(params, "data", DataParams))
    registrations = read_registrations(Path("data/registration") / FILE_NAME)
    clips, notes = [], {}
    left_out: dict[str, list[str]] = {status: [] for status in STATUSES if status != "ok"}
    for clip in dataset.clips():
        registration = registrations.get(clip.clip_id)
        if registration is None:
            raise InputError(f"data/registration/{FILE_NAME}: clip {clip.clip_id!r} is missing; run the register stage")
        if not registration.is_usable:
            log.warning("left out %s (%s): %s", clip.clip_id, registration.status.replace("_", " "), registration.reason)
            left_out[registration.status].append(clip.clip_id)
            continue
        in_view = (registration.first_midi, registration.last_midi)
        clips.append(Clip(clip.clip_id, clip.split, clip.tier, clip.video, *in_view))
        notes[clip.clip_id] = dataset.notes(clip)
    counts = Counter(clip.split for clip in clips)
    empty = [split for split in SPLITS if not counts[split]]
    if empty:
        why = ", ".join(f"{len(ids)} {status.replace('_', ' ')}" for status, ids in left_out.items())
        raise InputError(f"no usable clip is left in split {empty[0]!r} (registration: {why})")
    if dataset.own is not None and not any(clip.tier == OWN_TIER for clip in clips):
        why = "; ".join(f"{clip.clip_id}: {registrations[clip.clip_id].reason}" for clip in dataset.own.clips())
        raise InputError(f"{OWN_FOLDER}: none of its clips can be used ({why}); see its README.md, or empty the folder")
    write_manifest("data/manifest", Manifest(tuple(clips), notes))
    note_counts, unseen_counts = Counter(dict.fromkeys(SPLITS, 0)), Counter(dict.fromkeys(SPLITS, 0))
    for clip in clips:
        note_counts[clip.split] += len(notes[clip.clip_id])
        unseen_counts[clip.split] += int((~clip.in_view[key_of(notes[clip.clip_id].midi)]).sum())
    metrics = {"clips": counts, "notes": note_counts, "notes_out_of_view": unseen_counts}
    write_json("metrics/manifest.json", metrics | left_out)
    log.info(
        "manifest: %d clips, %d notes, %d of them out of view; %d clips left out",
        len(clips), note_counts.total(), unseen_counts.total(), sum(map(len, left_out.values())),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
