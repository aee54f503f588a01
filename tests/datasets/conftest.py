"""Fixtures that several tests of datasets share."""

from pathlib import Path

import pytest
from datasets_cases import LABEL

from tivit.core.artifacts import write_json
from tivit.datasets.index import write_index


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a folder that looks like the project with a tiny rendered dataset, made the working directory."""
    for split in ("train", "val", "test"):
        for stem in ("hard_000", "hard_001", "plain_000", "plain_001"):
            write_json(tmp_path / f"data/Synthetic/{split}/{stem}.json", LABEL)
            (tmp_path / f"data/Synthetic/{split}/{stem}.mp4").write_bytes(b"video")
    monkeypatch.chdir(tmp_path)
    for variable in ("TIVIT_DATA_DIR", "DATASETS_HOME"):
        monkeypatch.delenv(variable, raising=False)
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    return tmp_path
