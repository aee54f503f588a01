"""Where a dataset lies.

It lies in a bucket where `data.root` is an address (`tivit.datasets.bucket`). Otherwise its folder is `data.root` where that is
given, else the first that exists of: `$TIVIT_DATA_DIR/<folder>`; `$DATASETS_HOME/<folder>`; `data/<folder>`;
`~/datasets/<folder>`. This stands apart from the layouts, which take longer to import than it takes to write an index again.
"""

from __future__ import annotations

import os
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.params import check_choice
from tivit.datasets.bucket import Bucket, is_address
from tivit.datasets.places import Folder, Place

FOLDERS = {
    "Synthetic": "Synthetic",
    "OMAPS": "OMAPS",
    "OMAPS2": "OMAPS2",
    "PianoYT": "PianoYT",
    "PianoVAM": "PianoVAM_v1.0",
}
"""Name of a dataset -> its folder, as published."""


def folder_of(name: str) -> str:
    """Return the folder of a dataset.

    Parameters
    ----------
    name : str
        Name of the dataset.

    Returns
    -------
    str
        The name of its folder, as published.

    Raises
    ------
    InputError
        The dataset is unknown.
    """
    check_choice("data.name", name, FOLDERS)
    return FOLDERS[name]


def place_of(folder: str, root: str | None, fetched_gb: float) -> Place:
    """Return where a dataset lies.

    Parameters
    ----------
    folder : str
        Name of its folder, as published.
    root : str or None
        The value of `data.root`: a folder or the address of a bucket; None: not given.
    fetched_gb : float
        The value of `data.fetched_gb`: at most so many GB of a bucket lie on this disk at a time.

    Returns
    -------
    Place
        The place; a bucket is not looked into yet.

    Raises
    ------
    InputError
        As `resolve_root` and `Bucket` do.
    """
    return Bucket(root, fetched_gb) if root and is_address(root) else Folder(resolve_root(folder, root))


def resolve_root(folder: str, root: str | None) -> Path:
    """Return where a dataset's folder lies on this disk.

    Parameters
    ----------
    folder : str
        Name of the folder, as published.
    root : str or None
        The folder that is given; None: none is.

    Returns
    -------
    Path
        `root`, or the first place, in the order of the module's docstring, that is a folder.

    Raises
    ------
    InputError
        `root` is given and no folder, or the dataset lies at none of the places; the message lists them.
    """
    if root is not None:
        if not root or not (place := Path(root).expanduser()).is_dir():
            raise InputError(f"data.root: {root!r} is no folder; name that of {folder}, or null for the usual places")
        return place
    places = []
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
