"""Partial logits files: which clips of the split they lack."""

import numpy as np
import pytest

from tivit.core.artifacts import read_npz, write_npz
from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS
from tivit.core.logits import ClipLogits, read_logits, write_logits
from tivit.core.timegrid import TimeGrid


def clips(*names, frames=5):
    rng = np.random.default_rng(0)
    grid = TimeGrid(30.0, 0.0, frames)
    return [ClipLogits(name, grid, {head: rng.normal(size=(frames, 88)) for head in EVENT_HEADS}) for name in names]


def test_a_file_says_which_clips_of_its_split_it_lacks(tmp_path):
    write_logits(tmp_path / "p.npz", clips("val/a"), ["val/b", "val/c"])
    back = read_logits(tmp_path / "p.npz")
    assert (len(back), back[0].clip_id, back.missing, back.partial) == (1, "val/a", ("val/b", "val/c"), True)


def test_a_whole_file_holds_no_mark(tmp_path):
    write_logits(tmp_path / "w.npz", clips("val/a"))
    assert "missing" not in read_npz(tmp_path / "w.npz")
    back = read_logits(tmp_path / "w.npz")
    assert (back.missing, back.partial) == ((), False)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (np.array(["val/b", "val/a"]), "array 'missing' names clip 'val/a', which is in the file"),
        (np.array(3), r"array 'missing' is int64 \(\), expected clip ids as text"),
        (np.array([["val/b"]]), "array 'missing' is <U5"),
    ],
)
def test_a_damaged_mark_is_named(tmp_path, missing, message):
    path = tmp_path / "p.npz"
    write_logits(path, clips("val/a"))
    write_npz(path, {**read_npz(path), "missing": missing})
    with pytest.raises(InputError, match=message):
        read_logits(path)
