"""Names for what lies in `.tivit/`: a digest of the parts and the code that decide a result, and where such things are kept.

`$TIVIT_STATE_DIR` moves all of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

STATE_DIR_VARIABLE = "TIVIT_STATE_DIR"
PACKAGE = Path(__file__).resolve().parents[2]


def fingerprint_of(code: Sequence[str], **parts: Any) -> str:
    """Return the hexadecimal SHA-256 of JSON-able `parts` and of the sources of `code` (files and folders of the package).

    Sources are read once in a process, so that all its names are of the code it runs.
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode() + _digest(tuple(code))).hexdigest()


def state_folder(name: str, moved: str = "") -> Path:
    """Return where a kind of state is kept: `.tivit/<name>`, or `$TIVIT_STATE_DIR/<moved>` where that is set."""
    root = os.environ.get(STATE_DIR_VARIABLE)
    return Path(root) / moved if root else Path(".tivit") / name


@cache
def _digest(code: tuple[str, ...]) -> bytes:
    digest = hashlib.sha256()
    for name in code:
        path = PACKAGE / name
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(source.relative_to(PACKAGE).as_posix().encode())
            digest.update(source.read_bytes())
    return digest.digest()
