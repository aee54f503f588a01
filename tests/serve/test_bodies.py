"""What the page sends is checked: a wrong value is one sentence, and mended notes are playable."""

import numpy as np
import pytest

from tivit.core.errors import InputError
from tivit.core.heads import UNKNOWN
from tivit.registration.params import NOTHING_KNOWN
from tivit.report.data import tempo_data
from tivit.serve.bodies import json_of, keyboard_of, notes_of, setting_of

NOTE = {"onset_s": 1.0, "offset_s": 1.5, "midi": 60, "velocity": None, "hand": "right", "staff": None}
TEMPO = {
    "ticks": [0, 960], "starts_s": [0.0, 0.5], "us_per_quarter": [500_000, 250_000], "resolution": 960, "beats_per_bar": 3,
    "key": {"fifths": -2, "is_minor": True},
}  # fmt: skip


def test_notes_come_back_as_they_were_sent():
    notes = notes_of([{**NOTE, "velocity": 90, "staff": "bass"}, {**NOTE, "midi": 40, "hand": None}])
    assert notes.midi.tolist() == [40, 60] and notes.velocity.tolist() == [UNKNOWN, 90]
    assert notes.hand.tolist() == [UNKNOWN, 1] and notes.staff.tolist() == [UNKNOWN, 0]
    assert len(notes_of([])) == 0


def test_of_notes_of_one_key_that_overlap_the_earlier_one_is_cut():
    rows = [NOTE, {**NOTE, "onset_s": 1.2, "offset_s": 2.0}, {**NOTE, "onset_s": 1.2, "offset_s": 1.4}, {**NOTE, "midi": 61}]
    notes = notes_of(rows)
    assert list(zip(notes.midi.tolist(), notes.onset_s.tolist(), notes.offset_s.tolist(), strict=True)) == [
        (60, 1.0, 1.2), (61, 1.0, 1.5), (60, 1.2, 2.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("notes", "notes: not a list"),
        ([1], "notes: one of them is not an object"),
        ([{**NOTE, "onset_s": "1"}], "onset_s: '1' is not a number"),
        ([{**NOTE, "onset_s": float("nan")}], "onset_s: 'nan' is not a number"),
        ([{**NOTE, "offset_s": 1.0}], "notes: one begins at 1 s and ends at 1 s"),
        ([{**NOTE, "midi": 20}], "midi: '20' is not a whole number from 21 to 108"),
        ([{**NOTE, "midi": True}], "midi: 'True' is not"),
        ([{**NOTE, "velocity": 0}], "velocity: '0' is not"),
        ([{**NOTE, "hand": "third"}], "hand: 'third' is not one of"),
        ([{**NOTE, "hand": ["left"]}], "hand: "),
    ],
)
def test_wrong_notes_are_one_sentence(value, sentence):
    with pytest.raises(InputError) as error:
        notes_of(value)
    assert str(error.value).startswith(sentence)


def test_bars_and_key_come_back_as_they_were_sent():
    setting = setting_of(TEMPO)
    sent = tempo_data(setting)
    assert sent["ticks"].tolist() == [0, 960] and setting.key == (-2, True) and sent["key"]["name"] == "Gm"
    np.testing.assert_allclose(setting.music.quarters(np.array([0.5, 0.75])), [1.0, 2.0])
    assert setting_of({**TEMPO, "key": None}).key is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"us_per_quarter": []}, "ticks: not a list of 0"),
        ({"us_per_quarter": [1, 2]}, "us_per_quarter: '1' is not a whole number"),
        ({"ticks": [0]}, "ticks: not a list of 2"),
        ({"ticks": [0, 0]}, "tempo: ticks and starts_s must begin at 0 and ascend"),
        ({"starts_s": [0.1, 0.5]}, "tempo: ticks and starts_s must begin"),
        ({"beats_per_bar": 0}, "beats_per_bar: '0' is not"),
        ({"key": {"fifths": 9, "is_minor": True}}, "fifths: '9' is not"),
        ({"key": "C"}, "tempo: key: not a key"),
    ],
)
def test_a_wrong_tempo_is_one_sentence(changes, sentence):
    with pytest.raises(InputError) as error:
        setting_of({**TEMPO, **changes})
    assert str(error.value).startswith(sentence)


def test_a_keyboard_may_be_marked_in_part():
    assert keyboard_of({}) == NOTHING_KNOWN and keyboard_of({"first_key": "C2"}).first_key == 36
    for value in ({"corners": [[0, 0]]}, {"corners": "x"}, {"first_key": 3}, {"first_key": "H2"}, {"orientation": "askew"}):
        with pytest.raises(InputError):
            keyboard_of(value)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[1]", b"{", b"[" * 100_000])
def test_what_is_not_an_object_is_refused(body):
    with pytest.raises(InputError, match="the page sent"):
        json_of(body)
