"""Score the test split once: thresholds and data/decoded/test.npz -> MIDI files, scores, tables for plots and pictures."""

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
from tivit.evaluation.report import DECIMALS, score_table
from tivit.evaluation.scores import EvaluateParams, headline, score_clip, summary_by_tier
from tivit.evaluation.tables import write_tables

SPLIT = "test"
OUT = Path("data/transcriptions")
log = logging.getLogger("tivit.evaluate")


def run(params: dict, runtime: RuntimeParams) -> None:
    """Write data/transcriptions/ with scores.json, metrics/evaluate.json and the tables in metrics/plots/."""
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
            picture = piano_roll(clip.notes, notes, scores[clip_id].pairs, grid, title)
            save_png(picture, resolve_inside(OUT, f"{clip_id}.png"))
    blocks = summary_by_tier(scores, tiers)
    partial = {"partial": True} if clips.missing else {}
    write_tables("metrics/plots", scores, tiers)
    write_json(OUT / "scores.json", {**blocks, **partial}, DECIMALS)
    write_json("metrics/evaluate.json", {**headline(blocks), **partial}, DECIMALS)
    log.info("evaluate: %s\n%s", SPLIT, score_table(blocks))
    if clips.missing:
        log.warning("evaluate: partial, %d clips of %s have no logits: %s", len(clips.missing), SPLIT, ", ".join(clips.missing))


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
