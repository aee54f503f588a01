"""The tables that evaluate leaves for `dvc plots show`: by tier, clip, key and kind of note, errors by class, timing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tivit.core.artifacts import write_csv
from tivit.scoring.kinds import KEY_COLUMNS, key_rows
from tivit.scoring.report import (
    CLIP_COLUMNS,
    DECIMALS,
    TIER_COLUMNS,
    census_table,
    clip_rows,
    kind_table,
    tier_rows,
)  # fmt: skip
from tivit.scoring.scores import ClipScore
from tivit.scoring.timing import HISTOGRAM_COLUMNS, histogram_rows


def write_tables(
    folder: Path | str,
    scores: Mapping[str, ClipScore],
    tiers: Mapping[str, str],
    blocks: Mapping[str, Mapping[str, float]],
) -> None:
    """Write tiers.csv, clips.csv, keys.csv, kinds.csv, census.csv and timing.csv.

    Parameters
    ----------
    folder : Path or str
        Where they go.
    scores : mapping
        Clip id -> its scores.
    tiers : mapping
        Clip id -> its tier, "" for none.
    blocks : mapping
        What `summary_by_tier` makes of these; keys.csv and timing.csv count all clips together.
    """
    folder = Path(folder)
    write_csv(folder / "tiers.csv", TIER_COLUMNS, tier_rows(blocks), DECIMALS)
    write_csv(folder / "clips.csv", CLIP_COLUMNS, clip_rows(scores, tiers), DECIMALS)
    write_csv(folder / "keys.csv", KEY_COLUMNS, key_rows([score.kinds for score in scores.values()]), DECIMALS)
    write_csv(folder / "kinds.csv", *kind_table(blocks), DECIMALS)
    write_csv(folder / "census.csv", *census_table(blocks), DECIMALS)
    write_csv(folder / "timing.csv", HISTOGRAM_COLUMNS, histogram_rows([s.timing for s in scores.values()]), DECIMALS)
