"""The committed index of a dataset: relative path, size and MD5 of every file, and nothing that differs between machines.

Stages depend on `data/index/<NAME>.json` instead of on the dataset itself, so a lock made on one machine holds on another,
and a clone without the videos can still pull cached results. A file is opened only after its size matched the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tivit.core.artifacts import read_json, write_json
from tivit.core.errors import InputError, quoted
from tivit.core.run.progress import progress
from tivit.datasets.places import DatasetFile, Folder, Place

INDEX_FOLDER = Path("data/index")


@dataclass(frozen=True)
class FileIndex:
    """What the files of a dataset are.

    Attributes
    ----------
    name : str
        Name of the dataset.
    files : dict of str to tuple
        Relative POSIX path -> size in bytes and hexadecimal MD5.
    """

    name: str
    files: dict[str, tuple[int, str]]


def index_path(name: str) -> Path:
    """Return where the index of a dataset is committed.

    Parameters
    ----------
    name : str
        Name of the dataset.

    Returns
    -------
    Path
        `data/index/<name>.json`; it need not exist.
    """
    return INDEX_FOLDER / f"{name}.json"


def write_index(name: str, root: Path, path: Path) -> FileIndex:
    """Index every visible file below a folder, write the index and return it.

    Parameters
    ----------
    name : str
        Name of the dataset.
    root : Path
        The dataset's folder; every file in it is read.
    path : Path
        The index file to write.

    Returns
    -------
    FileIndex
        What was written.

    Raises
    ------
    InputError
        There is no visible file below `root`.
    """
    place, files = Folder(root), {}
    for item in progress(place.listed(), f"index {name}", "file"):
        files[item.name] = (item.size, place.md5(item.name))
    index = FileIndex(name, files)
    save_index(index, place, path)
    return index


def save_index(index: FileIndex, place: Place, path: Path) -> None:
    """Write an index to a file.

    Parameters
    ----------
    index : FileIndex
        The index.
    place : Place
        What was indexed, for the message.
    path : Path
        The index file to write.

    Raises
    ------
    InputError
        The index has no files.
    """
    if not index.files:
        raise InputError(f"{place.address}: holds no files to index")
    entries = [{"path": name, "size": size, "md5": md5} for name, (size, md5) in sorted(index.files.items())]
    write_json(path, {"dataset": index.name, "files": entries})


def read_index(path: Path) -> FileIndex:
    """Return the index in a file.

    Parameters
    ----------
    path : Path
        A file written by `save_index`.

    Returns
    -------
    FileIndex
        The index.

    Raises
    ------
    InputError
        The file is missing or malformed.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; `tivit index {path.stem}` writes it (for Synthetic: `dvc repro`)")
    value = read_json(path)
    try:
        files = {_text(entry["path"]): (int(entry["size"]), _text(entry["md5"])) for entry in value["files"]}
        index = FileIndex(_text(value["dataset"]), files)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: not a dataset index ({error})") from None
    if not index.files:
        raise InputError(f"{path}: lists no file; write it again by `tivit index {path.stem}` (for Synthetic: `dvc repro`)")
    return index


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{quoted(value)} is no text")
    return value


def check_index(index: FileIndex, place: Place, full: bool) -> list[str]:
    """Return what is wrong with the files of a dataset by its index.

    Parameters
    ----------
    index : FileIndex
        The index.
    place : Place
        Where the dataset lies.
    full : bool
        Whether the MD5 of every file is compared too, which reads all of them.

    Returns
    -------
    list of str
        One sentence for each file that is missing or differs.

    Raises
    ------
    InputError
        A path of the index leads out of the place, or the place cannot be read.
    """
    faults = []
    for name, (size, md5) in progress(sorted(index.files.items()), f"check {index.name}", "file"):
        there = place.size(name)
        if there is None:
            faults.append(f"{place.where(name)}: is missing")
        elif there != size:
            faults.append(f"{place.where(name)}: has {there} bytes, the index says {size}")
        elif full and place.md5(name) != md5:
            faults.append(f"{place.where(name)}: has other content than when it was indexed")
    return faults


def checked_file(index: FileIndex, place: Place, name: str) -> DatasetFile:
    """Return a file of a dataset, after checking that its size is that of the one that was indexed.

    Parameters
    ----------
    index : FileIndex
        The dataset's index.
    place : Place
        Where the dataset lies.
    name : str
        Relative POSIX path of the file.

    Returns
    -------
    DatasetFile
        The file.

    Raises
    ------
    InputError
        The file is not in the index or not in its place, has another size than the index says, or lies outside the place.
    """
    if name not in index.files:
        raise InputError(f"{name}: is not in the index of {index.name}; run `tivit index {index.name}`")
    (size, md5), there = index.files[name], place.size(name)
    if there is None:
        raise InputError(f"{place.where(name)}: is in the index of {index.name} but not {place.here}")
    if there != size:
        raise InputError(f"{place.where(name)}: has {there} bytes, the index of {index.name} says {size}")
    return place.file(name, size, md5)
