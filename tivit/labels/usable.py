"""Which of the chosen clips of a dataset can be used: those whose keyboard the register stage found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.registration import FILE_NAME, Refusal, Registration, is_usable, read_registrations
from tivit.datasets.base import DatasetClip
from tivit.datasets.registry import Dataset

REGISTRATIONS = Path("data/registration") / FILE_NAME


@dataclass(frozen=True)
class UsableClips:
    """The clips of a dataset by whether they can be used.

    Attributes
    ----------
    clips : tuple of pairs
        The clips that can be used, each with its registration, in the order of their ids.
    left_out : tuple of pairs
        Those that cannot, each with what came of it, in the same order.
    """

    clips: tuple[tuple[DatasetClip, Registration], ...]
    left_out: tuple[tuple[DatasetClip, Registration | Refusal], ...]


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
    usable = tuple((clip, registration) for clip, registration in pairs if is_usable(registration))
    return UsableClips(usable, tuple(pair for pair in pairs if not is_usable(pair[1])))
