"""The contract of a dataset: what a layout module must know, and what the stages see of it.

A layout is handed the list of indexed paths and a way to open them; it never looks at the disk by itself, so a dataset is the
same on every machine that shares its index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tivit.core.notes import Notes

Opener = Callable[[str], Path]
"""Relative path in the dataset -> path on this disk, checked against the index."""


@dataclass(frozen=True)
class DatasetClip:
    """One recording: id `<split>/<stem>` or `own/<stem>`, split (train, val, test), tier or "", paths of video and label."""

    clip_id: str
    split: str
    tier: str
    video: str
    label: str


class Layout(Protocol):
    """One dataset's folders and files. Implementations hold nothing that changes."""

    folder: str

    def clips(self, paths: list[str], opened: Opener) -> list[DatasetClip]:
        """Return all clips among the indexed relative paths, in id order."""

    def notes(self, clip: DatasetClip, opened: Opener) -> Notes:
        """Return a clip's notes in seconds of its video clock."""

    def corners(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return the white-key area's corners (tl, tr, br, bl in image order; px), shape (4, 2), where the dataset has them."""

    def true_key_centers_px(self, clip: DatasetClip, opened: Opener) -> np.ndarray | None:
        """Return image px of the 88 key centres at y = 75 mm on the white-key plane, shape (88, 2), where truth is known."""
