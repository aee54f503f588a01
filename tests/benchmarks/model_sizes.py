"""The presets of the model side by side: parameters, and time as a ratio to `small`. Run by hand, never a test.

    PYTHONPATH=.:tests/helpers python tests/benchmarks/model_sizes.py [--rounds 3] [--frames 64]

The presets are read from docs/scale.md, where each is a command under a comment with its name. Rounds go through the presets in
turn, and the least time of each counts. Prints a Markdown table: trained values, processor time of a forward pass over so many
frames and of a training step with two windows of 32 frames, as ratios, on one core.
"""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import replace

import torch
from paths import ROOT

from tivit.core import params as params_file
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry
from tivit.model.build import build_model, parameter_count
from tivit.model.fold import folded
from tivit.model.params import ModelParams
from tivit.model.setup import prepare_torch

PRESET = re.compile(r"^# (small|base|large).*\n((?:.*\\\n)*.*)$", re.MULTILINE)
CHANGE = re.compile(r"-S model\.([\w.]+)=(\S+)")


def main() -> None:
    """Print a line for each preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=64)
    arguments = parser.parse_args()
    values = params_file.load(ROOT / "params.yaml")
    prepare_torch(replace(section(values, "runtime", RuntimeParams), threads=1))
    geometry = section(values, "strips", StripGeometry)
    models = {name: build_model(params, geometry) for name, params in presets().items()}
    forward, step = ({name: float("inf") for name in models} for _ in range(2))
    size = (3, geometry.height_px, geometry.width_px)
    for _ in range(arguments.rounds):
        for name, model in models.items():
            answering, pictures = folded(model.eval()), torch.randn(1, arguments.frames, *size)
            started_s = time.process_time()
            with torch.inference_mode():
                answering(pictures)
            forward[name] = min(forward[name], time.process_time() - started_s)
            windows = torch.randn(2, 32, *size)
            started_s = time.process_time()
            sum(rows.square().mean() for rows in model.train()(windows).values()).backward()
            step[name] = min(step[name], time.process_time() - started_s)
    first = next(iter(models))
    print("| preset | trained values | forward | training step |\n|---|---|---|---|")
    for name, model in models.items():
        ratios = f"{forward[name] / forward[first]:.2f} | {step[name] / step[first]:.2f}"
        print(f"| `{name}` | {parameter_count(model):,} | {ratios} |")


def presets() -> dict[str, ModelParams]:
    """Return name -> model of the presets on the page."""
    found = {}
    for name, command in PRESET.findall((ROOT / "docs/scale.md").read_text()):
        values = params_file.load(ROOT / "params.yaml")
        for key, value in CHANGE.findall(command):
            *path, last = key.split(".")
            mapping = values["model"]
            for part in path:
                mapping = mapping[part]
            mapping[last] = int(value)
        found[name] = section(values, "model", ModelParams)
    return found


if __name__ == "__main__":
    main()
