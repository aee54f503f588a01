"""What several test files share because making it takes half a minute."""

from pathlib import Path

import pytest
from pipeline_cases import make_clone

LONGEST = (
    "test_docs.py", "test_autopilot.py", "test_experiments.py", "test_teams.py", "test_pipeline.py",
    "test_team.py", "test_weights.py",
)  # fmt: skip
"""Files whose tests run pipelines: with two processes they go first, or one process waits at the end for the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first; all others keep their order."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session")
def pristine_clone(tmp_path_factory) -> Path:
    """Return a clone in which the tiny pipeline has run; copy it, never change it."""
    folder = tmp_path_factory.mktemp("pristine") / "clone"
    folder.mkdir()
    make_clone(folder)
    return folder
