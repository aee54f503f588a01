"""What sweep and evaluate read: the clips of a split, with their true notes, checked against the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tivit.core.correction import NO_CORRECTION, Correction
from tivit.core.errors import InputError
from tivit.core.logits import ClipLogits, SplitClips, read_logits
from tivit.core.manifest import read_corrections, read_manifest
from tivit.core.notes import Notes


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
    correction : Correction
        What leads from the published labels to where the video shows the notes.
    """

    logits: ClipLogits
    notes: Notes
    tier: str
    correction: Correction

    @property
    def corrected_notes(self) -> Notes:
        """The labels where the video shows the notes."""
        return self.notes.corrected(self.correction)


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
    corrections_s = [clip.corrected_notes.onset_s - clip.notes.onset_s for clip in clips]
    return float(np.median(np.concatenate(corrections_s))) if any(map(len, corrections_s)) else 0.0


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
    known, corrections = read_manifest(manifest), read_corrections(manifest)
    tiers = {clip.clip_id: clip.tier for clip in known.of_split(split)}
    present = {*(clip.clip_id for clip in clips), *clips.missing}
    if unknown := sorted(present - set(tiers)):
        raise InputError(f"{decoded}: clip {unknown[0]!r} is not in split {split!r} of {manifest}")
    if missing := sorted(set(tiers) - present):
        raise InputError(f"{decoded}: clip {missing[0]!r} of split {split!r} is missing; run the logits stage again")
    scored = tuple(
        ScoredClip(clip, known.notes[clip.clip_id], tiers[clip.clip_id], corrections.get(clip.clip_id, NO_CORRECTION))
        for clip in clips
    )
    return SplitClips(scored, clips.missing, clips.settings)
