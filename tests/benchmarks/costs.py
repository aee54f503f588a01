"""What an hour of video costs: bytes on disk and core-seconds of each stage. Run by hand, never a test.

    PYTHONPATH=.:tests/helpers python tests/benchmarks/costs.py [--clips 10] [--steps 60] [--hours 1,100,10000]

Runs the stages on a copy of the project with so many rendered clips of train and a fifth of that of each other kind, on one
core, and divides by the length of the video. What a stage takes to start and to import is measured apart (the same program,
asked for `--help`) and taken off, so that few clips stand for many. Training does not grow with the video but with its steps:
its line is per 1,000 frames of windows, forward, backward and drawing. Prints two Markdown tables: per hour of video, and what
so many hours need.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from pipeline_cases import change_params
from scale import copy_project, watched

from tivit.core import params as params_file
from tivit.core.strip import open_strips
from tivit.core.timegrid import seconds_of

WRITES = {
    "synthesize": ["data/Synthetic"],
    "register": ["data/registration", ".tivit/registration"],
    "strips": ["data/strips"],
    "manifest": ["data/manifest"],
    "logits": ["data/logits"],
    "decode": ["data/decoded"],
    "sweep": ["metrics/thresholds.json"],
    "evaluate": ["data/transcriptions"],
}
"""Stage -> what it writes that grows with the video."""
SCORED = ("logits", "decode", "sweep", "evaluate")
"""Stages that see the video of val and test alone."""
HOUR_S = 3600.0


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--hours", default="1,100,10000")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tivit-") as folder:
        rows = measured(Path(folder), arguments.clips, arguments.steps)
    print("| stage | of | MB per hour | core-seconds per hour | memory, MB |\n|---|---|---|---|---|")
    for name, (of, size_b, work_s, memory_mb) in rows.items():
        print(f"| `{name}` | {of} | {size_b / 1e6:.1f} | {work_s:.0f} | {memory_mb:.0f} |")
    hours = [float(value) for value in arguments.hours.split(",")]
    print(f"\n| stage | {' | '.join(f'{value:g} h: GB | core-hours' for value in hours)} |\n|{'---|' * (1 + 2 * len(hours))}")
    for name, (_, size_b, work_s, _) in rows.items():
        print(f"| `{name}` | {' | '.join(f'{size_b * h / 1e9:.3g} | {work_s * h / HOUR_S:.3g}' for h in hours)} |")


def measured(folder: Path, clips: int, steps: int) -> dict[str, tuple[str, float, float, float]]:
    """Return stage -> which video it sees, bytes and core-seconds per hour of it, and the memory (MB)."""
    copy_project(folder)
    few = max(1, clips // 5)
    synth = {"train_clips": clips, "val_clips": few, "test_clips": few, "shift_clips": few}
    train = {"steps": steps, "warmup_steps": 5, "val_every_steps": steps, "val_frames": 1, "state_every_steps": steps}
    runtime = {"workers": 1, "threads": 1}
    change_params(folder, synth=synth, train=train, runtime=runtime)
    rows: dict[str, tuple[str, float, float, float]] = {}
    seconds: dict[str, float] = {}
    for stage in ("synthesize", "register", "strips", "manifest", "train", "logits", "decode", "sweep", "evaluate"):
        command = [sys.executable, "-m", f"stages.{stage}"]
        _, start_s, _ = watched(folder, [*command, "--help"])
        _, work_s, memory_mb = watched(folder, command)
        work_s = max(work_s - start_s, 0.0)
        if stage == "strips":
            grids = open_strips(folder / "data/strips").grids
            for clip_id, grid in grids.items():
                kind = "train" if clip_id.startswith("train/") else "val, test"
                seconds[kind] = seconds.get(kind, 0.0) + seconds_of(grid.length, grid.fps)
        if stage == "train":
            values = params_file.load(folder / "params.yaml")["train"]
            frames = steps * values["clips_per_step"] * values["window_frames"]
            print(f"training: {1000 * work_s / frames:.2f} core-seconds per 1,000 frames, {memory_mb:.0f} MB\n")
            continue
        size_b = float(sum(path.stat().st_size for name in WRITES[stage] for path in _files(folder / name)))
        rows[stage] = (stage, size_b, work_s, memory_mb)
    total_s = sum(seconds.values())
    return {
        name: ("val, test" if name in SCORED else "all", size * HOUR_S / video_s, work * HOUR_S / video_s, memory)
        for name, (_, size, work, memory) in rows.items()
        for video_s in [seconds["val, test"] if name in SCORED else total_s]
    }


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]


if __name__ == "__main__":
    main()
