"""Stages and commands killed, stopped by Ctrl-C, on a full disk, and run twice at once: the next run must make the same bytes.

    PYTHONPATH=.:tests/helpers python tests/benchmarks/stage_kills.py --folder KILLS --kills 100

A clone with tiny params is made in the folder and everything is run once in it. Then each stage (without DVC) and each command
in turn is started and gets SIGKILL or SIGINT, with all of its process group, at a random moment; or may write no file beyond a
random size, which is what a full disk is to a process; or is started twice. After each, it is run whole, and what it writes is
compared with the first run. It says what differs, and which temporary files were left, and by which signal. With `--folder` the
clone is kept, so that a run goes on in pieces by `--first`; the same number and seed are always the same disturbance.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from pipeline_cases import STAGES, environment, make_clone

MODES = ("kill", "interrupt", "kill", "full", "kill", "twice", "kill", "kill")
LARGEST = 200_000
"""A disk that is full allows between nothing and so many bytes of a file."""
OF_PROJECT = ("/stages/", "/tivit/")
"""A traceback without a line of these is Python's own, which Ctrl-C met while it started."""
CACHE_OF_TORCH = "torchinductor_"
"""A folder that torch keeps in the folder for temporary files, for all processes of a user."""
RECORD = "record.json"


@dataclass(frozen=True)
class Work:
    """A stage or command: its words behind `python -m`, and the files and folders that it writes, below the clone."""

    name: str
    words: tuple[str, ...]
    outputs: tuple[str, ...]


FINETUNE = "tivit finetune out/take.mp4 out/true.mid -o out/piano.pt --steps 2 --learn-to 9.5 --keep-anyway --force"
COMMANDS = (
    Work(
        "tivit transcribe",
        ("tivit", "transcribe", "out/take.mp4", "--json", "--csv", "--report", "--force"),
        ("out/take.mid", "out/take.json", "out/take.csv", "out/take.html", "out/take.partial.mid"),
    ),
    Work("tivit check registration", ("tivit", "check", "registration", "--out", "out/check"), ("out/check",)),
    Work("tivit check dataset", ("tivit", "check", "dataset", "--out", "out/picture"), ("out/picture",)),
    Work(
        "tivit score",
        ("tivit", "score", "out/true.mid", "out/moved.mid", "--json", "out/s.json", "--csv", "out/s.csv", "--force"),
        ("out/s.json", "out/s.csv"),
    ),
    Work(
        "tivit finetune",
        tuple(FINETUNE.split()),
        ("out/piano.pt", "out/piano.thresholds.json"),
    ),
)


def works(clone: Path) -> list[Work]:
    """Return every stage and command that is disturbed."""
    stages = [stage for stage in STAGES if stage != "code"]
    return [*(Work(f"stage {stage}", (f"stages.{stage}",), _declared(clone, stage)) for stage in stages), *COMMANDS]


def _declared(clone: Path, stage: str) -> tuple[str, ...]:
    """Return the files and folders that a stage declares."""
    found = []
    for file in ("dvc.yaml", "data/dvc.yaml"):
        declared = yaml.safe_load((clone / file).read_text())["stages"].get(stage, {})
        items = [item for kind in ("outs", "metrics", "plots") for item in declared.get(kind, [])]
        found += [str(Path(file).parent / (item if isinstance(item, str) else next(iter(item)))) for item in items]
    return tuple(found)


def digest(clone: Path, names: tuple[str, ...]) -> str:
    """Return a digest of the names and the content of files, those in folders included."""
    whole = hashlib.sha256()
    for name in names:
        path = clone / name
        for file in sorted([path] if path.is_file() else path.rglob("*")):
            if file.is_file():
                whole.update(f"{file.relative_to(clone)}:".encode() + file.read_bytes())
    return whole.hexdigest()


def leftovers(clone: Path) -> list[str]:
    """Return the temporary files below the folders that are written to, and in that for temporary files."""
    found = [path for folder in ("data", "metrics", "out", ".tivit") for path in (clone / folder).rglob(".*.tmp*")]
    temporary = [path for path in (clone / "tmp").glob("*") if not path.name.startswith(CACHE_OF_TORCH)]
    return [str(path.relative_to(clone)) for path in [*found, *temporary]]


def start(clone: Path, work: Work, most_bytes: int | None = None) -> subprocess.Popen[str]:
    """Start some work in a process group of its own, with a limit of the size of its files where one is given."""

    def limit() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a benchmark that runs in the background would pass on that it is ignored
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", *work.words], cwd=clone, env=environment() | {"TMPDIR": str(clone / "tmp")},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=limit,
    )  # fmt: skip


def whole_run(clone: Path, work: Work) -> float:
    """Run some work to its end; return how long it took (s)."""
    started_s = time.monotonic()
    process = start(clone, work)
    _, said = process.communicate()
    assert process.returncode == 0, f"{work.name}: {said}"
    return time.monotonic() - started_s


def disturb(clone: Path, work: Work, mode: str, rng: random.Random, usual_s: float) -> str:
    """Disturb a run; return what is wrong with how it ended, "" when nothing."""
    if mode in ("kill", "interrupt"):
        process = start(clone, work)
        time.sleep(rng.uniform(0.0, usual_s))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL if mode == "kill" else signal.SIGINT)
        _, said = process.communicate()
        return "" if mode == "kill" else _wrong_end(process.returncode, said)
    if mode == "full":
        process = start(clone, work, rng.randrange(LARGEST))
        _, said = process.communicate()
        lines = [line for line in said.splitlines() if line.startswith(("error:", "Traceback"))]
        is_told = process.returncode == 0 or (process.returncode == 2 and lines and lines[-1].startswith("error: "))
        return "" if is_told and "Traceback" not in said else f"status {process.returncode}: {said[-300:]!r}"
    pair = [start(clone, work), start(clone, work)]
    said = [process.communicate()[1] for process in pair]
    return "".join(f"status {p.returncode}: {text[-300:]!r}" for p, text in zip(pair, said, strict=True) if p.returncode)


def _wrong_end(status: int, said: str) -> str:
    """Return what is wrong with the end of a process that got SIGINT: it must say so in a sentence, or be done."""
    if status == -signal.SIGINT and not said.strip():
        return ""  # Python had not yet begun to listen
    if status in (0, 130, -signal.SIGINT) and "Traceback" not in said and "KeyboardInterrupt" not in said:
        return ""  # by the signal: between imports, or after the work
    is_of_project = any(folder in said for folder in OF_PROJECT)
    return "" if not is_of_project else f"status {status}: {said[-600:]!r}"


def prepare(folder: Path) -> Path:
    """Make the clone, what the commands read, and the record of whole runs; a clone that is there is taken."""
    clone = folder / "clone"
    if (folder / RECORD).is_file():
        return clone
    clone.mkdir()
    make_clone(clone)
    for name in ("tmp", "out"):
        (clone / name).mkdir()
    _write_take(clone)
    record = {}
    for work in works(clone):
        usual_s = whole_run(clone, work)
        record[work.name] = [usual_s, digest(clone, work.outputs)]
        print(f"{work.name}: {usual_s:.1f} s", flush=True)
    (folder / RECORD).write_text(json.dumps(record))
    return clone


def _write_take(clone: Path) -> None:
    """Write a short take of many notes, another transcription of it, and let `finetune` render one short clip beside it."""
    from tivit.core import params as params_file
    from tivit.core.notes import read_midi, write_midi
    from tivit.synth.dataset import ClipTask, write_clip
    from tivit.synth.params import SynthParams

    recipe = params_file.load(clone / "tivit/finetuning/recipe.yaml")
    dense = recipe["synth"] | {"music": recipe["synth"]["music"] | {"notes_per_s": [9.0, 10.0]}}
    synth = replace(params_file.section({"synth": dense}, "synth", SynthParams), test_s=18.0, seed=3)
    (clone / "test").mkdir()
    write_clip(clone, synth, ClipTask("test", 0, "plain", "take"))
    (clone / "test/take.mp4").rename(clone / "out/take.mp4")
    notes = read_midi(clone / "test/take.mid")
    write_midi(clone / "out/true.mid", notes)
    write_midi(clone / "out/moved.mid", notes.moved(0.02))
    recipe["synth"] |= {"train_clips": 1, "train_s": 2.0}
    (clone / "tivit/finetuning/recipe.yaml").write_text(yaml.safe_dump(recipe))


def main() -> int:
    """Disturb stages and commands in turn and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="disturbances (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first one (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin none after so many; default: all are made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a part of the name of the stages and commands")
    parser.add_argument("--folder", type=Path, help="where the clone is made and kept; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        started_s = time.monotonic()
        clone = prepare(folder.absolute())
        faults, counts, left = 0, dict.fromkeys(MODES, 0), []
        record, chosen = json.loads((folder / RECORD).read_text()), works(clone)
        for number in range(arguments.first, arguments.first + arguments.kills):
            if time.monotonic() - started_s > arguments.seconds:
                print(f"go on by --first {number}")
                break
            work, mode = chosen[number % len(chosen)], MODES[number // len(chosen) % len(MODES)]
            if arguments.only not in work.name:
                continue
            usual_s, wanted = record[work.name]
            wrong = disturb(clone, work, mode, random.Random(f"{arguments.seed} {number}"), usual_s)
            after = leftovers(clone)
            whole_run(clone, work)
            if digest(clone, work.outputs) != wanted:
                wrong += " other bytes"
            for name in leftovers(clone):
                left.append(f"{name} ({mode})")
                shutil.rmtree(clone / name) if (clone / name).is_dir() else (clone / name).unlink()
            counts[mode] += 1
            faults += bool(wrong)
            print(
                f"{number}: {work.name} {mode}: {wrong or 'same bytes'}{f'; left until then: {after}' if after else ''}",
                flush=True,
            )
    print(f"{', '.join(f'{count} {mode}' for mode, count in counts.items())}; {faults} faults; left over: {left or 'nothing'}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
