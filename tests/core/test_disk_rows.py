"""Rows on disk: the same numbers as in memory, in bounded memory, and nothing left behind."""

import errno
import gc
import os
import tracemalloc

import numpy as np
import pytest

from tivit.core.arrays import Pieces, read_npz, write_npz
from tivit.core.disk_rows import DiskRows, OpenFile, Scratch
from tivit.core.heads import EVENT_HEADS
from tivit.core.logits import ClipLogits, kept, read_logits, stored, write_logits
from tivit.core.timegrid import TimeGrid


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 2, 3), (0, 4), (7, 0)])
@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int32])
def test_scratch_returns_what_it_was_given(tmp_path, shape, kind):
    first, second = (np.random.default_rng(seed).normal(0, 9, shape).astype(kind) for seed in (0, 1))
    scratch = Scratch(tmp_path / "new")
    kept_rows = [scratch.keep(first), scratch.keep(second[::-1])]  # the second one does not lie row by row
    for rows, array in zip(kept_rows, (first, second[::-1]), strict=True):
        assert (rows.shape, rows.dtype, len(rows)) == (array.shape, array.dtype, len(array))
        for part in (slice(None), slice(2, 5), slice(5, 2), slice(-2, None), slice(3, 99)):
            np.testing.assert_array_equal(rows[part], array[part])


def test_scratch_is_seen_by_nobody_and_closed_with_its_last_rows(tmp_path):
    def opened():
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    before = opened()
    rows = Scratch(tmp_path).keep(np.arange(5))
    assert list(tmp_path.iterdir()) == [] and rows[1:3].tolist() == [1, 2]
    del rows
    gc.collect()
    assert opened() == before


def test_a_full_disk_is_told_with_the_folder(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    scratch = Scratch(tmp_path)
    monkeypatch.setattr(OpenFile, "append", full)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}'"):
        scratch.keep(np.arange(5))


def test_an_npz_in_pieces_has_the_bytes_of_numpy(tmp_path):
    whole = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float16)
    text = np.array(["a", "bc"])
    np.savez(tmp_path / "numpy.npz", rows=whole, text=text)
    pieces = Pieces(whole.shape, whole.dtype, iter([whole[:2], whole[2:2], whole[2:]]))
    write_npz(tmp_path / "pieces.npz", {"text": text, "rows": pieces})
    assert (tmp_path / "pieces.npz").read_bytes() == (tmp_path / "numpy.npz").read_bytes()


def test_an_array_that_stays_in_its_file(tmp_path):
    whole = np.random.default_rng(0).normal(size=(9, 4))
    write_npz(tmp_path / "a.npz", {"rows": whole, "few": np.arange(3)})
    arrays = read_npz(tmp_path / "a.npz", on_disk=["rows", "none"])
    assert isinstance(arrays["rows"], DiskRows) and isinstance(arrays["few"], np.ndarray)
    write_npz(tmp_path / "a.npz", {"rows": whole + 1})  # a new file of the same name: the old one stays open
    np.testing.assert_array_equal(arrays["rows"][2:7], whole[2:7])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_array_that_does_not_lie_row_by_row_is_read(tmp_path, save):
    whole = np.asfortranarray(np.random.default_rng(0).normal(size=(300, 4)))
    save(tmp_path / "a.npz", a=whole, b=whole)
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz", on_disk=["a"])["a"], whole)


def test_logits_of_many_clips_are_never_in_memory_together(tmp_path):
    """One clip has 1.7 MB; thirty of them are written, read, kept and written again within the memory of a few."""
    frames, count = 3200, 30
    grid, rows = TimeGrid(30.0, 0.0, frames), np.random.default_rng(0).normal(size=(frames, 88)).astype(np.float32)
    one = ClipLogits("val/0", grid, dict.fromkeys(EVENT_HEADS, rows))
    size_b = sum(array.nbytes for array in stored(one.heads).values())
    tracemalloc.start()
    scratch = Scratch(tmp_path)
    write_logits(tmp_path / "a.npz", [kept(ClipLogits(f"val/{i}", grid, one.heads), scratch) for i in range(count)])
    back = read_logits(tmp_path / "a.npz")
    write_logits(tmp_path / "b.npz", back)
    _, peak_b = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_b < 4 * size_b < count * size_b / 5
    assert (tmp_path / "b.npz").read_bytes() == (tmp_path / "a.npz").read_bytes()
    np.testing.assert_array_equal(back[count - 1].heads["pitch"], rows.astype(np.float16).astype(np.float32))
