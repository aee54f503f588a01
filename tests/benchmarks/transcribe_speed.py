"""How fast `transcribe` is against real time, on a rendered clip of 1280 x 720 px: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/transcribe_speed.py [--seconds 60] [--runs 5]

Needs a reproduced pipeline (checkpoint and thresholds). Prints the median over the runs of the whole command's speed in the
process (registration, decoding the video, model, notes) and of the model alone, as multiples of real time.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tivit.core import params as params_file
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.timegrid import seconds_of
from tivit.inference.params import LogitsParams
from tivit.inference.predict import predict_strip
from tivit.model.checkpoint import load_checkpoint
from tivit.model.setup import prepare_torch
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams
from tivit.transcribe import transcribe

CHECKPOINT, THRESHOLDS = Path("data/model/best.pt"), Path("metrics/thresholds.json")


def main() -> None:
    """Render a clip, transcribe it a few times, print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    params = params_file.load()
    synth = section(params, "synth", SynthParams)
    camera = replace(synth.camera, sizes=((1280, 720),), fps=(30.0,), converted=0.0)
    synth = replace(synth, camera=camera, test_s=arguments.seconds)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "test").mkdir()
        write_clip(root, replace(synth, seed=1), task=ClipTask("test", 0, "plain", "plain_000"))
        video, output = root / "test/plain_000.mp4", root / "out.mid"
        speeds = []
        for _ in range(arguments.runs):
            summary = transcribe(video, output, params, CHECKPOINT, THRESHOLDS)
            speeds.append(summary.video_s / summary.work_s)
    print(f"transcribe, 1280 x 720: {statistics.median(speeds):.1f} x real time (median of {arguments.runs} runs)")
    print(f"model alone: {statistics.median(model_speeds(params, arguments.runs)):.1f} x real time")


def model_speeds(params: dict, runs: int, frame_count: int = 900) -> list[float]:
    """Return the speeds of the forward pass over a strip of noise, as multiples of real time."""
    runtime = section(params, "runtime", RuntimeParams)
    prepare_torch(runtime)
    trained = load_checkpoint(CHECKPOINT)
    shape = (frame_count, trained.geometry.height_px, trained.geometry.width_px)
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    window_frames = section(params, "logits", LogitsParams).window_frames
    speeds = []
    for _ in range(runs):
        started_s = time.perf_counter()
        predict_strip(trained.model, frames, trained.geometry, runtime, window_frames)
        speeds.append(seconds_of(frame_count, trained.fps) / (time.perf_counter() - started_s))
    return speeds


if __name__ == "__main__":
    main()
