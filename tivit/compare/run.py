"""`tivit compare`: every method trained for the same time on the same clips, one table of test scores.

It reads the strips and the manifest that the pipeline left in `data/` and writes nothing there. Each method has a folder of its
own with `best.pt` (weights), `logits/` and `decoded/` as the stages write them, and records with fingerprints (seed, params,
clips, code). What has not changed is not made again, so a comparison that was interrupted goes on where it stopped. A training
that was killed goes on from its last saved state, and then its minutes count from there unless it ended by Ctrl-C or an error.

`compare.json` holds no clock: the same steps on the same machine give the same bytes. Times lie in `times.json`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tivit.compare.difference import difference_method
from tivit.compare.plan import DIFFERENCE, measure_paces, steps_in
from tivit.compare.record import Record
from tivit.compare.table import Outcome, header_lines, line_of, markdown
from tivit.core.artifacts import write_bytes, write_json
from tivit.core.choices import SPLITS
from tivit.core.logits import SplitClips, read_logits, write_logits
from tivit.core.manifest import read_manifest
from tivit.core.params import section
from tivit.core.run import fingerprint
from tivit.core.run.progress import say
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import open_strips
from tivit.core.timegrid import seconds_of
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import write_thresholds
from tivit.inference.params import LogitsParams
from tivit.inference.params import recorded as logits_record
from tivit.inference.predict import HeadsOf, network_heads, split_logits
from tivit.model.checkpoint import load_checkpoint, save_checkpoint
from tivit.model.params import BACKENDS, ModelParams
from tivit.model.setup import prepare_torch
from tivit.scoring.inputs import label_lag_s, load_split
from tivit.scoring.report import DECIMALS
from tivit.scoring.scores import score_clip, summary_by_tier
from tivit.sweeping.search import SweepParams
from tivit.sweeping.sweep_files import sweep_published
from tivit.theory.key import DecodeParams, clip_posterior, rescored
from tivit.theory.key import recorded as decode_record
from tivit.training.data import content_digest, load_clips
from tivit.training.loop import TrainData, Trainer, train
from tivit.training.params import TrainParams
from tivit.training.state import fingerprint_of as training_fingerprint

CODE = ("core", "model", "theory", "decoding", "inference", "scoring", "sweeping", "compare")
"""What of the package decides the scores of trained weights."""
STRIPS, MANIFEST = Path("data/strips"), Path("data/manifest")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What is compared.

    Attributes
    ----------
    methods : tuple of str
        Of `plan.METHODS`, in the order of the table.
    minutes : float
        Training time of each method that has no fixed number of steps.
    steps : mapping
        Method -> steps, for those that have a fixed number.
    out : Path
        Folder for the table and for what is kept of each method.
    """

    methods: tuple[str, ...]
    minutes: float
    steps: Mapping[str, int]
    out: Path


def compare(params: Mapping[str, Any], request: Request) -> list[Outcome]:
    """Train and score the methods, print one line for each, and write compare.json, compare.md and times.json.

    The files are written anew after each method, so an interrupted comparison leaves those that are done.

    Parameters
    ----------
    params : mapping
        The content of a params file.
    request : Request
        What is compared, and the folder of the files.

    Returns
    -------
    list of Outcome
        One per method, in the order of the request.

    Raises
    ------
    InputError
        A section of the params, the strips or the manifest cannot be used, or a split has no clips.
    """
    bench = Bench(params, request)
    test = bench.manifest.of_split("test")
    tiers = sorted({clip.tier for clip in test} - {""})
    notes = sum(len(bench.manifest.notes[clip.clip_id]) for clip in test)
    outcomes: list[Outcome] = []
    for method in request.methods:
        outcomes.append(bench.outcome(method))
        for line in (*(header_lines(tiers) if len(outcomes) == 1 else ()), line_of(outcomes[-1], tiers)):
            say(line)
        scores = {
            o.method: {"steps": o.steps, "best_step": o.best_step, "parameters": o.parameters, **o.blocks} for o in outcomes
        }
        times = {o.method: {"training_s": o.training_s, "real_time": o.real_time} for o in outcomes}
        write_json(request.out / "compare.json", {"methods": scores, "seed": bench.train.seed}, DECIMALS)
        write_json(request.out / "times.json", times, DECIMALS)
        write_bytes(request.out / "compare.md", markdown(outcomes, tiers, len(test), notes).encode())
    return outcomes


class Bench:
    """The clips, the params and the kept records that all methods of a comparison share; arguments as of `compare`."""

    def __init__(self, params: Mapping[str, Any], request: Request) -> None:
        self.request = request
        self.model, self.train = section(params, "model", ModelParams), section(params, "train", TrainParams)
        self.logits, self.decode = section(params, "logits", LogitsParams), section(params, "decode", DecodeParams)
        self.sweep = section(params, "sweep", SweepParams)
        self.runtime = section(params, "runtime", RuntimeParams)
        self.strips, self.manifest = open_strips(STRIPS), read_manifest(MANIFEST)
        self.digests = {split: content_digest(load_clips(self.strips, self.manifest, split, 1)) for split in SPLITS}

    def outcome(self, method: str) -> Outcome:
        """Return the outcome of a method, made now or kept from before.

        Parameters
        ----------
        method : str
            Of `plan.METHODS`.

        Returns
        -------
        Outcome
        """
        folder = self.request.out / method
        name, training = "", {"steps": 0, "best_step": 0, "parameters": 0}
        if method != DIFFERENCE:
            name, training = self.trained(method, folder)
        scored = self.scored(method, folder, name)
        training_s = (Record(folder / "clock.json").read(name) or {}).get("training_s", 0.0)
        figures = {key: training[key] for key in ("steps", "best_step", "parameters")}
        return Outcome(method, **figures, blocks=scored["blocks"], training_s=training_s, real_time=scored["real_time"])

    def trained(self, method: str, folder: Path) -> tuple[str, dict[str, Any]]:
        """Train a network, or find it trained before.

        Parameters
        ----------
        method : str
            The network.
        folder : Path
            Where its weights (`best.pt`) and records lie.

        Returns
        -------
        (str, dict)
            The fingerprint of the training run and its record: steps, best_step, parameters.
        """
        steps = self.steps[method]
        name = self._training_name(method, steps=steps)
        record, clock = Record(folder / "trained.json"), Record(folder / "clock.json")
        training = record.read(name)
        if training is not None and (folder / "best.pt").exists():
            log.info("%s: trained before, %d steps", method, training["steps"])
            return name, training
        spent_s, started_s = (clock.read(name) or {}).get("training_s", 0.0), time.perf_counter()
        try:
            result = train(self.train_data, self._model(method), replace(self.train, steps=steps), self.runtime)
        finally:
            clock.write(name, training_s=spent_s + time.perf_counter() - started_s)
        save_checkpoint(folder / "best.pt", result.checkpoint)
        training = record.write(
            name, steps=result.curve[-1].step, best_step=result.checkpoint.step, parameters=result.parameters
        )
        result.states.finish()
        return name, training

    @cached_property
    def steps(self) -> dict[str, int]:
        """Steps of each network: those asked for, or as many as fit into the minutes, by paces that are measured once."""
        networks = [method for method in self.request.methods if method != DIFFERENCE]
        steps = {method: self.request.steps[method] for method in networks if method in self.request.steps}
        names = {m: self._training_name(m, minutes=self.request.minutes) for m in networks if m not in steps}
        plans = {method: Record(self.request.out / method / "plan.json") for method in names}
        missing = [method for method, name in names.items() if plans[method].read(name) is None]
        trainers = {m: Trainer(self.train_data, self._model(m), self.train, self.runtime) for m in missing}
        for method, pace in measure_paces(trainers).items():
            count = steps_in(self.request.minutes, pace, self.train.val_every_steps)
            plans[method].write(names[method], steps=count, **asdict(pace))
            log.info("%s: %.3f s per step, %d steps in %g minutes", method, pace.step_s, count, self.request.minutes)
        return {**steps, **{method: plans[method].read(name)["steps"] for method, name in names.items()}}

    def scored(self, method: str, folder: Path, training: str) -> dict[str, Any]:
        """Return the scores and the speed of a method, made now or kept from before.

        Parameters
        ----------
        method : str
            The method.
        folder : Path
            Where its weights, logits and records lie.
        training : str
            The fingerprint of the run that made its weights, "" without training.

        Returns
        -------
        dict
            `blocks`, as `summary_by_tier` returns them, and `real_time`, seconds of video per second of forward pass.
        """
        sections = {key: asdict(getattr(self, key)) for key in ("logits", "decode", "sweep")}
        clips = [astuple(clip) for clip in self.manifest.clips]
        how = [self.runtime.threads, self.runtime.device, self.runtime.precision]
        name = fingerprint.fingerprint_of(
            CODE, method=method, training=training, clips=clips, digests=self.digests, how=how, **sections
        )
        record = Record(folder / "scored.json")
        earlier = record.read(name)
        if earlier is not None:
            return earlier
        heads_of = self._heads_of(method, folder)
        for split in ("val", "test"):
            started_s = time.perf_counter()
            members = self.manifest.of_split(split)
            frames = sum(self.strips.grids[clip.clip_id].length for clip in members)
            answers = list(split_logits(self.strips, members, frames, heads_of, f"{method} {split}"))
            work_s = time.perf_counter() - started_s
            write_logits(folder / "logits" / f"{split}.npz", answers, settings={"logits": logits_record(self.logits)})
            raw = read_logits(folder / "logits" / f"{split}.npz")
            decoded = [rescored(clip, clip_posterior(clip, self.decode), self.decode) for clip in raw]
            settings = {**raw.settings, "decode": decode_record(self.decode)}
            write_logits(folder / "decoded" / f"{split}.npz", decoded, settings=settings)
        video_s = sum(seconds_of(clip.grid.length, clip.grid.fps) for clip in answers)  # of the test split, as `work_s` is
        return record.write(name, blocks=self._scores(folder), real_time=video_s / work_s)

    @cached_property
    def train_data(self) -> TrainData:
        """Clips to train on and to validate on, as the train stage takes them."""
        window_frames = self.train.window_frames
        train_clips, val_clips = (load_clips(self.strips, self.manifest, split, window_frames) for split in ("train", "val"))
        return TrainData(train_clips, val_clips, self.strips.geometry)

    def _model(self, method: str) -> ModelParams:
        return replace(self.model, backend=method)

    def _training_name(self, method: str, **length: float) -> str:
        """Return the fingerprint of a training run of a length (steps or minutes); sizes of other networks are left out."""
        model = {key: value for key, value in asdict(self._model(method)).items() if key == method or key not in BACKENDS}
        settings = {key: value for key, value in asdict(self.train).items() if key != "steps"}
        return training_fingerprint(
            model=model, train=settings, geometry=asdict(self.strips.geometry), length=length,
            data=[self.digests["train"], self.digests["val"]],
            how=[self.runtime.threads, self.runtime.device, self.runtime.precision, self.runtime.compile],
        )  # fmt: skip

    def _heads_of(self, method: str, folder: Path) -> HeadsOf:
        if method == DIFFERENCE:
            return difference_method(self.strips)
        device = prepare_torch(self.runtime)
        trained = load_checkpoint(folder / "best.pt")
        return network_heads(trained.model.to(device), trained.geometry, self.runtime, self.logits.window_frames)

    def _scores(self, folder: Path) -> dict[str, dict[str, float]]:
        """Return the scores of the test split at thresholds chosen on validation, both from the decoded logits in `folder`."""
        val, test = (load_split(folder / "decoded" / f"{split}.npz", MANIFEST, split) for split in ("val", "test"))
        clips = SplitClips(tuple(clip.logits for clip in val), val.missing, val.settings)
        references = [clip.notes for clip in val]
        thresholds = sweep_published(clips, references, self.sweep, "val", label_lag_s(val)).thresholds
        write_thresholds(folder / "thresholds.json", thresholds)
        scores, tiers = {}, {}
        for clip in test:
            notes = decode_notes(clip.logits.heads, clip.logits.grid, thresholds)
            scores[clip.logits.clip_id] = score_clip(clip.notes, notes, clip.logits.grid)
            tiers[clip.logits.clip_id] = clip.tier
        return summary_by_tier(scores, tiers)
