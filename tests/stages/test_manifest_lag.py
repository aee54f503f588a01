"""The manifest stage on rendered clips whose labels are early: train is moved to the video, val and test are not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paths import PARAMS_FILE
from runtime_cases import RUNTIME

from stages import manifest, register, strips, synthesize
from tivit.core import params as params_file
from tivit.core.artifacts import read_csv, write_json
from tivit.core.errors import InputError
from tivit.core.manifest import LAG_COLUMNS, read_manifest
from tivit.core.params import section
from tivit.datasets.index import write_index
from tivit.datasets.params import DataParams

PARAMS = params_file.load(PARAMS_FILE)
PARAMS["synth"] |= {"train_clips": 2, "val_clips": 2, "test_clips": 2, "shift_clips": 0, "val_s": 6.0, "test_s": 6.0}
PARAMS["synth"]["camera"]["sizes"] = [[640, 360]]
LABELS = Path("data/Synthetic")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Return a folder with six rendered clips of 6 s and their strips, made the working directory, and the notes by clip."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("project"))
        for variable in ("TIVIT_DATA_DIR", "DATASETS_HOME", "TIVIT_STATE_DIR"):
            patch.delenv(variable, raising=False)
        for stage in (synthesize, register, strips):
            stage.run(PARAMS, RUNTIME)
        yield {path: json.loads(path.read_text())["notes"] for path in LABELS.rglob("*.json")}


def notes_of(rendered, early_s, **lag):
    """Run the stage with labels that are `early_s` early; return the notes by clip, the table of lags and the metrics."""
    for path, notes in rendered.items():
        early = [[onset_s - early_s, offset_s - early_s, *others] for onset_s, offset_s, *others in notes]
        write_json(path, json.loads(path.read_text()) | {"notes": early})
    write_index("Synthetic", LABELS, Path("data/index/Synthetic.json"))
    manifest.run(PARAMS | {"data": PARAMS["data"] | {"lag": PARAMS["data"]["lag"] | lag}}, RUNTIME)
    table = read_csv("data/manifest/lags.csv", LAG_COLUMNS)
    return read_manifest("data/manifest").notes, table, json.loads(Path("metrics/manifest.json").read_text())


@pytest.mark.parametrize("early_s", [0.12, -0.12])
def test_labels_of_train_are_moved_to_the_video_and_those_of_val_and_test_never(rendered, early_s):
    exact, table, _ = notes_of(rendered, 0.0)
    assert len(table) == len(exact) >= 5
    given, empty, nothing = notes_of(rendered, early_s, correct=False)
    assert empty == [] and [nothing[f"lag_{name}"] for name in ("moved", "left", "unsure", "median_s")] == [0, 0, 0, 0.0]
    fitted, table, metrics = notes_of(rendered, early_s)
    for clip_id, _, confidence, *_, rate, correction_s in table:
        assert float(rate) == 1.0 and float(confidence) >= PARAMS["data"]["lag"]["min_confidence"]
        assert float(correction_s) == pytest.approx(early_s, abs=0.01)
        np.testing.assert_allclose(given[clip_id].onset_s + early_s, exact[clip_id].onset_s, atol=2e-6)
        if not clip_id.startswith("train/"):
            np.testing.assert_array_equal(fitted[clip_id].onset_s, given[clip_id].onset_s)
            np.testing.assert_array_equal(fitted[clip_id].offset_s, given[clip_id].offset_s)
            continue
        np.testing.assert_allclose(fitted[clip_id].onset_s, exact[clip_id].onset_s, atol=0.01)
        np.testing.assert_allclose(fitted[clip_id].onset_s, given[clip_id].onset_s + float(correction_s), atol=2e-6)
        np.testing.assert_allclose(fitted[clip_id].offset_s, given[clip_id].offset_s + float(correction_s), atol=2e-6)
    moved = sum(row[0].startswith("train/") for row in table)
    assert 0 < moved < len(table)
    assert (metrics["lag_moved"], metrics["lag_left"], metrics["lag_unsure"]) == (moved, len(table) - moved, 0)
    assert metrics["lag_median_s"] == pytest.approx(early_s, abs=0.01)


def test_exact_labels_stay_as_they_are(rendered):
    given, _, _ = notes_of(rendered, 0.0, correct=False)
    fitted, table, metrics = notes_of(rendered, 0.0)
    assert [float(row[-1]) for row in table] == [0.0] * len(given) and metrics["lag_moved"] == metrics["lag_left"] == 0
    for clip_id, notes in given.items():
        np.testing.assert_array_equal(fitted[clip_id].onset_s, notes.onset_s)
        np.testing.assert_array_equal(fitted[clip_id].offset_s, notes.offset_s)


def test_a_lag_that_is_not_sure_is_written_down_and_not_applied(rendered):
    given, _, _ = notes_of(rendered, 0.12, correct=False)
    notes, table, metrics = notes_of(rendered, 0.12, min_confidence=100.0)
    assert {float(row[-1]) for row in table} == {0.0} and any(float(row[1]) for row in table)
    assert (metrics["lag_moved"], metrics["lag_unsure"]) == (0, len(table))
    assert all(np.array_equal(notes[clip_id].onset_s, given[clip_id].onset_s) for clip_id in notes)


def test_train_clips_of_a_lag_beyond_the_bound_are_no_labels(rendered):
    with pytest.raises(
        InputError, match=r"no train clip is left whose labels can be used \(train/.* \+11. ms off, allowed: 100 ms"
    ):
        notes_of(rendered, 0.12, largest_s=0.1)


def test_the_bytes_do_not_depend_on_the_number_of_workers(rendered):
    written = []
    for workers in (1, 2):
        manifest.run(PARAMS, replace(RUNTIME, workers=workers))
        written.append({path.name: path.read_bytes() for path in Path("data/manifest").iterdir()})
    assert written[0] == written[1] and section(PARAMS, "data", DataParams).lag.correct
