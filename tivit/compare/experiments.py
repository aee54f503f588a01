"""Two experiments, clip by clip: how far their scores differ, and whether that is more than the choice of clips explains.

Both must have been scored on the same clips. The difference of a metric is the mean over clips of "second minus first", and its
interval is the paired bootstrap of `scoring.bootstrap` on these differences (Efron and Tibshirani 1993, chapter 13): clips that
are hard for both cancel out. It says nothing about what another seed of training would give (`tests/benchmarks/seeds.py` does).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.scoring.bootstrap import mean_intervals
from tivit.scoring.report import CLIP_COLUMNS

CLIPS = Path("metrics/plots/clips.csv")
WORKSPACE = "workspace"
METRICS = {"onset_f1": "onset_f1_50", "note_f1": "note_f1", "frame_f1": "frame_f1", "hand_acc": "hand_acc"}
"""Name in `metrics/evaluate.json` -> column of `clips.csv`."""
COUNTS_ALL = "onset_f1"
"""In this one a clip that only the other side has (its keyboard was found there) counts 0, as in `metrics/evaluate.json`."""
LEAST_CLIPS = 10
"""With fewer clips an interval is too narrow to be believed."""

ClipScores = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Difference:
    """One metric over the clips that both sides have it for.

    Attributes
    ----------
    name : str
        The metric, or the name of a tier for the onset F1 of its clips.
    clips : int
        How many clips are paired.
    first, second : float
        The means of both sides over these clips, 0..1.
    low, high : float
        The 95 % interval of second minus first; NaN for fewer than two clips.
    """

    name: str
    clips: int
    first: float
    second: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What may be said of the second side: better, worse, or not clear."""
        if math.isnan(self.low) or self.low <= 0.0 <= self.high:
            return "not clear"
        return "better" if self.low > 0.0 else "worse"


def clip_scores(revision: str) -> ClipScores:
    """Return the scores of an experiment by clip.

    Parameters
    ----------
    revision : str
        The name of an experiment, any git revision, or "workspace".

    Returns
    -------
    dict
        Clip id -> column of `clips.csv` -> cell, "" for no value.

    Raises
    ------
    InputError
        There is no such revision, it has no scores, or they are in another form.
    """
    text = _content(revision)
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows or not {"clip_id", "tier", *METRICS.values()} <= set(rows[0]):
        raise InputError(
            f"{CLIPS} of {revision}: not a table of scores ({', '.join(CLIP_COLUMNS[:4])}, ...); run `dvc repro` there"
        )
    return {row["clip_id"]: row for row in rows}


def _content(revision: str) -> str:
    if revision == WORKSPACE:
        try:
            return CLIPS.read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError) as error:
            raise InputError(f"{CLIPS}: cannot be read ({error}); `dvc repro evaluate` writes it") from None
    try:
        import dvc.api
        from dvc.exceptions import DvcException
        from scmrepo.exceptions import SCMError
    except ModuleNotFoundError:
        raise InputError("experiments are read with DVC: pip install '.[pipeline]'") from None
    try:
        return dvc.api.read(CLIPS.as_posix(), rev=revision)
    except (DvcException, SCMError, FileNotFoundError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"{revision}: no scores of it can be read ({said}); `dvc exp list` names the experiments") from None


def differences(first: ClipScores, second: ClipScores) -> list[Difference]:
    """Return the differences of every metric, then those of the onset F1 of each tier.

    Parameters
    ----------
    first, second : dict
        As `clip_scores` returns them.

    Returns
    -------
    list of Difference
        In the order of `METRICS`, then tiers by name.

    Raises
    ------
    InputError
        The two have no clip in common.
    """
    if not first.keys() & second.keys():
        raise InputError(f"no clip was scored in both; they were run on other data ({_some(first)}; {_some(second)})")
    clips = sorted({*first, *second})
    rows = [_difference(name, clips, (first, second), name) for name in METRICS]
    tiers = sorted({row["tier"] for side in (first, second) for row in side.values()} - {""})
    for tier in tiers:
        members = [clip for clip in clips if (first.get(clip) or second[clip])["tier"] == tier]
        rows.append(_difference(tier, members, (first, second), COUNTS_ALL))
    return [row for row in rows if row.clips]


def _difference(name: str, clips: Sequence[str], sides: tuple[ClipScores, ClipScores], metric: str) -> Difference:
    lost = 0.0 if metric == COUNTS_ALL else math.nan
    values = np.array([[_value(side.get(clip), METRICS[metric], lost) for side in sides] for clip in clips]).reshape(-1, 2)
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return Difference(name, 0, *(math.nan,) * 4)
    low, high = mean_intervals(values[:, 1:] - values[:, :1])[:, 0].tolist()
    return Difference(name, len(values), *values.mean(axis=0).tolist(), low, high)


def _value(row: Mapping[str, str] | None, column: str, lost: float) -> float:
    if row is None:
        return lost
    return float(row[column]) if row[column] else math.nan


def table(titles: tuple[str, str], rows: Sequence[Difference]) -> str:
    """Return the differences as lines for the terminal.

    Parameters
    ----------
    titles : (str, str)
        Names of the two sides.
    rows : sequence of Difference
        What `differences` returns.

    Returns
    -------
    str
        At most 120 columns wide.
    """
    names = [title if len(title) <= 18 else f"{title[:15]}..." for title in titles]
    width = max(10, *map(len, names)) + 2
    lines = [f"{'':12}{'clips':>6}{names[0]:>{width}}{names[1]:>{width}}{'difference':>12}  {'95 % interval':20}"]
    for row in rows:
        interval = "" if math.isnan(row.low) else f"{row.low:+.4f} to {row.high:+.4f}"
        gap = row.second - row.first
        lines.append(
            f"{row.name:12}{row.clips:6d}{row.first:{width}.4f}{row.second:{width}.4f}{gap:+12.4f}  {interval:20}{row.verdict}"
        )
    few = any(row.clips < LEAST_CLIPS for row in rows)
    lines.append("An interval that holds 0 is no progress. It is over clips; another training seed may move more than that.")
    return "\n".join([*lines, f"With fewer than {LEAST_CLIPS} clips it is too narrow."] if few else lines)


def _some(clips: ClipScores) -> str:
    return ", ".join(list(clips)[:2]) + (", ..." if len(clips) > 2 else "")
