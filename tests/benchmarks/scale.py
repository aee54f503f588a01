"""What the pipeline costs per clip beside the pixels, with thousands of clips: run by hand, never a test.

    PYTHONPATH=.:tests/helpers:tests/benchmarks python tests/benchmarks/scale.py [--clips 10000] [--keep FOLDER]

Makes a clone of the project with so many clips in the layout of OMAPS2, 80 % of them train. All videos hold the same second of
rendered video and differ in the bytes after it; all strips are links to one small file. So pixels cost next to nothing, and
what is left is bookkeeping. Then it times each command as a process of its own: `tivit index` for the first time and again,
`register` with cached results, `strips` with a stand-in for the warping of pixels, `manifest` without the estimate of lags,
which reads pixels, `dvc commit` of the three, and `dvc status`; then `logits` with made-up answers instead of a network, and
`decode`, `sweep` and `evaluate`, which read them. Prints a Markdown table: seconds, processor seconds and the largest memory.
The clone takes about 0.3 MB per clip.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from paths import ROOT
from pipeline_cases import change_params, environment, git, run
from process_cost import cost_of

from tivit.core import params as params_file
from tivit.core.params import section
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripGeometry
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.registration import cache
from tivit.registration.batch import tasks_of
from tivit.registration.clip import register_video
from tivit.registration.overlay import draw_overlay
from tivit.registration.params import RegistrationParams
from tivit.synth.layouts.clip import LayoutRequest
from tivit.synth.layouts.write import write_layout
from tivit.synth.params import SynthParams

NAME, SETS = "OMAPS2", "sets"
SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}
FRAMES = 8
SIZE_PX = (640, 360)
SMALL = {"width_px": 208, "height_px": 32}
"""The smallest strips that the params allow; nothing but their bytes depends on it."""
STRIP = "strip.npy"
WITHOUT_PIXELS = f"""
import os
from tivit.core.timegrid import TimeGrid
from tivit.core import params
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from stages import strips

def linked(video, registration, geometry, fps, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.link({STRIP!r}, path)
    return TimeGrid(fps, 0.0, {FRAMES})

strips.write_strip = linked
values = params.load("params.yaml")
strips.run(values, section(values, "runtime", RuntimeParams))
"""

LONG_FRAMES = 90
"""Frames of made-up logits per clip: enough (95 KB) that memory would show whether a stage holds those of all clips."""
WITHOUT_NETWORK = f"""
from types import SimpleNamespace
import numpy as np
from tivit.core import params
from tivit.core.heads import HEAD_NAMES
from tivit.core.keyboard import KEY_COUNT
from tivit.core.logits import ClipLogits
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.timegrid import TimeGrid
from stages import logits

def made_up(strips, clips, frames, method, label):
    rng, shape = np.random.default_rng(0), ({LONG_FRAMES}, KEY_COUNT)
    for clip in clips:
        heads = {{name: rng.normal(-6, 2, shape).astype(np.float32) for name in HEAD_NAMES}}
        yield ClipLogits(clip.clip_id, TimeGrid(30.0, 0.0, {LONG_FRAMES}), heads)

logits.checkpoint_for = lambda *_: SimpleNamespace(model=SimpleNamespace(to=lambda device: None), geometry=None)
logits.network_heads = lambda *_: None
logits.split_logits = made_up
values = params.load("params.yaml")
logits.run(values, section(values, "runtime", RuntimeParams))
"""


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="make the clone here and leave it; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tivit-") as temporary:
        folder = arguments.keep or Path(temporary) / "clone"
        make(folder, arguments.clips)
        print("| command | clips | s | processor s | memory, MB |\n|---|---|---|---|---|")
        python = [sys.executable, "-m"]
        timed(folder, arguments.clips, "`tivit index`, first", [*python, "tivit", "index", NAME])
        timed(folder, arguments.clips, "`tivit index`, again", [*python, "tivit", "index", NAME])
        watched(folder, [sys.executable, "-c", "import scale; scale.keep_registrations()"])
        timed(folder, arguments.clips, "`register`, all of it cached", [*python, "stages.register"])
        timed(folder, arguments.clips, "`strips` without pixels", [sys.executable, "-c", WITHOUT_PIXELS])
        timed(folder, arguments.clips, "`manifest` without lags", [*python, "stages.manifest"])
        run(folder, "stages.code")
        stages = ["code", "register", "strips", "manifest"]
        timed(folder, arguments.clips, "`dvc commit` of them", [*python, "dvc", "commit", "-f", *stages])
        timed(folder, arguments.clips, "`dvc status`, first", [*python, "dvc", "status"])
        timed(folder, arguments.clips, "`dvc status`, again", [*python, "dvc", "status"])
        timed(folder, arguments.clips, "`logits` without a network", [sys.executable, "-c", WITHOUT_NETWORK])
        for stage in ("decode", "sweep", "evaluate"):
            timed(folder, arguments.clips, f"`{stage}`", [*python, f"stages.{stage}"])


def timed(folder: Path, clips: int, what: str, command: list[str]) -> None:
    """Run a command in the clone and print what it took."""
    wall_s, work_s, memory_mb = watched(folder, command)
    print(f"| {what} | {clips} | {wall_s:.1f} | {work_s:.1f} | {memory_mb:.0f} |", flush=True)


def watched(folder: Path, command: list[str]) -> tuple[float, float, float]:
    """Run a command in a folder; return the seconds, the processor seconds of it and its children, and its memory (MB)."""
    cost = cost_of(command, folder, environment())
    if cost.status:
        sys.exit(f"{command}: failed\n{cost.said[-3000:]}")
    return cost.wall_s, cost.work_s, cost.memory_mb


def copy_project(folder: Path) -> None:
    """Make `folder` a git repository of the project's tracked and new files, without what it has computed."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.endswith("dvc.lock"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "-q", "-b", "main")


def make(folder: Path, clips: int) -> None:
    """Make the clone, the clips, and the strip that all of them link to."""
    copy_project(folder)
    synth = section(params_file.load(ROOT / "params.yaml"), "synth", SynthParams)
    root, _ = write_layout(folder / "source", synth, LayoutRequest(NAME, 1, 1, 1.0, None, SIZE_PX, 0.0, "key"), Workers(1))
    for split, share in SHARES.items():
        video, label = (next((root / split).glob(f"*{suffix}")) for suffix in (".mp4", ".txt"))
        content, target = video.read_bytes(), folder / SETS / root.name / split
        target.mkdir(parents=True)
        for number in range(round(share * clips)):
            mark = f"{split} {number}".encode()
            # A box that players skip, so that each file has a content of its own.
            (target / f"{number:06d}.mp4").write_bytes(content + (len(mark) + 8).to_bytes(4, "big") + b"free" + mark)
            shutil.copyfile(label, target / f"{number:06d}.txt")
    data = {"name": NAME, "root": f"{SETS}/{root.name}", "lag": {"correct": False}}
    change_params(folder, data=data, strips=SMALL, runtime={"workers": 1}, evaluate={"pictures": False})
    np.save(folder / STRIP, np.zeros((FRAMES, SMALL["height_px"], SMALL["width_px"]), np.uint8))


def keep_registrations() -> None:
    """Keep for every clip what the search finds in the first one, as if all had been registered before, in this folder."""
    params = params_file.load()
    registration, geometry = section(params, "registration", RegistrationParams), section(params, "strips", StripGeometry)
    dataset = open_dataset(section(params, "data", DataParams))
    tasks = tasks_of(dataset, dataset.clips(), registration, geometry)
    found = register_video(tasks[0].video.path(), registration, geometry, tasks[0].override)
    picture = draw_overlay(found.frame, found.registration, geometry, found.time_s)
    overlay = cv2.imencode(".png", picture)[1].tobytes()
    for task in tasks:
        cache.store(task.name, found.registration, overlay)


if __name__ == "__main__":
    main()
