"""`tivit check dataset`: what a dataset holds, what of it is missing or damaged, and one strip with its labels on it.

Labels and videos are looked at as they lie in the dataset; manifest and strips only where the pipeline has already made them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tivit.core.artifacts import write_bytes
from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.core.keyboard import IS_BLACK, LEFT_MM, RIGHT_MM, key_of, name_of
from tivit.core.manifest import CLIPS_NAME, Manifest, read_manifest
from tivit.core.notes import Notes
from tivit.core.params import section
from tivit.core.run.progress import progress, say
from tivit.core.strip import INDEX_NAME, StripFolder, open_strips
from tivit.datasets.base import DatasetClip
from tivit.datasets.params import DataParams
from tivit.datasets.registry import Dataset, open_dataset
from tivit.video.reader import probe, sample_frames

MANIFEST, STRIPS = Path("data/manifest"), Path("data/strips")
PICTURE_NAME = "dataset.png"
PICTURE_ROWS = 8
"""Frames in the picture, one below the other."""
AFTER_ONSET_S = 0.05
"""How long after an onset a frame is shown (s): the key is down by then."""
LENGTH_PERCENTILES = (1, 5, 25, 50, 75, 95)
"""Percentiles of the lengths of notes in the table."""
# Colours of the outlines of keys that are down: blue, green, red.
HAND_BGR = {RIGHT_HAND: (255, 160, 0), LEFT_HAND: (0, 200, 0), UNKNOWN: (0, 0, 255)}


@dataclass(frozen=True)
class Counted:
    """A clip that can be used.

    Attributes
    ----------
    split : str
        Its split.
    duration_s : float
        Duration by the file (s), or up to the last release where the file does not say.
    notes : Notes
        Its labels.
    """

    split: str
    duration_s: float
    notes: Notes


def check_dataset(params: Mapping[str, Any], split: str | None, out: Path) -> int:
    """Print statistics and faults of the configured dataset and write `dataset.png`.

    A fault is a video that does not decode or ends before its notes begin, a label that cannot be read, or a manifest or strip
    that is not of these clips. What the dataset lacks is printed, and no fault.

    Parameters
    ----------
    params : mapping
        The content of a params file; section `data` is used.
    split : str or None
        Clips of one split only; None: all.
    out : Path
        Folder of the picture.

    Returns
    -------
    int
        The exit status: 0 without a fault, 1 with one.

    Raises
    ------
    InputError
        The dataset cannot be opened, or has no clip in the split.
    """
    dataset = open_dataset(section(params, "data", DataParams))
    clips = [clip for clip in dataset.clips() if split in (None, clip.split)]
    if not clips:
        raise InputError(f"no clip of {dataset.index.name} is selected (split {split})")
    print("\n".join(lines_of_listing(dataset)))
    counted, faults = look(dataset, clips)
    print("\n".join(table(counted)))
    manifest = read_manifest(MANIFEST) if (MANIFEST / CLIPS_NAME).exists() else None
    strips = open_strips(STRIPS) if (STRIPS / INDEX_NAME).exists() else None
    if manifest is None or strips is None:
        print("manifest and strips: not made yet; `dvc repro manifest` makes them")
    else:
        unusable = faults_of_strips(manifest, strips, {clip.clip_id: clip.split for clip in clips}, split)
        faults += unusable.values()
        sound = [clip.clip_id for clip in clips if clip.clip_id not in unusable]
        picture = write_picture(out / PICTURE_NAME, manifest, strips, sound)
        print(f"picture: {picture}" if picture else "picture: none of the clips has a strip")
    print("\n".join([*faults, f"{len(clips)} clips, {len(faults)} faults"]))
    return 1 if faults else 0


def lines_of_listing(dataset: Dataset) -> Iterator[str]:
    """Yield lines that say where the splits come from, what was carved, and what is left out for which reason."""
    listing = dataset.listing
    yield f"{dataset.index.name}: splits of {listing.split_source}"
    if listing.carved:
        yield f"val was carved from train: {', '.join(listing.carved)}"
    for reason, ids in listing.left_out.items():
        yield f"left out, {reason.replace('_', ' ')} ({len(ids)}): {', '.join(ids)}"


def look(dataset: Dataset, clips: Sequence[DatasetClip]) -> tuple[list[Counted], list[str]]:
    """Return what can be counted of clips, and what is wrong with them.

    Parameters
    ----------
    dataset : Dataset
        The dataset of the clips.
    clips : sequence of DatasetClip
        Labels and video of each are read.

    Returns
    -------
    (list of Counted, list of str)
        The clips that can be used; and a sentence for each label or video that cannot be read, and for each clip with notes
        after the end of its video.
    """
    counted, faults = [], []
    for clip in progress(clips, "check dataset", "clip"):
        try:
            notes = dataset.notes(clip)
            video = dataset.video_path(clip)
            sample_frames(video, 2)
            duration_s = probe(video).duration_s
        except InputError as error:
            faults.append(f"{clip.clip_id}: {error}")
            say(faults[-1])
            continue
        end_s = float(notes.offset_s.max()) if len(notes) else 0.0
        counted.append(Counted(clip.split, duration_s or end_s, notes))
        late = int((notes.onset_s > duration_s).sum()) if duration_s else 0
        if late:
            faults.append(f"{clip.clip_id}: {late} notes begin after the video's end at {duration_s:.2f} s")
    return counted, faults


def table(counted: Sequence[Counted]) -> Iterator[str]:
    """Yield the statistics: a header, then one line per split."""
    names = "/".join(map(str, LENGTH_PERCENTILES))
    heads = f"{'':6s}{'clips':>6s}{'hours':>8s}{'notes':>8s}{'notes/s':>8s}{'keys':>9s}"
    yield f"{heads}{'black':>7s}{'hand':>7s}{'at once':>9s}  ms {names}"
    for split in SPLITS:
        part = [item for item in counted if item.split == split]
        duration_s = sum(item.duration_s for item in part)
        columns = {
            name: np.concatenate([np.zeros(0), *(getattr(item.notes, name) for item in part)])
            for name in ("onset_s", "offset_s", "midi", "hand")
        }
        midi = columns["midi"].astype(int)
        if not midi.size or not duration_s:
            yield f"{split:6s}{len(part):6d}{duration_s / 3600:8.3f}{midi.size:8d}"
            continue
        at_once = np.concatenate([polyphony(item.notes) for item in part])
        lengths_ms = np.percentile(1000 * (columns["offset_s"] - columns["onset_s"]), LENGTH_PERCENTILES)
        yield (
            f"{split:6s}{len(part):6d}{duration_s / 3600:8.3f}{midi.size:8d}{midi.size / duration_s:8.2f}"
            f"{name_of(midi.min()) + '-' + name_of(midi.max()):>9s}{IS_BLACK[key_of(midi)].mean():7.1%}"
            f"{(columns['hand'] != UNKNOWN).mean():7.0%}{at_once.mean():6.1f}/{at_once.max():<2d}"
            f"  {'/'.join(f'{value:.0f}' for value in lengths_ms)}"
        )


def polyphony(notes: Notes) -> np.ndarray:
    """Return how many notes last at each onset, that note included.

    Parameters
    ----------
    notes : Notes
        N notes of one clip, sorted by onset.

    Returns
    -------
    np.ndarray
        int (N,).
    """
    # Those that have begun by then, less those that have ended.
    begun = np.searchsorted(notes.onset_s, notes.onset_s, side="right")
    return begun - np.searchsorted(np.sort(notes.offset_s), notes.onset_s, side="right")


def faults_of_strips(manifest: Manifest, strips: StripFolder, splits: Mapping[str, str], split: str | None) -> dict[str, str]:
    """Return what is wrong with the clips of the manifest.

    Parameters
    ----------
    manifest : Manifest
        What the pipeline made of the dataset.
    strips : StripFolder
        Its strips.
    splits : mapping
        Clip id -> split, of the dataset's clips.
    split : str or None
        Look at one split only; None: at all.

    Returns
    -------
    dict[str, str]
        Clip id -> sentence, for clips that are not the dataset's, or whose strip cannot be used.
    """
    faults = {}
    for clip in manifest.clips:
        there = splits.get(clip.clip_id)
        if split not in (None, clip.split):
            continue
        if there != clip.split:
            faults[clip.clip_id] = (
                f"{MANIFEST / CLIPS_NAME}: {clip.clip_id} is in split {clip.split}, in the dataset in {there}"
            )
            continue
        try:
            strips.open(clip.clip_id)
        except InputError as error:
            faults[clip.clip_id] = str(error)
    return faults


def write_picture(path: Path, manifest: Manifest, strips: StripFolder, clip_ids: Sequence[str]) -> Path | None:
    """Write frames of the first clip that has notes and a strip, with the keys that are down outlined.

    Parameters
    ----------
    path : Path
        The picture, PNG.
    manifest : Manifest
        The notes.
    strips : StripFolder
        The frames.
    clip_ids : sequence of str
        Clips to choose from, in this order.

    Returns
    -------
    Path or None
        `path`; None where no clip has both, and then nothing is written.
    """
    labelled_ids = (clip_id for clip_id in clip_ids if clip_id in strips.grids and len(manifest.notes.get(clip_id, ())))
    clip_id = next(labelled_ids, None)
    if clip_id is None:
        return None
    notes, grid, frames = manifest.notes[clip_id], strips.grids[clip_id], strips.open(clip_id)
    onset_index = np.unique(np.linspace(0, len(notes) - 1, PICTURE_ROWS).astype(int))
    rows = []
    for onset_s in notes.onset_s[onset_index]:
        frame = int(np.clip(np.round(grid.frame(onset_s + AFTER_ONSET_S)), 0, grid.length - 1))
        time_s = float(grid.time_s(frame))
        down = notes.take((notes.onset_s <= time_s) & (time_s < notes.offset_s))
        rows.append(_draw(frames[frame], down, strips, f"{clip_id}  {time_s:.2f} s"))
    write_bytes(path, cv2.imencode(".png", np.vstack(rows))[1].tobytes())
    return path


def _draw(frame: np.ndarray, down: Notes, strips: StripFolder, caption: str) -> np.ndarray:
    picture = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    for midi, hand in zip(down.midi, down.hand, strict=True):
        left, right = (int(round(2 * strips.geometry.column_px(edge[key_of(midi)]))) for edge in (LEFT_MM, RIGHT_MM))
        cv2.rectangle(picture, (left, 1), (right - 1, picture.shape[0] - 2), HAND_BGR[int(hand)], 2)
    title = np.full((20, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(title, caption, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([title, picture])
