"""PianoYT: whole ids, two layouts, a table with or without header, low resolution, the pedal, and splits that must agree."""

import numpy as np
import pytest
from datasets_cases import index, lay, opened, splits

from tivit.core.errors import InputError
from tivit.core.notes import make_notes
from tivit.datasets.midi import held_by_pedal, read_midi_label
from tivit.datasets.pianoyt import read_table


@pytest.fixture
def pianoyt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lay(tmp_path, "PianoYT")


@pytest.fixture
def with_lists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lay(tmp_path, "PianoYT_lists")


def test_ids_that_end_alike_stay_apart(pianoyt):
    listing = opened("PianoYT").listing
    assert [clip.clip_id for clip in listing.clips] == ["test/25", "train/115", "train/5", "train/7"]
    assert {clip.clip_id: (clip.video, clip.label) for clip in listing.clips}["train/5"] == (
        "train/video_5.0.mp4",
        "train/audio_5.0.midi",
    )
    assert listing.split_source == "folders" and len(listing.carved) == 1


def test_low_resolution_is_left_out_unless_asked_for(pianoyt):
    assert opened("PianoYT").listing.left_out == {"low_res": ("train/15",)}
    every = opened("PianoYT", clips={"include_low_res": True}).listing
    assert "train/15" in {clip.clip_id for clip in every.clips} and every.left_out == {}


def test_lists_go_before_folders_and_comments_mean_nothing(with_lists):
    dataset = opened("PianoYT_lists")
    assert splits(dataset) == {"train": ["train/5"], "val": ["val/15"], "test": ["test/25"]}
    assert dataset.listing.split_source == "splits/train.txt, val.txt, test.txt" and dataset.listing.carved == ()
    assert dataset.listing.left_out == {"no_video": ("test/26",)}


def test_without_lists_and_folders_the_official_table_gives_the_splits(with_lists):
    for path in (with_lists / "splits").iterdir():
        path.unlink()
    (with_lists / "pianoyt.csv").write_text("5,u,1,1,9,1,9\n15,u,1,1,9,1,9\n25,u,3,1,9,1,9\n")
    index(with_lists, "PianoYT")
    dataset = opened("PianoYT", clips={"carve": {"val_share": 0.5, "seed": 1}})
    assert dataset.listing.split_source == "pianoyt.csv" and splits(dataset)["test"] == ["test/25"]
    assert sorted(splits(dataset)["train"] + splits(dataset)["val"]) == ["train/15", "train/5"]
    (with_lists / "pianoyt.csv").unlink()
    index(with_lists, "PianoYT")
    with pytest.raises(InputError, match="PianoYT: has neither splits/train.txt nor the folders .*no split is known"):
        opened("PianoYT").clips()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("splits/val.txt", "15\n25\n", "id '25' is in the splits test and val; a recording may be in one only"),
        ("splits/val.txt", "15\nvideo_15.0\n", "val.txt, line 2: two of its lines mean one id"),
        ("splits/val.txt", "15\n15\n", "val.txt, line 2: '15' stands in it twice, first in line 1"),
        ("videos/video_5.mkv", "x", "videos/video_5.mkv and videos/video_5.0.mp4 are of one id"),
    ],
)
def test_an_id_has_one_split_and_one_video(with_lists, name, content, message):
    (with_lists / name).write_text(content)
    index(with_lists, "PianoYT")
    with pytest.raises(InputError, match=message):
        opened("PianoYT_lists").clips()


def test_a_published_test_recording_in_train_is_refused(pianoyt):
    text = (pianoyt / "metadata.csv").read_text()
    (pianoyt / "metadata.csv").write_text(text.replace("7,https://youtu.be/d,1", "7,https://youtu.be/d,3"))
    index(pianoyt, "PianoYT")
    with pytest.raises(
        InputError, match="metadata.csv, line 4: the id '7' is of split test, but it lies or is listed in train"
    ):
        opened("PianoYT").clips()


def test_the_crop_is_a_place_to_search_and_not_the_corners(pianoyt):
    dataset = opened("PianoYT")
    boxes = {clip.clip_id: dataset.search_box(clip) for clip in dataset.clips()}
    assert boxes["train/5"] == (10.0, 300.0, 1270.0, 700.0) and boxes["test/25"] == (3.0, 250.0, 1279.0, 719.0)
    assert all(dataset.corners(clip) is None for clip in dataset.clips())


def test_a_table_with_a_header_is_detected(with_lists):
    rows = read_table(with_lists / "pianoyt.csv")
    assert {key: (row.split, row.box) for key, row in rows.items()} == {
        "5": ("", (10.0, 300.0, 1270.0, 700.0)),
        "25": ("", (3.0, 250.0, 1279.0, 719.0)),
    }
    dataset = opened("PianoYT_lists")
    assert [dataset.search_box(clip) is None for clip in dataset.clips()] == [False, False, True]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("5,u,1,300,700,10", "line 2: 6 columns, expected 7 .id, url, split, min_y"),
        ("5,u,4,300,700,10,1270", "line 2: split '4' is not one of 1, 2, 3"),
        ("5,u,1,700,300,10,1270", "line 2: the crop x 10..1270, y 700..300 has no area"),
        ("5,u,1,300,nan,10,1270", "line 2: max_y 'nan' is not a number"),
        ("5,u,1,-1,700,10,1270", "line 2: min_y '-1' is outside 0..16384"),
        ('5,"u,1,300,700,10,1270', "line 2: not a line of comma separated cells"),
        ("4.0,u,1,300,700,10,1270", "line 2: the id '4' stands in it twice"),
        (",u,1,300,700,10,1270", "line 2: the id '' is empty"),
    ],
)
def test_a_wrong_line_of_the_table_is_named(tmp_path, line, message):
    path = tmp_path / "metadata.csv"
    path.write_text(f"4,u,1,1,9,1,9\n{line}\n")
    with pytest.raises(InputError, match=rf"metadata\.csv, {message}"):
        read_table(path)


def test_a_header_without_a_column_is_named(tmp_path):
    (tmp_path / "metadata.csv").write_text("videoID,min_y,max_y,min_x\n1,2,3,4\n")
    with pytest.raises(InputError, match="line 1: the header is .*it must name videoID or id, min_x, min_y, max_x, max_y"):
        read_table(tmp_path / "metadata.csv")


def test_midi_ends_with_the_key_or_on_request_with_the_pedal(pianoyt):
    path = pianoyt / "train/audio_5.0.midi"
    key, pedal = read_midi_label(path, "key"), read_midi_label(path, "pedal")
    assert key.midi.tolist() == pedal.midi.tolist() == [60, 64, 60, 36]
    np.testing.assert_allclose(key.offset_s, [1.5, 1.75, 2.75, 4.25])
    np.testing.assert_allclose(pedal.offset_s, [2.5, 3.0, 3.0, 4.25])
    np.testing.assert_array_equal(key.onset_s, pedal.onset_s)
    dataset = opened("PianoYT", offsets="pedal")
    clip = next(clip for clip in dataset.clips() if clip.clip_id == "train/5")
    np.testing.assert_array_equal(dataset.notes(clip).offset_s, pedal.offset_s)


def test_a_release_outside_the_pedal_stays_where_it_is():
    notes = make_notes([0.0, 1.0, 2.0], [0.5, 1.5, 2.5], [60, 62, 64], [1, 2, 3], [0, 1, -1])
    held = held_by_pedal(notes, np.array([[0.5, 0.75], [1.5001, 2.0], [2.4, 9.0]]))
    assert (
        held.offset_s.tolist() == [0.75, 1.5, 9.0] and held.hand.tolist() == [0, 1, -1] and held.velocity.tolist() == [1, 2, 3]
    )
    assert held_by_pedal(notes, np.zeros((0, 2))).offset_s.tolist() == [0.5, 1.5, 2.5]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x00\x00\x00\x06\x00\x01\x00\x02\x01\xe0", b"\x00\x00\x00\x06\x00\x01\x00\x02\x00\x00"),
        (b"\x03\x07\xa1\x20", b"\x03\0\0\0"),
    ],
)
def test_midi_without_resolution_or_tempo_is_named(pianoyt, old, new):
    path = pianoyt / "train/audio_5.0.midi"
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    with pytest.raises(InputError, match="audio_5.0.midi: not a readable MIDI file .its tempo or resolution is zero"):
        read_midi_label(path, "key")
