"""Notes: validation, MIDI round trip, bad files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tivit.core.errors import InputError
from tivit.core.notes import make_notes, read_midi, write_midi


def notes_of(*rows):
    return make_notes(*(np.array(column) for column in zip(*rows, strict=True)))


def test_columns_are_sorted_by_onset_then_pitch():
    notes = notes_of((1.0, 2.0, 60), (0.5, 0.7, 64), (1.0, 1.5, 55))
    assert notes.midi.tolist() == [64, 55, 60]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(0.0, 1.0, 20)], "pitch 20 is outside 21..108"),
        ([(0.0, 1.0, 109)], "pitch 109 is outside"),
        ([(1.0, 1.0, 60)], "C4 at 1.000 s ends at 1.000 s, not after"),
        ([(0.0, float("nan"), 60)], "not a finite"),
        ([(0.0, 1.0, 60), (0.5, 2.0, 60)], "C4 at 0.500 s begins before"),
        ([(0.0, 1.0, 60), (0.0, 2.0, 60)], "C4 at 0.000 s begins before"),
    ],
)
def test_impossible_notes_are_refused(rows, message):
    with pytest.raises(InputError, match=message):
        notes_of(*rows)


def test_a_tick_of_overlap_is_cut():
    notes = notes_of((0.0, 1.001, 60), (1.0, 2.0, 60))
    assert notes.offset_s.tolist() == [1.0, 2.0]


NOTE = st.tuples(st.integers(0, 400), st.integers(1, 20), st.integers(21, 108), st.integers(1, 127), st.integers(0, 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(NOTE, min_size=1, max_size=30, unique_by=lambda n: (n[0], n[2])))
def test_midi_round_trip(tmp_path_factory, rows):
    rows.sort(key=lambda row: (row[2], row[0]))
    kept = [row for i, row in enumerate(rows) if i == 0 or rows[i - 1][2] != row[2] or row[0] - rows[i - 1][0] >= 20]
    onset, length, midi, velocity, hand = (np.array(column) for column in zip(*kept, strict=True))
    notes = make_notes(onset * 0.05, (onset + length) * 0.05, midi, velocity, hand)
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    write_midi(path, notes)
    back = read_midi(path)
    order = np.lexsort((back.midi, np.round(back.onset_s, 2)))
    back = back.take(order)
    np.testing.assert_allclose(back.onset_s, notes.onset_s, atol=6e-4)
    np.testing.assert_allclose(back.offset_s, notes.offset_s, atol=6e-4)
    for column in ("midi", "velocity", "hand"):
        np.testing.assert_array_equal(getattr(back, column), getattr(notes, column))


def test_an_unknown_velocity_is_written_as_80(tmp_path):
    notes = notes_of((0.1, 1.0, 60), (0.5, 0.7, 64))
    assert notes.velocity.tolist() == [-1, -1]
    write_midi(tmp_path / "a.mid", notes)
    assert read_midi(tmp_path / "a.mid").velocity.tolist() == [80, 80]


def test_midi_bytes_are_stable(tmp_path):
    notes = notes_of((0.1, 1.0, 60), (0.5, 0.7, 64))
    write_midi(tmp_path / "a.mid", notes)
    write_midi(tmp_path / "b.mid", notes)
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()


def test_bad_midi_files(tmp_path):
    with pytest.raises(InputError, match="none.mid: no such file"):
        read_midi(tmp_path / "none.mid")
    good = tmp_path / "good.mid"
    write_midi(good, notes_of((0.1, 1.0, 60), (0.5, 0.7, 64)))
    whole = good.read_bytes()
    for content in (b"", b"MThd", b"not a midi file at all", whole[: len(whole) // 2], whole[:20]):
        path = tmp_path / "bad.mid"
        path.write_bytes(content)
        with pytest.raises(InputError, match="bad.mid"):
            read_midi(path)


def test_an_empty_midi_file_is_refused(tmp_path):
    import pretty_midi

    pretty_midi.PrettyMIDI().write(str(tmp_path / "empty.mid"))
    with pytest.raises(InputError, match="empty.mid: holds no notes of a piano"):
        read_midi(tmp_path / "empty.mid")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_midi_never_ends_in_a_traceback(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damage")
    write_midi(folder / "a.mid", notes_of((0.1, 1.0, 60), (0.5, 0.7, 64), (1.0, 2.0, 30)))
    content = bytearray((folder / "a.mid").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "a.mid").write_bytes(bytes(content))
    try:
        read_midi(folder / "a.mid")
    except InputError as error:
        assert "a.mid" in str(error)


@pytest.mark.parametrize("broken", [(b"\x03\xc0", b"\x00\x00"), (b"\xff\x51\x03\x07\xa1\x20", b"\xff\x51\x03\x00\x00\x00")])
def test_a_midi_file_without_resolution_or_tempo_is_refused(tmp_path, broken):
    path = tmp_path / "a.mid"
    write_midi(path, make_notes(np.array([0.5]), np.array([0.9]), np.array([60])))
    content = path.read_bytes()
    assert broken[0] in content
    path.write_bytes(content.replace(*broken, 1))
    with pytest.raises(InputError, match="a.mid: not a readable MIDI file .its tempo or resolution is zero"):
        read_midi(path)
