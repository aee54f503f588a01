"""What sweep and evaluate read: the clips of a split, with their true notes, checked against the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.logits import ClipLogits, SplitClips, read_logits
from tivit.core.manifest import read_corrections, read_manifest
from tivit.core.notes import Notes
from tivit.core.registration import is_usable, read_registrations


@dataclass(frozen=True)
class ScoredClip:
    """One clip of a split.

    Attributes
    ----------
    logits : ClipLogits
        What the model says.
    notes : Notes
        The published labels.
    tier : str
        Name of the clip's tier, "" for none.
    correction_s : float
        By how much corrected labels are later than the published ones (s); 0 where they are the same.
    """

    logits: ClipLogits
    notes: Notes
    tier: str
    correction_s: float

    @property
    def corrected_notes(self) -> Notes:
        """The labels where the video shows the notes: the published ones, later by `correction_s`."""
        return self.notes.moved(self.correction_s)


def label_lag_s(clips: Sequence[ScoredClip]) -> float:
    """Return by how much corrected labels are later than published ones.

    Parameters
    ----------
    clips : sequence of ScoredClip

    Returns
    -------
    float
        The median over the notes of all clips (s); 0 without any note.
    """
    corrections_s = [np.full(len(clip.notes), clip.correction_s) for clip in clips]
    return float(np.median(np.concatenate(corrections_s))) if any(map(len, corrections_s)) else 0.0


def refused_tiers(registrations: Path | str, manifest: Path | str, split: str) -> list[str]:
    """Return the tier of each clip of a split whose keyboard was not found.

    The manifest does not list these clips. Those of the rendered dataset, the only one whose clips have tiers, carry theirs in
    their names, `<tier>_<number>`; a tier counts even when the manifest lists no clip of it.

    Parameters
    ----------
    registrations : Path or str
        The file of registrations.
    manifest : Path or str
        The manifest folder.
    split : str
        The split.

    Returns
    -------
    list of str
        One per refused clip, "" for a clip without a tier.

    Raises
    ------
    InputError
        A file cannot be used.
    """
    used = read_manifest(manifest).of_split(split)
    listed, has_tiers = {clip.clip_id for clip in used}, any(clip.tier for clip in used)
    refused = [
        clip_id
        for clip_id, registration in read_registrations(registrations).items()
        if clip_id.startswith(f"{split}/") and clip_id not in listed and not is_usable(registration)
    ]
    return [Path(clip_id).name.rpartition("_")[0] if has_tiers else "" for clip_id in refused]


def load_split(decoded: Path | str, manifest: Path | str, split: str) -> SplitClips[ScoredClip]:
    """Return the clips of a split with their true notes.

    Parameters
    ----------
    decoded : Path or str
        The logits file of the split.
    manifest : Path or str
        The manifest folder, which holds the notes.
    split : str
        The split.

    Returns
    -------
    SplitClips of ScoredClip
        In the order of the logits file. A partial file (`logits.max_clips`, `logits.timeout_s`) gives the clips that it has,
        and in `missing` the ids of the others.

    Raises
    ------
    InputError
        A file is unreadable, or file and manifest do not name the same clips.
    """
    clips = read_logits(decoded)
    known, corrections_s = read_manifest(manifest), read_corrections(manifest)
    tiers = {clip.clip_id: clip.tier for clip in known.of_split(split)}
    present = {*(clip.clip_id for clip in clips), *clips.missing}
    if unknown := sorted(present - set(tiers)):
        raise InputError(f"{decoded}: clip {unknown[0]!r} is not in split {split!r} of {manifest}")
    if missing := sorted(set(tiers) - present):
        raise InputError(f"{decoded}: clip {missing[0]!r} of split {split!r} is missing; run the logits stage again")
    scored = tuple(
        ScoredClip(clip, known.notes[clip.clip_id], tiers[clip.clip_id], corrections_s.get(clip.clip_id, 0.0)) for clip in clips
    )
    return SplitClips(scored, clips.missing, clips.settings)
