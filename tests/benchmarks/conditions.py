"""How well the weights of the project read rendered clips made for one question each, such as crossing hands or short notes.

    PYTHONPATH=. python tests/benchmarks/conditions.py [CONDITION ...] [--clips 8] [--seed 9000]

Each condition changes a few values of section `synth`; all else is `params.yaml`. Clips alternate between plain and hard, and
their seeds are those of no training. The keyboard is found from pixels; a clip whose keyboard is not found counts 0.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.notes import Notes, read_midi
from tivit.core.params import load, section
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.core.timegrid import TimeGrid, frames_of
from tivit.pretrained.files import Trained, shipped
from tivit.pretrained.names import FOLDER
from tivit.pretrained.recipe import transcription_params
from tivit.scoring.scores import ClipScore, score_clip
from tivit.synth.dataset import TIERS, ClipTask, write_clip
from tivit.synth.params import SynthParams
from tivit.transcription.batch import write_midi_of
from tivit.transcription.chain import Request, Transcriber

MUSIC: dict[str, dict[str, Any]] = {
    "default": {},
    "crossing": {"crossing": 0.12},
    "held": {"held": 1.0},
    "staccato": {"staccato": 1.0, "legato": 0.0},
    "everywhere": {"roaming": 1.0},
    "touches": {"touches_per_s": (0.6, 0.6)},
    "short": {},
}
LENGTH_S, SHORT_S = 10.0, 4.0
FPS = 30.0
"""Of the grid on which frames are counted."""
VALUES = ("onset_f1_50", "onset_p_50", "onset_r_50", "note_f1", "frame_f1", "hand_acc", "hand_acc_baseline")
CLIPS_APART = 1000
"""Between the seeds of two conditions."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conditions", nargs="*", default=list(MUSIC), metavar="CONDITION", help=", ".join(MUSIC))
    parser.add_argument("--clips", type=int, default=8, help="per condition (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=9000, help="default: %(default)s")
    parser.add_argument("--adapt", action="store_true", help="as `tivit transcribe --adapt`")
    arguments = parser.parse_args()
    params, trained = section(load(), "synth", SynthParams), shipped(FOLDER)
    print("| condition | clips | not found | onset F1, not found at 0 | " + " | ".join(VALUES) + " | repeats |")
    print("|---|---|---|---|" + "---|" * (len(VALUES) + 1))
    played, found = np.zeros(KEY_COUNT, int), np.zeros(KEY_COUNT, int)
    for name in arguments.conditions:
        length_s = SHORT_S if name == "short" else LENGTH_S
        seed = arguments.seed + CLIPS_APART * list(MUSIC).index(name)
        synth = replace(params, seed=seed, test_s=length_s, music=replace(params.music, **MUSIC[name]))
        with tempfile.TemporaryDirectory(prefix="conditions-") as folder:
            scores = []
            for reference, score in readings(Path(folder), synth, arguments.clips, trained, arguments.adapt):
                scores.append(score)
                np.add.at(played, key_of(reference.midi), 1)
                if score is not None:
                    np.add.at(found, key_of(reference.midi[score.pairs[:, 0]]), 1)
        print(row(name, scores), flush=True)
    often = played >= 5
    recall = found[often] / played[often]
    print(
        f"\n{often.sum()} of {KEY_COUNT} keys are played five times or more; recall {recall.min():.2f} to {recall.max():.2f}, "
    )
    print(f"below 0.95 at {(recall < 0.95).sum()} of them; median {np.median(recall):.2f}")


def readings(
    folder: Path, synth: SynthParams, count: int, trained: Trained, adapt: bool
) -> Iterator[tuple[Notes, ClipScore | None]]:
    """Yield the true notes of each clip and the score of its transcription, None where its keyboard is not found."""
    (folder / "test").mkdir()
    tasks = [ClipTask("test", number, TIERS[number % 2], f"clip_{number:03d}") for number in range(count)]
    for _ in map_clips(partial(write_clip, folder, synth), tasks, Workers(2), "render", str, len(tasks)):
        pass
    transcriber = Transcriber(transcription_params(trained, None), trained.checkpoint, trained.thresholds)
    for task in tasks:
        video = folder / "test" / f"{task.stem}.mp4"
        reference, output = read_midi(video.with_suffix(".mid")), video.with_suffix(".out.mid")
        grid = TimeGrid(FPS, 0.0, frames_of(synth.test_s, FPS))
        try:
            transcription = transcriber.transcribe(Request(video, adapt=adapt))
        except InputError as error:
            print(error)
            yield reference, None
            continue
        if len(transcription.notes) == 0:
            raise SystemExit(f"{video}: no note was read; nothing to score")
        write_midi_of(output, transcription)
        yield reference, score_clip(reference, read_midi(output), grid)


def row(name: str, scores: list[ClipScore | None]) -> str:
    """Return a line of the table."""
    values = [score.values() for score in scores if score is not None]
    kinds = [score.kinds for score in scores if score is not None]
    repeats = sum(kind.matched["repeats"] for kind in kinds), sum(kind.notes["repeats"] for kind in kinds)
    means = [np.mean([value[key] for value in values if key in value]) for key in VALUES]
    missing = sum(score is None for score in scores)
    over_all = means[0] * len(values) / len(scores)
    cells = " | ".join(f"{mean:.3f}" for mean in means)
    return f"| {name} | {len(scores)} | {missing} | {over_all:.3f} | {cells} | {repeats[0]} of {repeats[1]} |"


if __name__ == "__main__":
    main()
