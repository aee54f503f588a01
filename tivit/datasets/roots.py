"""Where a dataset lies on this disk.

Its folder is the first that exists of: `data.root`; `$TIVIT_DATA_DIR/<folder>`; `$DATASETS_HOME/<folder>`; `data/<folder>`;
`~/datasets/<folder>`. Apart from the layouts, which take longer to import than an index takes to write again.
"""

from __future__ import annotations

import os
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.params import check_choice

FOLDERS = {
    "Synthetic": "Synthetic",
    "OMAPS": "OMAPS",
    "OMAPS2": "OMAPS2",
    "PianoYT": "PianoYT",
    "PianoVAM": "PianoVAM_v1.0",
}
"""Name of a dataset -> its folder, as published."""


def folder_of(name: str) -> str:
    """Return the folder of the dataset called `name`; raise InputError for an unknown name."""
    check_choice("data.name", name, FOLDERS)
    return FOLDERS[name]


def resolve_root(folder: str, root: str | None) -> Path:
    """Return where `folder` lies, or `root` if that is there; raise InputError that lists every place looked at."""
    places = [("data.root", Path(root).expanduser())] if root else []
    for variable in ("TIVIT_DATA_DIR", "DATASETS_HOME"):
        if os.environ.get(variable):
            places.append((f"${variable}", Path(os.environ[variable]).expanduser() / folder))
    places.append(("the repository", Path("data") / folder))
    places.append(("home", Path("~/datasets").expanduser() / folder))
    for _, place in places:
        if place.is_dir():
            return place
    looked = ", ".join(f"{place} ({origin})" for origin, place in places)
    raise InputError(f"{folder}: no such folder at {looked}; set data.root or $TIVIT_DATA_DIR")
