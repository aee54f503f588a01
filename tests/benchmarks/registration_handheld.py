"""What registration of a clip filmed by hand costs, and how well the keyboard is followed: run by hand, never a test.

    PYTHONPATH=.:tests/helpers python tests/benchmarks/registration_handheld.py [--seconds 11]

A clip of 854 x 480 at 30 frames a second is drawn: its camera sways and shakes, and two hands move before the keys. Seconds are
those of the processor, so that a busy machine counts for nothing; errors are in white-key widths against the true camera.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from registration_cases import GEOMETRY, PARAMS, Look, View, held_by_hand, random_view, render

from tivit.registration.clip import register_video
from tivit.registration.truth import key_errors

SIZE_WH, FPS = (854, 480), 30.0


def view_at(start: View, time_s: float) -> View:
    """Return the camera at an instant."""
    sway = 14 * np.sin(2.6 * time_s) + 5 * np.sin(5.3 * time_s) + 1.5 * np.sin(21 * time_s)
    return held_by_hand(start, sway, 8 * np.sin(3.4 * time_s + 1) + np.sin(19 * time_s), 0.006 * np.sin(2 * time_s))


def write_clip(path: Path, start: View, seconds: float) -> None:
    """Draw the clip."""
    rng = np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, SIZE_WH)
    for time_s in np.arange(int(seconds * FPS)) / FPS:
        picture = render(view_at(start, time_s), rng, Look())
        for hand in range(2):
            x = int(SIZE_WH[0] * (0.3 + 0.4 * hand + 0.18 * np.sin(1.7 * time_s + 2 * hand)))
            cv2.ellipse(picture, (x, 300), (60, 53), 0, 0, 360, (120, 150, 190), -1)
            cv2.rectangle(picture, (x - 25, 300), (x + 25, 479), (110, 140, 180), -1)
        writer.write(picture)
    writer.release()


def main() -> None:
    """Print the cost and the errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=11.0)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    start = random_view(np.random.default_rng([7, 0]), SIZE_WH, 0.05)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "handheld.mp4"
        write_clip(path, start, arguments.seconds)
        start_s = time.process_time()
        found = register_video(path, PARAMS, GEOMETRY).registration
        cost_s = time.process_time() - start_s
    times_s = np.arange(int(arguments.seconds * FPS)) / FPS
    print(f"{found.status}, {len(found.moves)} moves; {cost_s:.1f} s of processor time for {arguments.seconds:g} s")
    centers_px = (view_at(start, time_s).key_centers_px() for time_s in times_s)
    errors = [np.abs(key_errors(found.at(at_s), px, GEOMETRY)).max() for at_s, px in zip(times_s, centers_px, strict=True)]
    print(f"worst key of a frame: median {np.median(errors):.3f}, p95 {np.percentile(errors, 95):.3f}, max {max(errors):.3f}")


if __name__ == "__main__":
    main()
