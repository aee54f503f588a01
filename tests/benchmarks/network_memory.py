"""How much memory the network of `transcribe` takes, window by window, with nothing else at work: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/network_memory.py [--minutes 1.4]

Feeds a made-up strip of that length to the weights that come with the project, as `tivit transcribe` does, and prints for each
window the bytes of the heap, those of it that are in use (glibc's `mallinfo2`), and the most resident bytes so far. The same
strip gives other figures from run to run, so a change of them is one only where it is larger than that.
"""

from __future__ import annotations

import argparse
import ctypes
import resource
import time
from collections.abc import Iterator

import numpy as np

from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.inference.predict import SEEN_FRAMES
from tivit.model.background import background_of
from tivit.model.header import read_header
from tivit.pretrained.files import chosen
from tivit.pretrained.recipe import transcription_params
from tivit.transcription.reading import load_reader

WINDOW_FRAMES, FPS = 512, 30


class Heap(ctypes.Structure):
    """The struct `mallinfo2` of the GNU C library."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"]
    ]


def main() -> None:
    """Read, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.4)
    arguments = parser.parse_args()
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Heap
    trained = chosen(None, None)
    geometry = read_header(trained.checkpoint).geometry
    runtime = section(transcription_params(trained, None), "runtime", RuntimeParams)
    reader = load_reader(trained.checkpoint, runtime, WINDOW_FRAMES)
    shape = (SEEN_FRAMES, geometry.height_px, geometry.width_px)
    piece = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    background = background_of(np.repeat(piece, 3, axis=0), geometry)
    started_s = time.process_time()
    for number, window in enumerate(reader.windows(_pieces(piece, arguments.minutes), background), 1):
        heap, most = library.mallinfo2(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        frames = len(next(iter(window.values())))
        sizes = f"heap {heap.arena / 1e6:.0f} MB, in use {heap.uordblks / 1e6:.0f} MB, most resident {most / 1e6:.0f} MB"
        print(f"window {number}, {frames} frames: {sizes}")
    print(f"{time.process_time() - started_s:.1f} processor seconds")


def _pieces(piece: np.ndarray, minutes: float) -> Iterator[np.ndarray]:
    for number in range(round(minutes * 60 * FPS / len(piece))):
        yield np.roll(piece, number, axis=0)


if __name__ == "__main__":
    main()
