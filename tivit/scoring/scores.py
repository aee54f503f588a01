"""Scores of notes against notes: `mir_eval.transcription` (Raffel et al. 2014, mir_eval: a transparent implementation).

Choices that change a number:
- Pitches must agree, which is what 50 cents in Hz mean between keys. Onsets within 50 ms (or 100 ms), the limit included, both
  rounded to 0.1 ms. Matching is the largest possible one, each note used once, so the counts are mir_eval's
  (`tivit.scoring.matching` finds them, without the second that importing mir_eval takes; tests hold the two equal).
  Where several largest matchings exist, labels and times are read off one that is built from the nearest onsets first.
- `note_f1`: onset within 50 ms and offset within 20 % of the reference length or 50 ms, whichever is more (the default rule).
  `note_f1_same_tol`: onset and offset each within 50 ms.
- `frame_f1`: keys down at the instants of the clip's grid (onset <= t < offset), from the notes of both sides.
- `onset_p_50`, `note_p`, `frame_p` and `..._r...` are the precisions and recalls of these.
- `hand_acc`, `clef_acc`: share of right labels among notes matched by onset at 50 ms whose reference label is known;
  `*_baseline` is what "MIDI 60 and above is right hand / treble" scores on the same notes. Without labels there is no value.
- `onset_velocity_f1`, `note_velocity_f1`: as `onset_f1_50` and `note_f1`, and the velocity right as in
  `mir_eval.transcription_velocity` (Hawthorne et al. 2018): those of the reference scaled to 0..1, a straight line from the
  estimated to the true ones fitted over the matched notes, and what is within 0.1 of it counts. `velocity_corr`: Pearson's
  correlation over notes matched by onset at 50 ms; none where a side does not vary. All three only for clips where both sides
  have notes and every velocity is known.
- Notes of keys that the picture does not show are reference notes like any other: they count as missed.
- A side without notes scores 0 (precision, recall and F1), as in mir_eval, also when both sides are empty.
- Values are means over clips, `..._low` and `..._high` the ends of their 95 % intervals (`tivit.scoring.bootstrap`);
  `pooled_*` counts all notes of all clips together. Those by kind of note (`tivit.scoring.kinds`), the census of errors
  (`tivit.scoring.census`) and the timing (`tivit.scoring.timing`) count the notes of a block together in every block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tivit.core.heads import UNKNOWN
from tivit.core.keyboard import hz_of
from tivit.core.notes import Notes
from tivit.core.rolls import roll
from tivit.core.timegrid import TimeGrid
from tivit.scoring.bootstrap import mean_intervals
from tivit.scoring.census import Census, census_of, census_values
from tivit.scoring.kinds import KindScore, kind_values, score_kinds
from tivit.scoring.matching import TOLERANCE_S, Edges, maximum_matching, offset_is_near, onset_edges
from tivit.scoring.timing import Timing, timing_of, timing_values

SPLIT_MIDI = 60
"""From this MIDI number on, the baseline says right hand and treble staff: middle C."""
LEAST_S = 1e-9
"""mir_eval refuses times below 0 and notes without length: clips that begin earlier are moved, such notes last so long."""
ATTRIBUTES = {"hand_acc": "hand", "clef_acc": "staff"}


@dataclass(frozen=True)
class EvaluateParams:
    """What the evaluate stage makes beside the scores (params section `evaluate`): a piano roll per test clip."""

    pictures: bool


@dataclass(frozen=True)
class Rule:
    """When two notes match.

    `onset_s` is the tolerance of onsets (s), `offset_ratio` that of offsets as a share of the length (None: offsets do not
    count), and `velocity` says whether velocities count.
    """

    onset_s: float
    offset_ratio: float | None
    velocity: bool = False


RULES = {
    "onset_50": Rule(TOLERANCE_S, None),
    "onset_100": Rule(0.1, None),
    "note": Rule(TOLERANCE_S, 0.2),
    "note_same_tol": Rule(TOLERANCE_S, 0.0),
}
VELOCITY_RULES = {
    "onset_velocity": Rule(TOLERANCE_S, None, velocity=True),
    "note_velocity": Rule(TOLERANCE_S, 0.2, velocity=True),
}
F1_NAMES = {"onset_50": "onset_f1_50", "onset_100": "onset_f1_100", "note": "note_f1", "note_same_tol": "note_f1_same_tol"}
VELOCITY_F1_NAMES = {"onset_velocity": "onset_velocity_f1", "note_velocity": "note_velocity_f1"}
SIDES = {"onset_50": ("onset_p_50", "onset_r_50"), "note": ("note_p", "note_r"), "frame": ("frame_p", "frame_r")}
"""Names of precision and recall of the scores that give them."""
HEADLINE = {
    "onset_f1": "onset_f1_50_all", "note_f1": "note_f1", "frame_f1": "frame_f1", "hand_acc": "hand_acc", "refused": "refused",
    "onset_f1_corrected": "onset_f1_50_all_corrected",
}  # fmt: skip
"""Name in `metrics/evaluate.json` -> name in the block "all" of `scores.json`."""
CORRECTED = ("onset_f1_50_all", "onset_f1_50", "note_f1")
"""Of these there is a `*_corrected` too, against labels whose lag is taken out, where a clip's labels have one."""


@dataclass(frozen=True)
class Counts:
    """How many things were right, how many the reference has, how many the estimate has."""

    matched: int
    reference: int
    estimate: int

    @property
    def precision(self) -> float:
        """Share of the estimate that is right; 0 when a side is empty."""
        return self.matched / self.estimate if self.matched else 0.0

    @property
    def recall(self) -> float:
        """Share of the reference that was found; 0 when a side is empty."""
        return self.matched / self.reference if self.matched else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 when nothing matches."""
        return 2.0 * self.matched / (self.reference + self.estimate) if self.matched else 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.matched + other.matched, self.reference + other.reference, self.estimate + other.estimate)


@dataclass(frozen=True)
class ClipScore:
    """Scores of one clip.

    Attributes
    ----------
    counts : counts by rule and, as "frame", of frames
    labels : attribute -> (right labels, all labels); attributes without labels are left out
    pairs : matched indices into reference and estimate at 50 ms, int (M, 2)
    kinds, timing, census : counts by kind of note, how late notes are, what kind of error is left over
    velocity_corr : -1..1; None where velocities are unknown or do not vary
    """

    counts: dict[str, Counts]
    labels: dict[str, tuple[int, int]]
    pairs: np.ndarray
    kinds: KindScore
    timing: Timing
    census: Census
    velocity_corr: float | None

    def values(self) -> dict[str, float]:
        """Return the metrics of this clip by name, without those that have no value."""
        values = _values(self.counts, self.labels)
        return values if self.velocity_corr is None else {**values, "velocity_corr": self.velocity_corr}


def score_clip(reference: Notes, estimate: Notes, grid: TimeGrid) -> ClipScore:
    """Return the scores of one clip.

    Parameters
    ----------
    reference, estimate : the notes of both sides; either may be empty
    grid : the instants at which frames are compared
    """
    has_velocity = all(len(side) and bool((side.velocity != UNKNOWN).all()) for side in (reference, estimate))
    rules = {**RULES, **VELOCITY_RULES} if has_velocity else RULES
    pairs = {name: match(reference, estimate, rule) for name, rule in rules.items()}
    counts = {name: Counts(len(found), len(reference), len(estimate)) for name, found in pairs.items()}
    counts["frame"] = _frame_counts(reference, estimate, grid)
    found = pairs["onset_50"]
    return ClipScore(
        counts=counts,
        labels=_label_counts(reference, estimate, found),
        pairs=found,
        kinds=score_kinds(reference, estimate, found),
        timing=timing_of(reference, estimate, found),
        census=census_of(reference, estimate, found),
        velocity_corr=_velocity_corr(reference, estimate, found) if has_velocity else None,
    )


def match(reference: Notes, estimate: Notes, rule: Rule) -> np.ndarray:
    """Return as many matched pairs as mir_eval finds: int (M, 2), reference index (ascending) and estimate index.

    Parameters
    ----------
    reference, estimate : the notes of both sides
    rule : when two notes match
    """
    if rule.velocity and len(reference) and len(estimate):
        return _match_by_mir_eval(reference, estimate, rule)
    rows = reference.midi.astype(np.int64), estimate.midi.astype(np.int64)
    edges = onset_edges(rows[0], reference.onset_s, rows[1], estimate.onset_s, rule.onset_s)
    if rule.offset_ratio is not None:
        ends_s = reference.offset_s[edges.reference], estimate.offset_s[edges.estimate]
        edges = edges.where(offset_is_near(reference.onset_s[edges.reference], *ends_s, rule.offset_ratio))
    distance_s = np.abs(reference.onset_s[edges.reference] - estimate.onset_s[edges.estimate])
    nearest_first = np.lexsort((edges.estimate, edges.reference, distance_s))  # the order decides between largest matchings
    found = maximum_matching(Edges(edges.reference[nearest_first], edges.estimate[nearest_first]))
    pairs = np.stack([found.reference, found.estimate], axis=1)
    return pairs[np.argsort(pairs[:, 0])]


def _match_by_mir_eval(reference: Notes, estimate: Notes, rule: Rule) -> np.ndarray:
    """Return mir_eval's pairs with velocities, which depend on the matching that its line is fitted over; pitches in Hz."""
    from mir_eval.transcription_velocity import match_notes

    earliest_s = min(0.0, float(reference.onset_s.min()), float(estimate.onset_s.min()))
    ends_s = [np.maximum(side.offset_s, side.onset_s + LEAST_S) for side in (reference, estimate)]
    intervals_s = [np.stack([reference.onset_s, ends_s[0]], axis=1), np.stack([estimate.onset_s, ends_s[1]], axis=1)]
    sides = zip((times_s - earliest_s for times_s in intervals_s), (reference, estimate), strict=True)
    columns = [column for times_s, side in sides for column in (times_s, hz_of(side.midi), side.velocity)]
    pairs = match_notes(*columns, onset_tolerance=rule.onset_s, offset_ratio=rule.offset_ratio)
    return np.array(pairs, np.int64).reshape(-1, 2)


def summary(scores: Sequence[ClipScore]) -> dict[str, float]:
    """Return the mean of every metric over the clips that have it, and `clips`, their number; {"clips": 0} for none."""
    collected: dict[str, list[float]] = {}
    for score in scores:
        for name, value in score.values().items():
            collected.setdefault(name, []).append(value)
    return {**{name: float(np.mean(values)) for name, values in collected.items()}, "clips": len(scores)}


def pooled(scores: Sequence[ClipScore]) -> dict[str, float]:
    """Return the metrics of all clips taken as one, under names that begin with `pooled_`; none for no clips."""
    counts: dict[str, Counts] = {}
    labels: dict[str, tuple[int, int]] = {}
    for score in scores:
        for name, value in score.counts.items():
            counts[name] = counts.get(name, Counts(0, 0, 0)) + value
        for name, (right, total) in score.labels.items():
            before = labels.get(name, (0, 0))
            labels[name] = (before[0] + right, before[1] + total)
    if not counts:
        return {}
    return {f"pooled_{name}": value for name, value in _values(counts, labels).items()}


def summary_by_tier(scores: Mapping[str, ClipScore], tiers: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return every value by name: a block "all" with pooled values too, and one block for each named tier.

    `scores` and `tiers` are keyed by clip id; a clip of tier "" counts in "all" only.
    """
    blocks = {name: block_of(members) for name, members in by_tier(scores, tiers).items()}
    blocks["all"].update(pooled(list(scores.values())))
    return blocks


def by_tier(scores: Mapping[str, ClipScore], tiers: Mapping[str, str]) -> dict[str, list[ClipScore]]:
    """Return the scores of all clips as "all", then those of each named tier."""
    named = sorted(set(tiers.values()) - {""})
    of_tier = {tier: [score for clip_id, score in scores.items() if tiers[clip_id] == tier] for tier in named}
    return {"all": list(scores.values()), **of_tier}


def block_of(scores: Sequence[ClipScore]) -> dict[str, float]:
    """Return the means with their intervals, and the values by kind, of errors and of timing, of some clips."""
    return {
        **summary(scores),
        **_intervals(scores),
        **kind_values([score.kinds for score in scores]),
        **census_values([score.census for score in scores]),
        **timing_values([score.timing for score in scores]),
    }


def with_refused(blocks: Mapping[str, Mapping[str, float]], refused_tiers: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return blocks that also count the clips whose keyboard was not found: to a user these are failed transcriptions.

    Parameters
    ----------
    blocks : as `summary_by_tier` returns them
    refused_tiers : the tier of each refused clip, "" for none

    Returns
    -------
    dict
        The blocks with `refused`, the number of these clips, and `onset_f1_50_all`, the mean over all clips, refused ones at 0.
        A tier of which every clip was refused has a block too: no clips, and nothing that is a mean over registered clips.
    """
    lost = {tier: block_of([]) for tier in sorted(set(refused_tiers) - {"", *blocks})}
    counted = {}
    for name, block in {**blocks, **lost}.items():
        refused = sum(name in ("all", tier) for tier in refused_tiers)
        share = block["clips"] / max(block["clips"] + refused, 1)
        counted[name] = {**block, "refused": refused, "onset_f1_50_all": share * block.get("onset_f1_50", 0.0)}
    return counted


def with_corrected(
    blocks: Mapping[str, Mapping[str, float]], corrected: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Return `blocks` with the values `CORRECTED` of `corrected`, blocks of the same names, under `<name>_corrected`."""
    return {
        tier: {**block, **{f"{name}_corrected": corrected[tier][name] for name in CORRECTED if name in corrected[tier]}}
        for tier, block in blocks.items()
    }


def headline(blocks: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the content of `metrics/evaluate.json`: the few numbers by which experiments are compared.

    Parameters
    ----------
    blocks : mapping
        What `with_refused` returns: every value by tier, and "all".

    Returns
    -------
    dict[str, float]
        The names of `HEADLINE` as far as they exist, over all clips, and the name of each tier with the onset F1 at 50 ms of
        its clips. In each onset F1, a clip whose keyboard was not found counts 0; it is not part of the other means.
    """
    every = {name: blocks["all"][value] for name, value in HEADLINE.items() if value in blocks["all"]}
    return every | {tier: block["onset_f1_50_all"] for tier, block in blocks.items() if tier != "all"}


def _intervals(scores: Sequence[ClipScore]) -> dict[str, float]:
    values = [score.values() for score in scores]
    names = sorted({name for clip in values for name in clip})
    table = np.array([[clip.get(name, np.nan) for name in names] for clip in values], np.float64).reshape(
        len(values), len(names)
    )
    result = {}
    for end, row in zip(("low", "high"), mean_intervals(table).tolist(), strict=True):
        result.update({f"{name}_{end}": value for name, value in zip(names, row, strict=True) if not np.isnan(value)})
    return result


def _values(counts: Mapping[str, Counts], labels: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    result = {metric: counts[name].f1 for name, metric in {**F1_NAMES, **VELOCITY_F1_NAMES}.items() if name in counts}
    result["frame_f1"] = counts["frame"].f1
    for name, (precision, recall) in SIDES.items():
        result[precision], result[recall] = counts[name].precision, counts[name].recall
    result.update({name: right / total for name, (right, total) in labels.items()})
    return result


def _frame_counts(reference: Notes, estimate: Notes, grid: TimeGrid) -> Counts:
    truth, found = roll(reference, grid), roll(estimate, grid)
    return Counts(int((truth & found).sum()), int(truth.sum()), int(found.sum()))


def _label_counts(reference: Notes, estimate: Notes, pairs: np.ndarray) -> dict[str, tuple[int, int]]:
    result = {}
    for name, column in ATTRIBUTES.items():
        truth, found = getattr(reference, column)[pairs[:, 0]], getattr(estimate, column)[pairs[:, 1]]
        is_labelled = truth != UNKNOWN
        total = int(is_labelled.sum())
        if total == 0:
            continue
        guess = reference.midi[pairs[:, 0]] >= SPLIT_MIDI
        result[f"{name}_baseline"] = (int((guess == truth)[is_labelled].sum()), total)
        if (found != UNKNOWN).any():
            result[name] = (int((found == truth)[is_labelled].sum()), total)
    return result


def _velocity_corr(reference: Notes, estimate: Notes, pairs: np.ndarray) -> float | None:
    truth, found = reference.velocity[pairs[:, 0]], estimate.velocity[pairs[:, 1]]
    if len(pairs) < 2 or np.ptp(truth) == 0 or np.ptp(found) == 0:
        return None
    return float(np.corrcoef(truth, found)[0, 1])
