"""What the tests of several stages share."""

from typing import Any

import pytest
from paths import PARAMS_FILE

from tivit.core.params import load


@pytest.fixture
def params() -> dict[str, Any]:
    """Return the content of params.yaml, to be changed by the test."""
    return load(PARAMS_FILE)
