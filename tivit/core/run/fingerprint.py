"""Names for what lies in `.tivit/`, and where it is kept.

A name is a digest of the parts and of the code that decide a result, so that what is kept is used only where it would come out
the same. `$TIVIT_STATE_DIR` moves all of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tivit.core.run.syntax import content_of, units_of

STATE_DIR_VARIABLE = "TIVIT_STATE_DIR"
PACKAGE = Path(__file__).resolve().parents[2]


def fingerprint_of(code: Sequence[str], **parts: Any) -> str:
    """Return a name for a result: a digest of the code and of the values that decide it.

    Comments, docstrings and formatting do not count. Sources are read once per process, so that all names made in it are of the
    code that it runs.

    Parameters
    ----------
    code : sequence of str
        Files and folders below the package `tivit`; of a folder, every `*.py` below it counts.
    **parts
        Values that JSON can hold.

    Returns
    -------
    str
        A hexadecimal SHA-256 (64 digits).
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode() + _digest(tuple(code))).hexdigest()


def state_folder(name: str, moved: str = "") -> Path:
    """Return where a kind of state is kept.

    Parameters
    ----------
    name : str
        Name of its folder below `.tivit`.
    moved : str
        Name of its folder below `$TIVIT_STATE_DIR`, where that is set; "" for that folder itself.

    Returns
    -------
    Path
        The folder; it need not exist.
    """
    root = os.environ.get(STATE_DIR_VARIABLE)
    return Path(root) / moved if root else Path(".tivit") / name


@cache
def _digest(code: tuple[str, ...]) -> bytes:
    digest = hashlib.sha256()
    for name in code:
        path = PACKAGE / name
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(source.relative_to(PACKAGE).as_posix().encode())
            for unit in units_of(source, source.stem):
                digest.update(unit.name.encode())
                digest.update(content_of(unit).digest.encode())
    return digest.digest()
