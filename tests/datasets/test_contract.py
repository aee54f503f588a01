"""The contract of a layout, run over every dataset on a tiny copy of its real files."""

from pathlib import Path

import numpy as np
import pytest
from datasets_cases import NAMES, VIDEOS, index, lay, opened

from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.datasets.registry import LAYOUTS, layout_of
from tivit.datasets.roots import FOLDERS, resolve_root


@pytest.fixture(params=NAMES)
def fixture(request, tmp_path, monkeypatch):
    """Return the name of a dataset's fixture that lies below the working directory."""
    monkeypatch.chdir(tmp_path)
    for variable in ("TIVIT_DATA_DIR", "DATASETS_HOME"):
        monkeypatch.delenv(variable, raising=False)
    lay(tmp_path, request.param)
    return request.param


def test_every_registered_dataset_has_a_case():
    assert {name.partition("_")[0] for name in NAMES} | {"Synthetic"} == set(LAYOUTS)
    assert {name: layout.folder for name, layout in LAYOUTS.items()} == FOLDERS
    assert len(set(FOLDERS.values())) == len(FOLDERS)


def test_every_clip_has_a_split_a_video_notes_and_no_label_that_the_dataset_has_not(fixture):
    dataset = opened(fixture)
    clips = dataset.clips()
    assert {clip.split for clip in clips} == set(SPLITS)
    assert len({clip.clip_id for clip in clips}) == len({clip.video for clip in clips}) == len(clips)
    assert list(clips) == sorted(clips, key=lambda clip: clip.clip_id)
    for clip in clips:
        notes = dataset.notes(clip)
        assert len(notes) and (np.diff(notes.onset_s) >= 0).all() and (notes.offset_s > notes.onset_s).all()
        assert (notes.staff == UNKNOWN).all() and (clip.hands or (notes.hand == UNKNOWN).all())
        assert dataset.video_path(clip).read_text() == f"a video, {clip.video}"
        assert len(dataset.video_md5(clip)) == 32 and dataset.true_key_centers_px(clip) is None
        corners, box = dataset.corners(clip), dataset.search_box(clip)
        assert corners is None or corners.shape == (4, 2)
        assert box is None or (box[0] < box[2] and box[1] < box[3])


def test_nothing_is_lost_every_video_is_a_clip_or_left_out_with_a_reason(fixture):
    listing = opened(fixture).listing
    known = {clip.video for clip in listing.clips}
    assert known <= set(VIDEOS[fixture])
    assert len(VIDEOS[fixture]) - len(known) <= sum(map(len, listing.left_out.values()))


def test_a_video_without_label_and_a_label_without_video_are_named(fixture):
    dataset = opened(fixture, clips={"include_low_res": True})
    first, second = sorted(dataset.clips(), key=lambda clip: (clip.split != "train", clip.clip_id))[:2]
    (dataset.place.root / first.video).unlink()
    (dataset.place.root / second.label).unlink()
    index(dataset.place.root, dataset.index.name)
    left = opened(fixture, clips={"include_low_res": True})
    listing = left.listing
    assert first.label in dataset.index.files and first.video not in left.index.files
    assert not {first.clip_id, second.clip_id} & {clip.clip_id for clip in listing.clips}
    assert first.clip_id in listing.left_out["no_video"] and second.clip_id in listing.left_out["no_label"]


def test_exclude_names_a_clip_and_refuses_an_unknown_one(fixture):
    dataset = opened(fixture)
    gone = next(clip.clip_id for clip in dataset.clips() if clip.split == "train")
    left = opened(fixture, clips={"exclude": [gone]})
    assert {clip.clip_id for clip in dataset.clips()} - {clip.clip_id for clip in left.clips()} == {gone}
    assert left.listing.left_out["excluded"] == (gone,) and gone in left.clip_ids()
    with pytest.raises(InputError, match=f"data.clips.exclude: '{gone}x' is not a clip of the dataset .did you mean '{gone}'"):
        opened(fixture, clips={"exclude": [f"{gone}x"]}).clips()


def test_a_largest_number_of_clips_and_a_list_of_stems(fixture):
    assert len(opened(fixture, clips={"max_per_split": 1}).clips()) == 3
    dataset = opened(fixture)
    test = next(clip for clip in dataset.clips() if clip.split == "test")
    Path("data/subsets").mkdir(parents=True)
    Path("data/subsets/one.txt").write_text(f"# one\n\n{test.clip_id.partition('/')[2]}  # this\n")
    one = {"subsets": {"train": None, "val": None, "test": "one.txt"}}
    chosen = opened(fixture, clips=one).clips()
    assert [clip.clip_id for clip in chosen if clip.split == "test"] == [test.clip_id]
    Path("data/subsets/one.txt").write_text("# one\nnobody\n")
    with pytest.raises(InputError, match="one.txt, line 2: 'nobody' is not a clip of split test"):
        opened(fixture, clips=one).clips()


def test_the_same_video_in_two_splits_is_refused(fixture):
    dataset = opened(fixture)
    dataset.refuse_shared(dataset.clips())
    train, test = (next(clip for clip in dataset.clips() if clip.split == split) for split in ("train", "test"))
    (dataset.place.root / test.video).write_bytes((dataset.place.root / train.video).read_bytes())
    index(dataset.place.root, dataset.index.name)
    with pytest.raises(InputError, match="the content of video .* is in the splits test and train"):
        opened(fixture).refuse_shared(opened(fixture).clips())


def test_the_root_is_the_first_place_that_exists(fixture, tmp_path, monkeypatch):
    layout = layout_of(fixture.partition("_")[0])
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    own = tmp_path / "own"
    own.mkdir()
    places = [
        tmp_path / "team" / layout.folder,
        tmp_path / "all" / layout.folder,
        Path("data") / layout.folder,
    ]
    places.append(tmp_path / "home/datasets" / layout.folder)
    monkeypatch.setenv("TIVIT_DATA_DIR", str(tmp_path / "team"))
    monkeypatch.setenv("DATASETS_HOME", str(tmp_path / "all"))
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    for i, place in enumerate(places):
        assert resolve_root(layout.folder, None) == place and resolve_root(layout.folder, str(own)) == own
        place.rename(tmp_path / f"gone{i}")
    with pytest.raises(InputError) as caught:
        resolve_root(layout.folder, None)
    assert all(str(place) in str(caught.value) for place in places) and "$TIVIT_DATA_DIR" in str(caught.value)


@pytest.mark.parametrize("root", ["", "gone", "a.txt"])
def test_a_root_that_is_no_folder_is_refused_though_there_is_another_copy(tmp_path, monkeypatch, root):
    """Else a training would silently take other clips than its params name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/OMAPS").mkdir(parents=True)
    (tmp_path / "a.txt").touch()
    with pytest.raises(
        InputError, match=rf"data\.root: '{root}' is no folder; name that of OMAPS, or null for the usual places"
    ):
        resolve_root("OMAPS", root)


def test_a_clone_without_a_single_video_knows_its_notes(fixture):
    dataset = opened(fixture)
    for video in VIDEOS[fixture]:
        (dataset.place.root / video).unlink()
    assert [len(dataset.notes(clip)) for clip in opened(fixture).clips()] == [len(dataset.notes(c)) for c in dataset.clips()]
