"""The user's own clips in data/own: what joins the train split, on which clock, and every fault in one sentence."""

from pathlib import Path

import numpy as np
import pytest
from datasets_cases import rendered_params as params
from model_cases import three_notes
from paths import PARAMS_FILE

from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.core.notes import make_notes, write_midi
from tivit.core.params import load, section
from tivit.datasets.registry import open_dataset
from tivit.registration.overrides import COLUMNS, overrides_of
from tivit.registration.params import Override, RegistrationParams

OWN = Path("data/own")
ONE_TRACK = make_notes([1.0, 2.0], [1.5, 2.5], [60, 64])


@pytest.fixture
def own(project):
    """Return a project whose own folder holds one clip and the README."""
    OWN.mkdir()
    (OWN / "README.md").write_text("read me")
    (OWN / ".DS_Store").write_text("hidden")
    (OWN / "first.MOV").write_bytes(b"my video")
    write_midi(OWN / "first.mid", ONE_TRACK)
    return project


def test_a_folder_with_only_its_readme_changes_nothing(project):
    before = open_dataset(params())
    OWN.mkdir()
    (OWN / "README.md").write_text("read me")
    assert open_dataset(params()) == before and before.own is None and before.parts == (before,)


def test_own_clips_join_train_and_no_other_split(own):
    dataset = open_dataset(params(clips={"max_per_split": 1}))
    clips = dataset.clips()
    assert [clip.clip_id for clip in clips] == ["own/first", "test/hard_000", "train/hard_000", "val/hard_000"]
    mine = clips[0]
    assert (mine.split, mine.tier) == ("train", "own") and "own/first" in dataset.clip_ids()
    assert dataset.video_path(mine).read_bytes() == b"my video" and len(dataset.video_md5(mine)) == 32
    assert dataset.corners(mine) is None and dataset.true_key_centers_px(mine) is None
    assert dataset.video_path(clips[1]).name == "hard_000.mp4" and len(dataset.notes(clips[1])) == 2


def test_one_track_has_no_hands_and_two_named_ones_have(own):
    dataset = open_dataset(params())
    notes = dataset.notes(dataset.clips()[0])
    assert notes.midi.tolist() == [60, 64] and set(notes.hand) == set(notes.staff) == {UNKNOWN}
    write_midi(OWN / "first.mid", three_notes())
    dataset = open_dataset(params())
    assert dataset.notes(dataset.clips()[0]).hand.tolist() == [0, 1, 1]


def test_an_offset_moves_the_notes_to_the_clock_of_the_video(own):
    (OWN / "clips.csv").write_text("stem,offset_s\nfirst,-1.25\n")
    dataset = open_dataset(params())
    notes = dataset.notes(dataset.clips()[0])
    np.testing.assert_allclose(notes.onset_s, [-0.25, 0.75], atol=1e-3)
    np.testing.assert_allclose(notes.offset_s, [0.25, 1.25], atol=1e-3)


def test_own_clips_have_a_table_of_what_is_known(own):
    (OWN / "registration.csv").write_text(",".join(COLUMNS) + "\nown/first,C2,,,,,,,,,\n")
    dataset = open_dataset(params())
    registration = section(load(PARAMS_FILE), "registration", RegistrationParams)
    assert overrides_of(dataset, dataset.clips(), registration)["own/first"] == Override(first_key=36)
    (OWN / "registration.csv").write_text(",".join(COLUMNS) + "\nown/frist,C2,,,,,,,,,\n")
    with pytest.raises(InputError, match="data/own/registration.csv, line 2, column clip_id: 'own/frist' .*mean 'own/first'"):
        overrides_of(open_dataset(params()), dataset.clips(), registration)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("second.mp4", "x", "data/own/second.mp4: has no MIDI file second.mid beside it"),
        ("second.midi", "x", "data/own/second.midi: has no video second.mp4 beside it"),
        ("first.mp4", "x", "data/own/first.mp4: has the stem of first.MOV"),
        ("notes.txt", "x", "data/own/notes.txt: is neither a video.*allowed: .mp4, .mov"),
        ("more/first.mp4", "x", "data/own/more/first.mp4: lies in a folder"),
        ("clips.csv", "stem,offset\n", "data/own/clips.csv: the header is .*expected .'stem', 'offset_s'"),
        ("clips.csv", "stem,offset_s\nfrist,1\n", "clips.csv, line 2: 'frist' is not the stem .*mean 'first'"),
        ("clips.csv", "stem,offset_s\nfirst,1\nfirst,2\n", "clips.csv, line 3: 'first' stands in it twice"),
        ("clips.csv", "stem,offset_s\nfirst,1s\n", "clips.csv, line 2: offset_s '1s' is not a number"),
        ("clips.csv", "stem,offset_s\nfirst,900\n", "clips.csv, line 2: offset_s: 900.0 is outside -600..600"),
        ("clips.csv", "stem,offset_s\nfirst,nan\n", "clips.csv, line 2: offset_s: nan is outside"),
    ],
)
def test_a_fault_ends_in_one_sentence(own, name, content, message):
    (OWN / name).parent.mkdir(exist_ok=True)
    (OWN / name).write_text(content)
    with pytest.raises(InputError, match=message):
        open_dataset(params())


def test_a_link_that_leads_nowhere_is_told(own):
    (OWN / "second.mp4").symlink_to("gone/second.mp4")
    with pytest.raises(InputError, match=r"data/own/second\.mp4: is a link to gone/second\.mp4, which is not there"):
        open_dataset(params())


def test_a_damaged_midi_file_is_named(own):
    (OWN / "first.mid").write_bytes(b"no midi")
    dataset = open_dataset(params())
    with pytest.raises(InputError, match="data/own/first.mid: not a readable MIDI file"):
        dataset.notes(dataset.clips()[0])
