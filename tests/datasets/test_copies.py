"""Copies of files that lie elsewhere: never more than the bound, never one that is in use removed, never half of one."""

import multiprocessing
import os
from hashlib import md5

import pytest

from tivit.core.errors import InputError
from tivit.datasets import copies
from tivit.datasets.copies import Copies


@pytest.fixture
def fetch(tmp_path):
    """Return a function that opens the copy of a text, and the list of the texts that it had to write."""
    written = []

    def opened(text: str, folder: Copies):
        def fill(file):
            written.append(text)
            file.write(text.encode())

        return folder.opened(md5(text.encode()).hexdigest(), f"{text[0]}.txt", len(text), fill)

    return opened, written


def lying(folder: Copies) -> set[str]:
    return {path.name for path in folder.folder.glob("*/*")}


def test_a_copy_is_made_once_and_has_its_name(tmp_path, fetch):
    opened, written = fetch
    folder = Copies(tmp_path / "fetched", 100)
    for _ in range(2):
        with opened("aaaa", folder) as path:
            assert path.read_text() == "aaaa" and path.name == "a.txt"
    assert written == ["aaaa"]
    path.write_text("half")
    path.write_text("aa")  # damage: another size
    with opened("aaaa", folder) as path:
        assert path.read_text() == "aaaa"
    assert written == ["aaaa", "aaaa"]


def test_copies_used_longest_ago_go_first_and_those_in_use_stay(tmp_path, fetch):
    opened, written = fetch
    folder = Copies(tmp_path, 10)
    with opened("aaaa", folder) as first:
        with opened("bbbb", folder):
            pass
        with opened("cccc", folder):
            assert lying(folder) == {"a.txt", "c.txt"} and first.read_text() == "aaaa"
    os.utime(first, (1, 1))
    with opened("cccc", folder), opened("dddd", folder):
        assert lying(folder) == {"c.txt", "d.txt"}
    assert written == ["aaaa", "bbbb", "cccc", "dddd"]
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {md5(b"cccc").hexdigest(), md5(b"dddd").hexdigest()}


def test_what_does_not_fit_is_said_and_changes_nothing(tmp_path, fetch):
    opened, written = fetch
    folder = Copies(tmp_path, 10)
    with pytest.raises(
        InputError, match="e.txt: has 1.1e-08 GB, and data.fetched_gb lets only 1e-08 lie on this disk; raise it"
    ):
        opened("e" * 11, folder).__enter__()
    in_use = r"c.txt: .*files in use take 8e-09 of the 1e-08 GB of data.fetched_gb; raise it, or lower runtime.workers"
    with opened("aaaa", folder), opened("bbbb", folder), pytest.raises(InputError, match=in_use):
        opened("cccc", folder).__enter__()
    assert lying(folder) == {"a.txt", "b.txt"} and written == ["aaaa", "bbbb"]


def test_nothing_is_left_of_a_copy_that_fails_or_was_killed(tmp_path, fetch):
    opened, _ = fetch
    folder = Copies(tmp_path, 10)

    def fail(file):
        file.write(b"aa")
        raise InputError("the line was cut")

    with pytest.raises(InputError, match="the line was cut"):
        folder.opened("0" * 32, "a.txt", 4, fail).__enter__()
    assert lying(folder) == set()
    killed = tmp_path / ("1" * 32) / ".99.b.txt"
    killed.parent.mkdir()
    killed.write_bytes(b"12345678")
    with opened("cccc", folder):
        assert "c.txt" in lying(folder)
    with opened("dddd", folder), opened("eeee", folder):
        assert lying(folder) == {"d.txt", "e.txt"}


@pytest.mark.parametrize("ledger", [b"", b"-3", b"many", b"0"])
def test_a_damaged_ledger_is_no_harm(tmp_path, fetch, ledger):
    opened, _ = fetch
    folder = Copies(tmp_path, 10)
    with opened("aaaa", folder):
        pass
    (tmp_path / ".ledger").write_bytes(ledger)
    for text in ("bbbb", "cccc", "dddd"):
        with opened(text, folder) as path:
            assert path.read_text() == text
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 12, "a ledger that says 0 is off by what it forgot"


def test_a_process_keeps_the_last_two_that_it_has_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "_kept", type(copies._kept)())
    folder = Copies(tmp_path, 12)
    for text in ("aaaa", "bbbb", "cccc", "dddd"):
        folder.take(md5(text.encode()).hexdigest(), f"{text[0]}.txt", 4, lambda file, text=text: file.write(text.encode()))
    assert lying(folder) == {"c.txt", "d.txt"}


def _work(place: tuple) -> None:
    folder, seed = place
    for turn in range(40):
        content = "abcdefgh"[(turn * (seed + 1) + seed) % 8].encode() * 4
        name = f"{content[:1].decode()}.txt"
        with folder.opened(md5(content).hexdigest(), name, 4, lambda file, content=content: file.write(content)) as path:
            assert path.read_bytes() == content
            with folder._alone():
                assert sum(item.stat().st_size for item in folder.folder.glob("*/*")) <= folder.limit


def test_processes_share_a_folder(tmp_path):
    folder = Copies(tmp_path, 16)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(_work, [(folder, seed) for seed in range(3)])
