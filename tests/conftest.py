"""What several test files share because making it takes half a minute."""

from pathlib import Path

import pytest
from pipeline_cases import make_clone


@pytest.fixture(scope="session")
def pristine_clone(tmp_path_factory) -> Path:
    """Return a clone in which the tiny pipeline has run; copy it, never change it."""
    folder = tmp_path_factory.mktemp("pristine") / "clone"
    folder.mkdir()
    make_clone(folder)
    return folder
