"""`python -m tests.corpus`: make every odd file, carry out every case, and say what was expected and what came."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from tests.corpus import outputs  # noqa: E402
from tests.corpus.case import Case, carried_out  # noqa: E402
from tests.corpus.page import PAGE, page  # noqa: E402
from tests.corpus.videos import CASES  # noqa: E402


@dataclass(frozen=True)
class Job:
    """One line of the table: what is odd, what is expected, and what carries it out and says what came and whether it fits."""

    group: str
    name: str
    what: str
    expected: str
    work: Callable[[Path], tuple[str, str, bool]]


def main() -> int:
    """Run the cases whose names fit, print one line for each with what was expected and what came, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of the name, the description or the group of the cases")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="every Nth case from the Kth on; default: all")
    parser.add_argument("--table", type=Path, help="a file for the table (tab separated)")
    parser.add_argument("--page", action="store_true", help="only write the page of the docs that the table makes")
    arguments = parser.parse_args()
    if arguments.page:
        PAGE.write_text(page())
        print(PAGE)
        return 0
    part, parts = map(int, arguments.part.split("/"))
    chosen = [job for job in _jobs() if arguments.only in f"{job.group}/{job.name}/{job.what}"][part - 1 :: parts]
    rows, wrong, skipped = [], 0, 0
    for job in chosen:
        started_s = time.process_time()
        with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
            got, text, is_right = _done(job, Path(folder))
        wrong, skipped = wrong + (not is_right), skipped + (got == outputs.SKIPPED)
        same = "equal" if is_right else "OTHER"
        rows.append((job.group, job.name, job.what, job.expected, got, same, text))
        took_s = time.process_time() - started_s
        print(f"{same} {job.name:32} expected {job.expected:12} got {got:12} {took_s:5.1f} s {text[:300]!r}", flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)} cases as expected, {skipped} of them {outputs.SKIPPED}")
    if arguments.table:
        lines = ["\t".join(str(cell).replace("\t", " ").replace("\n", " ") for cell in row) for row in rows]
        arguments.table.write_text("\n".join(lines) + "\n")
    return 1 if wrong else 0


def _jobs() -> Iterator[Job]:
    """Yield every case of the corpus: the odd videos, then the odd places for results."""
    for video in CASES:
        yield Job(video.group, repr(video.file), video.what, video.outcome, partial(_video, video))
    for place in outputs.CASES:
        yield Job(outputs.GROUP, f"tivit {place.command.name}", place.what, place.outcome, partial(_place, place))


def _video(case: Case, folder: Path) -> tuple[str, str, bool]:
    got = carried_out(case, folder)
    return got.outcome, got.text, got.fits(case)


def _place(case: outputs.OutputCase, folder: Path) -> tuple[str, str, bool]:
    outcome, text = outputs.carried_out(case, folder)
    return outcome, text, outputs.fits(case, outcome, text)


def _done(job: Job, folder: Path) -> tuple[str, str, bool]:
    """Return what came of a case; a defect of the project or of the case is told in the table, and the rest goes on."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(job.work, folder)
        error = done.exception()
    return done.result() if error is None else ("TRACEBACK", "".join(traceback.format_exception(error)), False)


if __name__ == "__main__":
    sys.exit(main())
