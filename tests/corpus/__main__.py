"""`python -m tests.corpus`: make every odd file, carry out every case, and say what was expected and what came."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from tests.corpus.case import Case, Got, carried_out  # noqa: E402
from tests.corpus.page import PAGE, page  # noqa: E402
from tests.corpus.videos import CASES  # noqa: E402


def main() -> int:
    """Run the cases whose names fit, print one line for each that is not as expected, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of the name, the description or the group of the cases")
    parser.add_argument("--table", type=Path, help="a file for the table (tab separated)")
    parser.add_argument("--page", action="store_true", help="only write the page of the docs that the table makes")
    arguments = parser.parse_args()
    if arguments.page:
        PAGE.write_text(page())
        print(PAGE)
        return 0
    chosen = [case for case in CASES if arguments.only in f"{case.group}/{case.file}/{case.what}"]
    rows, wrong = [], 0
    for case in chosen:
        started_s = time.process_time()
        with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
            got = _got(case, Path(folder))
        is_right = got.fits(case)
        wrong += not is_right
        same = "equal" if is_right else "OTHER"
        rows.append((case.group, repr(case.file), case.what, case.outcome, got.outcome, same, got.text))
        took_s = time.process_time() - started_s
        print(f"{same} {case.file!r:32} expected {case.outcome:12} got {got.outcome:12} {took_s:5.1f} s {got.text[:300]!r}")
    print(f"{len(chosen) - wrong} of {len(chosen)} cases as expected")
    if arguments.table:
        lines = ["\t".join(str(cell).replace("\t", " ").replace("\n", " ") for cell in row) for row in rows]
        arguments.table.write_text("\n".join(lines) + "\n")
    return 1 if wrong else 0


def _got(case: Case, folder: Path) -> Got:
    """Return what came of a case; a defect of the project or of the case is told in the table, and the rest goes on."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(carried_out, case, folder)
        error = done.exception()
    return done.result() if error is None else Got("TRACEBACK", "".join(traceback.format_exception(error)))


if __name__ == "__main__":
    sys.exit(main())
