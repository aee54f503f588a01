"""Everything wrong with an output is said before any work; `python -m tests.corpus` has also the cases that take long."""

import pytest

from tests.corpus.case import REFUSAL
from tests.corpus.outputs import CASES, SKIPPED, OutputCase, carried_out, fits

FAST = [case for case in CASES if case.is_fast]


def test_no_place_stands_twice_and_every_refusal_is_a_stated_one():
    assert len({(case.command.words, case.what, case.options) for case in CASES}) == len(CASES)
    assert all(case.says for case in CASES if case.outcome == REFUSAL)


@pytest.mark.parametrize("case", FAST, ids=lambda case: f"{case.command.name}: {case.what}")
def test_what_comes_of_an_odd_output_is_what_is_expected(case: OutputCase, tmp_path):
    outcome, text = carried_out(case, tmp_path)
    if outcome == SKIPPED:
        # Whoever may not mount file systems cannot make a full disk, or one that is read-only for the administrator.
        pytest.skip(text)
    assert fits(case, outcome, text), f"expected {case.outcome} ({case.says}), got {outcome}: {text}"
