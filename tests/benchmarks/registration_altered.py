"""How well keyboards are found in views as other people's recordings show them: run by hand, never a test.

    PYTHONPATH=.:tests/helpers:tests/benchmarks python tests/benchmarks/registration_altered.py --seed 8 --views 80

The rendered views of `registration_views` are altered as `registration_alterations` says, and views of mini keys are rendered;
each kind is a slice. Outcomes are those of `benchmarks/registration.py`, and a key that is 15 mm off across the keys at its
front or back is bent too. Of two manuals either may be found, and a refusal that says that there are two keyboards is right;
drawn keys are no keyboard. A key is in view, in every slice, when its rows that show a press are.

A view that is right has every key in its place and both ends right. `known` ones say octave and mirror image as well, rightly;
`open` ones ask for one or both, which the picture does not tell. `of found` is the share of right ones among those not refused.
`unseen` are those of the bent ones that are bent across the keys and show no front edge: nobody can say there where it is. They
count as bent all the same.
With --results a record of each view is kept, and a run that --seconds ended goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from registration import SEVERITY, verdict
from registration_alterations import ALTERATIONS, moved
from registration_cameras import points_mm
from registration_views import Truth, view_of

from tivit.core import params as params_file
from tivit.core.artifacts import write_bytes
from tivit.core.keyboard import CENTER_MM, LEFT_MM, RIGHT_MM, WHITE_LENGTH_MM, midi_of, name_of
from tivit.core.params import section
from tivit.core.registration import Refusal, Registration
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.overlay import draw_overlay
from tivit.registration.params import RegistrationParams

MINI = "mini"
SLICES = (*ALTERATIONS, MINI)
ROWS_MM = (10.0, 140.0)
MOST_ACROSS_MM = 15.0
"""A key is bent when its front or back is farther than this from where it is across the keys: a tenth of its length."""
EDGE_MM, EDGE_LEVELS, EDGE_STRETCHES = 6.0, 4.0, 5
"""A front edge is seen where levels so far before it and behind it differ by so much, or a line between them is so much darker:
in at least half of so many stretches of the keys in view."""
UPPER_MM = (0.0, WHITE_LENGTH_MM + 12.0, 60.0)
"""Where the second manual is beside the first."""

ACROSS = "mm off across the keys"
"""The end of what is said of a key that is bent across the keys."""

Place = tuple[str, int, int]
"""Slice, seed and index of a view."""


def across_mm(found: Registration, truth: Truth, geometry: StripGeometry) -> np.ndarray:
    """Return how far the keys in view are off across the keyboard at ROWS_MM, (rows, keys), mm."""
    keys = slice(truth.keys[0], truth.keys[1] + 1)
    errors = []
    for y_mm in ROWS_MM:
        pixels = truth.px(points_mm(CENTER_MM[keys], y_mm))
        strip = np.column_stack([pixels, np.ones(len(pixels))]) @ np.array(found.homography).T
        errors.append(geometry.y_back_mm - strip[:, 1] / strip[:, 2] / geometry.px_per_mm_y - y_mm)
    return np.array(errors)


def outcome_of(found: Registration | Refusal, truth: Truth, name: str, geometry: StripGeometry) -> tuple[str, str, np.ndarray]:
    """Return `registration.verdict` of an altered view."""
    if isinstance(found, Refusal) and "two keyboards" in found.reason and name in ("two_manuals", "drawn_keys"):
        return "right", found.reason, np.zeros(0)
    outcome, detail, errors = verdict(found, truth, geometry)
    off_mm = np.abs(across_mm(found, truth, geometry)).max() if outcome == "right" and len(errors) else 0.0
    if off_mm > MOST_ACROSS_MM:
        return "bent", f"a key is {off_mm:.0f} {ACROSS}", errors
    return outcome, detail, errors


def is_front_seen(frames: Sequence[np.ndarray], truth: Truth) -> bool:
    """Return whether the median of the frames shows the front edge of the white keys (EDGE_MM)."""
    picture = np.median([cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in frames], axis=0).astype(np.float32)
    x_mm = np.linspace(LEFT_MM[truth.keys[0]], RIGHT_MM[truth.keys[1]], 50 * EDGE_STRETCHES)
    y_mm = np.arange(-EDGE_MM, EDGE_MM + 1, 1.0)[:, None]
    x_px, y_px = truth.px(points_mm(x_mm, y_mm)).astype(np.float32).transpose(2, 0, 1)
    levels = cv2.remap(picture, x_px, y_px, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    profiles = np.median(levels.reshape(len(y_mm), EDGE_STRETCHES, -1), axis=2)  # (rows, stretches)
    before, behind, line = profiles[0], profiles[-1], profiles.min(0)
    is_seen = np.maximum(abs(before - behind), np.minimum(before, behind) - line) >= EDGE_LEVELS
    return bool(is_seen.mean() >= 0.5)


def examine(cache: Path, save: Path | None, place: Place) -> dict | None:
    """Return what the estimator makes of an altered view, None for a view that cannot be altered so."""
    name, seed, index = place
    params = params_file.load()
    geometry, known = section(params, "strips", StripGeometry), section(params, "registration", RegistrationParams)
    view = view_of(seed, index, cache, is_mini=name == MINI)
    if not view.truth.keyboard:
        return None
    rng = np.random.default_rng([seed, index, SLICES.index(name)])
    # A key is in view when the rows that show a press are, in every slice.
    there = moved(view.truth, np.eye(3), view.truth.size_wh)
    if there is None:
        return None
    altered = ALTERATIONS.get(name, ALTERATIONS["plain"])(view.frames(), there, rng)
    if altered is None:
        return None
    frames, truth = altered
    start_s = time.process_time()
    found = estimate(frames, known, geometry)
    seconds = time.process_time() - start_s
    outcome, detail, errors = outcome_of(found, truth, name, geometry)
    if name == "two_manuals" and outcome != "right":
        upper = replace(truth, camera=replace(truth.camera, position_mm=truth.camera.position_mm - UPPER_MM))
        upper = replace(upper, centers_px=upper.px(points_mm(CENTER_MM, WHITE_LENGTH_MM / 2)))
        other = outcome_of(found, upper, name, geometry)
        if SEVERITY.index(other[0]) > SEVERITY.index(outcome):
            truth, (outcome, detail, errors) = upper, other
    is_unseen = outcome == "bent" and detail.endswith(ACROSS) and not is_front_seen(frames, truth)
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(save / f"{name}_{seed}_{index:04d}_{outcome}.png"), draw_overlay(frames[-1], found, geometry))
    is_found = isinstance(found, Registration) and len(errors) > 0
    return {
        "slice": name, "seed": seed, "index": index, "outcome": outcome, "detail": detail,
        "keys": [name_of(int(midi_of(key))) for key in truth.keys], "tags": list(truth.tags),
        "errors": [round(float(error), 4) for error in np.abs(errors)],
        "across_mm": round(float(np.abs(across_mm(found, truth, geometry)).max()), 2) if is_found else None,
        "doubt": found.doubt if isinstance(found, Registration) else "",
        "confidence": round(found.quality.confidence, 3) if isinstance(found, Registration) else None,
        "seconds": round(seconds, 3), "unseen": is_unseen,
    }  # fmt: skip


def print_report(results: Sequence[dict]) -> None:
    """Print the views that fail, and a line for each slice and for all."""
    for result in results:
        if result["outcome"] != "right":
            place = f"{result['slice']:16s} {result['seed']}/{result['index']:4d} {result['outcome']:8s}"
            confidence = "    " if result["confidence"] is None else f"{result['confidence']:.2f}"
            print(f"{place} {confidence} [{'-'.join(result['keys'])}; {', '.join(result['tags'])}] {result['detail']}")
    print(
        f"\n{'':16s} views  right   known  open   of found refused     unsure  ends  bent (unseen)  lost wrong   median     p95"
        "   mm across    p95   cpu s"
    )
    for name in (*SLICES, "all"):
        chosen = [result for result in results if name in (result["slice"], "all")]
        if chosen:
            print(row(name, chosen))


def row(name: str, results: Sequence[dict]) -> str:
    """Return one line of the table."""
    count = len(results)
    number = {outcome: sum(result["outcome"] == outcome for result in results) for outcome in SEVERITY}
    errors = np.array([error for result in results for error in result["errors"]] or [np.nan])
    across = np.array([result["across_mm"] for result in results if result["across_mm"] is not None] or [np.nan])
    opened = sum(result["outcome"] == "right" and bool(result["doubt"]) for result in results)
    unseen = sum(result.get("unseen", False) for result in results)
    of_found = 100 * number["right"] / max(count - number["refused"], 1)
    return (
        f"{name:16s} {count:5d} {number['right']:6d} {number['right'] - opened:7d} {opened:5d} {of_found:7.1f} %"
        f" {number['refused']:6d} {100 * number['refused'] / count:5.1f} %"
        f" {number['unsure']:6d} {number['ends']:5d} {number['bent']:5d} {unseen:8d} {number['lost']:5d} {number['wrong']:5d}"
        f"  {np.median(errors):7.3f} {np.percentile(errors, 95):7.3f}"
        f"   {np.median(across):9.1f} {np.percentile(across, 95):6.1f}"
        f"  {np.median([result['seconds'] for result in results]):6.2f}"
    )


def kept(path: Path) -> list[dict | Place]:
    """Return the records of earlier runs."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    """Estimate the views that have no result yet, keep what comes of them, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=int, default=64, help="views of a seed; a slice has those that can be so altered")
    parser.add_argument("--seed", default="0", help="one or several, separated by commas")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--slices", default=",".join(SLICES))
    parser.add_argument("--cache", type=Path, default=Path(".tivit/views"))
    parser.add_argument("--results", type=Path, help="file of one record per view; without it nothing is kept")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no view after so many seconds")
    parser.add_argument("--save", type=Path, help="folder for the pictures with what was found drawn on them")
    parser.add_argument("--only", help="views by their number, separated by commas")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    numbers = range(arguments.views) if arguments.only is None else [int(number) for number in arguments.only.split(",")]
    seeds = [int(seed) for seed in arguments.seed.split(",")]
    # View by view and not slice by slice, so that a run that ends early has some of each.
    wanted = [(name, seed, index) for seed in seeds for index in numbers for name in arguments.slices.split(",")]
    results = kept(arguments.results) if arguments.results else []
    done = {tuple(result["place"]) for result in results}
    places = [place for place in wanted if place not in done]
    deadline_s = time.monotonic() + arguments.seconds
    block = 8 * arguments.workers
    for start in range(0, len(places), block):
        if time.monotonic() > deadline_s:
            print(f"{len(places) - start} of {len(wanted)} views are left; run this again")
            break
        part = places[start : start + block]
        work = partial(examine, arguments.cache, arguments.save)
        found = map_clips(work, part, Workers(arguments.workers), "estimate", str, len(part))
        results += [{"place": place, "result": result} for place, result in found]
        if arguments.results:
            write_bytes(arguments.results, "".join(json.dumps(result) + "\n" for result in results).encode())
    chosen = set(wanted)
    print_report([item["result"] for item in results if item["result"] and tuple(item["place"]) in chosen])


if __name__ == "__main__":
    main()
