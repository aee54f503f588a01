"""The index of a dataset written again without reading what has not changed.

The MD5 of a file is kept with the size and the time of change that the file had, in `.tivit/index`, which may be deleted at any
time. It is not kept for a file that was changed less than two seconds before it was read, since another change in the same tick
of the disk's clock would not be seen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tivit.core.artifacts import md5_of, read_json, write_json
from tivit.core.errors import InputError
from tivit.core.run.fingerprint import state_folder
from tivit.core.run.progress import progress
from tivit.datasets.index import FileIndex, read_index, save_index, visible_files

SETTLED_NS = 2 * 10**9
"""A file must have been changed this long before it is read (ns), or its MD5 is not kept: some disks count in steps of 2 s."""

Memo = tuple[int, int, str]
"""Size in bytes, time of change in ns, MD5."""


def refresh_index(name: str, root: Path, path: Path, quick: bool) -> FileIndex:
    """Index every visible file below a folder, reading only the files that have changed since they were last read here.

    Parameters
    ----------
    name : str
        Name of the dataset.
    root : Path
        The dataset's folder.
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
        There is no visible file below `root`, or (with `quick`) the index at `path` is malformed.
    """
    memo, trusted = read_memo(name, root), _trusted(path) if quick else {}
    files, new_memo = {}, {}
    for item in progress(visible_files(root), f"index {name}", "file"):
        relative, state = item.relative_to(root).as_posix(), item.stat()
        size, changed_ns, md5 = memo.get(relative, (-1, -1, ""))
        if (size, changed_ns) != (state.st_size, state.st_mtime_ns):
            read_ns = time.time_ns()
            size, md5 = trusted.get(relative, (-1, ""))
            if size != state.st_size:
                md5 = md5_of(item)
                if read_ns - state.st_mtime_ns > SETTLED_NS:
                    new_memo[relative] = (state.st_size, state.st_mtime_ns, md5)
        else:
            new_memo[relative] = (size, changed_ns, md5)
        files[relative] = (state.st_size, md5)
    index = FileIndex(name, files)
    save_index(index, root, path)
    write_json(
        _memo_path(name), {"root": str(root.resolve()), "files": {item: list(values) for item, values in new_memo.items()}}
    )
    return index


def read_memo(name: str, root: Path) -> dict[str, Memo]:
    """Return what is kept of the files of a dataset.

    Parameters
    ----------
    name : str
        Name of the dataset.
    root : Path
        The dataset's folder; what was kept while it lay elsewhere does not count.

    Returns
    -------
    dict of str to Memo
        Relative path -> size in bytes, time of change in ns, and MD5. It is empty where nothing was kept, or what was kept is
        damaged.
    """
    path = _memo_path(name)
    if not path.exists():
        return {}
    try:
        value = read_json(path)
    except InputError:
        return {}
    if not isinstance(value, dict) or value.get("root") != str(root.resolve()) or not isinstance(value.get("files"), dict):
        return {}
    return {item: tuple(values) for item, values in value["files"].items() if _is_kept(values)}


def _is_kept(values: object) -> bool:
    return isinstance(values, list) and [type(value) for value in values] == [int, int, str]


def _trusted(path: Path) -> Mapping[str, tuple[int, str]]:
    return read_index(path).files if path.exists() else {}


def _memo_path(name: str) -> Path:
    return state_folder("index", "index") / f"{name}.json"
