"""How fast thresholds are swept and notes decoded, beside mir_eval on the same arrays: run by hand, never a test.

    PYTHONPATH=.:tests/helpers python tests/benchmarks/sweep_speed.py [--runs 5] [--points 3]

Twenty minutes at 30 frames a second with about seven notes a second, as one clip and as twenty of a minute: ideal logits of
random notes made doubtful (probabilities within 0.02..0.9) with Gaussian noise. A sweep of 40 x 25 onset and pitch thresholds,
lag and ends included, against `mir_eval.transcription` called for the notes of each point, which are decoded by this project
and given to it for free; that is timed at a few points, spread over the thresholds, and scaled to all. Then decoding at one
point. Medians; everything in this process, on one core (set OMP_NUM_THREADS=1).
"""

import argparse
import statistics
import time
from dataclasses import replace

import numpy as np
from decoding_cases import noisy_logits
from mir_eval.transcription import precision_recall_f1_overlap

from tivit.core import params as params_file
from tivit.core.keyboard import KEY_COUNT, hz_of, midi_of
from tivit.core.logits import ClipLogits
from tivit.core.notes import Notes, make_notes
from tivit.core.params import section
from tivit.core.timegrid import TimeGrid, grid_over
from tivit.decoding.notes import decode_notes
from tivit.sweeping.search import SweepParams, sweep

MINUTES, FPS, NOTES_PER_S = 20, 30.0, 7.0
ONSETS, PITCHES = ("probability", 0.1, 0.88, 40.0), ("probability", 0.0, 0.72, 25.0)


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--points", type=int, default=3, help="points at which mir_eval is timed (default: %(default)s)")
    arguments = parser.parse_args()
    params = section(params_file.load(), "sweep", SweepParams)
    params = replace(params, onset_thresholds=ONSETS, pitch_thresholds=PITCHES)
    for count in (1, MINUTES):
        clips, references = music(count)
        frames, notes = sum(clip.grid.length for clip in clips), sum(map(len, references))
        print(f"{count} clips: {frames:,} x {KEY_COUNT} logits a head, {notes:,} notes")
        seconds = [timed(lambda: sweep(clips, references, params, "val")) for _ in range(arguments.runs)]  # noqa: B023
        result = sweep(clips, references, params, "val")
        pairs = sum(point.note_f1 is None for point in result.points)
        ours_s = statistics.median(seconds)
        chosen = np.linspace(0, pairs - 1, arguments.points + 2).astype(int)[1:-1]
        theirs_s = pairs * statistics.median(mir_eval_s(clips, references, result, result.points[i]) for i in chosen)
        print(f"  sweep: {ours_s:.2f} s for {pairs} pairs and {len(result.points) - pairs} ends; {spread(seconds)}")
        print(f"  mir_eval: {theirs_s:,.0f} s ({len(chosen)} points timed, scaled): {theirs_s / ours_s:,.0f} times as long")
        for decoder in ("peaks", "states"):
            at = replace(result.thresholds, rules=replace(result.thresholds.rules, decoder=decoder))
            seconds = [timed(lambda: decoded(clips, at)) for _ in range(arguments.runs)]  # noqa: B023
            print(f"  decoding once, {decoder}: {statistics.median(seconds):.2f} s; {spread(seconds)}")


def music(count: int) -> tuple[list[ClipLogits], list[Notes]]:
    """Return `count` clips of together twenty minutes, and their notes."""
    clips, references = [], []
    length_s = 60.0 * MINUTES / count
    for number in range(count):
        rng = np.random.default_rng(number)
        grid = grid_over(np.array([0.0, length_s]), FPS)
        grid = TimeGrid(FPS, 0.0, grid.length - 1)
        notes = played(rng, length_s)
        heads = noisy_logits(notes, grid, rng)
        clips.append(ClipLogits(str(number), grid, {name: heads[name].astype(np.float16).astype(np.float32) for name in heads}))
        references.append(notes)
    return clips, references


def played(rng: np.random.Generator, length_s: float) -> Notes:
    """Return about seven notes a second, more in the middle of the keyboard, no key pressed while it is down."""
    count = int(NOTES_PER_S * length_s * 1.1)
    key = np.clip(np.rint(rng.normal(KEY_COUNT / 2, 13, count)), 0, KEY_COUNT - 1).astype(int)
    onset_s = np.sort(rng.uniform(0.2, length_s - 2.0, count))
    offset_s = onset_s + rng.gamma(2.0, 0.2, count) + 0.08
    free_s, kept = np.zeros(KEY_COUNT), []
    for i in range(count):
        if onset_s[i] >= free_s[key[i]] + 0.06:
            kept.append(i)
            free_s[key[i]] = offset_s[i]
    return make_notes(onset_s[kept], offset_s[kept], midi_of(key[kept]))


def mir_eval_s(clips, references, result, point) -> float:
    """Return the seconds that mir_eval takes for the onset scores of one point."""
    head = {"onset": point.onset_threshold, "pitch": point.pitch_threshold}
    heads = {name: replace(getattr(result.thresholds, name), threshold=value) for name, value in head.items()}
    found = decoded(clips, replace(result.thresholds, **heads))
    sides = [
        [(np.stack([notes.onset_s, notes.offset_s], 1), hz_of(notes.midi)) for notes in side] for side in (references, found)
    ]

    def score() -> None:
        for true, notes in zip(*sides, strict=True):
            precision_recall_f1_overlap(*true, *notes, offset_ratio=None)

    return timed(score)


def decoded(clips, thresholds) -> list[Notes]:
    """Return the notes of clips."""
    return [decode_notes(clip.heads, clip.grid, thresholds) for clip in clips]


def timed(work) -> float:
    """Return the seconds that `work()` takes."""
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def spread(seconds: list[float]) -> str:
    """Return the range of runs."""
    return f"median of {len(seconds)}, {min(seconds):.2f} to {max(seconds):.2f}"


if __name__ == "__main__":
    main()
