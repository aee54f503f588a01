"""OMAPS and OMAPS2: `<split>/<stem>.mp4` and a table `<stem>.txt` beside it; stems begin anew in each split.

A table has tabs, no header, CRLF and six decimals, and is sorted by onset. The picture of OMAPS is mirrored; OMAPS2 has
velocities. The reader of this layout is in `tivit.datasets`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tivit.core.artifacts import write_bytes
from tivit.synth.dataset import Take
from tivit.synth.layouts.clip import MIRRORED, Job, Kind, LayoutRequest, labels_of, no_tables, write_frames


def _write(root: Path, job: Job, take: Take, request: LayoutRequest, flip: int | None, has_velocity: bool) -> None:
    """Write the video and the table (onset s, offset s, pitch, velocity) of one clip."""
    path = root / job.folder / f"{job.in_folder:03d}.mp4"
    notes = labels_of(take, write_frames(path, take, request.start_s, flip))
    lines = []
    for i in range(len(notes)):
        cells = [f"{notes.onset_s[i]:.6f}", f"{notes.offset_s[i]:.6f}", f"{notes.midi[i]}"]
        lines.append("\t".join(cells + [f"{notes.velocity[i]}"] * has_velocity) + "\r\n")
    write_bytes(path.with_suffix(".txt"), "".join(lines).encode())


SIZE_PX = (1920, 1080)
"""Width and height of the pictures."""
OMAPS = Kind(
    folder="OMAPS",
    splits={"train": "train", "val": "train", "test": "test"},
    rates=("30",),
    size_px=SIZE_PX,
    write=partial(_write, flip=MIRRORED, has_velocity=False),
    finish=no_tables,
)
OMAPS2 = Kind(
    folder="OMAPS2",
    splits={"train": "train", "val": "valid", "test": "test"},
    rates=("30",),
    size_px=SIZE_PX,
    write=partial(_write, flip=None, has_velocity=True),
    finish=no_tables,
)
