"""What is refused of an output before any work; `tests/corpus/outputs.py` has every odd place for every command."""

import os
from types import SimpleNamespace

import pytest

from tivit.core import outputs
from tivit.core.errors import InputError
from tivit.core.outputs import refuse_file, refuse_folder, temporary_file


def test_a_file_that_is_read_is_never_replaced_under_any_name(tmp_path):
    read = tmp_path / "a.mid"
    read.write_text("notes")
    os.link(read, tmp_path / "b.mid")
    os.symlink("a.mid", tmp_path / "c.mid")
    for name in ("a.mid", "b.mid", "c.mid"):
        with pytest.raises(InputError, match=rf"{name}: is a file that is to be read; choose another name by --out"):
            refuse_file(tmp_path / name, True, "--out", reads=[read])
    refuse_file(tmp_path / "d.mid", True, reads=[read])


def test_what_is_there_needs_the_option_that_the_message_names(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(InputError, match=r"a: exists already; --replace replaces it, --out chooses another name$"):
        refuse_file(tmp_path / "a", False, "--out", "--replace")
    with pytest.raises(InputError, match=r"a: exists already; choose another name by -o$"):
        refuse_file(tmp_path / "a", False, force="")
    refuse_file(tmp_path / "a", True)


def test_a_loop_of_links_is_told(tmp_path):
    os.symlink("b", tmp_path / "a")
    os.symlink("a", tmp_path / "b")
    with pytest.raises(OSError, match="symbolic links"):
        refuse_file(tmp_path / "a", True)
    with pytest.raises(InputError, match="leads nowhere"):
        refuse_folder(tmp_path / "a", "--out")


def test_room_is_looked_at_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    with pytest.raises(InputError, match=r"its disk is full \(1\.0 MB are free\)"):
        refuse_file(tmp_path / "a", True)
    with pytest.raises(InputError, match=r"the work needs 2\.0 GB there for a\.mp4, 0\.0 GB are free; .* in TMPDIR, or not$"):
        temporary_file(2_000_000_000, "the work", tmp_path.joinpath("a.mp4").relative_to(tmp_path), "or not")
    monkeypatch.setattr(outputs.tempfile, "tempdir", str(tmp_path))
    with temporary_file(1_000_000, "the work", tmp_path, "or not") as file:
        file.write(b"x")
        assert list(tmp_path.iterdir()) == [], "it has no name, so nothing is left however the process ends"
