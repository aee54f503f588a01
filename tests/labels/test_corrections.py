"""What clocks come to: a table that reads back, train clips that are left out by a stated rule, and figures."""

import re

import pytest
from paths import PARAMS_FILE

from tivit.core.artifacts import write_csv
from tivit.core.correction import NO_CORRECTION, Correction
from tivit.core.errors import InputError
from tivit.core.manifest import LAG_COLUMNS, Clip, read_corrections
from tivit.core.params import load, section
from tivit.datasets.params import DataParams
from tivit.labels.clock import Clock, Residual
from tivit.labels.corrections import OWN_NOTES, correction_of, misfit, said_of, summary_of, write_lags

PARAMS = section(load(PARAMS_FILE), "data", DataParams).lag
SHORT = Clock(0.1234, 0.0, 3.0, 3.0, 7.0, 40)
DRIFTING = Clock(0.1, 0.003, 60.0, 50.0, 7.0, 400, 0.0001, Residual(-0.004, 0.002))
UNSURE = Clock(0.1, 0.0, 60.0, 50.0, 1.0, 400, 0.0001)


def clip(clip_id: str, tier: str = "") -> Clip:
    return Clip(clip_id, clip_id.partition("/")[0].replace("own", "train"), tier, "a.mp4", 21, 108)


def test_the_table_says_what_was_applied_and_damage_is_named(tmp_path):
    write_lags(tmp_path, {"val/a": SHORT, "val/b": Clock(0.01, 0.0, 3.0, 3.0, 7.0, 40), "val/c": DRIFTING}, PARAMS)
    assert read_corrections(tmp_path) == {
        "val/a": Correction(0.1234, 1.0), "val/b": NO_CORRECTION, "val/c": Correction(pytest.approx(0.1 - 0.18), 1.003),
    }  # fmt: skip
    assert (tmp_path / "lags.csv").read_text().splitlines()[1:] == [
        "val/a,0.1234,7,40,0,,,,1,0.1234", "val/b,0.01,7,40,0,,,,1,0", "val/c,0.1,7,400,0.003,0.0001,-0.004,0.002,1.003,-0.08",
    ]  # fmt: skip
    row = ("val/a", 0.1, 7.0, 40, 0.0, "", "", "")
    for cells, message in (
        ((1.0, "early"), "lags.csv, line 2: could not convert string to float: 'early'"),
        (("nan", 0.0), "line 2: correction_rate and correction_s are nan and 0, expected a number above 0"),
        ((0.0, 0.0), "line 2: correction_rate and correction_s are 0 and 0, expected"),
    ):
        write_csv(tmp_path / "lags.csv", LAG_COLUMNS, [(*row, *cells)])
        with pytest.raises(InputError, match=message):
            read_corrections(tmp_path)


def test_a_clip_without_a_clock_is_not_corrected():
    assert correction_of("train/a", {}, PARAMS) == NO_CORRECTION
    assert correction_of("train/a", {"train/a": SHORT}, PARAMS) == Correction(0.1234, 1.0)


@pytest.mark.parametrize(
    ("clock", "sentence"),
    [
        (SHORT, ""),
        (DRIFTING, ""),
        (Clock(0.0, 0.0, 3.0, 3.0, 1.0, 40), ""),
        (UNSURE, r"no clock is sure for its 400 notes \(confidence 1.0, at least 2.5 is asked for\)"),
        (Clock(-0.34, 0.0, 3.0, 3.0, 7.0, 40), r"they are -340 ms off, allowed: 300 ms \(data.lag.largest_s"),
        (Clock(0.1, -0.012, 60.0, 50.0, 7.0, 400, 0.0001), "1.20 % too fast, allowed: 1 % .data.lag.largest_drift"),
        (Clock(0.1, 0.0, 60.0, 50.0, 7.0, 400, 1e-4, Residual(0.09, 0.003)), "clip is still .90 ms off .* jumps or"),
    ],
)  # fmt: skip
def test_a_train_clip_whose_labels_do_not_fit_is_left_out_and_no_other(clock, sentence):
    said = misfit(clip("train/a"), clock, PARAMS)
    assert bool(said) == bool(sentence) and re.search(sentence, said)
    assert misfit(clip("val/a"), clock, PARAMS) == misfit(clip("test/a"), clock, PARAMS) == ""


def test_an_own_clip_needs_no_rate_to_be_judged_but_sixteen_notes():
    short = Clock(0.0, 0.0, 3.0, 3.0, 1.0, OWN_NOTES, is_anywhere=True)
    assert "no clock is sure" in misfit(clip("own/a", "own"), short, PARAMS) and misfit(clip("train/a"), short, PARAMS) == ""
    assert misfit(clip("own/a", "own"), Clock(0.0, 0.0, 3.0, 3.0, 1.0, OWN_NOTES - 1, is_anywhere=True), PARAMS) == ""
    assert misfit(clip("own/a", "own"), Clock(16.0, 0.0, 30.0, 30.0, 7.0, 80, 1e-4, is_anywhere=True), PARAMS) == ""


def test_figures_count_what_was_moved_and_what_is_left():
    clocks = {
        "train/a": DRIFTING,
        "train/b": SHORT,
        "val/a": SHORT,
        "train/c": UNSURE,
        "train/d": Clock(0.0, 0.0, 3.0, 3.0, 7.0, 40),
    }
    figures = summary_of([clip(clip_id) for clip_id in clocks], clocks, PARAMS)
    assert figures == {
        "lag_moved": 2, "lag_left": 1, "lag_unsure": 1, "lag_median_s": pytest.approx(0.1117), "rate_moved": 1,
        "residual_largest_s": 0.004,
    }  # fmt: skip
    assert summary_of([], {}, PARAMS)["lag_median_s"] == 0.0
    assert said_of(DRIFTING, True) == (
        "its labels are 0.100 s early in the middle and run 0.300 % too slow: corrected; -4 ms are left in the worst quarter"
    )
