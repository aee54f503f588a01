"""What a sweep leaves behind in a folder: thresholds, a few numbers, every point, curves, calibration.

`thresholds.json`, `sweep.json` (the scores of what was chosen, below the name of the split), `calibration.json`, and in
`plots/` `sweep.csv` (every point), `onset_curve.csv` (precision, recall and F1 over the onset threshold) and
`reliability.csv` (share of true labels per bin of probability, before and after calibration). The same for the pipeline's stage
and for any logits file by hand.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tivit.core.artifacts import write_csv, write_json
from tivit.core.disk_rows import Scratch
from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS
from tivit.core.logits import ClipLogits, SplitClips, read_logits
from tivit.core.manifest import read_notes
from tivit.core.notes import Notes, empty_notes
from tivit.decoding.thresholds import HeadThreshold, write_thresholds
from tivit.scoring.report import DECIMALS
from tivit.sweeping.calibration import HeadCalibration, calibrate
from tivit.sweeping.search import SweepParams, SweepResult, sweep
from tivit.sweeping.tables import (
    CURVE_COLUMNS,
    POINT_COLUMNS,
    RELIABILITY_COLUMNS,
    curve_rows,
    point_rows,
    reliability_rows,
)  # fmt: skip

log = logging.getLogger("tivit.sweep")


def sweep_to(
    folder: Path | str,
    clips: SplitClips[ClipLogits],
    references: Sequence[Notes],
    params: SweepParams,
    split: str,
    label_lag_s: float,
) -> SweepResult:
    """Choose thresholds for some clips; write the files and return the result.

    Where clips of the split are missing, `sweep.json` says `partial: true`, and so does the log.

    Parameters
    ----------
    folder : Path or str
        Where the files go.
    clips : SplitClips of ClipLogits
        Their `settings` are written into `thresholds.json`.
    references : sequence of Notes
        The true notes of each clip, as published.
    params : SweepParams
        What is tried.
    split : str
        The name of the split.
    label_lag_s : float
        By how much corrected labels are later than `references`, the median over the notes (s).

    Returns
    -------
    SweepResult

    Raises
    ------
    InputError
        As of `search.sweep`.
    """
    folder = Path(folder)
    started = time.perf_counter()
    result = sweep_published(clips, references, params, split, label_lag_s, Scratch(folder))
    calibration = calibrate(clips, [notes.moved(result.thresholds.label_lag_s) for notes in references])
    best, lag_s = result.best, result.thresholds.onset.lag_s
    share = f"{len(clips)} clips (partial: {len(clips.missing)} more are missing)" if clips.partial else f"{len(clips)} clips"
    log.info("sweep: %d points, %s, %.2f s", len(result.points), share, time.perf_counter() - started)
    log.info("onset F1@50 %.4f at onset %g, pitch %g", best.onset_f1_50, best.onset_threshold, best.pitch_threshold)
    log.info("note F1 %.4f at hold %g, offset %g; onset lag %g s", best.note_f1, best.hold, best.offset_threshold, lag_s)
    write_csv(folder / "plots/sweep.csv", POINT_COLUMNS, point_rows(result.points), DECIMALS)
    write_csv(folder / "plots/onset_curve.csv", CURVE_COLUMNS, curve_rows(result.points, best), DECIMALS)
    write_csv(folder / "plots/reliability.csv", RELIABILITY_COLUMNS, reliability_rows(calibration), DECIMALS)
    scores = {"onset_f1": best.onset_f1_50, "note_f1": best.note_f1}
    partial = {"partial": True} if clips.partial else {}
    write_json(folder / "sweep.json", {split: {**scores, **partial}}, DECIMALS)
    write_json(folder / "calibration.json", [_numbers(name, head) for name, head in calibration.items()])
    write_thresholds(folder / "thresholds.json", result.thresholds)
    return result


def sweep_published(
    clips: SplitClips[ClipLogits],
    references: Sequence[Notes],
    params: SweepParams,
    split: str,
    label_lag_s: float,
    scratch: Scratch | None = None,
) -> SweepResult:
    """Return the best thresholds on published labels, saying what they were chosen under.

    The search measures lags of up to 100 ms, and labels may be off by more. So it is given the labels `label_lag_s` later, and
    that is added to the lags it finds: the same notes against the same labels. Where lags are kept, nothing is moved.

    Parameters
    ----------
    clips, references, params, split, label_lag_s
        As of `sweep_to`.
    scratch : Scratch, optional
        What takes what would grow with the length of the clips; memory does without it.

    Returns
    -------
    SweepResult

    Raises
    ------
    InputError
        As of `search.sweep`.
    """
    label_lag_s = label_lag_s if params.remove_lag else 0.0
    result = sweep(clips, [notes.moved(label_lag_s) for notes in references], params, split, scratch)
    heads = {name: _later(getattr(result.thresholds, name), label_lag_s) for name in EVENT_HEADS}
    thresholds = replace(
        result.thresholds, onset=heads["onset"], pitch=heads["pitch"], offset=heads["offset"], chosen_under=clips.settings,
        label_lag_s=label_lag_s,
    )  # fmt: skip
    return replace(result, thresholds=thresholds)


def _later(head: HeadThreshold, by_s: float) -> HeadThreshold:
    """Return a head with `by_s` added to its lags."""
    black = head.black and replace(head.black, lag_s=head.black.lag_s + by_s)
    return replace(head, lag_s=head.lag_s + by_s, black=black)


def sweep_files(logits: Path, notes: Path, folder: Path, params: SweepParams) -> SweepResult:
    """Choose thresholds for the clips of a logits file by a table of true notes.

    Parameters
    ----------
    logits : Path
        The logits file; its name without the ending becomes the split in the thresholds file.
    notes : Path
        A table like `data/manifest/notes.csv`. A clip that it does not name has no notes.
    folder : Path
        Where the files go.
    params : SweepParams
        What is tried.

    Returns
    -------
    SweepResult

    Raises
    ------
    InputError
        A file is unreadable, or no clip of the logits file has notes in the table.
    """
    clips, references = read_logits(logits), read_notes(notes)
    named = [clip.clip_id for clip in clips if clip.clip_id in references]
    if not named:
        raise InputError(f"{notes}: none of its clips {_some(references)} is one of {logits}, which holds {_some(_ids(clips))}")
    if len(named) < len(clips):
        log.info("%s: %d of %d clips have no notes in %s", logits, len(clips) - len(named), len(clips), notes)
    notes_by_clip = [references.get(clip.clip_id, empty_notes()) for clip in clips]
    return sweep_to(folder, clips, notes_by_clip, params, logits.stem, 0.0)


def _ids(clips: Sequence[ClipLogits]) -> dict[str, None]:
    return dict.fromkeys(clip.clip_id for clip in clips)


def _some(names: Mapping[str, object]) -> str:
    listed = ", ".join(repr(name) for name in list(names)[:3]) or "(no clip)"
    return f"{listed} and {len(names) - 3} more" if len(names) > 3 else listed


def _numbers(name: str, head: HeadCalibration) -> dict[str, object]:
    return {
        "head": name,
        "temperature": head.temperature,
        "bias": head.bias,
        "ece_before": head.before.ece,
        "ece_after": head.after.ece,
        "ace_before": head.before.ace,
        "ace_after": head.after.ace,
        "brier_before": head.before.brier,
        "brier_after": head.after.brier,
        "predicted_rate": head.before.predicted_rate,
        "true_rate": head.true_rate,
    }
