"""Scores of files of notes against others: other people's transcriptions, measured with the ruler of the pipeline.

Folders are paired by stem. A reference without an estimate counts as one that found nothing, and is named; an estimate without
a reference is an error, because nothing could be said of it.
"""

from __future__ import annotations

import logging
from pathlib import Path

from tivit.core.artifacts import write_csv, write_json
from tivit.core.errors import InputError
from tivit.core.notes import empty_notes
from tivit.core.timegrid import TimeGrid, frames_of
from tivit.evaluation.note_files import SUFFIXES, read_scored_notes
from tivit.evaluation.report import CLIP_COLUMNS, DECIMALS, clip_rows, score_table
from tivit.evaluation.scores import ClipScore, score_clip, summary_by_tier

FRAMES_PER_S = 100.0
"""Instants at which `frame_f1` compares two files: finer than any video, as files have no frame rate."""
log = logging.getLogger("tivit.score")


def score_files(reference: Path, estimate: Path) -> dict[str, ClipScore]:
    """Return the scores by stem of one file against one, or of a folder against a folder.

    Raises
    ------
    InputError
        A path is missing, one is a file and the other a folder, an estimate has no reference, or a file is not readable.
    """
    return {stem: score_pair(*pair) for stem, pair in paired(reference, estimate).items()}


def paired(reference: Path, estimate: Path) -> dict[str, tuple[Path, Path | None]]:
    """Return stem -> (reference file, estimated file or None), sorted by stem."""
    for path in (reference, estimate):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    if reference.is_dir() != estimate.is_dir():
        raise InputError(f"{reference} and {estimate}: give two files or two folders")
    if not reference.is_dir():
        return {reference.stem: (reference, estimate)}
    references, estimates = files_by_stem(reference), files_by_stem(estimate)
    strange = sorted(estimates.keys() - references.keys())
    if strange:
        raise InputError(f"{estimates[strange[0]]}: {reference} has no reference of this name ({len(strange)} such files)")
    if not references:
        raise InputError(f"{reference}: holds no file of notes ({', '.join(SUFFIXES)})")
    return {stem: (path, estimates.get(stem)) for stem, path in references.items()}


def files_by_stem(folder: Path) -> dict[str, Path]:
    """Return the files of notes directly in a folder, sorted by stem; two of one stem are an error."""
    result: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in result:
            raise InputError(f"{path} and {result[path.stem].name} have one name; which is the one to score?")
        result[path.stem] = path
    return result


def score_pair(reference: Path, estimate: Path | None) -> ClipScore:
    """Return the score of one file; without an estimate that of no notes."""
    truth = read_scored_notes(reference)
    if estimate is None:
        log.warning("%s: no estimate, so all its notes count as missed", reference)
    found = empty_notes() if estimate is None else read_scored_notes(estimate)
    end_s = max([0.0, *truth.offset_s.tolist(), *found.offset_s.tolist()])
    return score_clip(truth, found, TimeGrid(FRAMES_PER_S, 0.0, frames_of(end_s, FRAMES_PER_S) + 1))


def report_scores(scores: dict[str, ClipScore], table: Path | None = None, summary: Path | None = None) -> str:
    """Return scores by stem as text, a line a file and the table of the pipeline; write a row a file (CSV), all (JSON)."""
    tiers = dict.fromkeys(scores, "")
    blocks = summary_by_tier(scores, tiers)
    if table is not None:
        write_csv(table, CLIP_COLUMNS, clip_rows(scores, tiers), DECIMALS)
    if summary is not None:
        write_json(summary, blocks, DECIMALS)
    width = max(len(stem) for stem in scores)
    lines = [f"{'':{width}}    notes  onset F1 @ 50 ms  onset + offset F1"]
    for stem, score in scores.items():
        values = score.values()
        lines.append(
            f"{stem:{width}} {score.counts['onset_50'].reference:8d} {values['onset_f1_50']:17.4f} {values['note_f1']:18.4f}"
        )
    return "\n".join([*lines, "", score_table(blocks)])
