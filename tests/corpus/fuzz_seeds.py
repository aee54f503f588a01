"""Good files that `fuzz` damages: small, and of every kind that the project reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.corpus.film import rendered
from tests.corpus.writing import Way, write
from tivit.core.arrays import write_npz
from tivit.core.logits import read_logits
from tivit.core.notes import make_notes, write_midi


def videos(folder: Path) -> list[Path]:
    """Write half a second in six containers, 160 x 90."""
    film = rendered()[0].part(0, 15).resized(160, 90)
    ways = {
        "a.mp4": Way(), "b.mkv": Way(), "c.avi": Way("mjpeg", pix_fmt="yuvj420p", is_timed=False), "d.ts": Way(),
        "e.webm": Way("libvpx"), "f.flv": Way(), "g.mov": Way("mpeg4", is_timed=False),
        "h.mp4": Way(mux={"movflags": "frag_keyframe+empty_moov"}),
    }  # fmt: skip
    return [write(folder / name, film, way) for name, way in ways.items()]


def arrays(folder: Path) -> list[Path]:
    """Write two arrays."""
    write_npz(folder / "a.npz", {"a": np.arange(600.0).reshape(20, 30), "text": np.array(["x", "y"])})
    return [folder / "a.npz"]


def logits(folder: Path) -> list[Path]:
    """Write the logits of two clips."""
    from tivit.core.heads import head_names
    from tivit.core.logits import ClipLogits, write_logits
    from tivit.core.timegrid import TimeGrid

    rng = np.random.default_rng(0)
    grid = TimeGrid(30.0, 0.0, 8)
    heads = {name: rng.normal(size=(8, 88)).astype(np.float32) for name in head_names(False)}
    clips = [ClipLogits(f"test/{k}", grid, heads) for k in range(2)]
    write_logits(folder / "logits.npz", clips, (), {})
    return [folder / "logits.npz"]


def read_clips(path: Path) -> int:
    """Read every clip of a file of logits."""
    return sum(clip.grid.length for clip in read_logits(path).clips)


def indexes(folder: Path) -> list[Path]:
    """Write the index of a folder of two files."""
    from tivit.datasets.index import write_index

    (folder / "data").mkdir(exist_ok=True)
    for name in ("a.mp4", "b.mid"):
        (folder / "data" / name).write_text(name)
    write_index("Synthetic", folder / "data", folder / "Synthetic.json")
    return [folder / "Synthetic.json"]


def midis(folder: Path) -> list[Path]:
    """Write a MIDI file of a few notes."""
    rng = np.random.default_rng(1)
    onsets_s = np.sort(rng.uniform(0.0, 8.0, 30))
    write_midi(folder / "a.mid", make_notes(onsets_s, onsets_s + 0.2, rng.permutation(np.arange(40, 70))))
    return [folder / "a.mid"]
