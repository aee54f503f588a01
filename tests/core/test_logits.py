"""Logits files: which clips of the split they lack, and what is said of damaged ones."""

import numpy as np
import pytest

from tivit.core.arrays import read_npz, write_npz
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


def test_a_file_says_what_its_logits_were_made_under(tmp_path):
    settings = {"logits": {"window_frames": 512}, "decode": {"lambda_key": 0.1, "apply_to": ["onset"], "window_sec": None}}
    for name in ("a.npz", "b.npz"):
        write_logits(tmp_path / name, clips("val/a"), settings=settings)
    assert read_logits(tmp_path / "a.npz").settings == settings
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    write_logits(tmp_path / "c.npz", clips("val/a"))
    assert "settings" not in read_npz(tmp_path / "c.npz") and read_logits(tmp_path / "c.npz").settings == {}


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


def damaged(path, **arrays):
    """Write a file of two clips in which some arrays are replaced (None: left out), and return its path."""
    write_logits(path, clips("val/a", "val/b"))
    kept = {**read_npz(path), **arrays}
    write_npz(path, {name: array for name, array in kept.items() if array is not None})
    return path


WRONG = [
    ("clip_id", None, "is missing; a logits file has clip_id, start, length, fps, start_s, pitch, onset, offset"),
    ("clip_id", np.array([1, 2]), "is int64, expected text"),
    ("clip_id", np.array([b"val/a", b"val/b"]), r"is \|S5, expected text"),
    ("clip_id", np.array("val/a"), r"has shape \(\), expected \(1,\)"),
    ("clip_id", np.array(["val/a", "val/a"]), "holds 'val/a' twice"),
    ("start", np.array([0.0, 5.0]), "is float64, expected whole numbers"),
    ("start", np.array([0, 4]), "does not follow from 'length'"),
    ("length", np.array([["5"], ["5"]]), "is <U1, expected whole numbers"),
    ("length", np.array([[5, 5]]), r"has shape \(1, 2\), expected \(2,\)"),
    ("fps", np.array(["30", "30"]), "is <U2, expected numbers"),
    ("fps", np.array([30.0]), r"has shape \(1,\), expected \(2,\)"),
    ("fps", np.array([30.0, 1000.0]), "fps 1000.0 is outside 1..240"),
    ("fps", np.array([30.0, np.nan]), "fps nan is outside 1..240"),
    ("start_s", np.array([0.0, np.inf]), "holds NaN or infinite values"),
    ("pitch", None, "is missing"),
    ("pitch", np.zeros((10, 88), np.int16), "is int16"),
    ("onset", np.zeros((9, 88)), r"is float64 \(9, 88\), expected float \(10, 88\)"),
    ("onset", np.full((10, 88), 1e300), "holds NaN or infinite values"),
    ("offset", np.zeros((10, 88, 1)), "is float64"),
    ("hand", np.full((10, 88), np.nan), "holds NaN or infinite values"),
    ("settings", np.array("{}"), r"is <U2 \(\), expected one text"),
    ("settings", np.array(["{decode}"]), "is not JSON"),
    ("settings", np.array(['{"decode": 3}']), "is not a mapping of params sections"),
]


@pytest.mark.parametrize(("name", "array", "message"), WRONG)
def test_a_wrong_array_is_named_with_the_file(tmp_path, name, array, message):
    path = damaged(tmp_path / "d.npz", **{name: array})
    with pytest.raises(InputError, match=f"d.npz: array '({name}|start)'.*{message}") as caught:
        read_logits(path)
    assert "\n" not in str(caught.value)


def test_a_pickled_object_is_refused_and_named(tmp_path):
    path = damaged(tmp_path / "d.npz")
    np.savez(path, **{**read_npz(path), "onset": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(InputError, match="d.npz, array 'onset': not a readable npz file"):
        read_logits(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_file_with_wrong_bytes_is_refused_or_harmless(tmp_path, save):
    """Cut anywhere, or with any byte of its zip structure changed: one sentence with the file's name, or the same clips."""
    path, whole = damaged(tmp_path / "d.npz"), read_logits(damaged(tmp_path / "whole.npz"))
    save(path, **read_npz(path))
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for end in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:end])
        with pytest.raises(InputError, match="d.npz"):
            read_logits(path)
    refused = 0
    for _ in range(400):
        broken = bytearray(content)
        broken[rng.integers(len(content))] ^= 1 << rng.integers(8)
        broken[-int(rng.integers(1, 900))] ^= 1 << rng.integers(8)
        path.write_bytes(broken)
        try:
            back = read_logits(path)
        except InputError as error:
            refused += "d.npz" in str(error) and "\n" not in str(error)
            continue
        refused += all(np.array_equal(a.heads["onset"], b.heads["onset"]) for a, b in zip(whole, back, strict=True))
    assert refused == 400
