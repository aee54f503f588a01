"""Scores by kind of note: exact values on hand-made notes, the edges of each definition, and pooling over clips."""

import numpy as np
import pytest

from tivit.core.notes import empty_notes, make_notes
from tivit.core.timegrid import TimeGrid
from tivit.scoring.kinds import KEY_COLUMNS, KINDS, REGISTERS, key_rows, kind_values, kinds_of
from tivit.scoring.report import score_table
from tivit.scoring.scores import score_clip, summary_by_tier

GRID = TimeGrid(30.0, 0.0, 301)
C4, CIS4, D4, E4, G4, B4 = 60, 61, 62, 64, 67, 71


def notes_of(*rows):
    """Return notes of 40 ms from (onset in s, MIDI number)."""
    onset_s, midi = (np.array(column) for column in zip(*rows, strict=True))
    return make_notes(onset_s, onset_s + 0.04, midi)


def values_of(reference, estimate):
    return kind_values([score_clip(reference, estimate, GRID).kinds])


def test_white_and_black_keys_are_told_apart():
    reference = notes_of((1.0, C4), (2.0, D4), (3.0, E4), (4.0, CIS4), (5.0, CIS4))
    estimate = notes_of((1.01, C4), (2.02, D4), (3.2, E4), (3.97, CIS4), (5.01, CIS4))
    values = values_of(reference, estimate)
    assert (values["recall_white"], values["notes_white"]) == (pytest.approx(2 / 3), 3)
    assert (values["recall_black"], values["notes_black"]) == (1.0, 2)
    assert (values["late_ms_white"], values["late_ms_black"]) == (pytest.approx(15.0), pytest.approx(-10.0))


def test_a_kind_without_notes_has_no_share_and_a_kind_not_found_has_no_timing():
    values = values_of(notes_of((1.0, C4)), notes_of((2.0, CIS4)))
    nothing = {f"notes_{name}": 0 for name in KINDS}
    found = {"recall_white": 0.0, "recall_alto": 0.0, "precision_black": 0.0, "precision_alto": 0.0}
    assert values == {**nothing, "notes_white": 1, "notes_alto": 1, **found}
    assert values_of(empty_notes(), notes_of((1.0, C4))) == {**nothing, "precision_white": 0.0, "precision_alto": 0.0}
    assert values_of(empty_notes(), empty_notes()) == kind_values([]) == nothing


def test_registers_begin_at_c_and_cover_the_keyboard():
    notes = notes_of((1.0, 21), (2.0, 47), (3.0, 48), (4.0, 59), (5.0, C4), (6.0, B4), (7.0, 72), (8.0, 108))
    kinds = kinds_of(notes)
    assert [[bool(kinds[name][i]) for i in range(8)] for name in REGISTERS] == np.repeat(np.eye(4), 2, axis=1).tolist()


def test_precision_counts_the_invented_notes_of_a_kind():
    values = values_of(notes_of((1.0, C4), (2.0, CIS4)), notes_of((1.0, C4), (2.0, CIS4), (3.0, CIS4), (4.0, 21)))
    assert (values["precision_white"], values["precision_black"], values["precision_alto"]) == (0.5, 0.5, pytest.approx(2 / 3))
    assert values["precision_bass"] == 0.0 and "recall_bass" not in values and "precision_chords" not in values


def test_rows_by_key_name_keys_with_notes_of_either_side():
    scores = [
        score_clip(notes_of((1.0, C4), (2.0, C4)), notes_of((1.0, C4)), GRID).kinds,
        score_clip(notes_of((1.0, C4), (2.0, CIS4)), notes_of((1.0, C4), (3.0, 21)), GRID).kinds,
    ]
    rows = [dict(zip(KEY_COLUMNS, row, strict=True)) for row in key_rows(scores)]
    assert [row["key"] for row in rows] == ["A0", "C4", "C#4"]
    assert rows[0] == {"midi": 21, "key": "A0", "notes": 0, "found": 0, "invented": 1, "recall": ""}
    assert rows[1] == {"midi": C4, "key": "C4", "notes": 3, "found": 2, "invented": 0, "recall": pytest.approx(2 / 3)}
    assert rows[2]["recall"] == 0.0
    assert key_rows([]) == []


@pytest.mark.parametrize(
    ("gap_s", "is_repeat"), [(0.0501, True), (0.1499, True), (0.14996, False), (0.15, False), (1.0, False)]
)
def test_a_repeat_is_less_than_150_ms_after_the_same_key(gap_s, is_repeat):
    notes = notes_of((1.0, C4), (1.0 + gap_s, C4))
    assert kinds_of(notes)["repeats"].tolist() == [False, is_repeat]


def test_repeats_are_of_the_same_key_and_each_follows_the_one_before():
    notes = notes_of((1.0, C4), (1.05, D4), (1.1, C4), (1.2, C4), (1.5, C4))
    assert kinds_of(notes)["repeats"].tolist() == [False, False, True, True, False]
    values = values_of(notes, notes_of((1.0, C4), (1.1, C4), (1.5, C4)))
    assert (values["recall_repeats"], values["notes_repeats"]) == (0.5, 2)


@pytest.mark.parametrize(
    ("onsets_s", "in_chord"),
    [
        ((1.0, 1.0, 1.0), [False] * 3),
        ((1.0, 1.0, 1.0, 1.0), [True] * 4),
        ((1.0, 1.01, 1.03, 1.05), [True] * 4),
        ((1.0, 1.01, 1.03, 1.05004), [True] * 4),
        ((1.0, 1.01, 1.03, 1.0501), [False] * 4),
        ((1.0, 1.03, 1.06, 1.09, 1.12), [False] * 5),
        ((1.0, 1.04, 1.05, 1.07, 1.09), [False, True, True, True, True]),
        ((1.0, 1.0, 1.02, 1.04, 1.06), [True, True, True, True, False]),
        ((1.0, 1.01, 1.02, 1.04, 1.06), [True] * 5),
    ],
)
def test_a_chord_is_four_notes_within_50_ms_of_one_another(onsets_s, in_chord):
    notes = notes_of(*zip(onsets_s, (C4, CIS4, E4, G4, B4), strict=False))
    assert kinds_of(notes)["chords"].tolist() == in_chord


def test_recall_in_chords_counts_their_notes_only():
    chord = [(1.0, C4), (1.01, E4), (1.02, G4), (1.03, B4)]
    values = values_of(notes_of(*chord, (3.0, C4)), notes_of(*chord[:3]))
    assert (values["recall_chords"], values["notes_chords"]) == (0.75, 4)


def test_a_block_counts_the_notes_of_its_clips_together():
    one, many = notes_of((1.0, C4)), notes_of((1.0, C4), (2.0, D4), (3.0, E4))
    scores = {
        "a": score_clip(one, notes_of((1.01, C4)), GRID),
        "b": score_clip(many, notes_of((1.02, C4), (2.04, D4)), GRID),
        "c": score_clip(notes_of((1.0, CIS4)), empty_notes(), GRID),
    }
    blocks = summary_by_tier(scores, {"a": "plain", "b": "plain", "c": "hard"})
    assert (blocks["plain"]["recall_white"], blocks["plain"]["notes_white"]) == (0.75, 4)
    assert blocks["plain"]["late_ms_white"] == pytest.approx(20.0)
    assert "recall_black" not in blocks["plain"] and "recall_white" not in blocks["hard"]
    assert (blocks["all"]["recall_white"], blocks["all"]["recall_black"], blocks["all"]["notes_black"]) == (0.75, 0.0, 1)


def test_the_table_leaves_a_missing_value_blank_and_counts_whole():
    scores = {
        "a": score_clip(notes_of((1.0, C4)), notes_of((1.01, C4)), GRID),
        "b": score_clip(notes_of((1.0, CIS4)), empty_notes(), GRID),
    }
    lines = score_table(summary_by_tier(scores, {"a": "plain", "b": "hard"})).split("\n")
    assert lines[0].split() == ["all", "hard", "plain"]
    table = {line[:24].strip(): [line[at : at + 9].strip() for at in (24, 33, 42)] for line in lines[1:]}
    assert table["clips"] == ["2", "1", "1"]
    assert table["recall_white"] == ["1.0000", "", "1.0000"] and table["recall_black"] == ["0.0000", "0.0000", ""]
    assert table["late_ms_white"] == ["10.0", "", "10.0"] and table["notes_repeats"] == ["0", "0", "0"]
    assert table["errors_missed"] == ["1", "1", "0"] and table["share_missed"] == ["1.0000", "1.0000", ""]
    assert table["onset_late_ms"] == ["10.0", "", "10.0"]
    assert not any(name.startswith("pooled") for name in table)


def test_a_long_title_keeps_its_column_apart():
    score = score_clip(notes_of((1.0, C4)), notes_of((1.0, C4)), GRID)
    block = summary_by_tier({"a": score}, {"a": ""})["all"]
    lines = score_table({"a_very_long_title.mid": block, "b.mid": block}).split("\n")
    assert lines[0].split() == ["a_very_long_title.mid", "b.mid"]
    assert len({len(line) for line in lines}) == 1 and all(len(line.split()) == 3 for line in lines[1:])
