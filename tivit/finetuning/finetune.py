"""From a video and its MIDI file to weights that know this piano, and what they gained on a part that they never saw."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tivit.core import params as params_file
from tivit.core.errors import InputError
from tivit.core.logits import silenced
from tivit.core.notes import Notes
from tivit.core.outputs import refuse_file
from tivit.core.params import section
from tivit.core.run.progress import progress_bar, say
from tivit.core.run.runtime import RuntimeParams
from tivit.datasets.params import LagParams
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import Thresholds, read_thresholds, write_thresholds
from tivit.finetuning.gain import Gain, gain_of
from tivit.finetuning.learning import learned, rendered_clips
from tivit.finetuning.take import Parts, Take, opened_take, parts_of
from tivit.inference.params import followed_window
from tivit.inference.predict import predict_strip
from tivit.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tivit.model.fold import folded
from tivit.model.setup import prepare_torch
from tivit.pretrained.files import Trained, thresholds_beside
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.training.params import TrainParams

log = logging.getLogger("tivit.finetune")
RECIPE = Path(__file__).with_name("recipe.yaml")


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes
    ----------
    video, midi : Path
        The take.
    output : Path
        The weights to write; their thresholds go beside them.
    known : Override
        What is known of the keyboard beforehand.
    learn_to_s : float or None
        Where the part that is learned ends (s of the video); None: after three quarters of the notes.
    steps : int or None
        Steps of the optimizer; None: those of the recipe.
    keeps_anyway : bool
        True: the weights are written also where nothing was gained.
    """

    video: Path
    midi: Path
    output: Path
    known: Override = NOTHING_KNOWN
    learn_to_s: float | None = None
    steps: int | None = None
    keeps_anyway: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes
    ----------
    gain : Gain
        What was gained on the part that was kept apart.
    is_written : bool
        False where nothing was gained, so that nothing was written.
    """

    gain: Gain
    is_written: bool


def refuse_output(output: Path, replacing: bool, reads: Iterable[Path] = ()) -> None:
    """Raise InputError where weights cannot be written, before any work is done.

    Parameters
    ----------
    output : Path
        The weights to write.
    replacing : bool
        Whether files that are there may be replaced.
    reads : iterable of Path
        Files that are read, and never replaced.

    Raises
    ------
    InputError
        The name does not end in .pt; or it or its thresholds cannot be written, are there and may not be replaced, or are read.
    """
    if output.suffix != ".pt":
        raise InputError(f"{output}: weights are written to a file whose name ends in .pt; name another by -o")
    for path in (output, thresholds_beside(output)):
        refuse_file(path, replacing, reads=reads)


def finetune(request: Request, trained: Trained, params: Mapping[str, Any]) -> Outcome:
    """Let a network learn from a take, say what that gained, and write it where it gained something.

    Parameters
    ----------
    request : Request
        What is asked for.
    trained : Trained
        The network to start from, with its thresholds, which stay as they are.
    params : mapping
        Sections `registration` and `runtime`.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        A file cannot be used, the keyboard is not found, the MIDI file does not fit the video, or the take is too short.
    """
    recipe, runtime = params_file.load(RECIPE), section(params, "runtime", RuntimeParams)
    registration, lag = section(params, "registration", RegistrationParams), section(recipe, "lag", LagParams)
    train = section(recipe, "train", TrainParams)
    train = train if request.steps is None else replace(train, steps=request.steps)
    device = prepare_torch(runtime)
    checkpoint, thresholds = load_checkpoint(trained.checkpoint), read_thresholds(trained.thresholds)
    with opened_take(request.video, request.midi, checkpoint, registration, lag, request.known) as take:
        say(_clock_sentence(take))
        parts = parts_of(take, request.learn_to_s)
        say(
            f"learned: {len(parts.learned.notes)} notes before {parts.learn_to_s:.1f} s; kept apart: what follows "
            f"{parts.apart_from_s:.1f} s"
        )
        rendered = rendered_clips(recipe | {"registration": params["registration"]}, checkpoint, take.front_row, runtime.pool)
        with progress_bar(train.steps, "finetune", "step") as bar:
            after = learned(checkpoint, parts.learned, rendered, train, runtime, bar.update)
        checkpoint.model.to(device)
        gain = _gain(take, parts, checkpoint, after, thresholds, runtime)
    say(gain.sentence())
    is_written = gain.gained > 0.0 or request.keeps_anyway
    if is_written:
        save_checkpoint(request.output, after)
        write_thresholds(thresholds_beside(request.output), thresholds)
    return Outcome(gain, is_written)


def _gain(
    take: Take, parts: Parts, before: Checkpoint, after: Checkpoint, thresholds: Thresholds, runtime: RuntimeParams
) -> Gain:
    frames = followed_window(thresholds.chosen_under.get("logits", {}), RECIPE)
    read = []
    for checkpoint in (before, after):
        started_s = time.perf_counter()
        read.append(_read(take, checkpoint, thresholds, runtime, frames))
        log.info("%s: %d notes read in %.1f s", take.video, len(read[-1]), time.perf_counter() - started_s)
    # Notes that begin before the part that is scored are read, so that none of them is taken for one that was invented.
    return gain_of(take.notes.take(take.notes.onset_s <= take.grid.end_s), *read, parts.apart_from_s)


def _read(take: Take, checkpoint: Checkpoint, thresholds: Thresholds, runtime: RuntimeParams, window_frames: int) -> Notes:
    heads = predict_strip(folded(checkpoint.model), take.frames, checkpoint.geometry, runtime, window_frames)
    return decode_notes(silenced(heads, take.in_view), take.grid, thresholds)


def _clock_sentence(take: Take) -> str:
    clock = take.clock
    if not clock.has_rate:
        rate = "too short for a rate"
    elif clock.drift:
        rate = f"rate {1.0 + clock.drift:.5f} +- {clock.drift_error:.5f}, corrected"
    else:
        rate = f"rate 1 (+- {clock.drift_error:.5f})"
    left = ""
    if clock.residual:
        residual = clock.residual
        left = f"; {1000 * residual.lag_s:+.0f} +- {1000 * residual.error_s:.0f} ms are left in the worst quarter"
    shift_s = clock.lag_s - clock.drift * clock.middle_s
    start = f"{abs(shift_s):.3f} s {'before' if shift_s < 0 else 'after'} the video"
    return f"{take.video}: the MIDI file begins {start}, {rate}{left}"
