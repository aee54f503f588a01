"""The fast half of the corpus of odd videos; `python -m tests.corpus` carries out all of it."""

import sys

import pytest
from paths import ROOT
from process_cost import cost_of

from tests.corpus.case import REFUSAL, Case, carried_out
from tests.corpus.page import PAGE, page
from tests.corpus.videos import CASES

LEAST_CASES = 120
MOST_MEMORY_MB = 1200.0
FAST = [case for case in CASES if case.is_fast]


def test_the_table_has_what_the_page_promises():
    assert len(CASES) >= LEAST_CASES
    assert len({(case.group, case.file) for case in CASES}) == len(CASES)
    assert all(case.says for case in CASES if case.outcome == REFUSAL), "a refusal is a stated one"


def test_the_page_is_made_of_the_table():
    assert (ROOT / PAGE).read_text() == page(), "run `python -m tests.corpus --page`"


@pytest.mark.parametrize("case", FAST, ids=lambda case: ascii(f"{case.group} {case.file}"))
def test_what_comes_of_an_odd_video_is_what_is_expected(case: Case, tmp_path):
    got = carried_out(case, tmp_path)
    assert got.fits(case), f"{case.what}: expected {case.outcome} ({case.says!r}), got {got.outcome}: {got.text}"


@pytest.mark.parametrize("file", ["last-frame.mp4", "last-frame.mkv", "huge.mkv"])
def test_a_small_file_that_claims_much_takes_little_memory(file, tmp_path):
    """A last frame hours later once asked for 57 GB, and 400 KB of very large pictures for 8.9 GB."""
    (case,) = [case for case in CASES if case.file == file]
    case.make(tmp_path / file)
    command = [sys.executable, "-m", "tivit", "transcribe", str(tmp_path / file), "--quiet"]
    cost = cost_of(command, ROOT)
    assert cost.memory_mb < MOST_MEMORY_MB
    assert cost.status != 0 and "Traceback" not in cost.said
