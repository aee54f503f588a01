"""Tiny copies of each dataset's real layout: labels and metadata byte for byte, with a few bytes in place of each video."""

import shutil
from pathlib import Path

import numpy as np
from paths import FIXTURES, PARAMS_FILE

from tivit.core.params import load, section
from tivit.datasets.index import write_index
from tivit.datasets.params import DataParams
from tivit.datasets.registry import Dataset, layout_of, open_dataset

TIMES = (
    "2024-02-14_19-10-09", "2024-02-15_19-10-09", "2024-02-16_20-00-00",
    "2024-03-01_10-00-00", "2024-03-02_10-00-00", "2024-03-03_10-00-00",
)  # fmt: skip
VIDEOS = {
    "OMAPS": [f"{stem}.mp4" for stem in ("train/001", "train/002", "train/003", "train/080", "test/001", "test/026")],
    "OMAPS2": ["train/001.mp4", "train/002.mp4", "valid/001.mp4", "test/001.mp4"],
    "PianoYT": [
        "train/video_5.0.mp4", "train/video_15.0.mp4", "train/video_115.0.mkv", "train/video_7.webm", "test/video_25.0.mp4",
    ],
    "PianoYT_lists": ["videos/video_5.0.mp4", "videos/video_15.0.mp4", "videos/video_25.0.mp4"],
    "PianoVAM": [f"Video/{time}.mp4" for time in TIMES],
}  # fmt: skip
"""Name of a fixture -> its videos. `PianoYT_lists` is PianoYT with lists of splits."""
NAMES = tuple(VIDEOS)
LABEL = {"notes": [[0.5, 1.0, 60, 80, 1, 1], [0.2, 0.4, 40, 70, 0, 0]], "key_centers_px": np.zeros((88, 2)).tolist()}
"""What the renderer writes of a clip: its notes and where its keys are."""


def params(name: str, clips: dict | None = None, **changes) -> DataParams:
    """Return the section of params.yaml with another dataset, changes of its `clips` and `changes`, as a user writes them."""
    data = load(PARAMS_FILE)["data"]
    return section({"data": data | changes | {"name": name, "clips": data["clips"] | (clips or {})}}, "data", DataParams)


def rendered_params(**changes) -> DataParams:
    """Return the section of params.yaml with the rendered dataset and changes, as in `params`."""
    return params(**{"name": "Synthetic", **changes})


def lay(folder: Path, fixture: str) -> Path:
    """Copy a fixture with its videos below `folder` as a user has it, index it into `data/index` there, return its root."""
    name = fixture.partition("_")[0]
    root = folder / "data" / layout_of(name).folder
    shutil.copytree(FIXTURES / fixture, root, dirs_exist_ok=True)
    for video in VIDEOS[fixture]:
        (root / video).parent.mkdir(parents=True, exist_ok=True)
        (root / video).write_bytes(f"a video, {video}".encode())
    return index(root, name)


def index(root: Path, name: str) -> Path:
    """Index what lies in `root` now, and return `root`."""
    write_index(name, root, root.parents[1] / f"data/index/{name}.json")
    return root


def opened(fixture: str, **changes) -> Dataset:
    """Return the dataset of a fixture that `lay` copied below the working directory, with changes as in `params`."""
    return open_dataset(params(fixture.partition("_")[0], **changes))


def splits(dataset: Dataset) -> dict[str, list[str]]:
    """Return split -> ids of the chosen clips."""
    result: dict[str, list[str]] = {}
    for clip in dataset.clips():
        result.setdefault(clip.split, []).append(clip.clip_id)
    return result
