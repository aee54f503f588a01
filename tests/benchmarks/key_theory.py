"""What the key of the music is worth: how often it is found, and what the notes gain from it. Run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/key_theory.py keys
    PYTHONPATH=. python tests/benchmarks/key_theory.py notes [--logits undertrained=FOLDER]     val.npz and test.npz in FOLDER

Both print Markdown tables, which stand in docs/theory.md, and want `data/logits`, `data/manifest` and the rendered dataset.

`keys`: share of right keys, and the weighted score of MIREX Audio Key Detection (mir_eval.key: a fifth above .5, relative .3,
parallel .2), in generated pieces whose notes are known and in the rendered clips of val and test.

`notes`: onset F1 @ 50 ms of the test clips without the key and with the best of `CANDIDATES`. Best is the highest score on val,
and thresholds are chosen on val by the pipeline's sweep for each setting apart. Differences by clip: their mean with a
percentile bootstrap over clips (Efron and Tibshirani 1993), and an exact two-sided Wilcoxon signed-rank test. Noise is drawn
`DRAWS` times for each clip, whose scores are averaged before they are compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import mir_eval.key
import numpy as np
from scipy.stats import rankdata

from tivit.core import params as params_file
from tivit.core.artifacts import read_json
from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import KEY_COUNT, PITCH_CLASS_NAMES, key_of
from tivit.core.logits import SILENT_LOGIT, ClipLogits
from tivit.core.notes import Notes
from tivit.core.params import section
from tivit.core.timegrid import TimeGrid, frames_of
from tivit.decoding.notes import decode_notes
from tivit.scoring.inputs import ScoredClip, load_split
from tivit.scoring.scores import score_clip
from tivit.sweeping.search import SweepParams, SweepResult, sweep
from tivit.synth.music import SCALES, random_piece
from tivit.synth.params import MusicParams, SynthParams
from tivit.theory.key import DecodeParams, clip_posterior, rescored
from tivit.theory.profiles import KEY_NAMES, PROFILES

SEED = 20261123
LENGTHS_S = (10.0, 30.0, 60.0)
WINDOWS_S = (1.0, 3.0, 10.0)
SMOOTHING_S = 30.0
STRENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
CANDIDATES = tuple(product(("krumhansl", "temperley"), STRENGTHS))
"""Profile and `lambda_key`; the key is that of the whole clip."""
HIGH_THRESHOLDS = (0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
"""Of onsets, beside those of the params: noise has high probabilities, and the key must not win where a grid merely ends."""
NOISE = (1.0, 2.0, 3.0, 4.0)
DRAWS = 3
RESAMPLES = 10_000
NOTE_COLUMNS = (
    "right keys", "best on val", "val without", "val gain [95 %], p", "test without", "test gain [95 %], p",
    "test clips better, worse",
)  # fmt: skip
KEYS_BY = "temperley"
"""The profile by which right keys are counted, of all clips of val and test."""
MIREX = np.array([[mir_eval.key.weighted_score(truth, found) for found in KEY_NAMES] for truth in KEY_NAMES])


@dataclass(frozen=True)
class KeyedClip:
    """A clip with an onset head and the number of its true key."""

    logits: ClipLogits
    key: int


def key_number(tonic: int, mode: str) -> int:
    """Return the place of a key in `KEY_NAMES`."""
    return KEY_NAMES.index(f"{PITCH_CLASS_NAMES[tonic]} {mode}")


def true_key(clip: ScoredClip) -> tuple[int, str]:
    """Return tonic and mode of a rendered clip."""
    key = read_json(Path("data/Synthetic") / f"{clip.logits.clip_id}.json")["key"]
    return key["tonic"], key["mode"]


def clip_of_notes(notes: Notes, grid: TimeGrid) -> ClipLogits:
    """Return logits that are sure of every onset at its nearest frame, and of nothing else."""
    rows = np.full((grid.length, KEY_COUNT), SILENT_LOGIT, np.float32)
    frame = np.clip(np.round(grid.frame(notes.onset_s)).astype(np.int64), 0, grid.length - 1)
    rows[frame, key_of(notes.midi.astype(np.int64))] = -SILENT_LOGIT
    return ClipLogits("", grid, {"onset": rows})


def generated(length_s: float, count: int, music: MusicParams, fps: float) -> list[KeyedClip]:
    """Return `count` generated pieces in one key each."""
    clips = []
    for number in range(count):
        piece = random_piece(np.random.default_rng([SEED, int(length_s), number]), length_s, music)
        grid = TimeGrid(fps, 0.0, frames_of(length_s, fps))
        clips.append(KeyedClip(clip_of_notes(piece.notes, grid), key_number(piece.tonic, piece.mode)))
    return clips


def joined(clips: Sequence[KeyedClip]) -> list[tuple[ClipLogits, np.ndarray]]:
    """Return every two pieces as one clip that changes key in its middle, with the true key of each frame."""
    result = []
    for first, second in zip(clips[::2], clips[1::2], strict=True):
        grid = replace(first.logits.grid, length=first.logits.grid.length + second.logits.grid.length)
        rows = np.concatenate([clip.logits.heads["onset"] for clip in (first, second)])
        keys = np.repeat([first.key, second.key], [clip.logits.grid.length for clip in (first, second)])
        result.append((ClipLogits("", grid, {"onset": rows}), keys))
    return result


def keys_found(clips: Sequence[tuple[ClipLogits, np.ndarray]], params: DecodeParams) -> str:
    """Return a table cell: share of right keys and MIREX score, at one instant per second (one per clip for the whole clip)."""
    right, score = [], []
    for clip, truth in clips:
        every = frames_of(1.0, clip.grid.fps)
        once = params.window_s is None and params.smoothing_s == 0.0
        frames = np.array([0]) if once else np.arange(every // 2, clip.grid.length, every)
        found = clip_posterior(clip, params)[frames].argmax(axis=1)
        right.append((found == truth[frames]).mean())
        score.append(MIREX[truth[frames], found].mean())
    return f"{np.mean(right):.2f} / {np.mean(score):.2f}"


def print_keys(params: dict, pieces: int) -> None:
    """Print how often the key is found, by profile and window."""
    decode, synth = section(params, "decode", DecodeParams), section(params, "synth", SynthParams)
    fps = float(params["data"]["fps"])
    plain = replace(decode, similarity="pearson", ref_head="onset", smoothing_s=0.0)
    sets = {length_s: generated(length_s, pieces, synth.music, fps) for length_s in LENGTHS_S}
    whole = {
        length_s: [(clip.logits, np.full(clip.logits.grid.length, clip.key)) for clip in clips]
        for length_s, clips in sets.items()
    }
    middle = LENGTHS_S[1]
    print(f"\nGenerated pieces, {pieces} of each length, from their notes: right keys / MIREX score\n")
    table([f"window {w:g} s" for w in WINDOWS_S] + [f"all of {length_s:g} s" for length_s in LENGTHS_S])
    for name in PROFILES:
        settings = replace(plain, profile=name)
        cells = [keys_found(whole[middle], replace(settings, window_s=w)) for w in WINDOWS_S]
        row(name, cells + [keys_found(whole[length_s], replace(settings, window_s=None)) for length_s in LENGTHS_S])

    clips = [clip for split in ("val", "test") for clip in load_split(f"data/logits/{split}.npz", "data/manifest", split)]
    keys = [np.full(clip.logits.grid.length, key_number(*true_key(clip))) for clip in clips]
    of_notes = [(clip_of_notes(clip.notes, clip.logits.grid), key) for clip, key in zip(clips, keys, strict=True)]
    of_model = [(clip.logits, key) for clip, key in zip(clips, keys, strict=True)]
    shares = [share_in_scale(clip.notes, *true_key(clip)) for clip in clips]
    print(f"\nRendered clips of val and test ({len(clips)}, 7 and 10 s): right keys / MIREX score; ", end="")
    print(f"{np.mean(shares):.1%} of their notes lie in the scale of the key\n")
    table([f"{what}, {window}" for window in ("window 3 s", "whole clip") for what in ("true notes", "model")])
    for name in PROFILES:
        settings = [replace(plain, profile=name, window_s=w) for w in (3.0, None)]
        row(name, [keys_found(pairs, setting) for setting in settings for pairs in (of_notes, of_model)])

    changing = joined(sets[middle])
    print(f"\nWhere the key changes after {middle:g} of {2 * middle:g} s ({len(changing)} pieces): right keys / MIREX score\n")
    table([f"window {w:g} s" for w in WINDOWS_S] + ["whole piece"])
    for label, smoothing_s in (("as it is", 0.0), (f"smoothing_s {SMOOTHING_S:g}", SMOOTHING_S)):
        settings = [replace(plain, window_s=w, smoothing_s=smoothing_s) for w in (*WINDOWS_S, None)]
        row(f"{plain.profile}, {label}", [keys_found(changing, setting) for setting in settings])


def share_in_scale(notes: Notes, tonic: int, mode: str) -> float:
    """Return the share of notes in the scale; that of minor has both seventh degrees."""
    return float(np.isin((notes.midi.astype(np.int64) - tonic) % len(PITCH_CLASS_NAMES), (*SCALES[mode], 11)).mean())


def table(columns: Sequence[str]) -> None:
    """Print the head of a Markdown table."""
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")


def row(name: str, cells: Sequence[object]) -> None:
    """Print a row of a Markdown table."""
    print(f"| {name} | {' | '.join(map(str, cells))} |", flush=True)


@dataclass(frozen=True)
class Sample:
    """Val and test clips of one setting (and one draw of noise)."""

    val: tuple[ScoredClip, ...]
    test: tuple[ScoredClip, ...]


def read_sample(folder: Path) -> Sample:
    """Return the clips of the two logits files in a folder."""
    val, test = (load_split(folder / f"{split}.npz", "data/manifest", split) for split in ("val", "test"))
    return Sample(val.clips, test.clips)


def changed(clips: Sequence[ScoredClip], change: Callable[[ClipLogits], ClipLogits]) -> tuple[ScoredClip, ...]:
    """Return the clips with other logits."""
    return tuple(replace(clip, logits=change(clip.logits)) for clip in clips)


def noisy(sample: Sample, sigma: float, draw: int) -> Sample:
    """Return a sample with Gaussian noise of `sigma` added to the event logits; the same seed for every sigma."""
    rng = np.random.default_rng([SEED, draw])

    def change(clip: ClipLogits) -> ClipLogits:
        heads = {
            name: rows + sigma * rng.normal(size=rows.shape).astype(np.float32) if name in EVENT_HEADS else rows
            for name, rows in clip.heads.items()
        }
        return replace(clip, heads=heads)

    return Sample(changed(sample.val, change), changed(sample.test, change))


def with_key(sample: Sample, params: DecodeParams) -> Sample:
    """Return a sample rescored by the key of the music."""
    val, test = (
        changed(clips, lambda clip: rescored(clip, clip_posterior(clip, params), params)) for clips in (sample.val, sample.test)
    )
    return Sample(val, test)


def chosen(sample: Sample, params: SweepParams) -> SweepResult:
    """Return what the sweep chooses on val."""
    return sweep([clip.logits for clip in sample.val], [clip.notes for clip in sample.val], params, "val")


def clip_scores(sample: Sample, params: SweepParams) -> tuple[np.ndarray, np.ndarray]:
    """Return the onset F1 of each clip of val and of test, at the thresholds chosen on val."""
    thresholds = chosen(sample, params).thresholds
    scores: list[list[float]] = [[], []]
    for clips, values in zip((sample.val, sample.test), scores, strict=True):
        for clip in clips:
            notes = decode_notes(clip.logits.heads, clip.logits.grid, thresholds)
            values.append(score_clip(clip.notes, notes, clip.logits.grid).values()["onset_f1_50"])
    return np.array(scores[0]), np.array(scores[1])


def signed_rank_p(difference: np.ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test, exact also with ties; zeros are dropped (Wilcoxon 1945).

    The distribution over all signs of the sum of positive ranks is counted; ranks are doubled, so that mean ranks are whole.
    """
    difference = difference[np.abs(difference) > 1e-12]
    if not len(difference):
        return 1.0
    ranks = np.rint(2 * rankdata(np.abs(difference).round(12))).astype(np.int64)
    chance = np.zeros(ranks.sum() + 1)
    chance[0] = 1.0
    for rank in ranks:
        moved = np.zeros_like(chance)
        moved[rank:] = chance[: len(chance) - rank]
        chance = (chance + moved) / 2.0
    seen = ranks[difference > 0].sum()
    return float(min(1.0, 2.0 * min(chance[: seen + 1].sum(), chance[seen:].sum())))


def interval(difference: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean over clips."""
    rng = np.random.default_rng(SEED)
    means = difference[rng.integers(len(difference), size=(RESAMPLES, len(difference)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def print_notes(params: dict, folders: dict[str, Path]) -> None:
    """Print what the notes gain from the key, for each folder of logits and for noise on `data/logits`."""
    decode, sweep_params = section(params, "decode", DecodeParams), section(params, "sweep", SweepParams)
    sweep_params = replace(sweep_params, onset_thresholds=(*sweep_params.onset_thresholds, *HIGH_THRESHOLDS))
    good = read_sample(Path("data/logits"))
    settings: dict[str, list[Sample]] = {"good (`data/logits`)": [good]}
    settings.update({name: [read_sample(folder)] for name, folder in folders.items()})
    for sigma in NOISE:
        settings[f"noise {sigma:g}"] = [noisy(good, sigma, draw) for draw in range(DRAWS)]
    keys = {pair: replace(decode, profile=pair[0], lambda_key=pair[1]) for pair in CANDIDATES}
    print(f"\nOnset F1 @ 50 ms without and with the key, {len(good.test)} test clips\n")
    table(NOTE_COLUMNS)
    for name, samples in settings.items():
        val = {
            pair: np.mean([chosen(with_key(sample, key), sweep_params).best.onset_f1_50 for sample in samples])
            for pair, key in keys.items()
        }
        best = max(val, key=lambda pair: val[pair])
        without, using = (mean_scores(group, sweep_params) for group in (samples, [with_key(s, keys[best]) for s in samples]))
        gains = [after - before for before, after in zip(without, using, strict=True)]
        by = replace(decode, profile=KEYS_BY)
        clips = [clip for sample in samples for clip in (*sample.val, *sample.test)]
        found = [clip_posterior(clip.logits, by)[0].argmax() == key_number(*true_key(clip)) for clip in clips]
        row(name, [
            f"{np.mean(found):.2f}", f"{best[0]} {best[1]:g}", f"{without[0].mean():.4f}", in_words(gains[0]),
            f"{without[1].mean():.4f}", in_words(gains[1]), f"{(gains[1] > 1e-12).sum()}, {(gains[1] < -1e-12).sum()}",
        ])  # fmt: skip


def mean_scores(samples: Sequence[Sample], params: SweepParams) -> list[np.ndarray]:
    """Return the scores of each val and each test clip, means over draws of noise."""
    return [np.mean(draws, axis=0) for draws in zip(*(clip_scores(sample, params) for sample in samples), strict=True)]


def in_words(gain: np.ndarray) -> str:
    """Return a mean gain over clips with its interval and p."""
    low, high = interval(gain)
    return f"{gain.mean():+.4f} [{low:+.4f}, {high:+.4f}], {signed_rank_p(gain):.3f}"


def named_folder(text: str) -> tuple[str, Path]:
    """Return the two halves of NAME=FOLDER."""
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER")
    return name, Path(folder)


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("keys", "notes"))
    parser.add_argument("--pieces", type=int, default=150, help="generated pieces of each length (default: %(default)s)")
    parser.add_argument("--logits", type=named_folder, action="append", default=[], metavar="NAME=FOLDER")
    arguments = parser.parse_args()
    params = params_file.load()
    if arguments.what == "keys":
        print_keys(params, arguments.pieces)
    else:
        print_notes(params, dict(arguments.logits))


if __name__ == "__main__":
    main()
