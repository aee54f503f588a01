"""PianoVAM: which metadata counts, columns by name, the finger's lift as the end of a note, hands of Fingering, corners."""

import json

import numpy as np
import pytest
from datasets_cases import TIMES, index, lay, opened, splits

from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.datasets.pianovam import read_metadata, read_tsv


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lay(tmp_path, "PianoVAM")


def first(**changes):
    """Return the dataset and its clip that has every kind of file."""
    dataset = opened("PianoVAM", **changes)
    return dataset, next(clip for clip in dataset.clips() if clip.clip_id == f"train/{TIMES[0]}")


def test_the_newest_metadata_counts_and_is_named(root):
    dataset = opened("PianoVAM")
    assert dataset.listing.split_source == "metadata_v2.json"
    assert splits(dataset) == {
        "train": [f"train/{TIMES[0]}", f"train/{TIMES[1]}"], "val": [f"val/{TIMES[2]}"], "test": [f"test/{TIMES[3]}"],
    }  # fmt: skip
    (root / "metadata_v2.json").rename(root / "metadata.json")
    index(root, "PianoVAM")
    assert opened("PianoVAM").listing.split_source == "metadata.json"
    (root / "metadata.json").unlink()
    index(root, "PianoVAM")
    old = opened("PianoVAM").listing
    assert old.split_source == "metadata_v1.json" and {clip.split for clip in old.clips} == {"train"} and old.carved == ()
    (root / "metadata_v1.json").unlink()
    index(root, "PianoVAM")
    with pytest.raises(InputError, match="has none of metadata.json, metadata_v2.json, metadata_v1.json; no split is known"):
        opened("PianoVAM").clips()


def test_times_that_end_alike_stay_apart(root):
    found = {clip.clip_id: clip.video for clip in opened("PianoVAM").clips()}
    assert found[f"train/{TIMES[0]}"] != found[f"train/{TIMES[1]}"] and TIMES[0][11:] == TIMES[1][11:]


def test_other_splits_only_on_request(root):
    assert opened("PianoVAM").listing.left_out == {"split_not_asked_for": (f"test/{TIMES[5]}", f"train/{TIMES[4]}")}
    more = opened("PianoVAM", clips={"extra_splits": ["ext-train", "special(4hands)"]})
    added = {clip.clip_id: (clip.split, clip.tier) for clip in more.clips()}
    assert added[f"train/{TIMES[4]}"] == ("train", "") and added[f"test/{TIMES[5]}"] == ("test", "four_hands")
    with pytest.raises(InputError, match=r"data.clips.extra_splits\[0\]: 'blurry' is not one of"):
        opened("PianoVAM", clips={"extra_splits": ["blurry"]})


def test_the_pitch_is_the_fourth_column_and_a_note_ends_when_the_finger_lifts(root):
    dataset, clip = first()
    notes = dataset.notes(clip)
    assert notes.midi.tolist() == [60, 64, 60, 36] and notes.velocity.tolist() == [80, 70, 90, 50]
    np.testing.assert_array_equal(notes.offset_s, [1.5, 1.75, 2.75, 4.25])
    dataset, clip = first(offsets="pedal")
    np.testing.assert_array_equal(dataset.notes(clip).offset_s, [2.25, 3.0, 3.0, 4.25])


def test_columns_are_found_by_name_wherever_they_stand(root):
    path = root / f"TSV/{TIMES[1]}.tsv"
    rows = read_tsv(path, "key_offset")
    lines = [line.removeprefix("# ").split("\t") for line in path.read_text().splitlines()]
    for head in ("#", "# ", ""):
        path.write_text(head + "\n".join("\t".join(reversed(cells)) for cells in lines) + "\n")
        assert read_tsv(path, "key_offset") == rows


def test_hands_are_those_of_fingering_and_noinfo_is_unknown(root):
    dataset, clip = first()
    assert dataset.notes(clip).hand.tolist() == [RIGHT_HAND, RIGHT_HAND, UNKNOWN, LEFT_HAND]
    other = next(clip for clip in dataset.clips() if clip.clip_id == f"train/{TIMES[1]}")
    assert set(dataset.notes(other).hand) == {UNKNOWN}


def test_fingering_of_part_of_the_notes_loses_none(root):
    path = root / f"Fingering/{TIMES[0]}.tsv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *reversed(lines[3:])]) + "\n")
    index(root, "PianoVAM")
    dataset, clip = first()
    assert dataset.notes(clip).hand.tolist() == [UNKNOWN, UNKNOWN, UNKNOWN, LEFT_HAND]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\thand\t", "\tHand\t", r"Fingering/.*tsv, line 1: 0 columns are named 'hand', expected one"),
        ("\tR\t1", "\tr\t1", r"Fingering/.*tsv, line 2: hand 'r' is not one of L, R, Noinfo"),
        ("\t64\t", "\t65\t", r"Fingering/.*tsv, line 3: pitch 65 at 1.25 s is no note of the TSV file"),
        ("4.000000\t", "4.003000\t", r"Fingering/.*tsv, line 5: pitch 36 at 4.003 s is no note of the TSV file"),
    ],
)
def test_hands_are_never_dropped_silently(root, old, new, message):
    path = root / f"Fingering/{TIMES[0]}.tsv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    index(root, "PianoVAM")
    dataset, clip = first()
    with pytest.raises(InputError, match=message):
        dataset.notes(clip)


def test_labels_in_order_tsv_then_fingering_then_midi(root):
    names = [f"TSV/{TIMES[0]}.tsv", f"Fingering/{TIMES[0]}.tsv", f"MIDI/{TIMES[0]}.mid"]
    hands = [[1, 1, -1, 0], [1, 1, -1, 0], [-1] * 4]
    for name, expected in zip(names, hands, strict=True):
        dataset, clip = first()
        assert clip.label == name and dataset.notes(clip).hand.tolist() == expected
        assert dataset.notes(clip).offset_s.tolist() == [1.5, 1.75, 2.75, 4.25]
        (root / name).unlink()
        index(root, "PianoVAM")
    assert opened("PianoVAM").listing.left_out["no_label"] == (f"train/{TIMES[0]}",)


def test_corners_are_a_quadrilateral_in_image_order(root):
    dataset, clip = first()
    assert dataset.corners(clip).tolist() == [[121, 500], [1790, 489], [1801, 668], [110, 681]]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("TSV", "note", "nota", "line 1: 0 columns are named 'note', expected one"),
        ("TSV", "velocity", "note", "line 1: 2 columns are named 'note', expected one"),
        ("TSV", "\t70\n", "\t70\t1\n", "line 3: 6 columns separated by tabs, expected 5"),
        ("TSV", "\t70\n", "\t0\n", "line 3: velocity '0' is outside 1..127"),
        ("TSV", "3.000000\t64", "inf\t64", "line 3: frame_offset 'inf' is not a number"),
        ("TSV", "1.250000\t1.750000", "1.750000\t1.250000", "line 3: the note begins at 1.75 s and ends at 1.25 s"),
        ("metadata", '"valid"', '"validation"', "line 24, record '2': split 'validation' is not one of train, valid, test"),
        ("metadata", '"121, 500"', '"121; 500"', "line 2, record '0': Point_LT '121; 500' is not a point such as"),
        ("metadata", '"121, 500"', "null", "line 2, record '0': Point_LT None is not a point"),
        ("metadata", '"121, 500"', '"121, NaN"', "line 2, record '0': Point_LT ' NaN' is not a number"),
        ("metadata", '"1": {', '"0": {', "line 2: key '0' stands twice in one object"),
        ("metadata", TIMES[1], "../etc/passwd", "line 13, record '1': record_time '../etc/passwd' is not a time"),
        (
            "metadata",
            TIMES[2],
            TIMES[0],
            "record '2': the recording 2024-02-14_19-10-09 stands twice in it, as train and as valid",
        ),
        ("metadata", '"00:05"', "NaN", "NaN is not a number"),
        ("metadata", "}", "", "not JSON"),
    ],
)
def test_a_fault_is_named_with_its_line(root, name, old, new, message):
    path = root / (f"TSV/{TIMES[0]}.tsv" if name == "TSV" else "metadata_v2.json")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_tsv(path, "key_offset") if name == "TSV" else read_metadata(path)


def test_a_recording_without_corners_is_found_in_the_pixels(root):
    path = root / "metadata_v2.json"
    records = json.loads(path.read_text())
    for name in ("Point_LT", "Point_RT", "Point_RB", "Point_LB"):
        del records["0"][name]
    path.write_text(json.dumps(records))
    index(root, "PianoVAM")
    dataset, clip = first()
    assert dataset.corners(clip) is None
