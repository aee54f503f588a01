"""What `transcribe --adapt` buys: onset F1 @ 50 ms of each test clip of the manifest before and after, and the mean by tier.

    PYTHONPATH=. python tests/benchmarks/adaptation.py     the weights of the project on the strips of the last `dvc repro`

No clip that is scored here chose anything: the constants of `tivit.adaptation` were chosen on real development clips.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tivit.adaptation.adapt import adapted
from tivit.adaptation.labels import sure_labels
from tivit.core.choices import SPLITS
from tivit.core.logits import silenced
from tivit.core.manifest import read_manifest
from tivit.core.params import load, section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import open_strips
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import read_thresholds
from tivit.inference.params import followed_window
from tivit.inference.predict import predict_strip
from tivit.model.background import background_of
from tivit.model.checkpoint import load_checkpoint
from tivit.model.fold import folded
from tivit.model.setup import prepare_torch
from tivit.pretrained.names import FOLDER, THRESHOLDS_NAME, WEIGHTS_NAME
from tivit.scoring.scores import score_clip

VALUES = ("onset_f1_50", "onset_p_50", "onset_r_50", "note_f1", "frame_f1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=FOLDER / WEIGHTS_NAME, help="default: that of the project")
    parser.add_argument("--thresholds", type=Path, default=FOLDER / THRESHOLDS_NAME, help="default: those of the project")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: %(default)s")
    arguments = parser.parse_args()
    runtime = section(load("params.yaml"), "runtime", RuntimeParams)
    prepare_torch(runtime)
    trained, thresholds = load_checkpoint(arguments.checkpoint), read_thresholds(arguments.thresholds)
    window_frames = followed_window(thresholds.chosen_under.get("logits", {}), arguments.thresholds)
    strips, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    rows: dict[str, list[np.ndarray]] = {}
    for clip in manifest.of_split(arguments.split):
        frames, grid, truth = strips.open(clip.clip_id), strips.grids[clip.clip_id], manifest.notes[clip.clip_id]

        def heads_of(model, frames=frames, clip=clip):
            heads = predict_strip(folded(model), frames, trained.geometry, runtime, window_frames)
            return silenced(heads, clip.in_view)

        def values_of(heads, truth=truth, grid=grid):
            values = score_clip(truth, decode_notes(heads, grid, thresholds), grid).values()
            return np.array([values[name] for name in VALUES])

        heads = heads_of(trained.model)
        labels = sure_labels(heads, grid, thresholds, clip.in_view)
        model = adapted(trained.model, frames, labels, background_of(frames, trained.geometry))
        row = np.stack([values_of(heads), values_of(heads_of(model))])
        print(f"{clip.clip_id:24} onset F1 {row[0, 0]:.3f} -> {row[1, 0]:.3f}   {len(labels.notes):3} sure notes", flush=True)
        for tier in (clip.tier or "none", "all"):
            rows.setdefault(tier, []).append(row)
    print("| tier | clips | " + " | ".join(VALUES) + " | lost more than 0.01 |\n|---|---|" + "---|" * (len(VALUES) + 1))
    for tier, values in rows.items():
        before, after = np.mean(values, axis=0)
        losses = sum(float(row[0, 0] - row[1, 0]) > 0.01 for row in values)
        cells = " | ".join(f"{old:.3f} -> {new:.3f}" for old, new in zip(before, after, strict=True))
        print(f"| {tier} | {len(values)} | {cells} | {losses} |")


if __name__ == "__main__":
    main()
