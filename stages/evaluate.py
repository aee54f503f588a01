"""Score the test split once: thresholds and data/decoded/test.npz -> MIDI files, scores, tables for plots and pictures."""

from __future__ import annotations

from tivit.core.run.stage import run_stage

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
import logging
from pathlib import Path

from tivit.core import params as params_file
from tivit.core.artifacts import resolve_inside, write_json
from tivit.core.manifest import read_left_out_tiers
from tivit.core.notes import Notes, write_midi
from tivit.core.run.runtime import RuntimeParams
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import read_thresholds, refuse_other_settings
from tivit.scoring.inputs import ScoredClip, load_split
from tivit.scoring.plots import piano_roll, save_png
from tivit.scoring.report import DECIMALS, score_table
from tivit.scoring.scores import ClipScore, EvaluateParams, headline, score_clip, summary_by_tier, with_corrected, with_refused
from tivit.scoring.tables import write_tables

SPLIT = "test"
DECODED, THRESHOLDS = Path("data/decoded/test.npz"), Path("metrics/thresholds.json")
OUT = Path("data/transcriptions")
log = logging.getLogger("tivit.evaluate")


def run(params: dict, runtime: RuntimeParams) -> None:
    """Write data/transcriptions/ with scores.json and lowest.png, metrics/evaluate.json and the tables in metrics/plots/.

    Every value is one on the published labels. Where corrected labels of a clip differ, `*_corrected` are those on corrected
    labels; the part of the lags in the thresholds that is the labels' own is put back for them.

    Parameters
    ----------
    params : dict
        The params file; section `evaluate` is read.
    runtime : RuntimeParams
        Not used.

    Raises
    ------
    InputError
        A file of an earlier stage is missing or damaged, or the logits were made under other settings than the thresholds.
    """
    settings = params_file.section(params, "evaluate", EvaluateParams)
    clips = load_split(DECODED, "data/manifest", SPLIT)
    thresholds = read_thresholds(THRESHOLDS)
    refuse_other_settings(DECODED, clips.settings, THRESHOLDS, thresholds.chosen_under)
    scores, corrected, pictures = {}, {}, {}
    has_corrections = any(not clip.correction.is_none for clip in clips)
    for clip in clips:
        clip_id, grid = clip.logits.clip_id, clip.logits.grid
        notes = decode_notes(clip.logits.heads, grid, thresholds)
        scores[clip_id], pictures[clip_id] = score_clip(clip.notes, notes, grid), (clip, notes)
        if has_corrections:
            corrected[clip_id] = score_clip(clip.corrected_notes, notes.moved(thresholds.label_lag_s), grid)
        write_midi(resolve_inside(OUT, f"{clip_id}.mid"), notes)
    for clip_id in scores if settings.pictures else ():
        _draw(resolve_inside(OUT, f"{clip_id}.png"), *pictures[clip_id], scores[clip_id])
    lowest = min(scores, key=lambda clip_id: scores[clip_id].counts["onset_50"].f1)
    _draw(OUT / "lowest.png", *pictures[lowest], scores[lowest])
    tiers = {clip.logits.clip_id: clip.tier for clip in clips}
    refused = read_left_out_tiers("data/manifest", SPLIT)
    blocks = with_refused(summary_by_tier(scores, tiers), refused)
    if has_corrections:
        blocks = with_corrected(blocks, with_refused(summary_by_tier(corrected, tiers), refused))
    partial = {"partial": True} if clips.partial else {}
    write_tables("metrics/plots", scores, tiers, blocks)
    write_json(OUT / "scores.json", {**blocks, **partial}, DECIMALS)
    write_json("metrics/evaluate.json", {**headline(blocks), **partial}, DECIMALS)
    share = f", partial: {len(clips.missing)} of its clips are missing ({', '.join(clips.missing)})" if clips.partial else ""
    log.info("evaluate: %s%s\n%s", SPLIT, share, score_table(blocks))


def _draw(path: Path, clip: ScoredClip, notes: Notes, score: ClipScore) -> None:
    title = f"{clip.logits.clip_id}   onset F1 {score.counts['onset_50'].f1:.3f}"
    save_png(piano_roll(clip.notes, notes, score.pairs, clip.logits.grid, title), path)


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
