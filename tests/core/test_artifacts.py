"""Writers: atomic, byte-stable, no NaN; readers: one sentence for damage."""

import errno
import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from tivit.core.arrays import read_npz, write_npz
from tivit.core.artifacts import atomic_path, read_csv, read_json, remove_leftovers, resolve_inside, write_csv, write_json
from tivit.core.errors import InputError


def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert read_json(path) == {"x": 1} and list(tmp_path.iterdir()) == [path]


def test_json_bytes_do_not_depend_on_order_or_noise(tmp_path):
    write_json(tmp_path / "a", {"b": 0.1 + 0.2, "a": np.float32(1), "c": (np.int64(3), True)})
    write_json(tmp_path / "b", {"c": [3, True], "a": 1.0, "b": 0.3})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_full_disk_is_told_with_the_file(tmp_path):
    with pytest.raises(OSError, match="No space left on device: .*a.json"), atomic_path(tmp_path / "a.json") as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_nan_never_reaches_a_metric(tmp_path, value):
    with pytest.raises(ValueError, match="omit the key"):
        write_json(tmp_path / "a", {"x": [value]})


def test_csv_round_trip_and_negative_zero(tmp_path):
    write_csv(tmp_path / "t.csv", ["id", "x"], [["a, b", 1.25], ["c", -0.0]])
    assert read_csv(tmp_path / "t.csv", ["id", "x"]) == [["a, b", "1.25"], ["c", "0"]]


def test_csv_damage_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,x\na\n")
    with pytest.raises(InputError, match="line 2: 1 columns, expected 2"):
        read_csv(path, ["id", "x"])
    with pytest.raises(InputError, match="the header is"):
        read_csv(path, ["id", "y"])
    with pytest.raises(InputError, match="no such file"):
        read_csv(tmp_path / "none.csv", ["id"])


def test_an_npz_that_unpacks_to_more_than_itself_is_refused_before_it_is_read(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(10_000_000, np.uint8))
    with pytest.raises(InputError, match=r"bomb\.npz: not a readable npz file \(a\.npy unpacks to 10,000,128 bytes, more than"):
        read_npz(tmp_path / "bomb.npz")


def test_an_npz_whose_header_is_no_text_of_python_is_refused(tmp_path):
    write_npz(tmp_path / "a.npz", {"a": np.arange(3)})
    with zipfile.ZipFile(tmp_path / "a.npz") as good, zipfile.ZipFile(tmp_path / "b.npz", "w") as bad:
        bad.writestr("a.npy", good.read("a.npy").replace(b"(3,)", b"(3,("))
    with pytest.raises(InputError, match=r"b\.npz, array 'a': not a readable npz file"):
        read_npz(tmp_path / "b.npz")


def test_npz_bytes_are_stable(tmp_path):
    arrays = {"b": np.arange(5), "a": np.ones((2, 3), np.float16)}
    write_npz(tmp_path / "1.npz", arrays)
    write_npz(tmp_path / "2.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()


def test_a_pickled_object_is_refused(tmp_path):
    np.savez(tmp_path / "p.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="p.npz, array 'x'|p.npz: "):
        read_npz(tmp_path / "p.npz")


def test_damaged_npz_is_refused(tmp_path):
    path = tmp_path / "d.npz"
    write_npz(path, {"x": np.arange(1000)})
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="d.npz"):
            read_npz(path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.npy", b"no array")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="d.npz"):
        read_npz(path)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_paths_stay_inside(tmp_path, name):
    with pytest.raises(InputError, match="leads out of"):
        resolve_inside(tmp_path, name)


def test_what_a_killed_process_left_is_removed_and_what_one_at_work_writes_is_not(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its number is still taken
    (tmp_path / "deep").mkdir()
    for name in (
        f".a.{ended.pid}.tmp.npy",
        f"deep/.b.{ended.pid}.tmp",
        f".c.{os.getpid()}.tmp.npy",
        ".d.tmp.npy",
        "e.1.tmp.npy",
    ):
        (tmp_path / name).write_text("x")
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "none")
    assert {path.name for path in tmp_path.iterdir()} == {"deep", f".c.{os.getpid()}.tmp.npy", ".d.tmp.npy", "e.1.tmp.npy"}
    assert not any((tmp_path / "deep").iterdir())
    assert ended.wait() == 0
