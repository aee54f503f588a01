"""List the code that each other stage runs, without comments, docstrings and formatting; they depend on these lists."""

from __future__ import annotations

from tivit.core.run.stage import exit_status

# isort: split
# It comes first, so that Ctrl-C while the others are imported, which may take seconds, ends in a sentence too.
from pathlib import Path

from tivit.core.run.code import write_code

OTHERS = sorted({path.stem for path in Path(__file__).parent.glob("*.py")} - {"__init__", "code"})
"""The stages: one script each."""


def run() -> None:
    """Write `data/code/<stage>.txt` for every other stage."""
    for stage in OTHERS:
        write_code(stage)


if __name__ == "__main__":
    raise SystemExit(exit_status(run))
