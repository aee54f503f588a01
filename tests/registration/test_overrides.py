"""What is known of clips beforehand: params over registration.csv over metadata, and every fault of the table by its place."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from paths import PARAMS_FILE

from tivit.core.errors import InputError
from tivit.core.params import load, section
from tivit.datasets.index import write_index
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.datasets.synthetic import Synthetic
from tivit.registration import overrides
from tivit.registration.overrides import COLUMNS, overrides_of, read_table
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams

SQUARE = ((1.0, 2.0), (11.0, 2.0), (11.0, 6.0), (1.0, 6.0))
SQUARE_CELLS = "1,2,11,2,11,6,1,6"
METADATA = np.array([[0, 0], [9, 0], [9, 3], [0, 3]])
IDS = ("test/a", "train/a", "val/a")
HEADER = ",".join(COLUMNS)


def params(**changes) -> RegistrationParams:
    values = load(PARAMS_FILE)
    return section({"registration": values["registration"] | changes}, "registration", RegistrationParams)


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """Return a function that opens a dataset of three clips, with the given lines in its registration.csv (None: no table)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Synthetic, "corners", lambda self, clip, opened: METADATA if clip.clip_id == "val/a" else None)
    root = tmp_path / "data/Synthetic"

    def opened(*lines: str, is_indexed: bool = True):
        for clip_id in IDS:
            for suffix in (".mp4", ".json"):
                (root / clip_id).parent.mkdir(parents=True, exist_ok=True)
                (root / clip_id).with_suffix(suffix).write_text("x")
        if is_indexed and lines:
            (root / "registration.csv").write_text("\n".join((HEADER, *lines)) + "\n")
        write_index("Synthetic", root, Path("data/index/Synthetic.json"))
        if lines:
            (root / "registration.csv").write_text("\n".join((HEADER, *lines)) + "\n")
        values = load(PARAMS_FILE)
        return open_dataset(replace(section(values, "data", DataParams), root=str(root)))

    return opened


def known(dataset, **changes) -> dict[str, Override]:
    return overrides_of(dataset, dataset.clips(), params(**changes))


def test_nothing_is_known_but_metadata(dataset):
    found = known(dataset())
    assert list(found) == list(IDS) and found["train/a"] == found["test/a"] == NOTHING_KNOWN
    assert found["val/a"] == Override(((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0)))


def test_the_three_places_are_merged_field_by_field(dataset):
    opened = dataset(f"val/a,C2,mirrored,{SQUARE_CELLS}", "test/a,30,,,,,,,,,")
    assert known(opened)["val/a"] == Override(SQUARE, 36, "mirrored")
    assert known(opened)["test/a"] == Override(first_key=30)
    stated = {"val/a": {"orientation": "rotated"}}
    assert known(opened, overrides=stated)["val/a"] == Override(SQUARE, 36, "rotated")
    found = known(opened, overrides=stated | {"train/a": {"first_key": 24}}, first_key=28)
    assert [found[clip_id].first_key for clip_id in IDS] == [28, 24, 28]


def test_a_table_that_is_not_indexed_is_not_passed_over(dataset):
    with pytest.raises(InputError, match="registration.csv: is not in the index of Synthetic"):
        known(dataset("test/a,30,,,,,,,,,", is_indexed=False))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("test/b,30,,,,,,,,,", "line 3, column clip_id: 'test/b' is not a clip of the dataset .did you mean 'test/a'"),
        ("val/a,30,,,,,,,,,", "line 3, column clip_id: 'val/a' stands in it twice"),
        ("test/a,H2,,,,,,,,,", "line 3, column first_key: 'H2' is not a key"),
        ("test/a,109,,,,,,,,,", "line 3, column first_key: '109' is not a key of a piano"),
        ("test/a,,upside,,,,,,,,", "line 3, column orientation: 'upside' is not one of"),
        ("test/a,,,1,2,11,2,11,6,1,", "line 3, column y3: is empty; corners are all of x0 to y3, or none"),
        ("test/a,,,1,2,11,2,11,six,1,6", "line 3, column y2: 'six' is not a number"),
        ("test/a,,,1,2,11,2,1,6,11,6", "line 3, column corners: must go round as top left, top right"),
        ("test/a,,,1,2,11,2,nan,6,1,6", "line 3, column corners: a coordinate is not a finite number"),
        ("test/a,30", "line 3: 2 columns, expected 11"),
    ],
)
def test_a_fault_is_named_by_file_line_and_column(dataset, line, message):
    with pytest.raises(InputError, match=rf"registration\.csv, {message}"):
        known(dataset("val/a,,,,,,,,,,", line))


def test_a_table_of_other_columns_is_refused(tmp_path):
    (tmp_path / "registration.csv").write_text("clip,first\n")
    with pytest.raises(InputError, match="registration.csv: the header is"):
        read_table(tmp_path / "registration.csv", IDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overrides": {"val/b": {}}}, "registration.overrides: 'val/b' is not a clip of the dataset .did you mean 'val/a'"),
        ({"overrides": {"val/a": {"first": 36}}}, "registration.overrides.val/a.first is unknown .did you mean 'first_key'"),
        ({"overrides": {"val/a": {"first_key": 12}}}, "params: registration.overrides.val/a.first_key: 12 is outside 21..108"),
        ({"overrides": {"val/a": {"orientation": "rotatd"}}}, "overrides.val/a.orientation: 'rotatd' .*did you mean 'rotated'"),
        ({"overrides": {"val/a": {"corners": [[1, 2]]}}}, "overrides.val/a.corners: 1 points, four"),
        (
            {"overrides": {"val/a": {"corners": [[1, 2], [3], [4, 5], [6, 7]]}}},
            r"overrides.val/a.corners\[1\] must hold 2 values",
        ),
        ({"overrides": {"val/a": {"corners": 3}}}, "overrides.val/a.corners must be a list"),
        ({"first_key": 9}, "registration.first_key: 9 is outside 21..108"),
    ],
)
def test_params_are_strict(dataset, changes, message):
    with pytest.raises(InputError, match=message):
        known(dataset(), **changes)


def test_metadata_in_a_picture_of_another_width_is_scaled_to_the_video(dataset, monkeypatch):
    """As of PianoVAM, whose corners are in 1920 px whatever the width of the file at hand."""
    monkeypatch.setattr(Synthetic, "picture_width_px", 1920.0)
    monkeypatch.setattr(Synthetic, "search_box", lambda self, clip, opened: (0.0, 3.0, 12.0, 9.0))
    monkeypatch.setattr(overrides, "probe", lambda video: SimpleNamespace(width_px=1280))
    found = known(dataset())["val/a"]
    np.testing.assert_allclose(found.corners, METADATA * 2 / 3)
    np.testing.assert_allclose(found.region, (0.0, 2.0, 8.0, 6.0))


def test_a_video_that_cannot_be_read_has_no_metadata_but_what_is_stated(dataset, monkeypatch):
    """It is refused later, by its id; the other clips go on."""
    monkeypatch.setattr(Synthetic, "picture_width_px", 1920.0)
    found = known(dataset(), overrides={"val/a": {"first_key": 24}})
    assert found["val/a"] == Override(first_key=24)


def test_corners_of_the_dataset_that_make_no_sense_name_the_clip(dataset, monkeypatch):
    monkeypatch.setattr(Synthetic, "corners", lambda self, clip, opened: METADATA[::-1])
    with pytest.raises(InputError, match="Synthetic, clip 'test/a': corners: must go round"):
        known(dataset())
