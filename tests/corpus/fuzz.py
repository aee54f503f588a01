"""`python -m tests.corpus.fuzz`: thousands of damaged files through every reader, each in a child process that is watched.

A reader may take a damaged file or refuse it in one sentence. Any other exception, the end of the process by a signal, and no
answer for half a minute are faults. It is not part of the suite: it runs for minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

SILENCE_S = 120.0
"""No answer for so long is a hang (of a machine that may be busy)."""
FIRST_FRAMES = 20
MOST_BYTES = 4 * 2**30
"""Address space of the child beyond what it has when it starts."""
EXTREME = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0", b"\0\0\0\1")
Reader = Callable[[Path], object]


def readers() -> dict[str, tuple[str, Callable[[Path], list[Path]], Reader]]:
    """Return kind -> suffix, a function that writes good files of the kind, and the reader."""
    from paths import PARAMS_FILE, ROOT

    from tests.corpus import fuzz_seeds as seeds
    from tivit.core import params
    from tivit.core.arrays import read_npz
    from tivit.core.artifacts import read_json
    from tivit.core.notes import read_midi
    from tivit.datasets.index import read_index
    from tivit.decoding.thresholds import read_thresholds
    from tivit.model.checkpoint import load_checkpoint
    from tivit.training.params import TrainParams

    def train_section(path: Path) -> object:
        return params.section(params.load(path), "train", TrainParams)

    return {
        "video": ("", seeds.videos, _first_frames),
        "params": (".yaml", lambda folder: [PARAMS_FILE], train_section),
        "checkpoint": (".pt", lambda folder: [ROOT / "tivit/pretrained/weights.pt"], load_checkpoint),
        "thresholds": (".json", lambda folder: [ROOT / "tivit/pretrained/thresholds.json"], read_thresholds),
        "json": (".json", lambda folder: [ROOT / "tivit/pretrained/thresholds.json"], read_json),
        "index": (".json", seeds.indexes, read_index),
        "npz": (".npz", seeds.arrays, read_npz),
        "logits": (".npz", seeds.logits, seeds.read_clips),
        "midi": (".mid", seeds.midis, read_midi),
    }


def _first_frames(path: Path) -> int:
    """Read what a file declares, a few samples, and its first frames."""
    from tivit.video.reader import probe, read_frames, sample_frames

    probe(path)
    sample_frames(path, 4)
    return sum(1 for _, _ in zip(range(FIRST_FRAMES), read_frames(path), strict=False))


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a file with one to four damages: other bytes, extreme numbers, blocks cut out, doubled or zeroed, a cut end."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if len(changed) < 16:
            break
        # Tables lie at the begin or the end, and are what readers trust.
        near = rng.randrange(min(len(changed), 400))
        place = rng.choice([rng.randrange(len(changed)), near, len(changed) - 1 - near])
        length = rng.choice([1, 4, 16, 200])
        kind = rng.randrange(6)
        if kind == 0:
            for _ in range(rng.randint(1, 20)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
        elif kind == 1:
            changed[place : place + 4] = rng.choice(EXTREME)
        elif kind == 2:
            del changed[place : place + length]
        elif kind == 3:
            changed[place:place] = changed[place : place + length]
        elif kind == 4:
            changed[place : place + length] = bytes(min(length, len(changed) - place))
        else:
            del changed[rng.randrange(len(changed)) :]
    return bytes(changed)


def child(kind: str, first: int, last: int) -> None:
    """Read damaged files first..last - 1 of a kind; say the number of each, and what went wrong."""
    import resource

    from tivit.core.errors import InputError

    suffix, write, read = readers()[kind]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        goods = write(Path(folder))
        contents = [(good.read_bytes(), suffix or good.suffix) for good in goods]
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, used + MOST_BYTES))
        for number in range(first, last):
            print(f"at {number}", file=answers)
            rng = random.Random(number)
            content, end = contents[number % len(contents)]
            path = Path(folder) / f"damaged{end}"
            path.write_bytes(damaged(content, rng))
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    read(path)
                print("taken", file=answers)
            except InputError as error:
                said = str(error)
                is_sentence = "\n" not in said and len(said) < 1000 and str(path) in said.replace("params: ", str(path))
                print("refused" if is_sentence else f"no sentence: {said[:300]!r}", file=answers)


def watched(kind: str, first: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield number and outcome of damaged files first..end - 1; a child that ends or hangs is started again behind the file."""
    while first < end:
        with tempfile.TemporaryFile("w+") as complaints:
            for outcome in _outcomes(kind, first, end, complaints):
                yield first, outcome
                first += 1


def _outcomes(kind: str, first: int, end: int, complaints: IO[str]) -> Iterator[str]:
    """Yield what comes of the files from one on, up to the one at which the child ends."""
    command = [sys.executable, "-m", "tests.corpus.fuzz", "--kind", kind, "--child", str(first), str(end)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True)
    last_said_s, is_hung, begun, told = [time.monotonic()], threading.Event(), 0, 0
    threading.Thread(target=_end_when_silent, args=(process, last_said_s, is_hung), daemon=True).start()
    for line in process.stdout:
        last_said_s[0] = time.monotonic()
        if line.startswith("at "):
            begun += 1
        else:
            told += 1
            yield line.strip()
    status = process.wait()
    if not begun:
        raise RuntimeError(f"the reader of {kind} does not start (status {status})")
    if told < end - first:
        yield "hang" if is_hung.is_set() else _end_of(status, complaints)


def _end_of(status: int, complaints: IO[str]) -> str:
    """Return how a child ended that did not finish: by an exception, whose traceback is the last it said, or by a signal."""
    complaints.seek(0)
    last = (complaints.read().strip().splitlines() or [""])[-1]
    return f"traceback {last[:200]!r}" if status == 1 else f"crash ({status})"


def _end_when_silent(process: subprocess.Popen, last_said_s: list[float], is_hung: threading.Event) -> None:
    while process.poll() is None:
        time.sleep(0.5)
        if time.monotonic() - last_said_s[0] > SILENCE_S:
            is_hung.set()
            process.kill()


def main() -> int:
    """Run the kinds asked for, say each fault, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", action="append", help="which reader; default: all")
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first file, to go on in pieces (default: %(default)s)"
    )
    parser.add_argument("--count", type=int, default=2000, help="damaged files of each kind (default: %(default)s)")
    parser.add_argument("--child", nargs=2, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.kind[0], *arguments.child)
        return 0
    faults = 0
    for kind in arguments.kind or list(readers()):
        counts = dict.fromkeys(("taken", "refused", "traceback", "no sentence", "crash", "hang"), 0)
        for number, outcome in watched(kind, arguments.first, arguments.first + arguments.count):
            name = next(name for name in counts if outcome.startswith(name))
            counts[name] += 1
            if name not in ("taken", "refused"):
                faults += 1
                print(f"{kind} {number}: {outcome}", flush=True)
        print(f"{kind}: {', '.join(f'{count} {name}' for name, count in counts.items())}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
