"""Train the model on the rectified strips: resumable, in one process or several; the best checkpoint by validation is kept."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
from dataclasses import astuple
from typing import Any

from tivit.core.artifacts import write_bytes, write_csv, write_json
from tivit.core.manifest import read_manifest
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import open_strips
from tivit.model.checkpoint import save_checkpoint
from tivit.model.params import ModelParams
from tivit.training.data import load_clips
from tivit.training.loop import TrainData, train
from tivit.training.params import TrainParams
from tivit.training.team import Team, joined

CURVE_COLUMNS = ("step", "train_loss", "val_loss", "val_onset_ap")


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write data/model/best.pt and state.pt, metrics/train.json and the training curve, in the first process.

    Parameters
    ----------
    params : dict
        The params file; sections `model` and `train` are read.
    runtime : RuntimeParams
        How to train: device, precision, threads, and who draws the batches.
    """
    with joined(runtime) as team:
        _run(params, runtime, team)


def _run(params: dict[str, Any], runtime: RuntimeParams, team: Team) -> None:
    model_params = section(params, "model", ModelParams)
    train_params = section(params, "train", TrainParams)
    strips, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    data = TrainData(
        train=load_clips(strips, manifest, "train", train_params.window_frames),
        val=load_clips(strips, manifest, "val", train_params.window_frames),
        geometry=strips.geometry,
    )
    result = train(data, model_params, train_params, runtime, team)
    if result is None:
        return
    best = next(point for point in result.curve if point.step == result.checkpoint.step)
    save_checkpoint("data/model/best.pt", result.checkpoint)
    write_bytes("data/model/state.pt", result.states.stable_path.read_bytes())
    write_csv("metrics/plots/train_curve.csv", CURVE_COLUMNS, map(astuple, result.curve))
    metrics = {
        "steps": result.curve[-1].step,
        "best_step": best.step,
        "val_loss": best.val_loss,
        "val_onset_ap": best.val_onset_ap,
        "parameters": result.parameters,
        "clips": len(data.train),
    }
    own_clips = sum(clip.is_own for clip in data.train)
    write_json("metrics/train.json", metrics | ({"own_clips": own_clips} if own_clips else {}))
    result.states.finish()


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
