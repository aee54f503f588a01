"""Render the default dataset and write its index."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
from pathlib import Path
from typing import Any

from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.datasets.index import write_index
from tivit.synth.dataset import write_dataset
from tivit.synth.params import SynthParams

NAME = "Synthetic"
ROOT = Path("data") / NAME


def run(params: dict[str, Any], runtime: RuntimeParams) -> None:
    """Write `data/Synthetic/` and `data/index/Synthetic.json`.

    Parameters
    ----------
    params : dict
        The params file; section `synth` is read.
    runtime : RuntimeParams
        Its workers render the clips.
    """
    write_dataset(ROOT, section(params, "synth", SynthParams), runtime.pool)
    write_index(NAME, ROOT, Path("data/index") / f"{NAME}.json")


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
