"""The thresholds file: round trip, same bytes, and what is refused."""

import json
from dataclasses import asdict, replace

import pytest
from decoding_cases import HALF, THRESHOLDS

from tivit.core.errors import InputError
from tivit.core.keyboard import BLACK_KEYS, WHITE_KEYS
from tivit.decoding.thresholds import EventRules, HeadThreshold, KeyValues, read_thresholds, write_thresholds


def test_what_is_written_is_read(tmp_path):
    given = replace(THRESHOLDS, chosen_under={"decode": {"beta": 2.5, "apply_to": ["onset"]}}, label_lag_s=-0.04)
    write_thresholds(tmp_path / "u.json", given)
    assert read_thresholds(tmp_path / "u.json") == given
    assert json.loads((tmp_path / "u.json").read_text())["chosen_under"]["logits"] is None
    write_thresholds(tmp_path / "t.json", THRESHOLDS)
    assert read_thresholds(tmp_path / "t.json") == THRESHOLDS
    first = (tmp_path / "t.json").read_bytes()
    write_thresholds(tmp_path / "t.json", THRESHOLDS)
    assert (tmp_path / "t.json").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "not a thresholds file of format 3.*choose them anew .*or `tivit sweep`"),
        ({"onset": {"threshold": 0.5}}, "not a thresholds file"),
        (
            {"onset": {"threshold": 2, "hold": 0.5, "lag_s": 0, "temperature": 1, "bias": 0, "black": None}},
            "threshold: 2.0 is outside 0..1",
        ),
        ({"rules": {**asdict(THRESHOLDS.rules), "decoder": "peak"}}, "decoder: 'peak' is not one of peaks, states"),
        ({"rules": None}, "not a thresholds file"),
        ({"chosen_under": None}, "not a thresholds file"),
        ({"chosen_under": {"decode": 3, "logits": None}}, "not a thresholds file"),
        ({"chosen_under": {"decode": None}}, "not a thresholds file"),
        ({"label_lag_s": 9.0}, "label_lag_s: 9.0 is outside"),
        (
            {"pitch": {"threshold": "x", "hold": 0.5, "lag_s": 0, "temperature": 1, "bias": 0, "black": None}},
            "not a thresholds file",
        ),
    ],
)
def test_a_malformed_file_is_named(tmp_path, change, message):
    path = tmp_path / "t.json"
    write_thresholds(path, THRESHOLDS)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=f"t.json: .*{message}|t.json: {message}"):
        read_thresholds(path)


def test_values_of_black_keys_are_written_and_read(tmp_path):
    black = KeyValues(threshold=0.3, hold=0.25, lag_s=-0.012)
    thresholds = replace(THRESHOLDS, onset=replace(HALF, black=black), rules=replace(THRESHOLDS.rules, decoder="states"))
    write_thresholds(tmp_path / "t.json", thresholds)
    assert read_thresholds(tmp_path / "t.json") == thresholds
    lags_s = thresholds.onset.of_keys("lag_s")
    assert lags_s[BLACK_KEYS].tolist() == [-0.012] * len(BLACK_KEYS) and not lags_s[WHITE_KEYS].any()
    assert HALF.of_keys("lag_s") == 0.0


def test_rules_and_calibration_out_of_range_are_refused():
    with pytest.raises(InputError, match="min_length_s"):
        EventRules("peaks", 0.0, 0.2, 0.0, 0.04, 0.0, 0.1, 0.1)
    with pytest.raises(InputError, match="temperature"):
        HeadThreshold(0.5, 0.5, 0.0, 0.0, 0.0)
