"""Build the manifest: usable clips with split, tier and notes; those of train lie where the video shows them."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from tivit.core.artifacts import write_json
from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.core.keyboard import key_of
from tivit.core.manifest import MOVED_SPLIT, OWN_TIER, Clip, Manifest, write_left_out, write_manifest
from tivit.core.notes import Notes
from tivit.core.params import section
from tivit.core.registration import STATUSES, objection
from tivit.core.run.runtime import RuntimeParams
from tivit.core.run.stage import run_stage
from tivit.core.strip import StripGeometry
from tivit.datasets.own import OWN_FOLDER
from tivit.datasets.params import DataParams
from tivit.datasets.registry import Dataset, open_dataset
from tivit.datasets.splits import RULE
from tivit.labels.lag import lags_of, summary_of, write_lags
from tivit.labels.usable import UsableClips, usable_clips

log = logging.getLogger("tivit.manifest")
FOLDER, STRIPS = Path("data/manifest"), Path("data/strips")
SPLITS_PATH = FOLDER / "splits.json"
TALLIES = ("notes", "notes_out_of_view", "notes_with_hand", "notes_with_staff")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/manifest` and `metrics/manifest.json`; clips without a usable registration are named and left out.

    The lag between labels and video, estimated from `data/strips`, is taken out of the notes of train as `data.lag` says. Notes
    of val and test stay as published. `lags.csv` has the lag of every clip, and `left_out.csv` names the clips that are left
    out, with split and tier. Where validation was carved from train, `data/manifest/splits.json` says how.

    The metrics list the clips that are left out under `refused` and `octave_unknown`, and what the dataset itself lacks or was
    told to leave out under `left_out`. They name the file that gave the splits. By split they count the notes, those of keys
    that no picture shows, and those whose hand or staff is known. They also count the clips whose labels were moved, those
    whose labels would be, and those whose lag is not sure.

    Parameters
    ----------
    params : dict
        The params file; sections `data` and `strips` are read.
    runtime : RuntimeParams
        Its workers estimate the lags.

    Raises
    ------
    InputError
        A label, strip or registration cannot be used, or no clip of a split is left.
    """
    geometry = section(params, "strips", StripGeometry)
    data = section(params, "data", DataParams)
    dataset = open_dataset(data)
    usable = usable_clips(dataset)
    left_out = name_left_out(usable)
    refuse_empty(dataset, usable, left_out)
    clips = [
        Clip(clip.clip_id, clip.split, clip.tier, clip.video, found.first_midi, found.last_midi) for clip, found in usable.clips
    ]
    labels = {clip.clip_id: dataset.notes(clip) for clip, _ in usable.clips}
    lags = lags_of(clips, labels, STRIPS, data.lag, runtime.pool)
    notes = {}
    for clip, registration in usable.clips:
        published = labels[clip.clip_id]
        corrected = published.moved(lags[clip.clip_id].correction_s(data.lag) if lags else 0.0)
        notes[clip.clip_id] = corrected if clip.split == MOVED_SPLIT else published
        hands = dataset.hands(clip, corrected, registration, geometry)  # fingers are seen where the video shows the notes
        if hands is not None:
            notes[clip.clip_id] = replace(notes[clip.clip_id], hand=hands.hand.astype(published.hand.dtype))
    write_manifest(FOLDER, Manifest(tuple(clips), notes))
    write_lags(FOLDER, lags, data.lag)
    write_left_out(FOLDER, ((clip.clip_id, clip.split, clip.tier) for clip, _ in usable.left_out))
    listing = dataset.listing
    SPLITS_PATH.unlink(missing_ok=True)
    if listing.carved:
        write_json(SPLITS_PATH, {"rule": RULE, **vars(data.clips.carve), "val": listing.carved})
    tallies = {name: dict.fromkeys(SPLITS, 0) for name in TALLIES}
    for clip in clips:
        for name, count in tally(clip, notes[clip.clip_id]).items():
            tallies[name][clip.split] += count
    counts, lag = Counter(clip.split for clip in clips), summary_of(clips, lags, data.lag)
    metrics = {"clips": counts, **tallies, **left_out, "left_out": listing.left_out, "split_source": listing.split_source}
    write_json("metrics/manifest.json", metrics | lag)
    log.info(
        "manifest: %d clips, %d notes, %d of them out of view; %d clips left out; splits of %s%s; %s",
        len(clips), sum(tallies["notes"].values()), sum(tallies["notes_out_of_view"].values()),
        len(usable.left_out), listing.split_source,
        f", {len(listing.carved)} train clips became val" if listing.carved else "",
        ", ".join(f"{name} {value:g}" for name, value in lag.items()),
    )  # fmt: skip


def name_left_out(usable: UsableClips) -> dict[str, list[str]]:
    """Name in the log the clips whose registration cannot be used, and return them by status.

    Parameters
    ----------
    usable : UsableClips
        The clips of the dataset.

    Returns
    -------
    dict of str to list of str
        Status -> ids, for every status but "ok".
    """
    left_out: dict[str, list[str]] = {status: [] for status in STATUSES if status != "ok"}
    for clip, found in usable.left_out:
        log.warning("left out %s (%s): %s", clip.clip_id, found.status.replace("_", " "), objection(found))
        left_out[found.status].append(clip.clip_id)
    return left_out


def refuse_empty(dataset: Dataset, usable: UsableClips, left_out: dict[str, list[str]]) -> None:
    """Name in the log what the dataset itself leaves out, and refuse to go on without clips.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    usable : UsableClips
        Its clips.
    left_out : dict of str to list of str
        Status -> ids of clips whose registration cannot be used.

    Raises
    ------
    InputError
        A split has no usable clip, or there are own clips and none of them can be used.
    """
    listing, splits = dataset.listing, {clip.split for clip, _ in usable.clips}
    for reason, ids in listing.left_out.items():
        log.warning("left out (%s): %s", reason.replace("_", " "), ", ".join(ids))
    for split in SPLITS:
        if split not in splits:
            why, lacking = (
                ", ".join(f"{len(ids)} {reason.replace('_', ' ')}" for reason, ids in reasons.items())
                for reasons in (left_out, listing.left_out)
            )
            raise InputError(f"no usable clip is left in split {split!r} (registration: {why}; left out: {lacking or 'none'})")
    if dataset.own is not None and not any(clip.tier == OWN_TIER for clip, _ in usable.clips):
        refused = (f"{clip.clip_id}: {objection(found)}" for clip, found in usable.left_out if clip.tier == OWN_TIER)
        why = "; ".join(refused)
        raise InputError(f"{OWN_FOLDER}: none of its clips can be used ({why}); see its README.md, or empty the folder")


def tally(clip: Clip, notes: Notes) -> dict[str, int]:
    """Return what the metrics count of a clip's notes.

    Parameters
    ----------
    clip : Clip
        The clip.
    notes : Notes
        Its notes.

    Returns
    -------
    dict of str to int
        Name in TALLIES -> number of notes: all, those of keys out of view, those with a hand, those with a staff.
    """
    unseen = ~clip.in_view[key_of(notes.midi)]
    counts = (len(notes), unseen.sum(), (notes.hand != UNKNOWN).sum(), (notes.staff != UNKNOWN).sum())
    return {name: int(count) for name, count in zip(TALLIES, counts, strict=True)}


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
