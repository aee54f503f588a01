"""What onset-balanced sampling buys on sparse data: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/sampler.py [--rest 24] [--steps 300] [--seeds 1,2]

Needs a reproduced pipeline (data/strips, data/manifest). The rendered train clips are made sparse: before its music each gets
`--rest` seconds in which nothing is played, its own frames from before the first onset, forwards and backwards in turn. The
model of params.yaml is then trained from each seed for so many steps with uniform and with onset-balanced windows, and both are
validated on the clips of val as they are. Prints a Markdown table: shares of windows, and average precision of onsets.
"""

import argparse
from dataclasses import replace

import numpy as np

from tivit.core import params as params_file
from tivit.core.manifest import read_manifest
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import open_strips
from tivit.core.timegrid import TimeGrid, frames_of, seconds_of
from tivit.model.params import ModelParams
from tivit.training.data import TrainClip, load_clips
from tivit.training.loop import TrainData, Trainer
from tivit.training.params import TrainParams
from tivit.training.sampler import MODES

BEFORE_S = 0.15
"""A key begins to move so long before its onset at most."""


def main() -> None:
    """Print a line for each mode and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rest", type=float, default=24.0)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", default="1,2")
    arguments = parser.parse_args()
    values = params_file.load()
    params, model, runtime = (
        section(values, name, kind)
        for name, kind in (("train", TrainParams), ("model", ModelParams), ("runtime", RuntimeParams))
    )
    params = replace(params, steps=arguments.steps)
    strips, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    clips, val = (load_clips(strips, manifest, split, params.window_frames) for split in ("train", "val"))
    data = TrainData([rested(clip, arguments.rest) for clip in clips], val, strips.geometry)
    print("| windows | seed | with an onset | one near | none | validation onset AP |\n|---|---|---|---|---|---|")
    for seed in map(int, arguments.seeds.split(",")):
        for mode in MODES:
            trainer = Trainer(data, model, replace(params, seed=seed, sampler=replace(params.sampler, mode=mode)), runtime)
            while trainer.step < params.steps:
                trainer.train_step()
            shares = " | ".join(f"{share:.2f}" for share in trainer.sampler.shares)
            print(f"| `{mode}` | {seed} | {shares} | {trainer.validate().val_onset_ap:.3f} |", flush=True)


def rested(clip: TrainClip, rest_s: float) -> TrainClip:
    """Return a clip that begins with `rest_s` of rest; without frames before its first onset, as it is."""
    fps = clip.grid.fps
    still = int(np.floor(clip.grid.frame(clip.notes.onset_s.min() - BEFORE_S))) if len(clip.notes) else len(clip.frames)
    if still < 2:
        return clip
    turn = np.concatenate([np.arange(still), np.arange(still)[::-1]])
    index = np.resize(turn, frames_of(rest_s, fps))[::-1]
    grid = TimeGrid(fps, clip.grid.start_s - seconds_of(len(index), fps), len(index) + clip.grid.length)
    return replace(clip, frames=np.concatenate([clip.frames[index], clip.frames]), grid=grid)


if __name__ == "__main__":
    main()
