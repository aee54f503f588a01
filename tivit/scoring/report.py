"""Tables of scores: rows for the CSV files of evaluate, and the few lines a person reads in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from tivit.scoring.census import CENSUS_COLUMNS, CLASSES
from tivit.scoring.kinds import KIND_COLUMNS, KINDS
from tivit.scoring.scores import CORRECTED, ClipScore

CLIP_METRICS = (
    "onset_f1_50", "onset_p_50", "onset_r_50", "onset_f1_100", "note_f1", "note_p", "note_r", "note_f1_same_tol",
    "frame_f1", "frame_p", "frame_r", "hand_acc", "hand_acc_baseline", "clef_acc", "clef_acc_baseline",
    "onset_velocity_f1", "note_velocity_f1", "velocity_corr",
)  # fmt: skip
CLIP_COLUMNS = ("clip_id", "tier", "notes", "found", "missed", "invented", *CLIP_METRICS)
TIER_COLUMNS = ("tier", "metric", "value", "low", "high", "clips")
TIER_METRICS = ("onset_f1_50", "note_f1", "frame_f1", "hand_acc")
TABLE_INTERVALS = ("onset_f1_50", "note_f1", "frame_f1")
TABLE_METRICS = (
    "refused", "onset_f1_50_all", *(f"{name}_corrected" for name in CORRECTED),
    *(f"{name}{end}" for name in CLIP_METRICS for end in ("", "_low", "_high") if not end or name in TABLE_INTERVALS),
    *(f"{value}_{kind}" for kind in KINDS for value in ("recall", "precision", "notes")),
    *(f"{value}_{error}" for error in CLASSES for value in ("errors", "share")),
    "onset_late_ms", "onset_spread_ms", "late_ms_white", "late_ms_black", "offset_late_ms", "offset_spread_ms",
)  # fmt: skip
NAME_WIDTH, CELL_WIDTH = 24, 9
"""Of a line of the table in the terminal: letters of the metric's name and of each column."""
DECIMALS = 4
MS_DECIMALS = 1
"""Decimals of scores, in files and in the table, and of milliseconds in the table."""


def clip_rows(scores: Mapping[str, ClipScore], tiers: Mapping[str, str]) -> list[list[object]]:
    """Return one row per clip.

    Parameters
    ----------
    scores : mapping
        Clip id -> its scores.
    tiers : mapping
        Clip id -> its tier, "" for none.

    Returns
    -------
    list of list
        Columns `CLIP_COLUMNS`; found, missed and invented count onsets at 50 ms, and "" is no value.
    """
    rows: list[list[object]] = []
    for clip_id, score in scores.items():
        counts, values = score.counts["onset_50"], score.values()
        missed, invented = counts.reference - counts.matched, counts.estimate - counts.matched
        metrics = [values.get(name, "") for name in CLIP_METRICS]
        rows.append([clip_id, tiers[clip_id], counts.reference, counts.matched, missed, invented, *metrics])
    return rows


def tier_rows(blocks: Mapping[str, Mapping[str, float]]) -> list[list[object]]:
    """Return one row per tier and metric: the mean over its registered clips with the 95 % interval.

    Parameters
    ----------
    blocks : mapping
        As `scores.summary_by_tier` returns them; "all" is among the tiers.

    Returns
    -------
    list of list
        Columns `TIER_COLUMNS`. The interval is "" where a tier has fewer than two clips; a metric that it lacks has no row.
    """
    return [
        [tier, name, block[name], block.get(f"{name}_low", ""), block.get(f"{name}_high", ""), block["clips"]]
        for tier, block in blocks.items()
        for name in TIER_METRICS
        if name in block
    ]


def kind_table(blocks: Mapping[str, Mapping[str, float]]) -> tuple[list[str], list[list[object]]]:
    """Return the header and one row per kind of note.

    Parameters
    ----------
    blocks : mapping
        As `scores.summary_by_tier` returns them.

    Returns
    -------
    (list of str, list of list)
        Of block "all" the columns `kinds.KIND_COLUMNS`, then the recall of each tier; "" is no value. A kind of which no clip
        has a note is left out.
    """
    every, tiers = blocks["all"], _tiers(blocks)
    rows = [
        [kind, every[f"notes_{kind}"], every[f"recall_{kind}"], every.get(f"precision_{kind}", "")]
        + [blocks[tier].get(f"recall_{kind}", "") for tier in tiers]
        for kind in KINDS
        if every[f"notes_{kind}"]
    ]
    return [*KIND_COLUMNS, *(f"recall_{tier}" for tier in tiers)], rows


def census_table(blocks: Mapping[str, Mapping[str, float]]) -> tuple[list[str], list[list[object]]]:
    """Return the header and one row per class of error.

    Parameters
    ----------
    blocks : mapping
        As `scores.summary_by_tier` returns them.

    Returns
    -------
    (list of str, list of list)
        Of block "all" the columns `census.CENSUS_COLUMNS`, then the count of each tier; "" is no value.
    """
    every, tiers = blocks["all"], _tiers(blocks)
    rows: list[list[object]] = [
        [name, every[f"errors_{name}"], every.get(f"share_{name}", ""), *(blocks[tier][f"errors_{name}"] for tier in tiers)]
        for name in CLASSES
    ]
    return [*CENSUS_COLUMNS, *(f"count_{tier}" for tier in tiers)], rows


def _tiers(blocks: Mapping[str, object]) -> list[str]:
    return [name for name in blocks if name != "all"]


def score_table(blocks: Mapping[str, Mapping[str, float]]) -> str:
    """Return scores as aligned text: one line per metric, one column per block.

    Parameters
    ----------
    blocks : mapping
        As `scores.summary_by_tier` returns them, title -> metric -> value.

    Returns
    -------
    str
        The lines are `clips` and those of `TABLE_METRICS` that a block has; pooled values are not among them.
    """
    names = ["clips", *(name for name in TABLE_METRICS if any(name in block for block in blocks.values()))]
    widths = {title: max(CELL_WIDTH, len(title) + 2) for title in blocks}
    lines = [" " * NAME_WIDTH + "".join(f"{title:>{width}}" for title, width in widths.items())]
    for name in names:
        cells = (_table_cell(name, blocks[title].get(name)).rjust(width) for title, width in widths.items())
        lines.append(f"{name:{NAME_WIDTH}}" + "".join(cells))
    return "\n".join(lines)


def _table_cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return f"{value:.{MS_DECIMALS if '_ms' in name else DECIMALS}f}"
