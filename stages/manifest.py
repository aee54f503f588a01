"""Build the manifest: usable clips with split, tier and notes; those of train lie where the video shows them."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
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
from tivit.core.strip import StripGeometry
from tivit.datasets.base import Listing
from tivit.datasets.own import OWN_FOLDER
from tivit.datasets.params import DataParams, LagParams
from tivit.datasets.registry import Dataset, open_dataset
from tivit.datasets.splits import RULE
from tivit.labels.clock import Clock
from tivit.labels.corrections import clocks_of, correction_of, misfit, said_of, summary_of, write_lags
from tivit.labels.usable import MOST_NAMED, UsableClips, read_labels, usable_clips

log = logging.getLogger("tivit.manifest")
FOLDER, STRIPS = Path("data/manifest"), Path("data/strips")
SPLITS_PATH = FOLDER / "splits.json"
TALLIES = ("notes", "notes_out_of_view", "notes_with_hand", "notes_with_staff")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/manifest` and `metrics/manifest.json`; clips that cannot be used are named and left out.

    The clock of labels against video, estimated from `data/strips`, is taken out of the notes of train as `data.lag` says.
    Notes of val and test stay as published. `lags.csv` has the clock of every clip, and `left_out.csv` names the clips that are
    left out, with split and tier. Where validation was carved from train, `data/manifest/splits.json` says how.

    The metrics list the clips that are left out under `refused`, `octave_unknown`, `label_unreadable` (own clips alone) and
    `label_misfit` (train alone), and what the dataset itself lacks or was told to leave out under `left_out`. They name the
    file that gave the splits. By split they count the notes, those of keys that no picture shows, and those whose hand or staff
    is known. They also count the clips whose labels were moved, those whose labels would be, and those whose clock is not sure.

    Parameters
    ----------
    params : dict
        The params file; sections `data` and `strips` are read.
    runtime : RuntimeParams
        Its workers estimate the clocks.

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
    labels, unreadable = read_labels(dataset, [clip for clip, _ in usable.clips])
    pairs = [(clip, registration) for clip, registration in usable.clips if clip.clip_id in labels]
    clips = [Clip(clip.clip_id, clip.split, clip.tier, clip.video, found.first_midi, found.last_midi) for clip, found in pairs]
    clocks = clocks_of(clips, labels, STRIPS, data.lag, runtime.pool)
    misfits = {clip.clip_id: misfit(clip, clocks[clip.clip_id], data.lag) for clip in clips if clip.clip_id in clocks}
    misfits = {clip_id: sentence for clip_id, sentence in misfits.items() if sentence}
    refuse_labels(dataset, usable, unreadable | misfits)
    clips, notes = [clip for clip in clips if clip.clip_id not in misfits], {}
    pairs = [(clip, registration) for clip, registration in pairs if clip.clip_id not in misfits]
    name_clocks(clips, clocks, data.lag)
    for clip, registration in pairs:
        published = labels[clip.clip_id]
        corrected = published.corrected(correction_of(clip.clip_id, clocks, data.lag))
        notes[clip.clip_id] = corrected if clip.split == MOVED_SPLIT else published
        hands = dataset.hands(clip, corrected, registration, geometry)  # fingers are seen where the video shows the notes
        if hands is not None:
            notes[clip.clip_id] = replace(notes[clip.clip_id], hand=hands.hand.astype(published.hand.dtype))
    write_manifest(FOLDER, Manifest(tuple(clips), notes))
    write_lags(FOLDER, clocks, data.lag)
    ids = {clip.clip_id for clip in clips}
    out = [clip for clip, _ in (*usable.clips, *usable.left_out) if clip.clip_id not in ids]
    write_left_out(FOLDER, sorted((clip.clip_id, clip.split, clip.tier) for clip in out))
    listing = dataset.listing
    SPLITS_PATH.unlink(missing_ok=True)
    if listing.carved:
        write_json(SPLITS_PATH, {"rule": RULE, **vars(data.clips.carve), "val": listing.carved})
    left_out |= {"label_unreadable": sorted(unreadable), "label_misfit": sorted(misfits)}
    write_metrics(clips, notes, left_out, listing, summary_of(clips, clocks, data.lag))


def write_metrics(
    clips: Sequence[Clip],
    notes: Mapping[str, Notes],
    left_out: Mapping[str, list[str]],
    listing: Listing,
    lag: Mapping[str, float],
) -> None:
    """Write `metrics/manifest.json` and say its figures in the log.

    Parameters
    ----------
    clips : sequence of Clip
        The clips that are used.
    notes : mapping of str to Notes
        Clip id -> notes.
    left_out : mapping of str to list of str
        Reason -> ids of the clips that cannot be used.
    listing : Listing
        What the dataset itself says.
    lag : mapping of str to float
        From `summary_of`.
    """
    tallies = {name: dict.fromkeys(SPLITS, 0) for name in TALLIES}
    for clip in clips:
        for name, count in tally(clip, notes[clip.clip_id]).items():
            tallies[name][clip.split] += count
    counts = Counter(clip.split for clip in clips)
    metrics = {"clips": counts, **tallies, **left_out, "left_out": listing.left_out, "split_source": listing.split_source}
    write_json("metrics/manifest.json", metrics | lag)
    log.info(
        "manifest: %d clips, %d notes, %d of them out of view; %d clips left out; splits of %s%s; %s",
        len(clips), sum(tallies["notes"].values()), sum(tallies["notes_out_of_view"].values()),
        sum(map(len, left_out.values())), listing.split_source,
        f", {len(listing.carved)} train clips became val" if listing.carved else "",
        ", ".join(f"{name} {value:g}" for name, value in lag.items()),
    )  # fmt: skip


def name_clocks(clips: Sequence[Clip], clocks: Mapping[str, Clock], params: LagParams) -> None:
    """Name in the log the clips whose labels run at another rate or start far off, and own clips of which nothing is sure.

    Parameters
    ----------
    clips : sequence of Clip
        The clips that are used.
    clocks : mapping of str to Clock
        Clip id -> clock.
    params : LagParams
        Which clocks are believed.
    """
    for clip in clips:
        clock = clocks.get(clip.clip_id)
        if clock is None:
            continue
        if clip.tier == OWN_TIER and not clock.is_sure(params):
            log.warning(
                "%s: too few notes (%d) tell how late its labels are; they are used as they are", clip.clip_id, clock.notes
            )
        elif clock.is_sure(params) and (clock.drift or abs(clock.lag_s) >= params.largest_s):
            log.warning("%s: %s", clip.clip_id, said_of(clock, is_moved=clip.split == MOVED_SPLIT))


def refuse_labels(dataset: Dataset, usable: UsableClips, faults: Mapping[str, str]) -> None:
    """Name in the log the clips whose labels cannot be used, and refuse to go on where train, or all own clips, are lost.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    usable : UsableClips
        Its clips.
    faults : mapping of str to str
        Clip id -> what is wrong with its labels.

    Raises
    ------
    InputError
        No train clip is left, or there are own clips and none of them can be used.
    """
    for clip_id, fault in faults.items():
        log.warning("left out %s: %s", clip_id, fault)
    train = [clip for clip, _ in usable.clips if clip.split == MOVED_SPLIT]
    first = "; ".join(f"{clip_id}: {fault}" for clip_id, fault in list(faults.items())[:MOST_NAMED])
    if all(clip.clip_id in faults for clip in train):
        raise InputError(
            f"no train clip is left whose labels can be used ({first}); data.lag.correct: false takes labels as they are"
        )
    own = [clip.clip_id for clip in train if clip.tier == OWN_TIER]
    if dataset.own is not None and set(own) <= set(faults):
        raise InputError(f"{OWN_FOLDER}: none of its clips can be used ({first}); see its README.md, or empty the folder")


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
