"""How well `tivit.registration.estimate` finds keyboards in rendered views of all conditions: run by hand, never a test.

    PYTHONPATH=.:tests/helpers python tests/benchmarks/registration.py --seed 0,1 [--views 9] [--workers 2] [--conditions dark]
    PYTHONPATH=.:tests/helpers python tests/benchmarks/registration.py --only 17 --save FOLDER     frame and overlay of one view
    PYTHONPATH=.:tests/helpers python tests/benchmarks/registration.py --seed 0,1 --gallery        the worst ten, for docs/

Views are rendered once and kept under --cache (.tivit/views); those of several seeds are pooled. Errors are those of
`registration.truth.key_errors` over the keys in view, in white-key widths, pooled over the keys of all views that were not
refused. Outcomes, worst first:

wrong    status ok, and not so: octave, shifted, mirror image or turn, beside the keys, or a keyboard where there is none.
lost     the same with an unknown octave: nobody can use it, but what it does say is not so.
bent     in the right place, but a key in view is half a white key off or more.
ends     a wrong first or last key in view.
refused  though there is a keyboard.
unsure   an unknown octave or mirror image where the picture tells it: the whole instrument is in view with a margin, fits on a
         piano in one place, and no common instrument is its mirror image (73 keys from C and 73 from E are each other's).
right    all else, also a refusal where there is no keyboard.

With an unknown octave the octave that fits best is taken. A registration that says that the mirror image cannot be told claims
neither: it is compared with the truth as it is and as its mirror image, and the better outcome counts.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from registration_views import SHORT_MIDI, Truth, View, view_of

from tivit.core import params as params_file
from tivit.core.artifacts import write_json
from tivit.core.keyboard import (
    CENTER_MM,
    KEY_COUNT,
    KEYBOARD_WIDTH_MM,
    MIRROR_MIDI_SUM,
    OCTAVE_KEYS,
    WHITE_LENGTH_MM,
    key_of,
    midi_of,
    mirrored_midi,
    name_of,
)
from tivit.core.params import section
from tivit.core.registration import Refusal, Registration
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.overlay import draw_overlay
from tivit.registration.params import RegistrationParams
from tivit.registration.truth import RIGHT_KEY, key_errors

OCTAVE_WHITES = 7
MOST_DEPTH_MM = 40.0
"""A registration farther off than this across the keys shows something else than the keys, a reflection say."""
GALLERY = Path("docs/images")
GALLERY_COUNT = 10
GALLERY_WIDTH_PX = 960
GALLERY_BYTES = 60_000
WHOLE = (0, KEY_COUNT - 1)
SEVERITY = ("wrong", "lost", "bent", "ends", "refused", "unsure", "right")


@dataclass(frozen=True)
class Result:
    """What came of one view: `outcome` is one of SEVERITY, `errors` (keys in view) white-key widths, empty when refused."""

    seed: int
    index: int
    truth: Truth
    registration: Registration | Refusal
    outcome: str
    detail: str
    errors: np.ndarray
    seconds: float

    @property
    def worst_key(self) -> float:
        """Largest key-centre error; 0 where there is none."""
        return float(np.abs(self.errors).max(initial=0.0))


def examine(cache: Path, place: tuple[int, int]) -> Result:
    """Return what the estimator makes of a view, `place` being its seed and index."""
    params = params_file.load()
    geometry = section(params, "strips", StripGeometry)
    view = view_of(*place, cache)
    frames = view.frames()
    start_s = time.perf_counter()
    registration = estimate(frames, section(params, "registration", RegistrationParams), geometry)
    seconds = time.perf_counter() - start_s
    outcome, detail, errors = verdict(registration, view.truth, geometry)
    return Result(*place, view.truth, registration, outcome, detail, errors, seconds)


def verdict(registration: Registration | Refusal, truth: Truth, geometry: StripGeometry) -> tuple[str, str, np.ndarray]:
    """Return outcome, why, and the errors (keys in view), empty when refused or not in its place."""
    if isinstance(registration, Refusal):
        return ("refused" if truth.keyboard else "right"), registration.reason, np.zeros(0)
    if not truth.keyboard:
        return ("wrong" if registration.is_usable else "lost"), "a keyboard where there is none", np.zeros(0)
    claimed = verdict_as_claimed(registration, truth, geometry)
    if "mirror image" not in registration.doubt:
        return claimed
    mirror = verdict_as_claimed(seen_in_mirror(registration, geometry), truth, geometry)
    return max(claimed, mirror, key=lambda item: SEVERITY.index(item[0]))


def verdict_as_claimed(registration: Registration, truth: Truth, geometry: StripGeometry) -> tuple[str, str, np.ndarray]:
    """Return `verdict` of a registration, of a view with a keyboard, taken at its word."""
    nothing, misplaced = np.zeros(0), "wrong" if registration.is_usable else "lost"
    if registration.orientation != truth.orientation:
        return misplaced, f"{registration.orientation} instead of {truth.orientation}", nothing
    first, last = truth.keys
    depth_mm = rows_mm(registration, truth, geometry)[first : last + 1] - WHITE_LENGTH_MM / 2
    if np.abs(depth_mm).max() > MOST_DEPTH_MM:
        return misplaced, f"up to {np.abs(depth_mm).max():.0f} mm off across the keys", nothing
    errors = key_errors(registration, truth.centers_px, geometry)[first : last + 1]
    middle = float(np.median(errors))
    octaves = round(middle / OCTAVE_WHITES)
    if abs(middle - octaves * OCTAVE_WHITES) >= RIGHT_KEY:
        return misplaced, f"shifted by {middle:+.1f} white keys", nothing
    if registration.is_usable and octaves:
        return "wrong", f"octave {octaves:+d}", nothing
    errors = errors - octaves * OCTAVE_WHITES
    if np.abs(errors).max() >= RIGHT_KEY:
        return "bent", f"a key is {np.abs(errors).max():.2f} white keys off", errors
    found = (registration.first_key - octaves * OCTAVE_KEYS, registration.last_key - octaves * OCTAVE_KEYS)
    (low, high), (inner_low, inner_high) = truth.loose_keys, truth.strict_keys
    if not (low <= found[0] <= inner_low and inner_high <= found[1] <= high):
        return "ends", f"keys {found[0]}..{found[1]} instead of {first}..{last}", errors
    if not registration.is_usable and is_told(truth):
        return "unsure", registration.doubt, errors
    return "right", registration.doubt, errors


def seen_in_mirror(registration: Registration, geometry: StripGeometry) -> Registration:
    """Return the registration of the same picture read as the mirror image, about D4, of what it was read as."""
    axis_mm = float(CENTER_MM[key_of(MIRROR_MIDI_SUM // 2)])
    flip = np.array([[-1.0, 0, 2 * geometry.column_px(axis_mm)], [0, 1, 0], [0, 0, 1]])
    homography = flip @ np.array(registration.homography)
    there = np.polynomial.Polynomial([4 * axis_mm / KEYBOARD_WIDTH_MM - 2, -1.0])
    correction = -np.polynomial.Polynomial(registration.x_correction or (0.0,))(there)
    turn, mirror, _ = registration.orientation.replace("upright", "").partition("mirrored")
    turn = turn.removesuffix("_")
    return replace(
        registration,
        homography=tuple(map(tuple, homography.tolist())),
        x_correction=tuple(correction.coef.tolist()),
        orientation=(turn or "upright") if mirror else f"{turn}_mirrored".removeprefix("_"),
        first_midi=int(mirrored_midi(registration.last_midi)),
        last_midi=int(mirrored_midi(registration.first_midi)),
    )


def is_told(truth: Truth) -> bool:
    """Return whether the picture tells octave and mirror image: see "unsure" above."""
    if truth.strict_keys != truth.keys or any(tag.endswith("cut") for tag in truth.tags):
        return False
    if truth.keys == WHOLE:
        return True
    first, last = truth.keys
    beyond = [2 * truth.centers_px[end] - truth.centers_px[inner] for end, inner in ((first, first + 2), (last, last - 2))]
    has_margin = bool(((np.array(beyond) >= 0) & (np.array(beyond) <= np.array(truth.size_wh) - 1)).all())
    is_one_place = first < OCTAVE_KEYS and last + OCTAVE_KEYS >= KEY_COUNT
    mirror = (int(mirrored_midi(midi_of(last))) % OCTAVE_KEYS, last - first)
    has_mirror = mirror in {(low % OCTAVE_KEYS, high - low) for low, high in SHORT_MIDI}
    return has_margin and is_one_place and not has_mirror


def rows_mm(registration: Registration, truth: Truth, geometry: StripGeometry) -> np.ndarray:
    """Return the y (mm) that the registration gives the true key centres, which lie at half the length of the keys, (88,)."""
    strip = np.column_stack([truth.centers_px, np.ones(KEY_COUNT)]) @ np.array(registration.homography).T
    return geometry.y_back_mm - strip[:, 1] / strip[:, 2] / geometry.px_per_mm_y


def row(name: str, results: Sequence[Result]) -> str:
    """Return one line of the table over views with a keyboard."""
    count = len(results)
    number = {outcome: sum(result.outcome == outcome for result in results) for outcome in SEVERITY}
    measured = [result for result in results if len(result.errors)]
    size = np.abs(np.concatenate([result.errors for result in measured])) if measured else np.full(1, np.nan)
    whole = sum(result.worst_key < RIGHT_KEY for result in measured)
    return (
        f"{name:22s} {count:5d} {number['right']:6d} {number['refused']:5d} {100 * number['refused'] / count:5.1f} %"
        f" {number['unsure']:6d} {number['ends']:5d} {number['bent']:5d} {number['lost']:5d} {number['wrong']:5d}"
        f"  {np.median(size):7.3f} {np.percentile(size, 95):7.3f} {whole:6d}/{len(measured)}"
    )


def print_report(results: Sequence[Result]) -> None:
    """Print failing views, then the table, whole and by condition."""
    for result in results:
        if result.outcome != "right":
            keys = "" if result.truth.keyboard is False else " ".join(name_of(int(midi_of(key))) for key in result.truth.keys)
            print(
                f"view {result.seed}/{result.index:4d} {result.outcome:8s} worst key {result.worst_key:5.2f}"
                f" [{keys}; {', '.join(result.truth.tags)}] {result.detail}"
            )
    keyboards = [result for result in results if result.truth.keyboard]
    nothing = [result for result in results if not result.truth.keyboard]
    print(f"\n{'':22s} views  right refused     unsure  ends  bent  lost wrong   median     p95   keys right")
    if keyboards:
        print(row("all", keyboards))
        whole = [result for result in keyboards if result.truth.keys == WHOLE]
        if whole:
            print(row("88 keys in view", whole))
        part = [result for result in keyboards if result.truth.keys != WHOLE]
        if part:
            print(row("fewer in view", part))
        for tag in sorted({tag for result in keyboards for tag in result.truth.tags}):
            print(row(tag, [result for result in keyboards if tag in result.truth.tags]))
    if nothing:
        print(f"no keyboard: {len(nothing)} views, {sum(result.outcome == 'right' for result in nothing)} refused")
    left_open = [result for result in keyboards if result.registration.status == "octave_unknown"]
    print(f"octave or mirror image left open: {len(left_open)} views")
    seconds = [result.seconds for result in results]
    hd = [result.seconds for result in results if result.truth.size_wh == (1280, 720)]
    print(f"time a call: median {np.median(seconds):.2f} s, max {max(seconds):.2f} s", end="")
    print(f"; at 1280x720 median {np.median(hd):.2f} s, max {max(hd):.2f} s" if hd else "")


def picture_of(view: View, registration: Registration | Refusal, geometry: StripGeometry) -> np.ndarray:
    """Return the last frame with what was found drawn on it."""
    return draw_overlay(view.frames()[-1], registration, geometry)


def save_view(view: View, result: Result, folder: Path, geometry: StripGeometry) -> None:
    """Write a view's frames and overlay into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, data in enumerate(view.jpegs):
        (folder / f"view_{result.seed}_{view.index:04d}_{k}.jpg").write_bytes(data)
    cv2.imwrite(
        str(folder / f"view_{result.seed}_{view.index:04d}_overlay.png"), picture_of(view, result.registration, geometry)
    )


def badness(result: Result) -> tuple[int, float]:
    """Return a sort key, worst first: what was found and is not so, then refusals of whole keyboards, then by error."""
    is_refusal = result.outcome == "refused" and result.truth.keys == WHOLE
    is_fault = SEVERITY.index(result.outcome) < SEVERITY.index("refused") or is_refusal
    return (SEVERITY.index(result.outcome) if is_fault else len(SEVERITY)), -result.worst_key


def write_gallery(results: Sequence[Result], cache: Path, geometry: StripGeometry) -> None:
    """Write the worst views as pictures and print the table that describes them, its reasons to be filled in."""
    known = [result for result in results if result.truth.keyboard or result.outcome != "right"]
    worst = sorted(known, key=badness)[:GALLERY_COUNT]
    GALLERY.mkdir(parents=True, exist_ok=True)
    print("\n| | view | conditions | result | worst key | why |\n|---|---|---|---|---|---|")
    for place, result in enumerate(worst, 1):
        picture = picture_of(view_of(result.seed, result.index, cache), result.registration, geometry)
        scale = min(1.0, GALLERY_WIDTH_PX / picture.shape[1])
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        path = GALLERY / f"registration_worst_{place:02d}.jpg"
        for quality in range(88, 20, -6):
            data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(data) <= GALLERY_BYTES:
                break
        path.write_bytes(data)
        said = f"{result.outcome}: {result.detail}" if result.detail else result.outcome
        tags = ", ".join(result.truth.tags)
        print(f"| ![{place}](images/{path.name}) | {result.seed}/{result.index} | {tags} | {said} | {result.worst_key:.2f} | |")


def write_results(results: Sequence[Result], path: Path) -> None:
    """Write one record a view, for comparing two runs."""
    rows = [
        {
            "seed": result.seed,
            "index": result.index,
            "outcome": result.outcome,
            "detail": result.detail,
            "worst_key": result.worst_key,
            "confidence": None if isinstance(result.registration, Refusal) else result.registration.quality.confidence,
            "seconds": result.seconds,
            "tags": list(result.truth.tags),
        }
        for result in results
    ]
    write_json(path, rows, decimals=4)


def main() -> None:
    """Estimate every view and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=int, default=320)
    parser.add_argument("--seed", default="0", help="one or several, separated by commas")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--conditions", default="", help="only views with all of these tags, separated by commas")
    parser.add_argument("--cache", type=Path, default=Path(".tivit/views"))
    parser.add_argument("--only", type=int, help="one view by its number")
    parser.add_argument("--save", type=Path, help="folder for the frames and overlays of the views looked at")
    parser.add_argument("--out", type=Path, help="folder for results.json")
    parser.add_argument("--gallery", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    indices = range(arguments.views) if arguments.only is None else [arguments.only]
    places = [(int(seed), index) for seed in arguments.seed.split(",") for index in indices]
    wanted = {tag.strip() for tag in arguments.conditions.split(",") if tag.strip()}
    if wanted:
        places = [place for place in places if wanted <= set(view_of(*place, arguments.cache).truth.tags)]
    if not places:
        parser.error(f"no view has all of {sorted(wanted)}")
    work = partial(examine, arguments.cache)
    found = map_clips(work, places, Workers(arguments.workers), "estimate", str, len(places))
    results = [result for _, result in found]
    print_report(results)
    geometry = section(params_file.load(), "strips", StripGeometry)
    if arguments.save:
        for result in results:
            save_view(view_of(result.seed, result.index, arguments.cache), result, arguments.save, geometry)
    if arguments.out:
        write_results(results, arguments.out / "results.json")
    if arguments.gallery:
        write_gallery(results, arguments.cache, geometry)


if __name__ == "__main__":
    main()
