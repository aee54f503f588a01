"""Datasets: index, root resolution, subsets, and the contract of the rendered layout."""

from pathlib import Path

import pytest
from datasets_cases import rendered_params as params

from tivit.core.artifacts import write_json
from tivit.core.errors import InputError
from tivit.datasets.index import check_index, checked_file, read_index, write_index
from tivit.datasets.places import Folder
from tivit.datasets.registry import Dataset, layout_of, open_dataset
from tivit.datasets.roots import folder_of, resolve_root


def test_clips_notes_and_truth(project):
    dataset = open_dataset(params())
    clips = dataset.clips()
    assert len(clips) == 12 and clips[0].clip_id == "test/hard_000" and clips[0].tier == "hard"
    assert dataset.notes(clips[0]).midi.tolist() == [40, 60]
    assert dataset.corners(clips[0]) is None and dataset.true_key_centers_px(clips[0]).shape == (88, 2)
    assert dataset.video_path(clips[0]).name == "hard_000.mp4"


def test_ids_of_all_clips_and_the_content_of_a_video(project):
    dataset = open_dataset(params(clips={"max_per_split": 1}))
    assert len(dataset.clips()) == 3 and len(dataset.clip_ids()) == 12
    assert dataset.video_md5(dataset.clips()[0]) == "421b47ffd946ca083b65cd668c6b17e6"


def test_a_file_that_a_dataset_may_have(project):
    path = project / "data/Synthetic/registration.csv"
    assert open_dataset(params()).file("registration.csv") is None
    path.write_text("a")
    with pytest.raises(InputError, match="registration.csv: is not in the index of Synthetic; run `tivit index"):
        open_dataset(params()).file("registration.csv")
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    dataset = open_dataset(params())
    assert dataset.file("registration.csv") == path and len(dataset.clips()) == 12
    path.write_text("longer")
    with pytest.raises(InputError, match="registration.csv: has 6 bytes"):
        dataset.file("registration.csv")
    path.unlink()
    with pytest.raises(InputError, match="but not on this disk"):
        dataset.file("registration.csv")


def test_a_largest_number_of_clips_meets_every_tier(project):
    chosen = open_dataset(params(clips={"max_per_split": 2})).clips()
    assert [clip.clip_id for clip in chosen if clip.split == "val"] == ["val/hard_000", "val/plain_000"]


def test_a_list_of_stems_and_a_stem_that_is_not_there(project):
    (project / "data/subsets").mkdir()
    (project / "data/subsets/few.txt").write_text("# mine\nplain_001  # good\n\n")
    few = {"subsets": {"train": "few.txt", "val": None, "test": None}}
    train = [clip.clip_id for clip in open_dataset(params(clips=few)).clips() if clip.split == "train"]
    assert train == ["train/plain_001"]
    (project / "data/subsets/few.txt").write_text("plain_009\n")
    with pytest.raises(InputError, match="few.txt, line 1: 'plain_009' is not a clip of split train"):
        open_dataset(params(clips=few)).clips()
    with pytest.raises(InputError, match="none.txt: no such file"):
        open_dataset(params(clips={"subsets": {"train": None, "val": "none.txt", "test": None}})).clips()


def test_a_changed_file_is_not_opened(project):
    dataset = open_dataset(params())
    (project / "data/Synthetic/test/hard_000.mp4").write_bytes(b"longer video")
    with pytest.raises(InputError, match="has 12 bytes, the index of Synthetic says 5"):
        dataset.video_path(dataset.clips()[0])


def test_check_finds_what_changed(project):
    index = read_index(Path("data/index/Synthetic.json"))
    root = Path("data/Synthetic")
    assert check_index(index, Folder(root), full=True) == []
    (root / "val/plain_000.mp4").write_bytes(b"vidio")
    (root / "val/plain_001.mp4").unlink()
    assert len(check_index(index, Folder(root), full=False)) == 1
    faults = check_index(index, Folder(root), full=True)
    assert "other content" in faults[0] and "is missing" in faults[1]


def test_the_index_names_no_machine_and_no_time(project):
    text = Path("data/index/Synthetic.json").read_text()
    assert str(project) not in text and "time" not in text
    before = Path("data/index/Synthetic.json").read_bytes()
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    assert Path("data/index/Synthetic.json").read_bytes() == before


@pytest.mark.parametrize("name", ["../secret.mp4", "/etc/passwd"])
def test_an_index_cannot_lead_out_of_its_root(project, name):
    write_json("data/index/Synthetic.json", {"dataset": "Synthetic", "files": [{"path": name, "size": 1, "md5": "0"}]})
    with pytest.raises(InputError, match="leads out of"):
        checked_file(read_index(Path("data/index/Synthetic.json")), Folder(Path("data/Synthetic")), name)


def test_roots_in_order(project, tmp_path_factory, monkeypatch):
    layout = layout_of("Synthetic")
    assert resolve_root(layout.folder, None) == Path("data/Synthetic")
    home = tmp_path_factory.mktemp("datasets")
    (home / "Synthetic").mkdir()
    monkeypatch.setenv("DATASETS_HOME", str(home))
    assert resolve_root(layout.folder, None) == home / "Synthetic"
    team = tmp_path_factory.mktemp("team")
    (team / "Synthetic").mkdir()
    monkeypatch.setenv("TIVIT_DATA_DIR", str(team))
    assert resolve_root(layout.folder, None) == team / "Synthetic"
    assert resolve_root(layout.folder, str(home)) == home


def test_no_root_lists_every_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TIVIT_DATA_DIR", "/nowhere")
    with pytest.raises(
        InputError, match=r"/nowhere/Synthetic .\$TIVIT_DATA_DIR.*data/Synthetic.*datasets/Synthetic.*set data.root"
    ):
        resolve_root(folder_of("Synthetic"), None)


def test_unknown_dataset_and_missing_index(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="'Synthetik' is not one of .*did you mean 'Synthetic'"):
        open_dataset(params(name="Synthetik"))
    with pytest.raises(InputError, match="`tivit index Synthetic`"):
        open_dataset(params())


def test_a_clone_without_the_videos_still_lists_its_clips(project):
    index = read_index(Path("data/index/Synthetic.json"))
    assert len(Dataset(layout_of("Synthetic"), index, params(root="/nowhere")).clips()) == 12


ENTRY = '{"dataset": "x", "files": [{"path": %s, "size": %s, "md5": %s}]}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "dataset"),
        ('{"dataset": "x", "files": [3]}', "not a dataset index"),
        ("[]", "not a dataset index"),
        ("nonsense", "not a JSON file"),
        ('{"dataset": "x", "files": []}', "lists no file; write it again by `tivit index Synthetic`"),
        (ENTRY % ("3", "1", '"a"'), "3 is no text"),
        (ENTRY % ('["a"]', "1", '"a"'), "is no text"),
        (ENTRY % ('"a"', "1", "null"), "None is no text"),
        (ENTRY % ('"a"', "1e999", '"a"'), "not a dataset index"),
        (ENTRY % ('"a"', "NaN", '"a"'), "not a dataset index"),
    ],
)
def test_damaged_index(tmp_path, content, said):
    path = tmp_path / "Synthetic.json"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"Synthetic\.json: .*{said}"):
        read_index(path)


@pytest.mark.parametrize("content", ["{}", '{"notes": [[1, 2]]}', '{"notes": "x"}', '{"notes": [[2, 1, 60, 80, 1, 1]]}'])
def test_damaged_label(project, content):
    path = project / "data/Synthetic/test/hard_000.json"
    path.write_text(content)
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    dataset = open_dataset(params())
    with pytest.raises(InputError):
        dataset.notes(dataset.clips()[0])
