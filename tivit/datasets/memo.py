"""The index of a dataset written again without reading what has not changed.

The MD5 of a file is kept with the size and the time of change that the file had, in `.tivit/index`, which may be deleted at any
time. It is not kept for a file that was changed less than two seconds before it was listed, since another change in the same
tick of the disk's clock would not be seen (`places.SETTLED_NS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tivit.core.artifacts import read_json, write_json
from tivit.core.errors import InputError
from tivit.core.run.fingerprint import state_folder
from tivit.core.run.progress import progress
from tivit.datasets.index import FileIndex, read_index, save_index
from tivit.datasets.places import Place

Memo = tuple[int, int, str]
"""Size in bytes, `Listed.state`, MD5."""


def refresh_index(name: str, place: Place, path: Path, quick: bool) -> FileIndex:
    """Index every visible file of a dataset, reading only the files that have changed since they were last read here.

    Parameters
    ----------
    name : str
        Name of the dataset.
    place : Place
        Where the dataset lies.
    path : Path
        The index file to write.
    quick : bool
        True: a file whose size is the one in the index at `path` is taken to be the same and is not read.

    Returns
    -------
    FileIndex
        What was written.

    Raises
    ------
    InputError
        The dataset has no visible file, its place cannot be read, or (with `quick`) the index at `path` is malformed.
    """
    memo, trusted = read_memo(name, place), _trusted(path) if quick else {}
    files, new_memo = {}, {}
    for item in progress(place.listed(), f"index {name}", "file"):
        size, state, md5 = memo.get(item.name, (-1, -1, ""))
        is_kept = (size, state) == (item.size, item.state)
        if not is_kept:
            size, md5 = trusted.get(item.name, (-1, ""))
            if size != item.size:
                md5, is_kept = place.md5(item.name), item.is_settled
        if is_kept:
            new_memo[item.name] = (item.size, item.state, md5)
        files[item.name] = (item.size, md5)
    index = FileIndex(name, files)
    save_index(index, place, path)
    write_json(_memo_path(name), {"root": place.address, "files": {item: list(values) for item, values in new_memo.items()}})
    return index


def read_memo(name: str, place: Place) -> dict[str, Memo]:
    """Return what is kept of the files of a dataset.

    Parameters
    ----------
    name : str
        Name of the dataset.
    place : Place
        Where the dataset lies; what was kept while it lay elsewhere does not count.

    Returns
    -------
    dict of str to Memo
        Relative path -> size in bytes, `Listed.state`, and MD5; empty where nothing was kept, or what was kept is damaged.
    """
    path = _memo_path(name)
    if not path.exists():
        return {}
    try:
        value = read_json(path)
    except InputError:
        return {}
    if not isinstance(value, dict) or value.get("root") != place.address or not isinstance(value.get("files"), dict):
        return {}
    return {item: tuple(values) for item, values in value["files"].items() if _is_kept(values)}


def _is_kept(values: object) -> bool:
    return isinstance(values, list) and [type(value) for value in values] == [int, int, str]


def _trusted(path: Path) -> Mapping[str, tuple[int, str]]:
    return read_index(path).files if path.exists() else {}


def _memo_path(name: str) -> Path:
    return state_folder("index", "index") / f"{name}.json"
