"""The index written again: only what changed is read, and what is kept can be damaged or deleted without harm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from paths import PARAMS_FILE

from tivit.__main__ import main
from tivit.core.artifacts import md5_of
from tivit.core.errors import InputError
from tivit.datasets import places
from tivit.datasets.index import read_index, write_index
from tivit.datasets.memo import refresh_index
from tivit.datasets.places import Folder

INDEX, KEPT = Path("data/index/OMAPS.json"), Path(".tivit/index/OMAPS.json")
OLD_NS = 10**18


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """Return the list of files whose content was read; three files that were changed long ago lie in `root`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIVIT_STATE_DIR", raising=False)
    found = []
    monkeypatch.setattr(places, "md5_of", lambda path: found.append(path.name) or md5_of(path))
    for name in ("train/001.mp4", "train/001.txt", "test/001.mp4"):
        write(name, name)
    return found


def write(name: str, content: str, changed_ns: int | None = OLD_NS) -> None:
    path = Path("root") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    if changed_ns is not None:
        os.utime(path, ns=(changed_ns, changed_ns))


def test_a_second_index_reads_only_what_changed_and_is_what_a_first_one_would_be(reads):
    refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
    assert len(reads) == 3
    refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
    assert len(reads) == 3
    write("train/001.txt", "train/002.txt", OLD_NS + 1)
    refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
    assert reads[3:] == ["001.txt"]
    content = INDEX.read_bytes()
    write_index("OMAPS", Path("root"), INDEX)
    assert INDEX.read_bytes() == content


def test_a_file_that_was_just_written_is_read_again(reads):
    write("train/001.txt", "fresh", None)
    for count in (3, 4):
        refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
        assert len(reads) == count


def test_quick_trusts_the_size_in_the_index_and_reads_what_is_new_or_longer(reads):
    refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
    KEPT.unlink()
    write("train/001.txt", "longer than it was")
    write("train/002.mp4", "new")
    refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=True)
    assert sorted(reads[3:]) == ["001.txt", "002.mp4"]
    assert read_index(INDEX).files["train/001.mp4"] == (13, md5_of("root/train/001.mp4"))
    refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
    assert len(reads) == 5 + 2, "what quick did not read is not kept as if it had been"


def test_another_root_and_damage_are_read_again(reads):
    refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
    for content in ("{", "[]", '{"root": "/elsewhere", "files": {}}', KEPT.read_text().replace('"files": {', '"files": [{', 1)):
        KEPT.write_text(content)
        before = len(reads)
        refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
        assert len(reads) == before + 3
    KEPT.write_text(KEPT.read_text().replace(str(OLD_NS), '"soon"', 1))
    before = len(reads)
    refresh_index("OMAPS", Folder(Path("root")), INDEX, quick=False)
    assert len(reads) == before + 1


def test_no_files_are_an_error_and_write_nothing(reads):
    Path("empty").mkdir()
    with pytest.raises(InputError, match="empty: holds no files to index"):
        refresh_index("OMAPS", Folder(Path("empty")), INDEX, quick=False)
    assert not INDEX.exists() and not KEPT.exists()


def test_the_command_writes_checks_and_is_quick(reads, monkeypatch, capsys):
    params = PARAMS_FILE
    Path("team").mkdir()
    Path("root").rename("team/OMAPS")
    monkeypatch.setenv("TIVIT_DATA_DIR", str(Path("team").resolve()))
    for extra in ([], ["--quick"], ["--check"], ["--check", "--full"]):
        assert main(["index", "OMAPS", *extra, "--params", str(params)]) == 0
    Path("team/OMAPS/train/001.txt").unlink()
    assert main(["index", "OMAPS", "--check", "--params", str(params)]) == 1
    assert "001.txt: is missing" in capsys.readouterr().out


def test_the_command_needs_nothing_that_is_slow_to_import(reads, request):
    """Most of the time of a second `index` would be the import of numpy."""
    Path("data").mkdir()
    Path("root").rename("data/OMAPS")
    Path("params.yaml").write_bytes((request.config.rootpath / "params.yaml").read_bytes())
    code = (
        "import sys; from tivit.__main__ import main; main(['index', 'OMAPS']); "
        "print({name.split('.')[0] for name in sys.modules} & {'numpy', 'torch', 'cv2', 'pandas'})"
    )
    environment = {**os.environ, "PYTHONPATH": str(request.config.rootpath)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()" and INDEX.exists()
