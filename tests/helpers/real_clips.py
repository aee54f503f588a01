"""Real clips and frames, which lie outside the project: the folder that the environment variable TIVIT_REAL_CLIPS names."""

import os
from pathlib import Path

import pytest

VARIABLE = "TIVIT_REAL_CLIPS"
FOLDER = Path(os.environ.get(VARIABLE, ""))
IS_GIVEN = bool(os.environ.get(VARIABLE))
# Real clips are no part of the project, so a fresh clone has none.
needs_real_clips = pytest.mark.skipif(not IS_GIVEN, reason=f"no real clips; {VARIABLE} names the folder that holds them")
