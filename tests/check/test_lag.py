"""`check lag`: the lag that is left is printed beside what the manifest has taken out, and one too large is pointed out."""

import numpy as np
import pytest
from decoding_cases import random_notes
from lag_cases import played
from model_cases import GEOMETRY

from tivit.__main__ import main
from tivit.core.artifacts import write_csv
from tivit.core.manifest import Clip, Manifest, write_manifest
from tivit.core.strip import strip_path, write_strip_index
from tivit.core.timegrid import TimeGrid
from tivit.labels.lag import LAG_COLUMNS, LAGS_NAME


@pytest.mark.parametrize(("lag_s", "status"), [(0.0, 0), (0.12, 1)])
def test_the_command_points_out_labels_that_do_not_fit(tmp_path, capsys, lag_s, status):
    grid = TimeGrid(30.0, 2.0, 300)
    notes = random_notes(np.random.default_rng(3), 10.0, per_key=1).moved(grid.start_s)
    path = strip_path(tmp_path / "strips", "val/a")
    path.parent.mkdir(parents=True)
    np.save(path, played(notes, grid))
    write_strip_index(tmp_path / "strips", GEOMETRY, {"val/a": grid})
    clips = (Clip("val/a", "val", "", "a.mp4", 21, 108),)
    write_manifest(tmp_path / "manifest", Manifest(clips, {"val/a": notes.moved(-lag_s)}))
    write_csv(tmp_path / "manifest" / LAGS_NAME, LAG_COLUMNS, [("val/a", 0.04, 7.0, 40, 0.04)])
    places = ["--strips", str(tmp_path / "strips"), "--manifest", str(tmp_path / "manifest")]
    assert main(["check", "lag", "--split", "val", *places]) == status
    out = capsys.readouterr().out
    assert ("do not fit" in out) == bool(status) and "ms after +40.0 ms in the manifest" in out
    assert main(["check", "lag", "--split", "test", *places]) == 0 and capsys.readouterr().out == ""
