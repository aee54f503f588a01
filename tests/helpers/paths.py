"""Where the files of the project are, whatever folder a test lies in."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PARAMS_FILE = ROOT / "params.yaml"
FIXTURES = ROOT / "tests/fixtures"
REAL_CLIPS = ROOT.parent / "shared/real"
"""Real clips that are no part of the project; what needs them is skipped where they are not."""
