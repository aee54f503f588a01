"""Whether anything is lost or shifted on the way from a dataset's own layout to the scores: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/layouts.py [--layouts OMAPS,PianoVAM] [--takes 25:0,variable:7.3]

For each take (frame rate, timestamp of the first frame) the same clips are rendered in the layout `Synthetic` and in that of
each dataset, and go through the pipeline's stages from the index to the scores of the test split, with the weights and
thresholds that come with the project. Files are compressed little (`CRF`), because a mirrored or rotated picture is compressed
to other pixels. Prints a Markdown table, and exits with 1 where an F1 differs by more than 0.01.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from tivit.core import params as params_file
from tivit.core.params import section
from tivit.core.run.runtime import Workers
from tivit.pretrained.names import FOLDER, TRAINED_CHECKPOINT, TRAINED_THRESHOLDS
from tivit.synth.layouts.clip import LayoutRequest
from tivit.synth.layouts.write import write_layout
from tivit.synth.params import SynthParams

ROOT = Path(__file__).resolve().parents[2]
SAME = "Synthetic"
LAYOUTS = "OMAPS,OMAPS2,PianoYT,PianoVAM"
TAKES = "25:0,29.97:7.3,30:0,60:7.3,variable:7.3"
METRICS = ("onset_f1_50", "note_f1", "frame_f1", "hand_acc")
MOST = 0.01
SIZE_PX, CRF = (640, 360), (6.0, 6.0)
TRAIN_CLIPS, TRAIN_S = 3, 2.0
"""Of train and val, which nothing is scored on."""


@dataclass(frozen=True)
class Plan:
    """What is rendered: clips of test and their length, the seed of all."""

    clips: int
    seconds: float
    seed: int


def main() -> int:
    """Print a line for each take and layout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layouts", default=LAYOUTS)
    parser.add_argument("--takes", default=TAKES)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    plan = Plan(arguments.clips, arguments.seconds, arguments.seed)
    print("| frames a second | first timestamp | layout | notes | onset F1 @ 50 ms | note F1 | frame F1 | hand accuracy |")
    print("|---|---|---|---|---|---|---|---|")
    far = 0
    for take in arguments.takes.split(","):
        rate, start_s = take.split(":")
        expected = None
        for layout in (SAME, *arguments.layouts.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                scores = scores_of(Path(folder), layout, rate, float(start_s), plan)
            expected = expected or scores
            apart = {name: scores[name] - expected[name] for name in METRICS if name in scores}
            far += any(abs(apart[name]) > MOST for name in METRICS[:3])
            cells = (f"{scores[name]:.4f} ({apart[name]:+.4f})" if name in scores else "-" for name in METRICS)
            print(f"| {rate} | {start_s} s | {layout} | {scores['notes']} | {' | '.join(cells)} |", flush=True)
    return int(far > 0)


def scores_of(folder: Path, layout: str, rate: str, start_s: float, plan: Plan) -> dict[str, float]:
    """Render the clips below `folder`, run the stages there and return the scores of the test split, means over clips."""
    values = params_file.load(ROOT / "params.yaml")
    synth = section(values, "synth", SynthParams)
    synth = replace(
        synth, camera=replace(synth.camera, crf=CRF), test_clips=plan.clips, test_s=plan.seconds,
        train_clips=TRAIN_CLIPS, val_clips=TRAIN_CLIPS, train_s=TRAIN_S, val_s=TRAIN_S,
    )  # fmt: skip
    request = LayoutRequest(layout, plan.seed, None, None, rate, SIZE_PX, start_s, "key")
    write_layout(folder / "sets", synth, request, workers=Workers(values["runtime"]["workers"]))
    values["data"]["name"] = layout
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    for source, target in ((FOLDER / "weights.pt", TRAINED_CHECKPOINT), (FOLDER / "thresholds.json", TRAINED_THRESHOLDS)):
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, folder / target)
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    commands = [stage["cmd"].split()[2:] for name, stage in stages.items() if name not in ("train", "sweep")]
    for command in (["tivit", "index", layout], *commands):
        run(folder, command)
    scores = json.loads((folder / "data/transcriptions/scores.json").read_text())["all"]
    notes = json.loads((folder / "metrics/manifest.json").read_text())["notes"]["test"]
    return {**scores, "notes": notes}


def run(folder: Path, command: list[str]) -> None:
    """Run `python -m <command>` in a folder; end with all it said when it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TIVIT_DATA_DIR": str(folder / "sets")}
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main())
