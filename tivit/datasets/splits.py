"""Splits: a validation split carved from train where a dataset publishes none, lists of stems, and no clip in two splits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.params import nearest
from tivit.datasets.base import EXCLUDED, DatasetClip, Listing
from tivit.datasets.params import CarveRule
from tivit.datasets.text import read_stems

RULE = "train clips with the lowest MD5 of '<seed>/<clip id>'"


def with_val(listing: Listing, rule: CarveRule) -> Listing:
    """Return a listing that has a validation split: the published one, or else a share of train, the same on every machine.

    A carved clip keeps its id. Whether a clip is carved hardly depends on what other clips there are.

    Parameters
    ----------
    listing : Listing
        The clips as published.
    rule : CarveRule
        How large the share is, and the seed of the choice.

    Returns
    -------
    Listing
        The listing itself where it has a validation split or no train clips; else one in which some train clips are val.

    Raises
    ------
    InputError
        Train has a single clip, of which no validation split can be made.
    """
    train = [clip for clip in listing.clips if clip.split == "train"]
    if listing.has_val or not train:
        return listing
    if len(train) == 1:
        raise InputError(f"{train[0].clip_id}: is the only train clip, so no validation split can be taken from train")
    # By a hash of each id: a clip's rank does not depend on the others, nor on any random generator.
    ranked = sorted(train, key=lambda clip: hashlib.md5(f"{rule.seed}/{clip.clip_id}".encode(), usedforsecurity=False).digest())
    carved_ids = {clip.clip_id for clip in ranked[: max(1, round(rule.val_share * len(train)))]}
    clips = tuple(replace(clip, split="val") if clip.clip_id in carved_ids else clip for clip in listing.clips)
    return replace(listing, clips=clips, carved=tuple(sorted(carved_ids)))


def without(listing: Listing, exclude: Sequence[str]) -> Listing:
    """Return a listing without some clips.

    Parameters
    ----------
    listing : Listing
        All clips.
    exclude : sequence of str
        Ids of clips to leave out (`data.clips.exclude`); an id that is already left out is allowed.

    Returns
    -------
    Listing
        The other clips; the excluded ones are counted among `left_out`.

    Raises
    ------
    InputError
        The dataset does not have one of the ids.
    """
    for clip_id in exclude:
        if clip_id not in listing.ids:
            raise InputError(
                f"params: data.clips.exclude: {clip_id!r} is not a clip of the dataset{nearest(clip_id, sorted(listing.ids))}"
            )
    taken = tuple(sorted(clip.clip_id for clip in listing.clips if clip.clip_id in exclude))
    left_out = {**listing.left_out, EXCLUDED: taken} if taken else listing.left_out
    return replace(listing, clips=tuple(c for c in listing.clips if c.clip_id not in exclude), left_out=left_out)


def listed(clips: Sequence[DatasetClip], split: str, path: Path) -> list[DatasetClip]:
    """Return those clips of a split whose stems a text file lists.

    Parameters
    ----------
    clips : sequence of DatasetClip
        The clips of the split.
    split : str
        Name of the split, for messages.
    path : Path
        A file with one stem per line.

    Returns
    -------
    list of DatasetClip
        The clips that it lists, in the order of their stems.

    Raises
    ------
    InputError
        The file is missing, or lists a stem twice or one that the split does not have.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file (data.clips.subsets.{split})")
    by_stem = {clip.clip_id.rpartition("/")[2]: clip for clip in clips}
    stems = read_stems(path)
    for stem, line in stems.items():
        if stem not in by_stem:
            close = nearest(stem, sorted(by_stem))
            raise InputError(f"{path}, line {line}: {stem!r} is not a clip of split {split}{close}")
    return [by_stem[stem] for stem in sorted(stems)]


def refuse_shared(splits: Mapping[str, Sequence[str]], what: str) -> None:
    """Raise InputError when something stands in more than one split.

    Parameters
    ----------
    splits : mapping of str to sequence of str
        Name of a thing -> the splits that it stands in.
    what : str
        What kind of thing it is, for the message, such as "clip".

    Raises
    ------
    InputError
        A thing stands in more than one split.
    """
    for name, names in sorted(splits.items()):
        if len(set(names)) > 1:
            raise InputError(
                f"{what} {name!r} is in the splits {' and '.join(sorted(set(names)))}; a recording may be in one only"
            )
