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
    """Return the listing with a validation split: its own, or else a share of train, the same on every machine.

    A clip keeps its id, and whether it is chosen hardly depends on what other clips there are.
    """
    train = [clip for clip in listing.clips if clip.split == "train"]
    if listing.has_val or not train:
        return listing
    if len(train) == 1:
        raise InputError(f"{train[0].clip_id}: is the only train clip, so no validation split can be taken from train")
    ranked = sorted(train, key=lambda clip: hashlib.md5(f"{rule.seed}/{clip.clip_id}".encode(), usedforsecurity=False).digest())
    carved_ids = {clip.clip_id for clip in ranked[: max(1, round(rule.val_share * len(train)))]}
    clips = tuple(replace(clip, split="val") if clip.clip_id in carved_ids else clip for clip in listing.clips)
    return replace(listing, clips=clips, carved=tuple(sorted(carved_ids)))


def without(listing: Listing, exclude: Sequence[str]) -> Listing:
    """Return the listing without the clips of `data.exclude`; raise InputError for an id it has not."""
    for clip_id in exclude:
        if clip_id not in listing.ids:
            raise InputError(
                f"params: data.exclude: {clip_id!r} is not a clip of the dataset{nearest(clip_id, sorted(listing.ids))}"
            )
    taken = tuple(sorted(clip.clip_id for clip in listing.clips if clip.clip_id in exclude))
    left_out = {**listing.left_out, EXCLUDED: taken} if taken else listing.left_out
    return replace(listing, clips=tuple(c for c in listing.clips if c.clip_id not in exclude), left_out=left_out)


def listed(clips: Sequence[DatasetClip], split: str, path: Path) -> list[DatasetClip]:
    """Return those of a split's clips whose stems a text file lists; raise InputError for a stem that the split has not."""
    if not path.exists():
        raise InputError(f"{path}: no such file (data.subsets.{split})")
    by_stem = {clip.clip_id.rpartition("/")[2]: clip for clip in clips}
    stems = read_stems(path)
    for stem, line in stems.items():
        if stem not in by_stem:
            close = nearest(stem, sorted(by_stem))
            raise InputError(f"{path}, line {line}: {stem!r} is not a clip of split {split}{close}")
    return [by_stem[stem] for stem in sorted(stems)]


def refuse_shared(splits: Mapping[str, Sequence[str]], what: str) -> None:
    """Raise InputError when one `what` (an id or content, a key of `splits`) stands in more than one split."""
    for name, names in sorted(splits.items()):
        if len(set(names)) > 1:
            raise InputError(
                f"{what} {name!r} is in the splits {' and '.join(sorted(set(names)))}; a recording may be in one only"
            )
