"""Score the test split once: thresholds and data/decoded/test.npz -> MIDI files, pictures, metrics and tables."""

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
from tivit.evaluation import report
from tivit.evaluation.inputs import load_split
from tivit.evaluation.plots import piano_roll, save_png
from tivit.evaluation.scores import EvaluateParams, headlines, score_clip, summary_by_tier

SPLIT = "test"
DECODED, OUT = Path("data/decoded/test.npz"), Path("data/transcriptions")
TABLES = Path("metrics/plots")
log = logging.getLogger("tivit.evaluate")


def run(params: dict, runtime: RuntimeParams) -> None:
    """Write data/transcriptions/, metrics/evaluate.json and metrics/plots/{scores,clips,keys,timing}.csv."""
    settings = params_file.section(params, "evaluate", EvaluateParams)
    clips = load_split(DECODED, "data/manifest", SPLIT)
    thresholds = read_thresholds("metrics/thresholds.json")
    tiers = {clip.logits.clip_id: clip.tier for clip in clips}
    scores, matched = {}, []
    for clip in clips:
        clip_id, grid = clip.logits.clip_id, clip.logits.grid
        notes = decode_notes(clip.logits.heads, grid, thresholds)
        score = scores[clip_id] = score_clip(clip.notes, notes, grid)
        matched.append((clip.notes, notes, score.pairs))
        write_midi(resolve_inside(OUT, f"{clip_id}.mid"), notes)
        if settings.pictures:
            title = f"{clip_id}   onset F1 {score.values()['onset_f1_50']:.3f}"
            save_png(piano_roll(clip.notes, notes, score.pairs, grid, title), resolve_inside(OUT, f"{clip_id}.png"))
    blocks = summary_by_tier(scores, tiers)
    if clips.partial:
        blocks["all"]["partial"] = len(clips.missing)
    write_csv(TABLES / "scores.csv", report.SCORE_COLUMNS, report.score_rows(blocks), report.DECIMALS)
    write_csv(TABLES / "clips.csv", report.CLIP_COLUMNS, report.clip_rows(scores, tiers), report.DECIMALS)
    write_csv(TABLES / "keys.csv", report.KEY_COLUMNS, report.key_rows(matched), report.DECIMALS)
    write_csv(TABLES / "timing.csv", report.TIMING_COLUMNS, report.timing_rows(matched), report.DECIMALS)
    write_json("metrics/evaluate.json", headlines(blocks), report.DECIMALS)
    partial = f", partial: {len(clips.missing)} clips of the split have no logits" if clips.partial else ""
    log.info("evaluate: %s%s\n%s", SPLIT, partial, report.score_table(blocks))


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
