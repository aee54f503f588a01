"""The default data rendered and registered through each engine: the bytes and the time. Run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/engines.py [--engines processes,dask,ray] [--workers 2] [--dask-workers 3]
        [--clips 6] [--seconds 4] [--rounds 1]

Needs the extra `cluster` for dask and Ray. `--clips` takes so many clips of train, and a fifth of that of each other kind;
without it and `--seconds` it is the whole default data. With `--dask-workers` dask is a real scheduler with so many worker
processes on the loopback, which are started before the clock is. Rounds go through the engines in turn, so that load on the
machine meets all of them. Prints a Markdown table: seconds to render and to register (the least of the rounds), the same as
ratios to `processes`, and the digest of all files that were written.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tivit.core import params as params_file
from tivit.core.artifacts import md5_of, write_json
from tivit.core.params import section
from tivit.core.registration import write_registrations
from tivit.core.run.fingerprint import STATE_DIR_VARIABLE
from tivit.core.run.runtime import ENGINES, Workers
from tivit.core.strip import StripGeometry
from tivit.datasets.index import write_index
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.registration.batch import register_clips, tasks_of
from tivit.registration.params import RegistrationParams
from tivit.synth.dataset import write_dataset
from tivit.synth.params import SynthParams

INDEX = Path("data/index/Synthetic.json")


def main() -> None:
    """Print a line for each engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dask-workers", type=int, default=0)
    parser.add_argument("--clips", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    params = params_file.load()
    synth = section(params, "synth", SynthParams)
    if arguments.clips is not None:
        few = max(1, arguments.clips // 5)
        synth = replace(synth, train_clips=arguments.clips, val_clips=few, test_clips=few, shift_clips=few)
    if arguments.seconds is not None:
        synth = replace(synth, **{f"{split}_s": arguments.seconds for split in ("train", "val", "test")})
    names = arguments.engines.split(",")
    times_s: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    digests: dict[str, set[str]] = {name: set() for name in names}
    with ExitStack() as stack:
        scheduler = running_dask(stack, arguments.dask_workers) if arguments.dask_workers and "dask" in names else None
        for _ in range(arguments.rounds):
            for name in names:
                workers = Workers(arguments.workers, name, scheduler if name == "dask" else None)
                with tempfile.TemporaryDirectory(prefix="tivit-") as folder:
                    render_s, register_s, digest = work_through(Path(folder), params, synth, workers)
                times_s[name].append((render_s, register_s))
                digests[name].add(digest)
                print(f"{name}: render {render_s:.1f} s, register {register_s:.1f} s, {digest}", file=sys.stderr)
    print(
        "| engine | render, s | register, s | render, ratio | register, ratio | MD5 of all files |\n|---|---|---|---|---|---|"
    )
    base = [min(column) for column in zip(*times_s[names[0]], strict=True)]
    for name in names:
        least = [min(column) for column in zip(*times_s[name], strict=True)]
        ratios = " | ".join(f"{value / first:.2f}" for value, first in zip(least, base, strict=True))
        print(f"| `{name}` | {least[0]:.1f} | {least[1]:.1f} | {ratios} | {', '.join(sorted(digests[name]))} |")


def work_through(folder: Path, params: dict, synth: SynthParams, workers: Workers) -> tuple[float, float, str]:
    """Render and register in a folder; return the seconds of both and a digest of all that was written."""
    before = Path.cwd()
    os.chdir(folder)
    os.environ[STATE_DIR_VARIABLE] = str(folder / "state")
    try:
        started_s = time.perf_counter()
        write_dataset(Path("data/Synthetic"), synth, workers)
        render_s = time.perf_counter() - started_s
        write_index("Synthetic", Path("data/Synthetic"), INDEX)
        registration, geometry = section(params, "registration", RegistrationParams), section(params, "strips", StripGeometry)
        dataset = open_dataset(section(params, "data", DataParams))
        tasks = tasks_of(dataset, dataset.clips(), registration, geometry)
        started_s = time.perf_counter()
        found = {item.clip_id: item for item in register_clips(tasks, registration, geometry, workers)}
        register_s = time.perf_counter() - started_s
        write_registrations(Path("registration.json"), {name: item.registration for name, item in found.items()})
        overlays = {name: hashlib.md5(item.overlay or b"", usedforsecurity=False).hexdigest() for name, item in found.items()}
        write_json(Path("overlays.json"), overlays)
        files = sorted(path for path in folder.rglob("*") if path.is_file() and "state" not in path.relative_to(folder).parts)
        lines = "".join(f"{md5_of(path)} {path.relative_to(folder)}\n" for path in files)
        return render_s, register_s, hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()
    finally:
        os.chdir(before)


def running_dask(stack: ExitStack, count: int) -> str:
    """Start a scheduler and workers that end with the stack; return its address once all workers are there."""
    from distributed import Client

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tivit-")))
    both = ["--scheduler-file", str(folder / "scheduler.json"), "--host", "127.0.0.1"]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", *both, "--port", "0", "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", *both, "--nthreads", "1"]
    for command in [scheduler] + [worker] * count:
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        while not (folder / "scheduler.json").exists():
            time.sleep(0.05)
    address = json.loads((folder / "scheduler.json").read_text())["address"]
    with Client(address) as client:
        client.wait_for_workers(count)
    return address


if __name__ == "__main__":
    main()
