"""The tables that evaluate leaves for `dvc plots show`: by clip, by key, by kind of note, errors by class, and timing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tivit.core.artifacts import write_csv
from tivit.evaluation.census import CENSUS_COLUMNS
from tivit.evaluation.kinds import KEY_COLUMNS, KIND_COLUMNS, key_rows
from tivit.evaluation.report import CLIP_COLUMNS, DECIMALS, census_rows, clip_rows, kind_rows
from tivit.evaluation.scores import ClipScore, by_tier
from tivit.evaluation.timing import HISTOGRAM_COLUMNS, histogram_rows


def write_tables(folder: Path | str, scores: Mapping[str, ClipScore], tiers: Mapping[str, str]) -> None:
    """Write clips.csv, keys.csv, kinds.csv, census.csv and timing.csv; `scores` and `tiers` are keyed by clip id.

    keys.csv and timing.csv count all clips together, kinds.csv and census.csv all clips and each tier.
    """
    folder, groups = Path(folder), by_tier(scores, tiers)
    every = groups["all"]
    write_csv(folder / "clips.csv", CLIP_COLUMNS, clip_rows(scores, tiers), DECIMALS)
    write_csv(folder / "keys.csv", KEY_COLUMNS, key_rows([score.kinds for score in every]), DECIMALS)
    write_csv(folder / "kinds.csv", KIND_COLUMNS, kind_rows(groups), DECIMALS)
    write_csv(folder / "census.csv", CENSUS_COLUMNS, census_rows(groups), DECIMALS)
    write_csv(folder / "timing.csv", HISTOGRAM_COLUMNS, histogram_rows([score.timing for score in every]), DECIMALS)
