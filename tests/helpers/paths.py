"""Where the files of the project are, whatever folder a test lies in."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PARAMS_FILE = ROOT / "params.yaml"
FIXTURES = ROOT / "tests/fixtures"
