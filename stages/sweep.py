"""Choose decoding thresholds on the validation split: data/decoded/val.npz -> metrics/thresholds.json."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
from tivit.core import params as params_file
from tivit.core.logits import SplitClips
from tivit.core.run.runtime import RuntimeParams
from tivit.scoring.inputs import label_lag_s, load_split
from tivit.sweeping.search import SweepParams
from tivit.sweeping.sweep_files import sweep_to

SPLIT = "val"


def run(params: dict, runtime: RuntimeParams) -> None:
    """Write metrics/{thresholds,sweep,calibration}.json and metrics/plots/{sweep,onset_curve,reliability}.csv.

    Thresholds and lags are chosen on the published labels, because these are what the field reports.

    Parameters
    ----------
    params : dict
        The params file; section `sweep` is read.
    runtime : RuntimeParams
        Not used.
    """
    settings = params_file.section(params, "sweep", SweepParams)
    clips = load_split("data/decoded/val.npz", "data/manifest", SPLIT)
    logits = SplitClips(tuple(clip.logits for clip in clips), clips.missing, clips.settings)
    sweep_to("metrics", logits, [clip.notes for clip in clips], settings, SPLIT, label_lag_s(clips))


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
