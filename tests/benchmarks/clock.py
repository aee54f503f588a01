"""How well rate and lag between labels and video are found: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/clock.py [--seconds 120] [--seed 5]

Renders one plain clip (20 s of one core for 120 s of video), cuts its strip also to 30 s, stretches and moves its exact labels,
and prints what was found: by how much the rate is off (percent), how far the corrected labels lie from the exact ones at the
first and the last note (ms), the confidence, and whether the clip would be corrected, left as it is, or left out.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from tivit.core.correction import Correction
from tivit.core.keyboard import keys_between
from tivit.core.notes import read_midi
from tivit.core.params import load, section
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import frames_of
from tivit.datasets.params import DataParams
from tivit.labels.clock import estimate_clock
from tivit.registration.clip import register_video
from tivit.registration.params import NOTHING_KNOWN, RegistrationParams
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams
from tivit.video.rectify import write_strip

WRONG = [
    (0.0, 0.0), (0.05, 0.0), (0.1, 0.0), (0.15, 0.0), (-0.3, 0.1), (0.5, 0.0), (-0.5, 0.0), (0.9, 0.0), (1.2, 0.0),
    (0.1, 16.0), (0.2, -45.0),
]  # fmt: skip
"""How much too fast the labels run (percent), and how late they are (s)."""
FAR_S = 1.0
"""Labels that are later than this are looked for anywhere, as those of own clips are."""


def main() -> None:
    """Render, estimate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    values = load()
    values["synth"]["camera"]["sizes"] = [[640, 360]]
    geometry, data = section(values, "strips", StripGeometry), section(values, "data", DataParams)
    synth = replace(section(values, "synth", SynthParams), test_s=arguments.seconds, seed=arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test").mkdir()
        write_clip(folder, synth, ClipTask("test", 0, "plain", "long"))
        video = folder / "test/long.mp4"
        found = register_video(video, section(values, "registration", RegistrationParams), geometry, NOTHING_KNOWN).registration
        whole = write_strip(video, found, geometry, data.fps, folder / "strip.npy")
        strip, exact = np.load(folder / "strip.npy"), read_midi(video.with_suffix(".mid"))
    in_view = keys_between(found.first_midi, found.last_midi)
    for seconds in (arguments.seconds, 30.0):
        grid = whole.window(0, min(whole.length, frames_of(seconds, data.fps)))
        notes = exact.take(exact.onset_s < grid.end_s)
        for percent, late_s in WRONG:
            wrong = notes.corrected(Correction(late_s, 1.0 + percent / 100))
            clock = estimate_clock(strip[: grid.length], grid, geometry, in_view, wrong, data.lag, abs(late_s) > FAR_S)
            correction = clock.correction(data.lag)
            left_ms = 1000 * (wrong.corrected(correction).onset_s - notes.onset_s)
            done = "left out" if not clock.is_sure(data.lag) else "as it is" if correction.is_none else "corrected"
            rate = 100 * ((1.0 + clock.drift) * (1.0 + percent / 100) - 1.0)
            print(
                f"{seconds:4.0f} s, {len(notes)} notes, {percent:+.2f} % fast, {late_s:+5.1f} s late: rate off {rate:+.3f} % "
                f"(+- {100 * clock.drift_error:.3f}), {left_ms[0]:+.1f} and {left_ms[-1]:+.1f} ms left, confidence "
                f"{clock.confidence:.1f}, {done}"
            )


if __name__ == "__main__":
    main()
