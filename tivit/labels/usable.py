"""Which of the chosen clips of a dataset can be used: those whose keyboard the register stage found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.registration import FILE_NAME, Registration, read_registrations
from tivit.datasets.base import DatasetClip
from tivit.datasets.registry import Dataset

REGISTRATIONS = Path("data/registration") / FILE_NAME


@dataclass(frozen=True)
class UsableClips:
    """The clips of a dataset by whether they can be used.

    Attributes
    ----------
    clips, left_out : tuple of pairs
        The clips that can be used and those that cannot, each with its registration, in the order of their ids.
    """

    clips: tuple[tuple[DatasetClip, Registration], ...]
    left_out: tuple[tuple[DatasetClip, Registration], ...]


def usable_clips(dataset: Dataset) -> UsableClips:
    """Return the chosen clips of a dataset by whether their registration in `data/registration` is usable.

    Parameters
    ----------
    dataset : Dataset
        The dataset.

    Returns
    -------
    UsableClips
        Every chosen clip is in one of its two tuples.

    Raises
    ------
    InputError
        A clip has no registration at all, or is in two splits.
    """
    clips, registrations = dataset.clips(), read_registrations(REGISTRATIONS)
    dataset.refuse_shared(clips)
    for clip in clips:
        if clip.clip_id not in registrations:
            raise InputError(f"{REGISTRATIONS}: clip {clip.clip_id!r} is missing; run the register stage")
    pairs = [(clip, registrations[clip.clip_id]) for clip in clips]
    return UsableClips(
        tuple(pair for pair in pairs if pair[1].is_usable), tuple(pair for pair in pairs if not pair[1].is_usable)
    )
