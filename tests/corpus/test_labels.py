"""Every odd file of notes comes to what the table says, as labels and as what is scored."""

import numpy as np
import pytest
from datasets_cases import params

from tests.corpus.labels import CASES, MIDI_CASES, PAGE, TEXT_CASES, Case, page
from tivit.core.errors import InputError
from tivit.core.notes import Notes, read_midi
from tivit.datasets.base import DatasetClip
from tivit.datasets.omaps import OMAPS
from tivit.datasets.pianovam import PianoVAM
from tivit.scoring.note_files import read_scored_notes


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request) -> Case:
    return request.param


@pytest.fixture
def path(case, tmp_path):
    path = tmp_path / case.name
    path.write_bytes(case.content if isinstance(case.content, bytes) else case.content())
    return path


def labels_of(path) -> Notes:
    if path.suffix == ".mid":
        return read_midi(path)
    layout = OMAPS if path.suffix == ".txt" else PianoVAM()
    clip = DatasetClip("train/a", "train", "", "a.mp4", f"TSV/{path.name}")
    return layout.notes(clip, lambda _: path, params("OMAPS" if path.suffix == ".txt" else "PianoVAM"))


def assert_rows(notes: Notes, rows) -> None:
    expected = np.array(sorted(rows, key=lambda row: (row[0], row[2]))).reshape(-1, 3)
    assert len(notes) == len(expected)
    np.testing.assert_allclose(np.stack([notes.onset_s, notes.offset_s, notes.midi], axis=1), expected, atol=1e-6)


def test_labels_are_the_right_notes_a_warning_or_a_refusal(case, path, caplog):
    if case.notes is None:
        with pytest.raises(InputError) as refusal:
            labels_of(path)
        assert case.said in str(refusal.value) and str(path) in str(refusal.value) and "\n" not in str(refusal.value)
        return
    assert_rows(labels_of(path), case.notes)
    said = [record.getMessage() for record in caplog.records]
    assert all(str(path) in text for text in said)
    assert any(case.said in text for text in said) if case.said else said == []


def test_scores_take_the_file_as_it_is(case, path):
    expected = case.score if case.score is not None else case.notes if case.notes is not None else case.said
    if isinstance(expected, str):
        with pytest.raises(InputError) as refusal:
            read_scored_notes(path)
        assert str(path) in str(refusal.value)
        if case.score is not None or path.suffix == ".mid":
            assert expected in str(refusal.value)
    else:
        assert_rows(read_scored_notes(path), expected)


def test_the_table_is_large_has_no_name_twice_and_is_the_page_of_the_docs():
    assert len(MIDI_CASES) >= 60 and len(CASES) == len({case.name for case in CASES}) == len(MIDI_CASES) + len(TEXT_CASES)
    assert PAGE.read_text(encoding="utf-8") == page()
