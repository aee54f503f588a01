"""OMAPS and OMAPS2: three or four columns, stems that repeat, and a validation split taken from train by a stated rule."""

import numpy as np
import pytest
from datasets_cases import index, lay, opened, splits

from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN


@pytest.fixture
def omaps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lay(tmp_path, "OMAPS")


def test_three_columns_with_crlf(omaps):
    assert b"\r\n" in (omaps / "train/001.txt").read_bytes()
    dataset = opened("OMAPS")
    clip = next(clip for clip in dataset.clips() if clip.clip_id == "train/001")
    notes = dataset.notes(clip)
    assert notes.midi.tolist() == [76, 40, 76, 21, 108]
    np.testing.assert_array_equal(notes.onset_s[:2], [2.530960, 2.531250])
    np.testing.assert_array_equal(notes.offset_s[:2], [2.826793, 3.012500])
    assert set(notes.velocity) == set(notes.hand) == set(notes.staff) == {UNKNOWN}
    assert dataset.corners(clip) is None and dataset.search_box(clip) is None


def test_a_stem_in_both_splits_is_two_recordings(omaps):
    dataset = opened("OMAPS")
    both = {clip.clip_id: clip for clip in dataset.clips() if clip.clip_id.endswith("/001")}
    assert sorted(both) == ["test/001", "train/001"]
    assert dataset.notes(both["test/001"]).onset_s[0] != dataset.notes(both["train/001"]).onset_s[0]


def test_validation_is_carved_from_train_alone_and_the_same_every_time(omaps):
    found = splits(opened("OMAPS"))
    assert found["test"] == ["test/001", "test/026"] and len(found["val"]) == 1 and len(found["train"]) == 3
    assert set(found["val"] + found["train"]) == {"train/001", "train/002", "train/003", "train/080"}
    assert list(opened("OMAPS").listing.carved) == found["val"] and splits(opened("OMAPS")) == found
    half = splits(opened("OMAPS", clips={"carve": {"val_share": 0.5, "seed": 20261122}}))
    assert len(half["val"]) == 2 and set(found["val"]) < set(half["val"])
    other = {tuple(splits(opened("OMAPS", clips={"carve": {"val_share": 0.25, "seed": seed}}))["val"]) for seed in range(20)}
    assert len(other) > 1


def test_leaving_a_clip_out_does_not_move_others_between_splits(omaps):
    before = splits(opened("OMAPS"))
    gone = before["train"][0]
    after = splits(opened("OMAPS", clips={"exclude": [gone]}))
    assert after["val"] == before["val"] and after["train"] == [clip for clip in before["train"] if clip != gone]


@pytest.mark.parametrize("name", ["train", "test"])
def test_a_missing_split_folder_never_becomes_everything(omaps, name):
    for path in (omaps / name).glob("*.mp4"):
        path.unlink()
    index(omaps, "OMAPS")
    with pytest.raises(InputError, match=f"OMAPS: its folder {name} holds no video; its splits are train, test"):
        opened("OMAPS").clips()


def test_a_video_outside_the_split_folders_is_refused(omaps):
    (omaps / "more").mkdir()
    (omaps / "more/001.mp4").write_bytes(b"x")
    index(omaps, "OMAPS")
    with pytest.raises(InputError, match="OMAPS: more/001.mp4 is not in one of the folders train, test"):
        opened("OMAPS").clips()


def test_the_fourth_column_is_velocity_and_valid_is_val(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lay(tmp_path, "OMAPS2")
    dataset = opened("OMAPS2")
    assert splits(dataset) == {"train": ["train/001", "train/002"], "val": ["valid/001"], "test": ["test/001"]}
    assert dataset.listing.carved == ()
    notes = dataset.notes(dataset.clips()[0])
    assert notes.velocity.tolist() == [64, 32, 100, 1, 127] and set(notes.hand) == {UNKNOWN}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1.0\t2.0", "line 2: 2 columns separated by tabs, expected 3 .onset_s, offset_s, midi"),
        ("1.0\t2.0\t60\t64", "line 2: 4 columns separated by tabs, expected 3"),
        ("1.0 2.0 60", "line 2: 1 columns separated by tabs"),
        ("", "line 2: 1 columns separated by tabs"),
        ("2.0\t1.0\t60", "line 2: the note begins at 2 s and ends at 1 s; it must end after it begins"),
        ("1.0\t1.0\t60", "line 2: the note begins at 1 s and ends at 1 s"),
        ("-1.0\t1.0\t60", "line 2: onset '-1.0' is outside 0..86400"),
        ("1.0\t1e9\t60", "line 2: offset '1e9' is outside 0..86400"),
        ("nan\t2.0\t60", "line 2: onset 'nan' is not a number"),
        ("1.0\tinf\t60", "line 2: offset 'inf' is not a number"),
        ("1_0\t20\t60", "line 2: onset '1_0' is not a number"),
        ("1.0\t2.0\t60.5", "line 2: pitch '60.5' is not a whole number"),
        ("1.0\t2.0\t20", "line 2: pitch '20' is outside 21..108"),
        ("60\t1.0\t2.0", "line 2: the note begins at 60 s"),
        ("2.6\t2.9\t76", "line 2: E5 begins at 2.6 s, before its note of line 1 ends at 2.82679 s"),
    ],
)
def test_a_wrong_line_is_named(omaps, line, message):
    path = omaps / "test/001.txt"
    path.write_bytes(f"2.530960\t2.826793\t76\r\n{line}\r\n3.5\t3.6\t60\r\n".encode())
    index(omaps, "OMAPS")
    dataset = opened("OMAPS")
    with pytest.raises(InputError, match=rf"test/001\.txt, {message}"):
        dataset.notes(dataset.clips()[0])


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "line 1: holds no notes"), (b"1\t2\t60\r\n\xff", "line 2: not UTF-8 text")]
)
def test_a_file_that_is_no_label_is_named(omaps, content, message):
    (omaps / "test/001.txt").write_bytes(content)
    index(omaps, "OMAPS")
    dataset = opened("OMAPS")
    with pytest.raises(InputError, match=rf"test/001\.txt, {message}"):
        dataset.notes(dataset.clips()[0])
