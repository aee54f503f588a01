"""`check lag`: the lag that is left is printed beside the correction, and one too large is pointed out."""

import numpy as np
import pytest
from decoding_cases import random_notes
from lag_cases import played
from model_cases import GEOMETRY

from tivit.__main__ import main
from tivit.core.artifacts import write_csv
from tivit.core.manifest import LAG_COLUMNS, LAGS_NAME, Clip, Manifest, write_manifest
from tivit.core.strip import strip_path, write_strip_index
from tivit.core.timegrid import TimeGrid


@pytest.mark.parametrize(
    ("split", "lag_s", "status", "place"),
    [
        ("train", 0.0, 0, "in the manifest"),
        ("train", 0.12, 1, "in the manifest"),
        ("val", 0.04, 0, "in lags.csv"),
        ("val", 0.16, 1, "in lags.csv"),
    ],
)
def test_the_command_points_out_labels_that_do_not_fit(tmp_path, capsys, split, lag_s, status, place):
    grid = TimeGrid(30.0, 2.0, 300)
    notes = random_notes(np.random.default_rng(3), 10.0, per_key=1).moved(grid.start_s)
    path = strip_path(tmp_path / "strips", f"{split}/a")
    path.parent.mkdir(parents=True)
    np.save(path, played(notes, grid))
    write_strip_index(tmp_path / "strips", GEOMETRY, {f"{split}/a": grid})
    clips = (Clip(f"{split}/a", split, "", "a.mp4", 21, 108),)
    write_manifest(tmp_path / "manifest", Manifest(clips, {f"{split}/a": notes.moved(-lag_s)}))
    write_csv(tmp_path / "manifest" / LAGS_NAME, LAG_COLUMNS, [(f"{split}/a", 0.04, 7.0, 40, 0.0, "", "", "", 1.0, 0.04)])
    places = ["--strips", str(tmp_path / "strips"), "--manifest", str(tmp_path / "manifest")]
    assert main(["check", "lag", "--split", split, *places]) == status
    out = capsys.readouterr().out
    assert ("do not fit" in out) == bool(status) and f"ms after +40.0 ms {place}" in out
    assert main(["check", "lag", "--split", "test", *places]) == 0 and capsys.readouterr().out == ""
