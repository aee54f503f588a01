"""The code that a stage runs: which units of the source it reaches, and the file of the stage that lists their digests.

A stage reaches the body of every module that its script imports, directly or not, and the functions and classes whose names
occur in a unit that it reaches. A name counts wherever it stands, so a name that two modules share reaches both: too much
rather than too little. Imports inside functions count where the function is reached. A class that nothing names is defined when
its module is imported and decides nothing. The functions of `tivit/__init__.py` import the public API when a user asks for it;
they do not count, because nothing in the project may ask (`tests/test_structure.py`).

The file lies in git, and the stage depends on it instead of on the sources, so that an edit re-runs the stages whose code it
changes and no comment re-runs any.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tivit.core.artifacts import md5_of, write_bytes
from tivit.core.errors import InputError
from tivit.core.run.syntax import DIGITS, Content, Unit, content_of, units_of

ROOT = Path(__file__).resolve().parents[3]
"""The folder of the packages `tivit` and `stages`."""
PACKAGES = ("stages", "tivit")
PUBLIC = "tivit"
"""The package whose functions give users of the library its public names."""
FOLDER = Path("data/code")
"""Where the files of the stages lie, below the folder of the project."""


def file_of(stage: str) -> Path:
    """Return the file of a stage, below the folder of the project."""
    return FOLDER / f"{stage}.txt"


def write_code(stage: str) -> None:
    """Write the file of a stage.

    Parameters
    ----------
    stage : str
        Its name, that of its script in `stages/`.

    Raises
    ------
    InputError
        As of `listing`.
    """
    write_bytes(file_of(stage), listing(stage).encode())


def check_code(stage: str) -> None:
    """Refuse to go on where the file of a stage, on which DVC depends, is not of the code that runs.

    Parameters
    ----------
    stage : str
        Its name.

    Raises
    ------
    InputError
        The file is missing or lists other code. That happens when a stage is run alone after an edit
        (`dvc repro --single-item`), or when sources are edited while the pipeline runs.
    """
    path = file_of(stage)
    if not path.is_file() or path.read_bytes() != listing(stage).encode():
        raise InputError(f"{path}: is not of the code that would run; run `dvc repro code`, then the same command again")


def listing(stage: str, root: Path = ROOT) -> str:
    """Return the content of the file of a stage.

    Parameters
    ----------
    stage : str
        Its name.
    root : Path
        The folder of the packages.

    Returns
    -------
    str
        One line per unit, and per file of data that lies beside the modules, sorted by name: digest, a space, name.

    Raises
    ------
    InputError
        A module that is reached cannot be parsed, uses a relative import, or hides what it reaches.
    """
    digests = {name: content.digest for name, content in reached(f"stages.{stage}", root).items()}
    folders = {_path(root, name).parent for name in digests if ":" not in name}
    digests |= {path.relative_to(root).as_posix(): md5_of(path)[:DIGITS] for folder in folders for path in _data(folder)}
    return "".join(f"{digest} {name}\n" for name, digest in sorted(digests.items()))


def reached(start: str, root: Path = ROOT) -> dict[str, Content]:
    """Return the units that running a module can reach.

    Parameters
    ----------
    start : str
        Dotted name of the module.
    root : Path
        The folder of the packages.

    Returns
    -------
    dict[str, Content]
        Name of the unit -> what stands in it: bodies of all modules that are imported, functions and classes that are named.

    Raises
    ------
    InputError
        As of `listing`.
    """
    contents: dict[str, Content] = {}
    names: set[str] = set()
    modules: set[str] = set()
    unreached: dict[str, list[Unit]] = {}  # by the name they are called by
    imported = list(_imported(root, start))
    units: list[Unit] = []
    while imported or units:
        while imported:
            module = imported.pop()
            if module not in modules:
                modules.add(module)
                for unit in units_of(_path(root, module), module):
                    if unit.called and module == PUBLIC:
                        continue
                    if unit.is_reached_by_import() or unit.called in names:
                        units.append(unit)
                    else:
                        unreached.setdefault(unit.called, []).append(unit)
        while units:
            unit = units.pop()
            content = contents[unit.name] = content_of(unit)
            names |= content.names
            for name in content.names & unreached.keys():
                units += unreached.pop(name)
            imported += [module for name in content.imports for module in _imported(root, name)]
    return contents


def _path(root: Path, module: str) -> Path:
    """Return the file of a module or package."""
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _imported(root: Path, name: str) -> Iterator[str]:
    """Yield the modules of the project that importing a dotted name runs: its packages and the module itself."""
    parts = name.split(".")
    modules = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    yield from (module for module in modules if parts[0] in PACKAGES and _path(root, module).is_file())


def _data(folder: Path) -> Iterator[Path]:
    """Yield the files of a package that are not Python; its modules may read them, but for the empty `py.typed`."""
    for path in folder.iterdir():
        if path.is_dir() and not (path.name.startswith((".", "__")) or (path / "__init__.py").exists()):
            yield from _data(path)
        elif path.is_file() and not (path.name.startswith(".") or path.suffix in (".py", ".pyc", ".typed")):
            yield path
