"""Which of the chosen clips can be used: those whose keyboard the register stage found and whose labels can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.manifest import OWN_TIER
from tivit.core.notes import Notes
from tivit.core.registration import FILE_NAME, Refusal, Registration, is_usable, read_registrations
from tivit.datasets.base import DatasetClip
from tivit.datasets.registry import Dataset

REGISTRATIONS = Path("data/registration") / FILE_NAME
MOST_NAMED = 10
"""So many labels that cannot be read are named in one message."""


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


def read_labels(dataset: Dataset, clips: Sequence[DatasetClip]) -> tuple[dict[str, Notes], dict[str, str]]:
    """Return the labels of clips, and what is wrong with those of the user's own clips that cannot be read.

    Parameters
    ----------
    dataset : Dataset
        The dataset of the clips.
    clips : sequence of DatasetClip
        The clips.

    Returns
    -------
    (dict of str to Notes, dict of str to str)
        Clip id -> published notes; and own clip id -> sentence, for every own clip that is not among the first.

    Raises
    ------
    InputError
        Labels of the dataset itself cannot be read. All of them are named, because a published split must not shrink unseen.
    """
    labels, own_faults, faults = {}, {}, []
    for clip in clips:
        try:
            labels[clip.clip_id] = dataset.notes(clip)
        except InputError as error:
            if clip.tier == OWN_TIER:
                own_faults[clip.clip_id] = str(error)
            else:
                faults.append(str(error))
    if faults:
        more = f"; and {len(faults) - MOST_NAMED} more, which `tivit check dataset` names" if len(faults) > MOST_NAMED else ""
        raise InputError("; ".join(faults[:MOST_NAMED]) + more)
    return labels, own_faults
