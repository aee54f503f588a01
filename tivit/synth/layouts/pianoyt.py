"""PianoYT: `<split>/video_<id>.0.mp4`, `audio_<id>.0.midi`, and `metadata.csv` without header, whose crops hold keys and hands.

Every second clip shows the keyboard rotated by 180 degrees, every third begins with black frames, rates vary. The table tells
test (3) from train (1); there is no validation split. A note of `audio` ends with its key or with its sound, as the request
says.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tivit.core.artifacts import write_bytes
from tivit.core.keyboard import KEYBOARD_WIDTH_MM
from tivit.core.notes import write_midi
from tivit.synth.camera import corners_mm
from tivit.synth.dataset import Take
from tivit.synth.layouts.clip import ROTATED, Job, Kind, LayoutRequest, labels_of, turned_px, write_frames
from tivit.synth.layouts.pedal import pedal_spans_s, sounding, write_midi_with_pedal

BLACK_FRAMES = 12
"""Black frames before the clips that have some."""
ROTATED_EVERY, BLACK_EVERY = 2, 3
"""Every so many clips one is rotated, and one begins with black frames."""
HANDS_MM = 120.0
"""The crop reaches so far in front of the keys."""
SPLIT_CODES = {"train": 1, "test": 3}
"""How the table names the splits."""
PEDAL_STREAM = 13
"""Name of the random stream of the pedal."""


def _write(root: Path, job: Job, take: Take, request: LayoutRequest) -> str:
    """Write the video and the MIDI of one clip and return its line of `metadata.csv`."""
    flip = ROTATED if job.overall % ROTATED_EVERY == 0 else None
    black_frames = BLACK_FRAMES if job.overall % BLACK_EVERY == 0 else 0
    folder, number = root / job.folder, f"{job.overall}.0"
    later_s = write_frames(folder / f"video_{number}.mp4", take, request.start_s, flip, black_frames)
    notes = labels_of(take, later_s)
    spans_s = later_s + pedal_spans_s(np.random.default_rng([request.seed, job.overall, PEDAL_STREAM]), take.times_s[-1])
    path = folder / f"audio_{number}.midi"
    if request.offsets == "pedal":
        write_midi(path, sounding(notes, spans_s))
    else:
        write_midi_with_pedal(path, notes, spans_s)
    x0, y0, x1, y1 = _crop_px(take, flip)
    url = f"rendered:{job.task.split}/{job.task.stem}"
    return f'{job.overall},"{url}",{SPLIT_CODES[job.folder]},{y0},{y1},{x0},{x1}\n'


def _crop_px(take: Take, flip: int | None) -> tuple[int, int, int, int]:
    """Return the crop x0, y0, x1, y1 in whole px of the picture as written: a margin around the keys and the hands."""
    corners = corners_mm(-HANDS_MM) + np.array([[-1.0, 1, 0], [1, 1, 0], [1, 0, 0], [-1, 0, 0]]) * 0.02 * KEYBOARD_WIDTH_MM
    size_px = (take.camera.width_px, take.camera.height_px)
    points = np.clip(turned_px(take.camera.project(corners), size_px, flip), 0, size_px)
    x0, y0 = np.floor(points.min(0)).astype(int).tolist()
    x1, y1 = np.ceil(points.max(0)).astype(int).tolist()
    return x0, y0, x1, y1


def _finish(root: Path, rows: list[str]) -> None:
    """Write `metadata.csv`."""
    write_bytes(root / "metadata.csv", "".join(rows).encode())


PIANOYT = Kind(
    folder="PianoYT",
    splits={"train": "train", "val": "train", "test": "test"},
    rates=("30", "25", "29.97", "variable"),
    size_px=None,
    write=_write,
    finish=_finish,
)
