"""Choose decoding thresholds on the validation split: data/decoded/val.npz -> metrics/thresholds.json."""

from __future__ import annotations

import logging
import time

from tivit.core import params as params_file
from tivit.core.artifacts import write_csv, write_json
from tivit.core.runtime import RuntimeParams
from tivit.core.stage import run_stage
from tivit.decoding.thresholds import write_thresholds
from tivit.evaluation.inputs import load_split
from tivit.evaluation.report import CURVE_COLUMNS, DECIMALS, POINT_COLUMNS, curve_rows, point_rows
from tivit.evaluation.sweep import SweepParams, sweep

SPLIT = "val"
log = logging.getLogger("tivit.sweep")


def run(params: dict, runtime: RuntimeParams) -> None:
    """Write metrics/thresholds.json, metrics/sweep.json and metrics/plots/{sweep,onset_curve}.csv."""
    settings = params_file.section(params, "sweep", SweepParams)
    clips = load_split("data/decoded/val.npz", "data/manifest", SPLIT)
    started = time.perf_counter()
    result = sweep([clip.logits for clip in clips], [clip.notes for clip in clips], settings, SPLIT)
    best, lag_s = result.best, result.thresholds.onset.lag_s
    log.info("sweep: %d points, %d clips, %.2f s", len(result.points), len(clips), time.perf_counter() - started)
    log.info("onset F1@50 %.4f at onset %g, pitch %g", best.onset_f1_50, best.onset_threshold, best.pitch_threshold)
    log.info("note F1 %.4f at hold %g, offset %g; onset lag %g s", best.note_f1, best.hold, best.offset_threshold, lag_s)
    write_csv("metrics/plots/sweep.csv", POINT_COLUMNS, point_rows(result.points), DECIMALS)
    write_csv("metrics/plots/onset_curve.csv", CURVE_COLUMNS, curve_rows(result.points, best), DECIMALS)
    scores = {name: getattr(best, name) for name in ("onset_f1_50", "onset_p_50", "onset_r_50", "note_f1")}
    write_json("metrics/sweep.json", {**scores, "lag_s": lag_s, "points": len(result.points)}, DECIMALS)
    write_thresholds("metrics/thresholds.json", result.thresholds)


if __name__ == "__main__":
    raise SystemExit(run_stage(run))
