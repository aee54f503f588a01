"""How well keyboards are found in views as other people's recordings show them: run by hand, never a test.

    PYTHONPATH=.:tests/helpers:tests/benchmarks python tests/benchmarks/registration_altered.py --seed 11 [--views 64]

The rendered views of `registration_views` are turned by 90 degrees, squeezed in height, set into a bright slide, or cut off 3 %
before the front edges of their keys; the truth is altered with them. Outcomes are those of `benchmarks/registration.py`. Which
row the front edges are in is taken from what is found in the whole view, so a view that is refused as a whole is not cut.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from registration import Result, print_report, row, verdict
from registration_views import Truth, View, view_of

from tivit.core import params as params_file
from tivit.core.keyboard import CENTER_MM, WHITE_LENGTH_MM
from tivit.core.params import section
from tivit.core.registration import Refusal
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.params import RegistrationParams

SQUEEZES = (0.6, 0.75, 1.33)
"""Heights of screenshots and of anamorphic pictures, relative to what they should be."""
CUT_SHARE = 0.03
"""So much of the keys' length is out of the picture."""

Frames = list[np.ndarray]


def turned(frames: Frames, truth: Truth, index: int) -> tuple[Frames, Truth]:
    """Return a view as a phone held upright takes it, turned one way or the other."""
    turns = 1 if index % 8 < 4 else -1
    width, height = truth.size_wh
    x, y = truth.centers_px.T
    centers = np.stack([y, width - 1 - x] if turns == 1 else [height - 1 - y, x], axis=1)
    is_right = (turns == -1) != truth.orientation.startswith("rotated")
    orientation = f"turned_{'right' if is_right else 'left'}{'_mirrored' * truth.orientation.endswith('mirrored')}"
    truth = replace(truth, size_wh=(height, width), centers_px=centers, orientation=orientation)
    return [np.ascontiguousarray(np.rot90(frame, turns)) for frame in frames], truth


def squeezed(frames: Frames, truth: Truth, index: int) -> tuple[Frames, Truth]:
    """Return a view whose height is not what it should be."""
    width, height = truth.size_wh
    low = round(height * SQUEEZES[index % len(SQUEEZES)])
    truth = replace(truth, size_wh=(width, low), centers_px=(truth.centers_px + 0.5) * (1.0, low / height) - 0.5)
    return [cv2.resize(frame, (width, low), interpolation=cv2.INTER_AREA) for frame in frames], truth


def inset(frames: Frames, truth: Truth, index: int) -> tuple[Frames, Truth]:
    """Return a view in a bright slide."""
    width, height = truth.size_wh
    left, top, below = width // 8, height // 3, 20
    border = {"top": top, "bottom": below, "left": left, "right": left, "borderType": cv2.BORDER_CONSTANT}
    truth = replace(truth, size_wh=(width + 2 * left, height + top + below), centers_px=truth.centers_px + (left, top))
    return [cv2.copyMakeBorder(frame, **border, value=(235, 235, 235)) for frame in frames], truth


def front_cut(
    frames: Frames, truth: Truth, index: int, params: RegistrationParams, geometry: StripGeometry
) -> tuple[Frames, Truth] | None:
    """Return a view that ends before the front edges of the keys, None where the keys are not found in the whole view."""
    found = estimate(frames, params, geometry)
    if isinstance(found, Refusal):
        return None
    x_mm = CENTER_MM[[found.first_key, found.last_key]]
    front = found.image_points(x_mm, np.full(2, CUT_SHARE * WHITE_LENGTH_MM), geometry)[:, 1]
    is_rotated, height = truth.orientation.startswith("rotated"), truth.size_wh[1]
    # The keys whose fronts reach farthest lose CUT_SHARE, the others less.
    edge = int(np.clip(np.floor(front.min()) if is_rotated else np.ceil(front.max()), 0, height - 1))
    rows = slice(edge, height) if is_rotated else slice(0, edge + 1)
    size = (truth.size_wh[0], len(range(height)[rows]))
    truth = replace(truth, size_wh=size, centers_px=truth.centers_px - (0.0, float(rows.start)))
    return [np.ascontiguousarray(frame[rows]) for frame in frames], truth


def examine(cache: Path, alter: Callable, place: tuple[int, int]) -> Result | None:
    """Return what the estimator makes of an altered view, None for one that is not altered."""
    params = params_file.load()
    geometry, known = section(params, "strips", StripGeometry), section(params, "registration", RegistrationParams)
    view: View = view_of(*place, cache)
    more = {"params": known, "geometry": geometry} if alter is front_cut else {}
    altered = alter(view.frames(), view.truth, place[1], **more) if view.truth.keyboard else None
    if altered is None:
        return None
    frames, truth = altered
    registration = estimate(frames, known, geometry)
    outcome, detail, errors = verdict(registration, truth, geometry)
    return Result(*place, truth, registration, outcome, detail, errors, 0.0)


def main() -> None:
    """Estimate every view of every kind and print a line for each kind, after the views that fail."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kinds", default="turned,squeezed,inset,front_cut")
    parser.add_argument("--cache", type=Path, default=Path(".tivit/views"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    kinds = {function.__name__: function for function in (turned, squeezed, inset, front_cut)}
    places = [(arguments.seed, index) for index in range(arguments.views)]
    lines = []
    for name in arguments.kinds.split(","):
        task = partial(examine, arguments.cache, kinds[name])
        found = map_clips(task, places, Workers(arguments.workers), name, str, len(places))
        results = [result for _, result in found if result is not None]
        print(f"\n{name}")
        print_report(results)
        lines.append(row(name, results))
    print(f"\n{'':22s} views  right refused     unsure  ends  bent  lost wrong   median     p95   keys right", *lines, sep="\n")


if __name__ == "__main__":
    main()
