"""The table of a comparison: scores by tier and pooled, what a method is made of, and this machine's times.

Scores, steps and parameters are equal in a second run with the same `--steps`; times are the clock's and stand apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

METRICS = {"onset_f1_50": "onset F1 @ 50 ms", "note_f1": "onset + offset F1", "frame_f1": "frame F1"}
METHOD_WIDTH, CELL_WIDTH = 12, 8
"""Of a line in the terminal: letters of the method's name and of each score."""


@dataclass(frozen=True)
class Outcome:
    """What became of one method.

    Attributes
    ----------
    method : str
        Its name.
    steps : int
        Training steps, 0 without training.
    best_step : int
        The step of the weights kept, 0 without training.
    parameters : int
        Trained values, 0 without training.
    blocks : dict
        Of the test split, as `scoring.scores.summary_by_tier` returns them.
    training_s : float
        Seconds of training, validations included.
    real_time : float
        Seconds of strip per second of forward pass, from strip to logits.
    """

    method: str
    steps: int
    best_step: int
    parameters: int
    blocks: dict[str, dict[str, float]]
    training_s: float
    real_time: float

    def cells(self, tiers: Sequence[str]) -> list[float]:
        """Return the scores of the method.

        Parameters
        ----------
        tiers : sequence of str
            Names of the tiers.

        Returns
        -------
        list of float
            0..1, metric after metric of `METRICS`, each in the order of `columns(tiers)`.
        """
        every = self.blocks["all"]
        return [
            value
            for metric in METRICS
            for value in (every[metric], *(self.blocks[tier][metric] for tier in tiers), every[f"pooled_{metric}"])
        ]


def columns(tiers: Sequence[str]) -> list[str]:
    """Return the columns of one metric: the mean over all clips, over those of each tier, and all notes pooled."""
    return ["all", *tiers, "pooled"]


def header_lines(tiers: Sequence[str]) -> Iterator[str]:
    """Yield the two lines above the lines of a comparison in the terminal."""
    names = columns(tiers)
    width = CELL_WIDTH * len(names)
    yield (
        " " * (METHOD_WIDTH + 18)
        + "".join(f"{title:>{width}}" for title in METRICS.values())
        + f"{'training':>10}{'forward':>9}"
    )
    cells = "".join(f"{name:>{CELL_WIDTH}}" for _ in METRICS for name in names)
    yield f"{'method':{METHOD_WIDTH}}{'steps':>7}{'parameters':>11}{cells}{'minutes':>10}{'x real':>9}"


def line_of(outcome: Outcome, tiers: Sequence[str]) -> str:
    """Return the line of one method in the terminal.

    Parameters
    ----------
    outcome : Outcome
        The method.
    tiers : sequence of str
        Names of the tiers, as given to `header_lines`.

    Returns
    -------
    str
    """
    cells = "".join(f"{value:{CELL_WIDTH}.3f}" for value in outcome.cells(tiers))
    start = f"{outcome.method:{METHOD_WIDTH}}{outcome.steps:7d}{outcome.parameters:11d}"
    return f"{start}{cells}{outcome.training_s / 60:10.1f}{outcome.real_time:9.1f}"


def markdown(outcomes: Sequence[Outcome], tiers: Sequence[str], clips: int, notes: int) -> str:
    """Return the comparison as Markdown: scores, then times.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One per method, in the order of the table.
    tiers : sequence of str
        Names of the tiers of the test split.
    clips, notes : int
        How many the test split has.

    Returns
    -------
    str
    """
    names = columns(tiers)
    titles = [f"{title}: {name}" for title in METRICS.values() for name in names]
    scores = [["method", "steps", "parameters", *titles]]
    scores += [[o.method, str(o.steps), f"{o.parameters:,}", *(f"{value:.3f}" for value in o.cells(tiers))] for o in outcomes]
    times = [["method", "training, minutes", "forward, x real time"]]
    times += [[o.method, f"{o.training_s / 60:.1f}", f"{o.real_time:.1f}"] for o in outcomes]
    steps = ",".join(f"{o.method}={o.steps}" for o in outcomes if o.steps)
    again = f"tivit compare --methods {','.join(o.method for o in outcomes)}" + (f" --steps {steps}" if steps else "")
    text = [
        f"Test split: {clips} clips, {notes:,} notes. Thresholds chosen on validation; `all` and tiers are means over clips,"
        " `pooled` counts all notes together.",
        _markdown_table(scores),
        f"The same scores again: `{again}`",
        "Times of the machine that made this table:",
        _markdown_table(times),
    ]
    return "\n\n".join(text) + "\n"


def _markdown_table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])
