"""Build the manifest: usable clips with split, tier and notes."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

from tivit.core.artifacts import write_json
from tivit.core.errors import InputError
from tivit.core.manifest import SPLITS, Clip, Manifest, write_manifest
from tivit.core.params import section
from tivit.core.registration import FILE_NAME, read_registrations
from tivit.core.runtime import RuntimeParams
from tivit.core.stage import run_stage
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset

log = logging.getLogger("tivit.manifest")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/manifest` and `metrics/manifest.json`; clips refused by registration are named and left out."""
    del runtime
    dataset = open_dataset(section(params, "data", DataParams))
    registrations = read_registrations(Path("data/registration") / FILE_NAME)
    clips, notes, refused = [], {}, []
    for clip in dataset.clips():
        registration = registrations.get(clip.clip_id)
        if registration is None:
            raise InputError(f"data/registration/{FILE_NAME}: clip {clip.clip_id!r} is missing; run the register stage")
        if not registration.is_usable:
            log.warning("left out %s: %s", clip.clip_id, registration.reason)
            refused.append(clip.clip_id)
            continue
        clips.append(Clip(clip.clip_id, clip.split, clip.tier, clip.video))
        notes[clip.clip_id] = dataset.notes(clip)
    counts = Counter(clip.split for clip in clips)
    empty = [split for split in SPLITS if not counts[split]]
    if empty:
        raise InputError(f"no usable clip is left in split {empty[0]!r} ({len(refused)} refused by registration)")
    write_manifest("data/manifest", Manifest(tuple(clips), notes))
    note_counts = {split: sum(len(notes[clip.clip_id]) for clip in clips if clip.split == split) for split in SPLITS}
    write_json("metrics/manifest.json", {"clips": counts, "notes": note_counts, "refused": refused})
    log.info("manifest: %d clips, %d notes, %d left out", len(clips), sum(note_counts.values()), len(refused))


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
