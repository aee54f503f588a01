"""Where files go, and what is refused before any work: nothing that exists is lost."""

import os
from types import SimpleNamespace

import pytest

from tivit.core import outputs
from tivit.core.errors import InputError
from tivit.transcription.outputs import plan_outputs, videos_of

MIDI = b"MThd\0\0\0\6"
VIDEO = b"\0\0\0\x20ftypisom\0\0\2\0"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.MOV", "sub/c.mkv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(VIDEO)
    (tmp_path / "notes.txt").write_text("no video")
    return tmp_path


def plan(names, output=None, formats=(), force=False):
    videos = videos_of(names)
    return list(plan_outputs(videos, output, formats, force).values())


def test_names_are_files_folders_and_patterns(folder):
    def names(*given):
        return [path.name for path in videos_of(given)]

    assert names("a.mp4", "missing.mp4", "a.mp4") == ["a.mp4", "missing.mp4"]
    assert names(".") == ["a.mp4", "b.MOV"]
    assert names("*.mp4", "sub") == ["a.mp4", "c.mkv"]
    (folder / "take[1].mp4").write_bytes(VIDEO)
    assert names("take[1].mp4") == ["take[1].mp4"]
    for given, message in (("*.avi", "no file fits"), ("", "is empty")):
        with pytest.raises(InputError, match=message):
            videos_of([given])
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: this folder holds no video \(\.3g2"):
        videos_of(["empty"])


def test_files_lie_beside_the_video_or_in_the_folder_or_are_the_one_named(folder):
    (beside,) = plan(["a.mp4"], formats=["json", "report"])
    assert [str(path) for path in beside.all()] == ["a.mid", "a.json", "a.html", "a.partial.mid"]
    first, second = plan(["a.mp4", "b.MOV"], "sub")
    assert (str(first.midi), str(second.midi)) == ("sub/a.mid", "sub/b.mid")
    (named,) = plan(["a.mp4"], "sub/other.midi", ["csv"])
    assert [str(path) for path in named.all()] == ["sub/other.midi", "sub/other.csv", "sub/other.partial.mid"]


@pytest.mark.parametrize(
    ("names", "output", "message"),
    [
        (["a.mp4"], "", "the name is empty"),
        (["a.mp4"], "none/", "no such folder; make it first"),
        (["a.mp4"], "out", "no such folder, and no MIDI file either"),
        (["a.mp4"], "a.mp4", "no such folder, and no MIDI file either"),
        (["a.mp4", "b.MOV"], "out.mid", "is one file, for the notes of 2 videos; name a folder"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(folder, names, output, message):
    with pytest.raises(InputError, match=f"-o.*{message}"):
        plan(names, output)
    assert (folder / "a.mp4").read_bytes() == VIDEO


def test_what_exists_is_replaced_by_force_alone_and_only_what_a_transcription_writes(folder):
    (folder / "a.mid").write_bytes(MIDI)
    (error,) = plan(["a.mp4"])
    assert isinstance(error, InputError) and "a.mid: exists already; --force replaces it" in str(error)
    assert plan(["a.mp4"], force=True)[0].midi.name == "a.mid"
    (folder / "a.mid").write_bytes(VIDEO)
    assert "--force does not replace it" in str(plan(["a.mp4"], force=True)[0])
    (folder / "a.mid").unlink()
    (folder / "a.json").write_bytes(VIDEO)
    assert "--force does not replace it" in str(plan(["a.mp4"], formats=["json"], force=True)[0])
    (folder / "a.json").write_text("{}")
    assert plan(["a.mp4"], formats=["json"], force=True)[0].others["json"].name == "a.json"


def test_neither_a_video_nor_a_device_nor_what_a_link_leads_to_is_lost(folder):
    os.symlink("b.MOV", folder / "link.mid")
    assert "is a file that is to be read" in str(plan(["b.MOV"], "link.mid", force=True)[0])
    os.symlink("/dev/null", folder / "null.mid")
    assert "is no ordinary file" in str(plan(["a.mp4"], "null.mid", force=True)[0])
    os.symlink("sub/old.mid", folder / "old.mid")
    assert "is a link to sub/old.mid, which would be lost" in str(plan(["a.mp4"], "old.mid", force=True)[0])
    (folder / "sub/old.mid").write_bytes(MIDI)
    assert "exists already" in str(plan(["a.mp4"], "old.mid")[0])
    assert "is a link to sub/old.mid" in str(plan(["a.mp4"], "old.mid", force=True)[0])
    os.link(folder / "a.mp4", folder / "hard.mid")
    assert "is a file that is to be read" in str(plan(["a.mp4"], "hard.mid", force=True)[0])


def test_two_videos_do_not_share_a_file(folder):
    (folder / "a.mkv").write_bytes(VIDEO)
    first, second = plan(["a.mp4", "a.mkv"])
    assert first.midi.name == "a.mid" and "its notes would go to a.mid, as those of a.mp4" in str(second)


def test_a_folder_that_is_missing_read_only_or_full_is_said(folder, monkeypatch):
    assert "there is no folder" in str(plan(["a.mp4"], "none/out.mid")[0])

    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(outputs.tempfile, "TemporaryFile", refuse)
        assert "cannot be written to (Permission denied)" in str(plan(["a.mp4"])[0])
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    assert "its disk is full (0.0 MB are free)" in str(plan(["a.mp4"])[0])
