"""The check of a dataset: its counts, what it names as missing or damaged, its picture and its exit status."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from datasets_cases import index, lay, opened
from paths import ROOT

from tivit.__main__ import main
from tivit.check import dataset as check
from tivit.check.dataset import Counted, polyphony, table
from tivit.core.artifacts import atomic_path
from tivit.core.manifest import Clip, Manifest, write_manifest
from tivit.core.notes import empty_notes, make_notes
from tivit.core.strip import StripGeometry, strip_path, write_strip_index
from tivit.core.timegrid import TimeGrid

GEOMETRY = StripGeometry(832, 64, -22.0, 158.0)


def write_video(path: Path, frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30.0, (64, 48))
    for shade in range(frames):
        writer.write(np.full((48, 64, 3), (shade * 7) % 200, np.uint8))
    writer.release()


@pytest.fixture
def omaps(tmp_path, monkeypatch):
    """Return the folder of OMAPS with real videos of 11 s; `run` looks at it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATASETS_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("TIVIT_DATA_DIR", raising=False)
    root = lay(tmp_path, "OMAPS")
    write_video(root / "one.mp4", 330)
    for path in root.glob("*/*.mp4"):
        path.unlink()
        os.link(root / "one.mp4", path)
    (root / "one.mp4").unlink()
    index(root, "OMAPS")
    params = (ROOT / "params.yaml").read_text()
    assert params.count("name: Synthetic") == 1
    Path("params.yaml").write_text(params.replace("name: Synthetic", "name: OMAPS"))
    return root


def write_strips(frames: int) -> None:
    """Write manifest and strips of the dataset, strips of so many frames while their index says 330."""
    dataset = opened("OMAPS")
    clips = tuple(Clip(clip.clip_id, clip.split, "", clip.video, 21, 108) for clip in dataset.clips())
    write_manifest("data/manifest", Manifest(clips, {clip.clip_id: dataset.notes(clip) for clip in dataset.clips()}))
    for clip in clips:
        with atomic_path(strip_path(Path("data/strips"), clip.clip_id)) as path:
            np.save(path, np.full((frames, GEOMETRY.height_px, GEOMETRY.width_px), 60, np.uint8))
    write_strip_index("data/strips", GEOMETRY, {clip.clip_id: TimeGrid(30.0, 0.0, 330) for clip in clips})


def test_a_sound_dataset_is_counted_and_drawn(omaps, capsys):
    assert main(["check", "dataset", "--out", "seen"]) == 0
    text = capsys.readouterr().out
    assert "OMAPS: splits of folders" in text and "val was carved from train: train/0" in text
    assert "manifest and strips: not made yet" in text and "6 clips, 0 faults" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line[:5] in ("train", "val  ", "test ")}
    assert rows["train"][1:4] == ["3", "0.009", "15"] and rows["test"][5:7] == ["A0-C8", "0.0%"]
    write_strips(330)
    assert main(["check", "dataset", "--out", "seen"]) == 0
    picture = cv2.imread("seen/dataset.png")
    assert picture.shape == (5 * (20 + 128), 1664, 3)
    outlined = (picture == check.HAND_BGR[-1]).all(axis=2)
    column = int(2 * GEOMETRY.column_px(check.LEFT_MM[check.key_of(76)]))
    assert outlined[20:148, column - 1 : column + 2].any() and not outlined[20:148, : column // 4].any()


def test_a_damaged_video_and_a_damaged_label_are_named(omaps, capsys):
    (omaps / "test/001.mp4").unlink()
    (omaps / "test/001.mp4").write_bytes(b"no video")
    (omaps / "test/026.txt").write_bytes(b"1.0\t0.5\t60\r\n")
    index(omaps, "OMAPS")
    assert main(["check", "dataset", "--split", "test"]) == 1
    text = capsys.readouterr().out
    assert "test/001: " in text and "cannot be opened as a video" in text and "train/001:" not in text
    assert "test/026.txt, line 1: the note begins at 1 s and ends at 0.5 s" in text and "2 clips, 2 faults" in text


def test_what_is_missing_is_named_and_no_fault(omaps, capsys):
    (omaps / "train/001.txt").unlink()
    index(omaps, "OMAPS")
    assert main(["check", "dataset"]) == 0
    assert "left out, no label (1): train/001" in capsys.readouterr().out


def test_notes_after_the_end_of_the_video_are_a_fault(omaps, capsys):
    (omaps / "test/001.txt").write_bytes(b"1.0\t1.5\t60\r\n11.5\t12.0\t60\r\n12.5\t13.0\t60\r\n")
    index(omaps, "OMAPS")
    assert main(["check", "dataset"]) == 1
    assert "test/001: 2 notes begin after the video's end at 11.00 s" in capsys.readouterr().out


def test_strips_of_another_shape_and_a_manifest_of_other_clips_are_faults(omaps, capsys):
    write_strips(329)
    path = Path("data/manifest/clips.csv")
    path.write_text(path.read_text().replace("test/026,test", "test/026,train"))
    assert main(["check", "dataset"]) == 1
    text = capsys.readouterr().out
    assert "train/001.npy: holds uint8 (329, 64, 832), expected uint8 (330, 64, 832)" in text
    assert "clips.csv: test/026 is in split train, in the dataset in test" in text


def test_how_many_notes_last_at_once():
    notes = make_notes([0.0, 0.5, 0.5, 1.0, 3.0], [1.0, 2.0, 0.75, 1.5, 4.0], [60, 62, 64, 65, 67])
    assert polyphony(notes).tolist() == [1, 3, 3, 2, 1] and polyphony(empty_notes()).tolist() == []


def test_a_split_without_notes_has_no_figures():
    lines = list(table([Counted("val", 36.0, empty_notes())]))
    assert [line.split() for line in lines[1:]] == [
        ["train", "0", "0.000", "0"],
        ["val", "1", "0.010", "0"],
        ["test", "0", "0.000", "0"],
    ]
