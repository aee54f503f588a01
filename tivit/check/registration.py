"""`tivit check registration`: the clips of the dataset registered, a line each, a table and a contact sheet.

It goes through the same kept estimates as the register stage and needs nothing that the pipeline made. Errors are in white-key
widths unless they say mm. `before` and `after` are without and with the x correction, on points that had no part in the fit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError
from tivit.core.keyboard import WHITE_PITCH_MM
from tivit.core.params import section
from tivit.core.registration import Refusal, Registration, is_usable, objection
from tivit.core.run.progress import say
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.registration.batch import Registered, advice, register_clips, status_counts, tasks_of
from tivit.registration.overlay import contact_sheet, keys_in_view
from tivit.registration.params import RegistrationParams
from tivit.registration.truth import errors_in_view, summary

SHEET_NAME = "registration.png"


@dataclass(frozen=True)
class Selection:
    """Which clips are looked at.

    Attributes
    ----------
    split : str or None
        Clips of one split; None: of all.
    clips : int or None
        At most so many clips of a split; None: all.
    inspect : int
        How many are put on the contact sheet.
    """

    split: str | None
    clips: int | None
    inspect: int


def check_registration(params: Mapping[str, Any], selection: Selection, out: Path) -> int:
    """Print what registration makes of the selected clips and write `registration.png`.

    Parameters
    ----------
    params : mapping
        The content of a params file.
    selection : Selection
        The clips.
    out : Path
        Folder of the contact sheet.

    Returns
    -------
    int
        The exit status: 0 when every clip can be used, 1 when one is refused or of unknown octave.

    Raises
    ------
    InputError
        The dataset or a value cannot be used, or no clip is selected.
    """
    registration_params = section(params, "registration", RegistrationParams)
    geometry = section(params, "strips", StripGeometry)
    data = section(params, "data", DataParams)
    if selection.clips is not None:
        data = replace(data, clips=replace(data.clips, max_per_split=selection.clips))
    dataset = open_dataset(data)
    clips = [clip for clip in dataset.clips() if selection.split in (None, clip.split)]
    if not clips:
        raise InputError(f"no clip of {data.name} is selected (split {selection.split})")
    workers = section(params, "runtime", RuntimeParams).pool
    tasks = tasks_of(dataset, clips, registration_params, geometry)
    results, errors = [], []
    for clip, item in zip(clips, register_clips(tasks, registration_params, geometry, workers), strict=True):
        say(line_of(item))
        results.append(item)
        truth = dataset.true_key_centers_px(clip)
        if is_usable(item.registration) and truth is not None:
            errors.append(errors_in_view(item.registration, truth, geometry))
    registrations = [item.registration for item in results]
    print("\n".join(table(registrations, errors)))
    sheet = write_sheet(out / SHEET_NAME, results, selection.inspect)
    print(f"contact sheet: {sheet}" if sheet else "contact sheet: no overlay to show")
    return 0 if all(is_usable(registration) for registration in registrations) else 1


def line_of(item: Registered) -> str:
    """Return the line of one clip in the terminal.

    Parameters
    ----------
    item : Registered
        The clip; one that was refused has a short line with the reason.

    Returns
    -------
    str
    """
    registration, start = item.registration, f"reg_refined: {item.clip_id} status={item.registration.status}"
    if isinstance(registration, Refusal):
        return f"{start} reason={advice(registration)}"
    quality = registration.quality
    line = (
        f"{start} orientation={registration.orientation} keys={keys_in_view(registration)} conf={quality.confidence:.2f}"
        f" err={quality.err_before:.3f}->{quality.err_after:.3f} (white keys)"
        f" mm={quality.err_before * WHITE_PITCH_MM:.2f}->{quality.err_after * WHITE_PITCH_MM:.2f}"
        f" dev={quality.deviation:.3f} moves={len(registration.moves)}"
    )
    return line if registration.is_usable else f"{line} reason={advice(registration)}"


def table(registrations: Sequence[Registration | Refusal], errors: Sequence[np.ndarray]) -> Iterator[str]:
    """Yield the lines of the summary.

    Parameters
    ----------
    registrations : sequence of Registration or Refusal
        What came of each clip.
    errors : sequence of np.ndarray
        The errors of the keys, as `errors_in_view` returns them, of each clip whose truth is known.

    Yields
    ------
    str
    """
    counts = status_counts(registrations)
    yield f"{len(registrations)} clips: " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    reasons = Counter(_without_numbers(objection(item)) for item in registrations if not is_usable(item))
    for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"  {count} x {reason}"
    qualities = [item.quality for item in registrations if isinstance(item, Registration)]
    if qualities:
        yield f"{'error (white-key widths)':32s}{'before':>16s}{'after':>18s}"
        yield f"{'':32s}{'median':>9s}{'p95':>9s}{'median':>9s}{'p95':>9s}"
        pairs = {"all keys": [(quality.err_before, quality.err_after) for quality in qualities]}
        pairs |= {"black keys": [quality.err_black for quality in qualities]}
        pairs |= {"white keys": [quality.err_white for quality in qualities]}
        pairs |= {"across the keyboard": [quality.err_across for quality in qualities]}
        for name, values in pairs.items():
            before, after = np.array(values).T
            yield f"  {name:30s}{_spread(before)}{_spread(after)}"
        yield f"{'deviation from a plain scaling':32s}{_spread([quality.deviation for quality in qualities])}"
    if errors:
        truth = summary(registrations, errors)
        yield (
            f"against the truth of {len(errors)} clips: key_err_median {truth['key_err_median']:.3f}, "
            f"key_err_p95 {truth['key_err_p95']:.3f}, keys right {truth['keys_right']:.2%}"
        )


def write_sheet(path: Path, results: Sequence[Registered], count: int) -> Path | None:
    """Write the overlays of the least sure clips to a picture, refused clips first, then the least sure.

    Parameters
    ----------
    path : Path
        The picture, PNG.
    results : sequence of Registered
        All clips; those without an overlay are passed over.
    count : int
        How many clips are shown at most.

    Returns
    -------
    Path or None
        `path`; None without any overlay, and then nothing is written.
    """
    shown = sorted((item for item in results if item.overlay), key=lambda item: (_confidence(item.registration), item.clip_id))
    if not shown[:count]:
        return None
    pictures = [(item.clip_id, cv2.imdecode(np.frombuffer(item.overlay, np.uint8), cv2.IMREAD_COLOR)) for item in shown[:count]]
    write_bytes(path, cv2.imencode(".png", contact_sheet(pictures))[1].tobytes())
    return path


def _confidence(item: Registration | Refusal) -> float:
    return 0.0 if isinstance(item, Refusal) else item.quality.confidence


def _spread(values: Sequence[float] | np.ndarray) -> str:
    return f"{np.median(values):9.3f}{np.percentile(values, 95):9.3f}"


def _without_numbers(reason: str) -> str:
    """Return a reason without its figures, so that equal reasons are counted together."""
    return re.sub(r"[-+]?[0-9]+(?:\.[0-9]+)?", "#", reason)
