"""What the options of the sweep are worth on the rendered clips: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/sweep_options.py

Needs a reproduced pipeline (data/decoded, data/manifest). For each option of section `sweep`, thresholds are chosen on val and
test is scored once with them; prints the Markdown table that stands in docs/benchmarks.md. The seconds are those of the search.
"""

import time
from copy import deepcopy

from tivit.core import params as params_file
from tivit.core.params import section
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import Thresholds
from tivit.scoring.inputs import load_split
from tivit.scoring.scores import score_clip, summary
from tivit.sweeping.search import SweepParams, sweep

OPTIONS: dict[str, dict] = {
    "as shipped": {},
    "`sweep.lag_per_colour=true`": {"lag_per_colour": True},
    "`sweep.per_colour=true`": {"per_colour": True},
    "both": {"per_colour": True, "lag_per_colour": True},
    "`sweep.refine_rounds=3`": {"refine_rounds": 3},
    "`sweep.calibrate=true`": {"calibrate": True},
    "`sweep.rules.median_s=0.1`": {"rules": {"median_s": 0.1}},
    "`sweep.rules.decoder=states`": {"rules": {"decoder": "states"}},
    "`states`, values per colour": {"rules": {"decoder": "states"}, "per_colour": True, "lag_per_colour": True},
    "`sweep.objective=note`": {"objective": "note"},
    "`sweep.objective=frame`": {"objective": "frame"},
}
METRICS = ("onset_f1_50", "note_f1", "frame_f1")


def main() -> None:
    """Print a line an option."""
    values = params_file.load()
    splits = {split: load_split(f"data/decoded/{split}.npz", "data/manifest", split) for split in ("val", "test")}
    print("| option | val | test | seconds |\n|---|---|---|---|")
    for name, changes in OPTIONS.items():
        changed = deepcopy(values)
        for key, value in changes.items():
            old = changed["sweep"][key]
            changed["sweep"][key] = {**old, **value} if isinstance(value, dict) else value
        params = section(changed, "sweep", SweepParams)
        began_s = time.perf_counter()
        result = sweep([clip.logits for clip in splits["val"]], [clip.notes for clip in splits["val"]], params, "val")
        took_s = time.perf_counter() - began_s
        cells = (scored(splits[split], result.thresholds) for split in splits)
        print(f"| {name} | {' | '.join(cells)} | {took_s:.1f} |", flush=True)


def scored(clips, thresholds: Thresholds) -> str:
    """Return onset, note and frame F1, means over clips."""
    scores = [
        score_clip(clip.notes, decode_notes(clip.logits.heads, clip.logits.grid, thresholds), clip.logits.grid)
        for clip in clips
    ]
    means = summary(scores)
    return " / ".join(f"{means[name]:.3f}" for name in METRICS)


if __name__ == "__main__":
    main()
