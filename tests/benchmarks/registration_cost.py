"""What registration of videos of a camera that stands still costs, apart from decoding: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/registration_cost.py data/Synthetic --every 6

Seconds are those of the processor, on one thread, so that a busy machine counts for little.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from tivit.core import params as params_file
from tivit.core.params import section
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.follow.scenes import register_shown
from tivit.registration.params import RegistrationParams
from tivit.video.reader import sample_frames


def main() -> None:
    """Print a line for each size of picture, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with videos (.mp4), at any depth")
    parser.add_argument("--every", type=int, default=1, help="look at every so many of them")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    params = params_file.load()
    geometry, known = section(params, "strips", StripGeometry), section(params, "registration", RegistrationParams)
    costs: dict[str, list[tuple[float, float]]] = {}
    for video in sorted(arguments.folder.rglob("*.mp4"))[:: arguments.every]:
        start_s = time.process_time()
        frames = sample_frames(video, known.frames)
        decoded_s = time.process_time()
        register_shown(frames, geometry, partial(estimate, params=known, geometry=geometry), partial(sample_frames, video))
        cost = (decoded_s - start_s, time.process_time() - decoded_s)
        height, width = frames[0].image.shape[:2]
        for name in (f"{width} x {height}", "all"):
            costs.setdefault(name, []).append(cost)
    print(f"{'':12s} clips  decoding, s  registration, s: median    mean     max")
    for name in sorted(costs):
        decoding, registration = np.array(costs[name]).T
        row = f"{np.median(registration):7.3f} {registration.mean():7.3f} {registration.max():7.3f}"
        print(f"{name:12s} {len(registration):5d} {decoding.mean():12.3f} {'':15s} {row}")


if __name__ == "__main__":
    main()
