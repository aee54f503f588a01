"""Scores by kind of note: exact values on hand-made notes, the edges of each definition, and pooling over clips."""

import numpy as np
import pytest

from tivit.core.notes import empty_notes, make_notes
from tivit.core.timegrid import TimeGrid
from tivit.evaluation.kinds import KINDS, kind_values, kinds_of
from tivit.evaluation.report import score_table
from tivit.evaluation.scores import score_clip, summary_by_tier

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
    assert values == {"notes_white": 1, "recall_white": 0.0, "notes_black": 0, "notes_repeats": 0, "notes_chords": 0}
    nothing = {f"notes_{name}": 0 for name in KINDS}
    assert values_of(empty_notes(), notes_of((1.0, C4))) == values_of(empty_notes(), empty_notes()) == nothing
    assert kind_values([]) == nothing


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
    table = {line[:18].strip(): [line[at : at + 9].strip() for at in (18, 27, 36)] for line in lines[1:]}
    assert table["clips"] == ["2", "1", "1"]
    assert table["recall_white"] == ["1.0000", "", "1.0000"] and table["recall_black"] == ["0.0000", "0.0000", ""]
    assert table["late_ms_white"] == ["10.0", "", "10.0"] and table["notes_repeats"] == ["0", "0", "0"]
    assert not any(name.startswith("pooled") for name in table)
