"""Pages of clips that `evaluate` scores: the notes that were found, missed and invented, over the video.

Everything is read from what the pipeline left: the decoded logits of a split, the thresholds, the manifest, the registration. A
page shows notes where the video shows them, so labels that are late or early are moved by what the manifest found of their lag.
The counts of a page are those of `evaluate` on corrected labels, which are the published ones where no lag was found.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tivit.core.artifacts import md5_of, resolve_inside
from tivit.core.errors import InputError
from tivit.core.notes import Notes
from tivit.core.params import nearest, section
from tivit.core.registration import FILE_NAME, Registration, read_registrations
from tivit.core.strip import StripGeometry
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import Thresholds, read_thresholds, refuse_other_settings
from tivit.report.page import write_page
from tivit.scoring.inputs import ScoredClip, load_split
from tivit.scoring.scores import score_clip
from tivit.transcription.confidence import confidence_of
from tivit.transcription.result import Transcription, origin_of
from tivit.video.reader import probe, sample_frames
from tivit.video.spans import WHOLE

DECODED, MANIFEST, REGISTRATION = Path("data/decoded"), Path("data/manifest"), Path("data/registration")
THRESHOLDS, CHECKPOINT = Path("metrics/thresholds.json"), Path("data/model/best.pt")


@dataclass(frozen=True)
class Selection:
    """Which clips get a page.

    Attributes
    ----------
    split : str
        The split that they are of.
    clip_ids : tuple of str
        The clips; none: those with the lowest scores.
    lowest : int
        How many of these.
    """

    split: str
    clip_ids: tuple[str, ...]
    lowest: int


def write_clip_pages(params: Mapping[str, Any], selection: Selection, folder: Path, force: bool) -> list[Path]:
    """Write a page per clip.

    Parameters
    ----------
    params : mapping
        The content of a params file; sections `strips` and `data` are read.
    selection : Selection
        The clips.
    folder : Path
        Where the pages go; made where it is not there.
    force : bool
        Whether pages of an earlier run may be replaced.

    Returns
    -------
    list of Path
        The pages, in the order of the clips, or from the lowest onset F1 on.

    Raises
    ------
    InputError
        A file of the pipeline is missing or damaged, a clip is unknown, a page exists, or a video is not on this disk.
    """
    geometry, data = section(params, "strips", StripGeometry), section(params, "data", DataParams)
    thresholds, decoded = read_thresholds(THRESHOLDS), DECODED / f"{selection.split}.npz"
    split = load_split(decoded, MANIFEST, selection.split)
    refuse_other_settings(decoded, split.settings, THRESHOLDS, thresholds.chosen_under)
    clips = _chosen({clip.logits.clip_id: clip for clip in split}, selection, thresholds)
    pages = {clip_id: resolve_inside(folder, f"{clip_id.replace('/', '__')}.html") for clip_id in clips}
    for page in pages.values():
        if page.exists() and not force:
            raise InputError(f"{page}: exists already; --force replaces it, -o chooses another folder")
    registrations = read_registrations(REGISTRATION / FILE_NAME)
    dataset = open_dataset(data)
    videos = {clip.clip_id: clip for clip in dataset.clips()}
    for clip_id, clip in clips.items():
        registration = registrations.get(clip_id)
        if not isinstance(registration, Registration) or clip_id not in videos:
            raise InputError(f"{REGISTRATION / FILE_NAME}: clip {clip_id} is not there; run the register stage again")
        video = dataset.video_path(videos[clip_id])
        write_page(pages[clip_id], _transcription(video, clip, registration, geometry, thresholds), clip.corrected_notes)
    return list(pages.values())


def _notes(clip: ScoredClip, thresholds: Thresholds) -> Notes:
    return decode_notes(clip.logits.heads, clip.logits.grid, thresholds)


def _chosen(clips: Mapping[str, ScoredClip], selection: Selection, thresholds: Thresholds) -> dict[str, ScoredClip]:
    for clip_id in selection.clip_ids:
        if clip_id not in clips:
            raise InputError(
                f"{clip_id}: no clip of {DECODED / selection.split}.npz{nearest(clip_id, clips)}; --split names another split"
            )
    if selection.clip_ids:
        return {clip_id: clips[clip_id] for clip_id in selection.clip_ids}
    f1 = {
        clip_id: score_clip(clip.notes, _notes(clip, thresholds), clip.logits.grid).counts["onset_50"].f1
        for clip_id, clip in clips.items()
    }
    return {clip_id: clips[clip_id] for clip_id in sorted(f1, key=lambda clip_id: (f1[clip_id], clip_id))[: selection.lowest]}


def _transcription(
    video: Path, clip: ScoredClip, registration: Registration, geometry: StripGeometry, thresholds: Thresholds
) -> Transcription:
    """Return what the pipeline read in a clip, in the form that a page is written of."""
    started_s = time.perf_counter()
    grid, heads = clip.logits.grid, clip.logits.heads
    notes = _notes(clip, thresholds)
    weights = f"{CHECKPOINT.name} (MD5 {md5_of(CHECKPOINT)})" if CHECKPOINT.is_file() else f"{CHECKPOINT} (not on this disk)"
    return Transcription(
        video, probe(video), WHOLE, grid, notes.moved(thresholds.label_lag_s), confidence_of(notes, heads, grid, thresholds),
        registration, geometry, sample_frames(video, 1)[0].image, thresholds, origin_of(weights, thresholds, ()), (), False,
        clip.logits, time.perf_counter() - started_s,
    )  # fmt: skip
