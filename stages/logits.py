"""Run the trained model over strips and write its raw logits, one file a split; keys out of view are silent."""

from __future__ import annotations

from typing import Any

from tivit.core.errors import InputError
from tivit.core.logits import write_logits
from tivit.core.manifest import read_manifest
from tivit.core.params import section
from tivit.core.runtime import RuntimeParams
from tivit.core.stage import run_stage
from tivit.core.strip import open_strips
from tivit.inference.params import LogitsParams
from tivit.inference.predict import network_heads, split_logits
from tivit.model.checkpoint import load_checkpoint
from tivit.model.setup import prepare_torch


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write data/logits/<split>.npz for every split of `logits.splits`."""
    logits = section(params, "logits", LogitsParams)
    device = prepare_torch(runtime)
    checkpoint = load_checkpoint("data/model/best.pt")
    strips, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    if checkpoint.geometry != strips.geometry:
        raise InputError(f"data/model/best.pt was trained on {checkpoint.geometry}, data/strips holds {strips.geometry}")
    heads_of = network_heads(checkpoint.model.to(device), runtime, logits.window_frames)
    for split in logits.splits:
        answers = split_logits(strips, manifest.of_split(split), heads_of, f"logits {split}")
        write_logits(f"data/logits/{split}.npz", answers)


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
