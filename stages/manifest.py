"""Build the manifest: usable clips with split, tier and notes."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from tivit.core.artifacts import write_json
from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.core.keyboard import key_of
from tivit.core.manifest import OWN_TIER, SPLITS, Clip, Manifest, write_manifest
from tivit.core.notes import Notes
from tivit.core.params import section
from tivit.core.registration import FILE_NAME, STATUSES, read_registrations
from tivit.core.runtime import RuntimeParams
from tivit.core.stage import run_stage
from tivit.core.strip import StripGeometry
from tivit.datasets.own import OWN_FOLDER
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.datasets.splits import RULE

log = logging.getLogger("tivit.manifest")
SPLITS_PATH = Path("data/manifest/splits.json")
TALLIES = ("notes", "notes_out_of_view", "notes_with_hand", "notes_with_staff")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/manifest` and `metrics/manifest.json`; clips without a usable registration are named and left out.

    The metrics list them under `refused` and `octave_unknown`, and what the dataset itself lacks or was told to leave out under
    `left_out`; they name the file that gave the splits, and count by split the notes, those of keys that no picture shows, and
    those whose hand or staff is known. Where validation was carved from train, `data/manifest/splits.json` says how.
    """
    del runtime
    geometry = section(params, "strips", StripGeometry)
    dataset = open_dataset(section(params, "data", DataParams))
    registrations = read_registrations(Path("data/registration") / FILE_NAME)
    clips, notes = [], {}
    left_out: dict[str, list[str]] = {status: [] for status in STATUSES if status != "ok"}
    chosen = dataset.clips()
    dataset.refuse_shared(chosen)
    for clip in chosen:
        registration = registrations.get(clip.clip_id)
        if registration is None:
            raise InputError(f"data/registration/{FILE_NAME}: clip {clip.clip_id!r} is missing; run the register stage")
        if not registration.is_usable:
            log.warning("left out %s (%s): %s", clip.clip_id, registration.status.replace("_", " "), registration.reason)
            left_out[registration.status].append(clip.clip_id)
            continue
        in_view = (registration.first_midi, registration.last_midi)
        clips.append(Clip(clip.clip_id, clip.split, clip.tier, clip.video, *in_view))
        notes[clip.clip_id] = found = dataset.notes(clip)
        labels = dataset.hands(clip, found, registration, geometry)
        if labels is not None:
            notes[clip.clip_id] = replace(found, hand=labels.hand.astype(found.hand.dtype))
    counts = Counter(clip.split for clip in clips)
    empty = [split for split in SPLITS if not counts[split]]
    if empty:
        why, lacking = (
            ", ".join(f"{len(ids)} {reason.replace('_', ' ')}" for reason, ids in reasons.items())
            for reasons in (left_out, dataset.listing.left_out)
        )
        raise InputError(f"no usable clip is left in split {empty[0]!r} (registration: {why}; left out: {lacking or 'none'})")
    if dataset.own is not None and not any(clip.tier == OWN_TIER for clip in clips):
        why = "; ".join(f"{clip.clip_id}: {registrations[clip.clip_id].reason}" for clip in dataset.own.clips())
        raise InputError(f"{OWN_FOLDER}: none of its clips can be used ({why}); see its README.md, or empty the folder")
    write_manifest("data/manifest", Manifest(tuple(clips), notes))
    listing = dataset.listing
    SPLITS_PATH.unlink(missing_ok=True)
    if listing.carved:
        write_json(SPLITS_PATH, {"rule": RULE, **vars(dataset.params.carve), "val": listing.carved})
    for reason, ids in listing.left_out.items():
        log.warning("left out (%s): %s", reason.replace("_", " "), ", ".join(ids))
    tallies = {name: dict.fromkeys(SPLITS, 0) for name in TALLIES}
    for clip in clips:
        for name, count in tally(clip, notes[clip.clip_id]).items():
            tallies[name][clip.split] += count
    metrics = {"clips": counts, **tallies, **left_out, "left_out": listing.left_out, "split_source": listing.split_source}
    write_json("metrics/manifest.json", metrics)
    log.info(
        "manifest: %d clips, %d notes, %d of them out of view; %d clips left out; splits of %s%s",
        len(clips), sum(tallies["notes"].values()), sum(tallies["notes_out_of_view"].values()),
        sum(map(len, left_out.values())), listing.split_source,
        f", {len(listing.carved)} train clips became val" if listing.carved else "",
    )  # fmt: skip


def tally(clip: Clip, notes: Notes) -> dict[str, int]:
    """Return what the metrics count of a clip's notes, under the names of TALLIES."""
    unseen = ~clip.in_view[key_of(notes.midi)]
    counts = (len(notes), unseen.sum(), (notes.hand != UNKNOWN).sum(), (notes.staff != UNKNOWN).sum())
    return {name: int(count) for name, count in zip(TALLIES, counts, strict=True)}


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
