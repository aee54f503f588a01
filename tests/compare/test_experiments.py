"""Differences between two experiments: by hand, over clips that both have, and no progress where there is none."""

import numpy as np
import pytest

from tivit.compare.experiments import CLIPS, clip_scores, differences, table
from tivit.core.artifacts import write_csv
from tivit.core.errors import InputError
from tivit.scoring.report import CLIP_COLUMNS


def scores(onset_f1, tier="plain", **columns):
    """Return the scores of clips named by number, all with the same other values."""
    blank = dict.fromkeys(CLIP_COLUMNS, "")
    return {
        f"test/{i:03d}": blank | {"clip_id": f"test/{i:03d}", "tier": tier, "onset_f1_50": str(value), **columns}
        for i, value in enumerate(onset_f1)
    }


def by_name(first, second):
    return {row.name: row for row in differences(first, second)}


def test_the_difference_is_second_minus_first_over_clips():
    found = by_name(scores([0.5, 0.7]), scores([0.6, 0.9]))["onset_f1"]
    assert (found.clips, found.first, found.second) == (2, pytest.approx(0.6), pytest.approx(0.75))
    assert (found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.2)) and found.verdict == "better"


def test_hardness_that_both_share_cancels_out():
    """Clips differ by 0.3, the experiments by 0.02 on each: only a paired interval sees that."""
    base = np.random.default_rng(0).uniform(0.3, 0.9, 30)
    found = by_name(scores(base), scores(base - 0.02))["onset_f1"]
    assert found.verdict == "worse" and found.high == pytest.approx(-0.02)


def test_a_tiny_gain_within_the_noise_is_no_progress():
    rng = np.random.default_rng(1)
    base = rng.uniform(0.3, 0.9, 24)
    change = rng.normal(0.0, 0.05, 24)
    found = by_name(scores(base), scores(base + change - change.mean() + 0.0002))["onset_f1"]
    assert found.second - found.first == pytest.approx(0.0002) and found.verdict == "not clear"


def test_a_clip_whose_keyboard_only_one_side_found_counts_as_nothing_found():
    first, second = scores([0.5, 0.7], note_f1="0.4"), scores([0.5], note_f1="0.6")
    rows = by_name(first, second)
    assert (rows["onset_f1"].clips, rows["onset_f1"].second) == (2, 0.25)
    assert (rows["note_f1"].clips, rows["note_f1"].first, rows["note_f1"].second) == (1, 0.4, 0.6)
    assert rows["note_f1"].verdict == "not clear" and "frame_f1" not in rows


def test_tiers_have_rows_and_the_table_fits_a_terminal():
    first, second = scores([0.5, 0.6], "hard"), scores([0.6, 0.7], "hard")
    text = table(("a" * 60, "b"), differences(first, second))
    assert [line.split()[0] for line in text.splitlines()[1:3]] == ["onset_f1", "hard"]
    assert max(map(len, text.splitlines())) <= 120 and "fewer than 10 clips" in text


def test_other_data_and_files_that_are_no_scores_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no clip was scored in both"):
        differences(scores([0.5]), {"test/other": scores([0.5])["test/000"]})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="clips.csv: cannot be read"):
        clip_scores("workspace")
    write_csv(CLIPS, ("clip_id", "tier"), [["a", "b"]])
    with pytest.raises(InputError, match="not a table of scores"):
        clip_scores("workspace")
