"""Score the test split once: thresholds and data/decoded/test.npz -> MIDI files, metrics/evaluate.json and pictures."""

from __future__ import annotations

import logging
from pathlib import Path

from tivit.core import params as params_file
from tivit.core.artifacts import resolve_inside, write_csv, write_json
from tivit.core.notes import write_midi
from tivit.core.runtime import RuntimeParams
from tivit.core.stage import run_stage
from tivit.decoding.events import decode_notes
from tivit.decoding.thresholds import read_thresholds
from tivit.evaluation.inputs import load_split
from tivit.evaluation.plots import piano_roll, save_png
from tivit.evaluation.report import CLIP_COLUMNS, DECIMALS, clip_rows, score_table
from tivit.evaluation.scores import EvaluateParams, score_clip, summary_by_tier

SPLIT = "test"
OUT = Path("data/transcriptions")
log = logging.getLogger("tivit.evaluate")


def run(params: dict, runtime: RuntimeParams) -> None:
    """Write data/transcriptions/, metrics/evaluate.json and metrics/plots/clips.csv."""
    settings = params_file.section(params, "evaluate", EvaluateParams)
    clips = load_split("data/decoded/test.npz", "data/manifest", SPLIT)
    thresholds = read_thresholds("metrics/thresholds.json")
    tiers = {clip.logits.clip_id: clip.tier for clip in clips}
    scores = {}
    for clip in clips:
        clip_id, grid = clip.logits.clip_id, clip.logits.grid
        notes = decode_notes(clip.logits.heads, grid, thresholds)
        scores[clip_id] = score_clip(clip.notes, notes, grid)
        write_midi(resolve_inside(OUT, f"{clip_id}.mid"), notes)
        if settings.pictures:
            title = f"{clip_id}   onset F1 {scores[clip_id].values()['onset_f1_50']:.3f}"
            figure = piano_roll(clip.notes, notes, scores[clip_id].pairs, grid, title)
            save_png(figure, resolve_inside(OUT, f"{clip_id}.png"))
    blocks = summary_by_tier(scores, tiers)
    write_csv("metrics/plots/clips.csv", CLIP_COLUMNS, clip_rows(scores, tiers), DECIMALS)
    write_json("metrics/evaluate.json", blocks, DECIMALS)
    log.info("evaluate: %s\n%s", SPLIT, score_table(blocks))


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
